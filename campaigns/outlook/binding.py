"""Which constraint binds now, in a sentence.

"Why is it not dialling?" is the question asked most of a dialer, so there is always an answer.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from campaigns.campaign import CampaignState
from campaigns.outlook.situation import Binding, Constraint, Situation
from campaigns.sentence import MONTHS, WEEKDAYS, capital, told

_NEAR_THE_LIMIT = 0.9  # of what may be sent in a minute


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
    elif now.feeders == 0:
        yield Binding(
            Constraint.NO_FEEDER,
            told("No feeder runs, so nothing is released."),
            command="dialer feeder",
        )
    if now.workers == 0:
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
            told(
                "Outside calling hours; they open {at}.", at=when_in_words(now.window.from_at, now)
            ),
            now.window.from_at,
        )
    if now.capped_until and now.at < now.capped_until:
        anew = when_in_words(now.capped_until, now)
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
                at=when_in_words(now.next_due_at, now),
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
            back=told("; the first is back {at}", at=when_in_words(back, now)) if back else "",
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


def when_in_words(at: datetime, now: Situation) -> str:
    """Name an instant as sentences do, in the campaign's zone; without its day where that is today."""
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
