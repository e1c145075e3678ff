"""Which constraint binds now, and when the campaign will be done; both also in words.

"Why is it not dialling?" is the question asked most of a dialer, so there is always an answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState
from campaigns.hours.calling_hours import CallingHours
from campaigns.hours.local_day import OpenWindow
from campaigns.sentence import MONTHS, WEEKDAYS, capital, told


class Constraint(StrEnum):
    """What keeps more from being dialled at this moment."""

    # somebody has to do something
    LOADING = "loading"
    NOT_STARTED = "not_started"
    PAUSED = "paused"
    REDIS_REFUSES = "redis_refuses"
    NO_FEEDER = "no_feeder"
    NO_WORKER = "no_worker"
    HOLD = "hold"
    SETTINGS_DIFFER = "settings_differ"
    STOPPED = "stopped"
    ACCOUNT_CAPS = "account_caps"
    # time has to pass
    HOURS = "hours"
    CAPS = "caps"
    BLOCKED = "blocked"
    CHANNELS = "channels"
    AGENTS = "agents"
    RETRY_TIMERS = "retry_timers"
    LIMIT = "limit"
    # nothing is left to dial, but not everything has ended
    CALLS = "calls"
    QUARANTINE = "quarantine"
    DISPOSITIONS = "dispositions"


@dataclass(frozen=True, slots=True)
class Binding:
    """A constraint that binds, and one sentence for people.

    Args:
        until: When it ends by itself; None: not known, or somebody must act.
        command: What mends it, for those at a terminal; '' where no command does.
    """

    constraint: Constraint
    sentence: str
    until: datetime | None = None
    command: str = ""

    @property
    def at_a_terminal(self) -> str:
        """The sentence, with the command that mends it."""
        return f"{self.sentence} What mends it: {self.command}" if self.command else self.sentence


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the campaign will be done, and what that rests on."""

    done_at: datetime
    assuming: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A campaign and its account at one instant.

    Args:
        at: That instant.
        zone: The campaign's, for instants in sentences.
        is_appending: A file is on its way into the campaign, or broke off on it.
        why: What the campaign's state is for, where it was not the user's wish.
        asked_by: Who has started it and waits for a second person; '' = nobody.
        waiting: Contacts, as are the next three.
        window: The open calling window, or the next one; None: none ever opens.
        agents_free: Free agents for whom a contact is due.
        agents_taken: Agents on a call, resting, parked or away for whom a contact is due.
        agents_parked: Those among them who missed too many calls.
        agents_away: Those among them who are on a break, off, out of their shift or done for the day.
        agents_back_at: When the first of those is back; None: not known, or nobody is away.
        next_due_at: When the first contact that waits for its time is due; None: none does.
        last_due_at: The same of the last one; None where that is not known either.
        settings_differ: Why nobody is left who may dial or release; '' = somebody is.
        redis_refuses: Why Redis does not do what dialling needs; '' = it does, as far as is known.
        hold: Why the account makes no calls until its records are complete; '' = it may.
        stopped: Why the provider refuses the account; '' = it does not.
        account_cap: Which cap of the account's day is reached, in words; '' = none.
        blocked_for_s: The account's gate stays closed so long.
        sick_hosts: Worker hosts that cannot send, each with its reason.
        capped_until: The campaign has reached a daily cap and waits for the next day.
        capped_by: Which one: `calls` or `spend`.
        live_calls: Of the account, or of the campaign where its own cap is reached.
        most_calls: As many of them may be live at once; 0 = no cap.
        requests_last_60_s: Of all the account's campaigns.
        requests_per_window: The limit as it stands.
        window_s: Length of the limit's window.
        attempts_settled: Attempts of this campaign that have an outcome.
        contacts_dialled_out: Contacts that an attempt's outcome made final.
    """

    at: datetime
    zone: ZoneInfo
    state: CampaignState
    is_appending: bool = False
    why: str = ""
    asked_by: str = ""
    waiting: int = 0
    released: int = 0
    dialing: int = 0
    unresolved: int = 0
    open: int = 0
    window: OpenWindow | None = None
    agents_free: int = 0
    agents_taken: int = 0
    agents_parked: int = 0
    agents_away: int = 0
    agents_back_at: datetime | None = None
    next_due_at: datetime | None = None
    last_due_at: datetime | None = None
    feeders: int = 1
    workers: int = 1
    redis_refuses: str = ""
    hold: str = ""
    settings_differ: str = ""
    stopped: str = ""
    account_cap: str = ""
    blocked_for_s: float = 0.0
    sick_hosts: tuple[str, ...] = ()
    capped_until: datetime | None = None
    capped_by: str = ""
    live_calls: int = 0
    most_calls: int = 0
    requests_last_60_s: int = 0
    requests_per_window: int = 200
    window_s: float = 60.0
    attempts_settled: int = 0
    contacts_dialled_out: int = 0

    @property
    def left(self) -> int:
        """Contacts that are not final."""
        return self.waiting + self.released + self.dialing + self.unresolved + self.open


def binding(now: Situation) -> Binding | None:
    """Tell what binds now; None when nothing is left, or all that is left is being closed."""
    return next(in_the_way(now), None)


def in_the_way(now: Situation) -> Iterator[Binding]:
    """Tell all that binds now, what must be mended first coming first."""
    if now.state is CampaignState.LOADING:
        yield Binding(
            Constraint.LOADING,
            told(
                "The list is being loaded; a load that broke off goes on when the same file is "
                "loaded again, or can be cancelled."
            ),
        )
        return
    if not now.left:
        if now.is_appending:
            yield Binding(
                Constraint.LOADING,
                told("A file is being appended; if that broke off, append the same file again."),
            )
        return
    if now.state not in _MAY_DIAL:
        yield from _ending(now)
        return
    yield from _needs_somebody(now)
    if now.waiting + now.released:
        yield from _needs_time(now)
        yield _turn(now)
    else:
        yield from _ending(now)


_MAY_DIAL = frozenset({CampaignState.LOADED, CampaignState.PAUSED, CampaignState.RUNNING})


def forecast(now: Situation, hours: CallingHours) -> Forecast | None:
    """Tell when the campaign will be done; None where only a person or a call's end can tell."""
    bound = binding(now)
    if bound is None or bound.constraint not in _FORESEEABLE:
        return None
    back_at = _all_back_at(now, bound)
    per_s, pace = _pace(now, Constraint.LIMIT if back_at else bound.constraint)
    if per_s <= 0:
        return None
    per_contact, effort = _attempts_per_contact(now)
    work = timedelta(seconds=(now.left - now.open) * per_contact / per_s)
    capped_until = max(now.at, now.capped_until or now.at)
    begins_at = max(capped_until, back_at or now.at)
    done_at = after_work(begins_at, work, hours, now.zone)
    if done_at is not None and now.last_due_at and now.last_due_at > done_at:
        last_at = after_work(now.last_due_at, timedelta(0), hours, now.zone)
        due = _local(now.last_due_at, now)
        assuming = told(
            "the last contact that waits for its time is due {due}, without further retries",
            due=due,
        )
        return Forecast(last_at, assuming) if last_at else None
    if done_at is None:
        return None
    caps = told(", no daily cap reached again") if capped_until > now.at else ""
    back = told(", agents back as they said") if back_at else ""
    assuming = told(
        "{pace}, {effort}, calls placed only in calling hours{caps}{back}",
        pace=pace,
        effort=effort,
        caps=caps,
        back=back,
    )
    return Forecast(done_at, assuming)


def _all_back_at(now: Situation, bound: Binding) -> datetime | None:
    """Tell when work goes on where all agents are away: the pace of the last minute says nothing then."""
    all_away = bound.constraint is Constraint.AGENTS and now.agents_away == now.agents_taken
    return now.agents_back_at if all_away else None


def after_work(
    at: datetime, work: timedelta, hours: CallingHours, zone: ZoneInfo
) -> datetime | None:
    """Tell when so much work, begun at this instant, is done if it rests outside calling hours.

    None: not within 400 days, beyond which a forecast is noise.
    """
    give_up_at = at + timedelta(days=400)
    while (window := hours.next_open(at, zone)) and window.from_at < give_up_at:
        begins_at = max(at, window.from_at)
        if begins_at + work <= window.until_at:
            return begins_at + work
        work -= window.until_at - begins_at
        at = window.until_at
    return None


_FORESEEABLE = frozenset(
    {
        Constraint.HOURS,
        Constraint.CAPS,
        Constraint.BLOCKED,
        Constraint.CHANNELS,
        Constraint.AGENTS,
        Constraint.RETRY_TIMERS,
        Constraint.LIMIT,
    }
)
_NEAR_THE_LIMIT = 0.9  # of what may be sent in a minute
_ENOUGH_SETTLED = 20  # attempts; fewer say little about how many more will be needed


def _needs_somebody(now: Situation) -> Iterator[Binding]:
    """Name what no passing of time will mend."""
    if now.state is CampaignState.LOADED:
        yield Binding(
            Constraint.NOT_STARTED,
            told("The campaign has not been started by a second person; one has.")
            if now.asked_by
            else told("The campaign has not been started."),
        )
    if now.state is CampaignState.PAUSED:
        yield Binding(
            Constraint.PAUSED,
            told("The campaign is paused: {why}", why=_ended(now.why))
            if now.why
            else told("The campaign is paused; live calls end as usual."),
        )
    if now.redis_refuses:
        yield Binding(
            Constraint.REDIS_REFUSES,
            told("Redis refuses what dialling needs: {why}", why=_ended(now.redis_refuses)),
            command="dialer doctor",
        )
    elif not now.feeders:
        yield Binding(
            Constraint.NO_FEEDER,
            told("No feeder runs, so nothing is released."),
            command="dialer feeder",
        )
    if not now.workers:
        yield Binding(
            Constraint.NO_WORKER,
            told("No worker runs, so nothing is dialled."),
            command="dramatiq workers.actors",
        )
    if now.settings_differ:
        yield Binding(
            Constraint.SETTINGS_DIFFER,
            told(
                "Settings are not the same for all processes: {why}",
                why=_ended(now.settings_differ),
            ),
        )
    if now.hold:
        yield Binding(Constraint.HOLD, told("The account is on hold: {why}", why=_ended(now.hold)))
    if now.stopped:
        yield Binding(
            Constraint.STOPPED,
            told("The provider refuses the account: {why}", why=_ended(now.stopped)),
            command="dialer account resume",
        )
    if now.account_cap:
        yield Binding(Constraint.ACCOUNT_CAPS, _ended(capital(now.account_cap)))


def _needs_time(now: Situation) -> Iterator[Binding]:
    if now.window is None:
        yield Binding(Constraint.HOURS, told("The calling hours never open."))
    elif not now.window.from_at <= now.at < now.window.until_at:
        yield Binding(
            Constraint.HOURS,
            told("Outside calling hours; they open {at}.", at=_local(now.window.from_at, now)),
            now.window.from_at,
        )
    if now.capped_until and now.at < now.capped_until:
        anew = _local(now.capped_until, now)
        yield Binding(
            Constraint.CAPS,
            told("The cap on the spend of the day is reached; it counts anew {at}.", at=anew)
            if now.capped_by == "spend"
            else told("The cap on the calls of the day is reached; it counts anew {at}.", at=anew),
            now.capped_until,
        )
    if now.blocked_for_s > 0:
        yield Binding(
            Constraint.BLOCKED,
            told(
                "The provider turned requests away; the next goes out in {seconds:.0f} s.",
                seconds=now.blocked_for_s,
            )
            if not now.sick_hosts
            else told(
                "No request can leave a worker host: {why}", why=_ended("; ".join(now.sick_hosts))
            ),
            now.at + timedelta(seconds=now.blocked_for_s),
        )
    if now.most_calls and now.live_calls >= now.most_calls:
        yield Binding(
            Constraint.CHANNELS,
            told("All {most} calls allowed at once are live.", most=now.most_calls),
        )


def _turn(now: Situation) -> Binding:
    """Name what the next contact waits for, where it may be dialled at all."""
    # What is released already has its agent and waits for its turn at the gate alone.
    if now.agents_free or now.released:
        return Binding(Constraint.LIMIT, _at_the_limit(now))
    if now.next_due_at and not now.agents_taken:
        return Binding(
            Constraint.RETRY_TIMERS,
            told(
                "Every waiting contact is due later, the next {at}.",
                at=_local(now.next_due_at, now),
            ),
            now.next_due_at,
        )
    return Binding(
        Constraint.AGENTS,
        _agents_taken(now)
        if now.agents_taken
        else told("The contacts due wait for customers who are on a call."),
        now.agents_back_at if now.agents_away == now.agents_taken else None,
    )


def _at_the_limit(now: Situation) -> str:
    told_of = {
        "limit": now.requests_per_window,
        "window": now.window_s,
        "sent": now.requests_last_60_s,
    }
    allowed_a_minute = now.requests_per_window * 60 / now.window_s
    # calls go out one by one: where agents are few, nothing is in the way for a moment
    if now.requests_last_60_s < _NEAR_THE_LIMIT * allowed_a_minute:
        return told(
            "Nothing is in the way: {sent} requests in the last minute, {limit} allowed in {window:g} s.",
            **told_of,
        )
    return told(
        "Nothing but the request limit: {limit} in {window:g} s, {sent} sent in the last minute.",
        **told_of,
    )


def _agents_taken(now: Situation) -> str:
    if now.agents_parked == now.agents_taken:
        return told(
            "All agents with a contact due missed too many calls ({parked}).",
            parked=now.agents_parked,
        )
    if now.agents_away == now.agents_taken:
        back = now.agents_back_at
        return told(
            "All agents with a contact due are away ({away}{back}).",
            away=now.agents_away,
            back=told("; the first is back {at}", at=_local(back, now)) if back else "",
        )
    parked, away = now.agents_parked, now.agents_away
    taken = told(
        "All agents with a contact due are on a call or resting ({taken}{parked}{away}).",
        taken=now.agents_taken,
        parked=told(", {count} of them parked", count=parked) if parked else "",
        away=told(", {count} away", count=away) if away else "",
    )
    if not now.unresolved:
        return taken
    held = told(
        "Unresolved attempts ({count}) hold their agents until it is known whether a phone rang.",
        count=now.unresolved,
    )
    return told("{first} {rest}", first=taken, rest=held)


def _ending(now: Situation) -> Iterator[Binding]:
    live = now.dialing + now.released
    if live:
        yield Binding(Constraint.CALLS, told("Only live calls are left ({count}).", count=live))
    if now.unresolved:
        yield Binding(
            Constraint.QUARANTINE,
            told(
                "It is not known yet whether a phone rang ({count}): the provider is asked.",
                count=now.unresolved,
            ),
        )
    if now.open:
        yield Binding(
            Constraint.DISPOSITIONS,
            told(
                "Agents are still to say what came of their conversations ({count}).",
                count=now.open,
            ),
        )


def _pace(now: Situation, bound: Constraint) -> tuple[float, str]:
    """Give attempts per second, and where the figure is from."""
    limit_per_s = now.requests_per_window / now.window_s
    if bound in {Constraint.AGENTS, Constraint.CHANNELS, Constraint.BLOCKED}:
        return min(now.requests_last_60_s / 60, limit_per_s), told("at the pace of the last minute")
    return limit_per_s, told("at the request limit")


def _attempts_per_contact(now: Situation) -> tuple[float, str]:
    if now.attempts_settled < _ENOUGH_SETTLED or not now.contacts_dialled_out:
        return 1.0, told("without further retries")
    # each attempt ends its contact with the same chance, so this many are needed on average
    per_contact = max(1.0, now.attempts_settled / now.contacts_dialled_out)
    return per_contact, told("{attempts:.1f} attempts a contact as so far", attempts=per_contact)


def _local(at: datetime, now: Situation) -> str:
    local, today = at.astimezone(now.zone), now.at.astimezone(now.zone)
    if local.date() == today.date():
        return told("at {time} ({zone})", time=f"{local:%H:%M:%S}", zone=now.zone.key)
    return told(
        "on {weekday} {day} {month} at {time} ({zone})",
        weekday=WEEKDAYS[local.weekday()],
        day=f"{local:%d}",
        month=MONTHS[local.month - 1],
        time=f"{local:%H:%M}",
        zone=now.zone.key,
    )


def _ended(why: str) -> str:
    return why if why.endswith((".", "!", "?")) else told("{why}.", why=why)
