"""How an account is, as far as alerts go, read with a few commands a tick and one look at its processes a minute."""

from collections import deque
from collections.abc import Callable, Iterable

from campaigns.alerts import AccountNow, Balance, CampaignNow
from campaigns.attempt import AGENT_ANSWERED, AGENT_SIDE, Outcome
from campaigns.campaign import CampaignState
from campaigns.caps import cap_in_words
from dialer.dialing.open_campaigns import OpenCampaigns
from dialer.store import Campaign, Campaigns, Counts, Database
from dialer.store.account import read_closed
from dialer.store.alerts import with_work_now
from dialer.watching.living import who_lives

_LOOKED_AT_AGAIN = 20  # campaigns that are over, a tick; one that goes on is found within minutes
_PROCESSES_EVERY_S = 60.0
_SAMPLE_EVERY_S = 60.0
_HOUR_S = 3600.0

BalanceAt = Callable[[float], Balance | None]
"""Gives an account's balance as it is known at an instant, epoch s."""

_CALLS = AGENT_ANSWERED | AGENT_SIDE


class Looking:
    """Reads an account; remembers how many calls its campaigns had an hour ago."""

    def __init__(self, db: Database, balance_at: BalanceAt) -> None:
        self._db = db
        self._balance_at = balance_at
        self._campaigns = Campaigns(db)
        self._open = OpenCampaigns(self._campaigns, looked_at_again=_LOOKED_AT_AGAIN)
        self._missing: tuple[str, ...] = ()
        self._looked_at = float("-inf")
        self._samples: dict[str, deque[tuple[float, int, int]]] = {}

    def look(self, now_s: float, *, with_campaigns: bool, with_balance: bool) -> AccountNow:
        """Read it."""
        closed = read_closed(self._db)
        if now_s - self._looked_at >= _PROCESSES_EVERY_S:
            self._missing = tuple(who_lives(self._db).missing)
            self._looked_at = now_s
        return AccountNow(
            held=closed.hold,
            stopped=closed.stopped,
            capped=cap_in_words(closed.capped_by, closed.capped_until, now_s),
            missing=self._missing,
            balance=self._balance_at(now_s) if with_balance else None,
            campaigns=self._look_at_campaigns(now_s) if with_campaigns else (),
        )

    def _look_at_campaigns(self, now_s: float) -> list[CampaignNow]:
        started = [one for one in self._open.read() if one.started_at is not None]
        counted = self._campaigns.with_counts(started)
        found = [one for one, _ in counted]
        dialling = [one.id for one in found if _is_inside_hours(one, now_s)]
        due = dict(zip(dialling, with_work_now(self._db, dialling), strict=True))
        self._forget_but(one.id for one in found)
        return [
            self._campaign(one, counts, is_due=due.get(one.id, False), now_s=now_s)
            for one, counts in counted
        ]

    def _campaign(
        self, campaign: Campaign, counts: Counts, *, is_due: bool, now_s: float
    ) -> CampaignNow:
        calls, connected = self._of_last_hour(campaign.id, counts, now_s)
        return CampaignNow(
            id=campaign.id,
            name=campaign.name,
            state=campaign.state,
            why=campaign.why,
            is_due=is_due,
            attempts=counts.attempts,
            unresolved=counts.unresolved,
            calls=calls,
            connected=connected,
        )

    def _of_last_hour(self, campaign: str, counts: Counts, now_s: float) -> tuple[int, int]:
        """Tell how many calls ended and how many of them connected, in an hour or since we look."""
        calls = sum(n for outcome, n in counts.attempt_outcomes.items() if outcome in _CALLS)
        connected = counts.attempt_outcomes.get(Outcome.CONNECTED, 0)
        samples = self._samples.setdefault(campaign, deque())
        if not samples or now_s - samples[-1][0] >= _SAMPLE_EVERY_S:
            samples.append((now_s, calls, connected))
        while len(samples) > 1 and now_s - samples[0][0] > _HOUR_S:
            samples.popleft()
        _, calls_then, connected_then = samples[0]
        return calls - calls_then, connected - connected_then

    def _forget_but(self, campaigns: Iterable[str]) -> None:
        kept = set(campaigns)
        self._samples = {id_: one for id_, one in self._samples.items() if id_ in kept}


def _is_inside_hours(campaign: Campaign, now_s: float) -> bool:
    is_open = campaign.open_from <= now_s < campaign.open_until
    return campaign.state is CampaignState.RUNNING and is_open
