"""Use case: where a campaign stands, what binds it now, and when it will be done.

One answer serves the command line, the API and the pages.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from campaigns.attempt import Outcome
from campaigns.caps import cap_in_words
from campaigns.hours.local_day import OpenWindow
from campaigns.outlook.binding import binding
from campaigns.outlook.forecast import Forecast, forecast
from campaigns.outlook.situation import Binding, Situation
from campaigns.rules_in_words import rules_in_words
from dialer.agreeing import dissenters
from dialer.clock import boottime_s
from dialer.open_windows import Hours
from dialer.pacing import Allowance, Pacing, Rate
from dialer.store import Campaign, Campaigns, Counts, Database
from dialer.store.hosts import sick_hosts
from dialer.store.phones import Taken, read_taken
from dialer.store.processes import Process, living
from dialer.store.refusals import Refusal
from dialer.store.replies import why_no_writes
from dialer.store.work import campaign_work, due_later, with_work
from dialer.store.zones_and_teams import teams_in, zones_in
from dialer.watching.living import Living, living_among
from dialer.watching.teams_now import teams_taken

_ASKED_EVERY_S = 2.0  # it costs a write, and pages are looked at by many
_TIMERS_READ = 10_000  # about 10 ms; beyond that the last one is not looked for


class Timers(NamedTuple):
    """Waiting contacts whose time has not come.

    Args:
        contacts: None: too many to count.
        first_due_at: Epoch s, as is `last_due_at`; None: none is known.
    """

    contacts: int | None = 0
    first_due_at: float | None = None
    last_due_at: float | None = None


class Agents(NamedTuple):
    """Agents, and teams as one each, for whom a contact of the campaign is due.

    Args:
        resting: Those parked not included.
        parked: They missed too many calls in a row and are left alone for a while.
        away: On a break, off, out of their shift or done for the day; on no call.
        back_at: When the first of those is back, epoch s; None: not known.
    """

    free: int = 0
    on_call: int = 0
    resting: int = 0
    parked: int = 0
    away: int = 0
    back_at: float | None = None

    @property
    def taken(self) -> int:
        """Those who are not to be rung now."""
        return self.on_call + self.resting + self.parked + self.away


class Status(NamedTuple):
    """A campaign as it stands.

    Args:
        as_of: Epoch s of Redis' clock.
        calls_live: Of all the account's campaigns.
        callbacks_waiting: Callbacks received and not yet settled, of all campaigns.
        values_late: Ended calls whose duration or price is still expected, of all campaigns.
        processes: Those that gave a sign of life lately.
    """

    as_of: float
    campaign: Campaign
    situation: Situation
    counts: Counts
    rate: Rate
    timers: Timers
    agents: Agents
    calls_live: int
    callbacks_waiting: int
    values_late: int
    processes: Living
    binding: Binding | None
    forecast: Forecast | None

    @property
    def is_over(self) -> bool:
        """Nothing will change any more but values that come late."""
        return self.campaign.state.is_over

    def as_json(self) -> dict[str, Any]:
        """Tell it in JSON's terms; durations in s, instants in ISO 8601."""
        campaign, counts, rate = self.campaign, self.counts, self.rate
        bound, foreseen = self.binding, self.forecast
        return {
            "campaign_id": campaign.id,
            "name": campaign.name,
            "state": campaign.state,
            "tags": list(campaign.tags),
            "why": campaign.why or None,
            "waits_for_second_person": bool(campaign.asked_by),
            "rows": campaign.rows,
            "accepted": campaign.accepted,
            "rejected": campaign.rejected,
            "duplicate": campaign.duplicate,
            "loading": campaign.loading,
            "waiting": counts.waiting,
            "in_flight": counts.in_flight,
            "unresolved": counts.unresolved,
            "open": counts.open,
            "final": counts.final,
            "outcomes": dict(counts.outcomes),
            "attempts": counts.attempts,
            "attempt_outcomes": dict(counts.attempt_outcomes),
            "dispositions": dict(counts.dispositions),
            "rate": {
                "last_60_s": rate.last_60_s,
                "limit": rate.limit,
                "refused_60_s": rate.refused_60_s,
                "blocked_for_s": round(rate.blocked_for_s, 1),
            },
            "blocked_by": bound.constraint if bound else None,
            "blocked_why": bound.sentence if bound else None,
            "eta_s": round(foreseen.done_at.timestamp() - self.as_of) if foreseen else None,
            "eta_assuming": foreseen.assuming if foreseen else None,
            "due_later": self.timers.contacts,
            "next_due_at": _iso(self.timers.first_due_at),
            "agents": {
                "free": self.agents.free,
                "on_call": self.agents.on_call,
                "resting": self.agents.resting,
                "parked": self.agents.parked,
                "away": self.agents.away,
            },
            "calls_live": self.calls_live,
            "callbacks_waiting": self.callbacks_waiting,
            "values_late": self.values_late,
            "processes": dict(self.processes.by_role),
            "rules": campaign.rules.model_dump(mode="json"),
            "rules_version": campaign.rules_version,
            "rules_in_words": rules_in_words(campaign.rules),
            "created_at": _iso(campaign.created_at),
            "started_at": _iso(campaign.started_at),
            "ended_at": _iso(campaign.ended_at),
            "archived_at": _iso(campaign.archived_at),
            "purged_at": _iso(campaign.purged_at),
            "as_of": _iso(self.as_of),
        }


class _Account(NamedTuple):
    """What all campaigns have in common, read once for those that are looked at together.

    Args:
        later: How many contacts wait for their time, and when the first of them are due, by campaign.
        processes: Those that live.
        settings_differ: Why none of a role takes part that is needed; '' otherwise.
        redis_refuses: Why Redis does not do what dialling needs; '' otherwise.
    """

    rate: Rate
    taken: Taken
    later: tuple[int, Mapping[str, Sequence[float]]]
    processes: Living
    settings_differ: str
    redis_refuses: str
    sick_hosts: tuple[str, ...]

    def timers_of(self, campaign: str) -> Timers:
        """Tell whose time has not come; the account's campaigns share one list of them."""
        in_all, due = self.later[0], self.later[1].get(campaign, ())
        first_due_at = due[0] if due else None
        if in_all > _TIMERS_READ:
            return Timers(None, first_due_at)
        return Timers(len(due), first_due_at, due[-1] if due else None)


class Statuses:
    """Reads where campaigns stand."""

    def __init__(self, db: Database, *, pacing: Pacing, max_concurrent_calls: int) -> None:
        self._db = db
        self._pacing = pacing
        self._most_calls = max_concurrent_calls
        self._campaigns = Campaigns(db)
        self._hours = Hours(db)
        self._asked_at, self._refusal = float("-inf"), cast("Refusal | None", None)

    def of(self, id_or_name: str) -> Status:
        """Read where a campaign stands.

        Raises:
            CampaignNotFound: There is none of this id or name.
        """
        return self.as_if(self._campaigns.find(id_or_name))

    def as_if(self, campaign: Campaign) -> Status:
        """Read where a campaign stands, or would stand if it were as is given: with other rules."""
        return self._status(campaign, self._campaigns.counts(campaign.id), self._account())

    def together(self, campaigns: Iterable[tuple[Campaign, Counts]]) -> list[Status]:
        """Read where several stand; what is the account's is read once."""
        account = self._account()
        return [self._status(*one, account) for one in campaigns]

    def _account(self) -> _Account:
        in_all, listed = due_later(self._db, most=_TIMERS_READ)
        later: defaultdict[str, list[float]] = defaultdict(list)
        for campaign, due in listed:
            later[campaign].append(due)
        return _Account(
            self._pacing.rate(),
            read_taken(self._db),
            (in_all, later),
            *self._processes(),
            tuple(f"{one.host}: {one.why}" for one in sick_hosts(self._db)),
        )

    def _status(self, campaign: Campaign, counts: Counts, account: _Account) -> Status:
        work = campaign_work(self._db, campaign.id)
        rate, timers, processes = account.rate, account.timers_of(campaign.id), account.processes
        agents = Agents(work.agents_ready)
        if counts.waiting:
            agents = self._agents(campaign.id, work.agents_ready, account.taken)
        live, most = self._tightest_cap(campaign, counts, work.live)
        now = self._db.now()
        situation = Situation(
            at=datetime.fromtimestamp(now, UTC),
            zone=campaign.rules.zone,
            state=campaign.state,
            is_appending=work.is_appending,
            why=campaign.why,
            asked_by=campaign.asked_by,
            waiting=counts.waiting,
            released=counts.released,
            dialing=counts.dialing,
            unresolved=counts.unresolved,
            open=counts.open,
            window=self._window(campaign),
            agents_free=agents.free,
            agents_taken=agents.taken,
            agents_parked=agents.parked,
            agents_away=agents.away,
            agents_back_at=_instant(agents.back_at),
            next_due_at=_instant(timers.first_due_at),
            last_due_at=_instant(timers.last_due_at),
            feeders=None if processes.untold else processes.by_role.get("feeder", 0),
            workers=None if processes.untold else processes.by_role.get("worker", 0),
            redis_refuses=account.redis_refuses,
            hold=work.closed.hold,
            settings_differ=account.settings_differ,
            stopped=work.closed.stopped,
            account_cap=cap_in_words(work.closed.capped_by, work.closed.capped_until, now),
            blocked_for_s=rate.blocked_for_s,
            sick_hosts=account.sick_hosts,
            capped_until=_instant(work.capped_until),
            capped_by=work.capped_by,
            live_calls=live,
            most_calls=most,
            requests_last_60_s=rate.last_60_s,
            requests_per_window=rate.limit,
            window_s=self.allowance.window_s,
            attempts_settled=sum(counts.attempt_outcomes.values()),
            contacts_dialled_out=_dialled_out(counts),
        )
        return Status(
            as_of=now,
            campaign=campaign,
            situation=situation,
            counts=counts,
            rate=rate,
            timers=timers,
            agents=agents,
            calls_live=work.live,
            callbacks_waiting=work.callbacks,
            values_late=work.late,
            processes=processes,
            binding=binding(situation),
            forecast=forecast(situation, campaign.rules.hours),
        )

    def _processes(self) -> tuple[Living, str, str]:
        """Count living processes by role.

        Tells with it why none of a role takes part that is needed, by settings that differ, and why
        Redis does not do what dialling needs.
        """
        found = living(self._db)
        lives = living_among(found, self._why_no_writes())
        differing = {one.process: one for one in dissenters(self._db)}
        settings_differ = ""
        for role in ("feeder", "worker"):
            idle = [
                differing[one.name] for one in found if one.role == role and one.name in differing
            ]
            if idle and len(idle) == lives.by_role.get(role):
                settings_differ = idle[0].sentence
                break
        return lives, settings_differ, lives.untold or _trouble(found)

    def _why_no_writes(self) -> Refusal | None:
        """Ask Redis, now and then: what processes told of it lately is believed for twenty seconds."""
        if boottime_s() - self._asked_at > _ASKED_EVERY_S:
            self._refusal = why_no_writes(self._db)
            self._asked_at = boottime_s()
        return self._refusal

    @property
    def allowance(self) -> Allowance:
        """What the account may send."""
        return self._pacing.allowance

    def _tightest_cap(self, campaign: Campaign, counts: Counts, live: int) -> tuple[int, int]:
        """Give live calls and how many may be, of the campaign where its cap is reached first."""
        own_live, own_most = (
            counts.in_flight + counts.unresolved,
            campaign.rules.max_concurrent_calls,
        )
        if own_most and own_live >= own_most:
            return own_live, own_most
        return live, self._most_calls

    def _window(self, campaign: Campaign) -> OpenWindow | None:
        """Find when any of its contacts may be dialled, now or next."""
        zones = zones_in(self._db, campaign.id)
        from_s, until_s = self._hours.widest(campaign.rules, zones)
        if not until_s:
            return None
        return OpenWindow(datetime.fromtimestamp(from_s, UTC), datetime.fromtimestamp(until_s, UTC))

    def _agents(self, campaign: str, free: int, taken: Taken) -> Agents:
        """Count agents with a contact due by what they are doing."""
        away = taken.away.keys() - taken.on_call
        left_alone = (taken.parked & taken.resting) - away
        teams = teams_taken(self._db, teams_in(self._db, campaign), taken)
        until = taken.away | teams.away
        gone = with_work(self._db, campaign, away | teams.away.keys())
        back_at = min((until[one] for one in gone), default=math.inf)
        return Agents(
            free,
            len(with_work(self._db, campaign, taken.on_call.keys() | teams.on_call)),
            len(with_work(self._db, campaign, taken.resting - left_alone - away)),
            len(with_work(self._db, campaign, left_alone)),
            len(gone),
            None if math.isinf(back_at) else back_at,
        )


def _trouble(found: Iterable[Process]) -> str:
    """Tell why Redis does not do what dialling needs, as feeders say; '' where one is content."""
    told = [one.trouble for one in found if one.role == "feeder"]
    return "" if not told or "" in told else told[0]


def _dialled_out(counts: Counts) -> int:
    """Count contacts closed by an attempt's outcome, not by an end, a list or a rule."""
    return sum(number for end, number in counts.outcomes.items() if end in set(Outcome))


def _instant(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)


def _iso(epoch_s: float | None) -> str | None:
    at = _instant(epoch_s)
    return None if at is None else at.isoformat(timespec="seconds")
