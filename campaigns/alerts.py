"""What is worth an alert, when one begins and when it is over; the same for whoever is told."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState
from campaigns.sentence import told

CLEAR_S = 60.0
"""So long must be well what was alerted of before it counts as over: what comes and goes is told once."""

LEAST_CALLS = 50
"""Calls of an hour, below which their connect rate says nothing."""

_BETTER = 1.1  # a rate or a balance is over when it is so many times what it must not fall below
_FEWER = 0.8  # unresolved attempts are, when they are so many times what they must not pass


class AlertKind(StrEnum):
    """What may be told of."""

    COMPLETED = "campaign_completed"
    PAUSED = "campaign_paused"  # by itself, not by somebody's wish
    NOTHING_DIALLED = "nothing_dialled"
    STOPPED = "account_stopped"  # the provider refuses it
    HELD = "account_held"
    CAPPED = "cap_reached"  # of the account's day
    BALANCE = "balance_low"  # of the account at the provider
    UNRESOLVED = "unresolved"
    CONNECT_RATE = "connect_rate"
    PROCESS_MISSING = "process_missing"


OF_CAMPAIGNS = frozenset(
    {
        *(AlertKind.COMPLETED, AlertKind.PAUSED, AlertKind.NOTHING_DIALLED),
        *(AlertKind.UNRESOLVED, AlertKind.CONNECT_RATE),
    }
)

_LASTS_S = {AlertKind.HELD: 60.0, AlertKind.PROCESS_MISSING: 60.0}
"""So long it must be so before it is told: a restart ends both by itself."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is worth an alert.

    Args:
        idle_min: Minutes without a call although contacts are due.
        unresolved: More attempts of a campaign in quarantine than that.
        connect_rate: Fewer conversations than so many of a hundred calls of an hour.
        balance: Less money at the provider than that, in the currency that it bills in.
    """

    idle_min: int = 10
    unresolved: int = 20
    connect_rate: int = 15
    balance: int = 1000


class Balance(NamedTuple):
    """Money that an account has at the provider; `currency` as the provider writes it."""

    amount: float
    currency: str

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency}".rstrip()


@dataclass(frozen=True, slots=True)
class CampaignNow:
    """A campaign that is not over, as far as alerts go.

    Args:
        why: What its state is for, where it was not somebody's wish.
        is_due: It is inside its hours, and a free agent has a contact that is due.
        attempts: Made so far.
        calls: Of the last hour, as is `connected`.
    """

    id: str
    name: str
    state: CampaignState
    why: str = ""
    is_due: bool = False
    attempts: int = 0
    unresolved: int = 0
    calls: int = 0
    connected: int = 0


@dataclass(frozen=True, slots=True)
class AccountNow:
    """An account at one instant; '' where nothing is the matter.

    Args:
        missing: Roles of which no process lives.
        balance: As it was told last; None: it is not known.
    """

    held: str = ""
    stopped: str = ""
    capped: str = ""
    missing: tuple[str, ...] = ()
    balance: Balance | None = None
    campaigns: Sequence[CampaignNow] = ()


Key = tuple[AlertKind, str]
"""What it is, and of whom: a campaign's id, the role of a process, '' = the account."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is worth an alert, if it lasts.

    Args:
        words: A sentence without its point, of whom included.
        lasts_s: So long it must be so.
        mark: While this stays, it is the same; else it begins anew.
    """

    kind: AlertKind
    subject: str
    words: str
    lasts_s: float = 0.0
    mark: str = ""

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.kind, self.subject


def conditions(now: AccountNow, limits: Limits, *, standing: Collection[Key]) -> list[Condition]:
    """Find what is worth an alert now.

    Args:
        standing: What was alerted of and is not over; it is over a little later than it begins.
    """
    found = [*_of_account(now), *_of_balance(now.balance, limits, standing)]
    for campaign in now.campaigns:
        found += _of_campaign(campaign, limits, standing)
    return found


def _of_account(now: AccountNow) -> Iterator[Condition]:
    plain = (
        (AlertKind.HELD, now.held, "nothing is dialled, the account is on hold"),
        (AlertKind.STOPPED, now.stopped, "the provider refuses the account"),
        (AlertKind.CAPPED, now.capped, "nothing is dialled"),
    )
    for kind, why, words in plain:
        if why:
            yield Condition(kind, "", f"{words}: {why}", _LASTS_S.get(kind, 0.0))
    for role in now.missing:
        words = f"no process lives that is a {role}"
        yield Condition(AlertKind.PROCESS_MISSING, role, words, _LASTS_S[AlertKind.PROCESS_MISSING])


def _of_balance(
    now: Balance | None, limits: Limits, standing: Collection[Key]
) -> Iterator[Condition]:
    least = limits.balance * (_BETTER if (AlertKind.BALANCE, "") in standing else 1)
    if now and now.amount < least:
        yield Condition(AlertKind.BALANCE, "", f"the balance at the provider is low: {now}")


def _of_campaign(
    now: CampaignNow, limits: Limits, standing: Collection[Key]
) -> Iterator[Condition]:
    def was(kind: AlertKind) -> bool:
        return (kind, now.id) in standing

    if now.state is CampaignState.PAUSED and now.why:
        words = f"campaign {now.name} has paused by itself: {now.why}"
        yield Condition(AlertKind.PAUSED, now.id, words)
    if now.state is CampaignState.RUNNING and now.is_due:
        words = (
            f"campaign {now.name} has dialled nothing for {limits.idle_min} minutes although "
            "contacts are due"
        )
        idle_s = 60.0 * limits.idle_min
        yield Condition(AlertKind.NOTHING_DIALLED, now.id, words, idle_s, str(now.attempts))
    most = limits.unresolved * (_FEWER if was(AlertKind.UNRESOLVED) else 1)
    if now.unresolved > most:
        words = f"campaign {now.name} has {now.unresolved} attempts whose fate nobody knows"
        yield Condition(AlertKind.UNRESOLVED, now.id, words)
    least = limits.connect_rate * (_BETTER if was(AlertKind.CONNECT_RATE) else 1)
    if now.calls >= LEAST_CALLS and 100 * now.connected < least * now.calls:
        words = (
            f"campaign {now.name} had {now.connected} conversations in {now.calls} calls of the "
            "last hour"
        )
        yield Condition(AlertKind.CONNECT_RATE, now.id, words)


@dataclass(frozen=True, slots=True)
class Since:
    """Since when something is so that is not told yet, or well again that was; epoch s."""

    at: float
    mark: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What follows from what was found.

    Args:
        begun: To be alerted of.
        over: Was alerted of, and is well again.
        waiting: What may become either, for the next time.
    """

    begun: tuple[Condition, ...]
    over: tuple[Key, ...]
    waiting: Mapping[Key, Since]


def judge(
    found: Iterable[Condition],
    standing: Mapping[Key, str],
    waiting: Mapping[Key, Since],
    *,
    at: float,
) -> Judged:
    """Tell what begins and what is over.

    Args:
        standing: What was alerted of, with its mark then.
        waiting: As the last judging left it.
        at: Epoch s.
    """
    now = {one.key: one for one in found}
    begun, over, left = [], [], {}
    for key, one in now.items():
        if key in standing:
            continue
        since = _since(waiting.get(key), one.mark, at)
        if at - since.at >= one.lasts_s:
            begun.append(one)
        else:
            left[key] = since
    for key, mark in standing.items():
        if key in now and now[key].mark == mark:
            continue
        since = _since(waiting.get(key), _WELL, at)
        if at - since.at >= CLEAR_S:
            over.append(key)
        else:
            left[key] = since
    return Judged(tuple(begun), tuple(over), left)


_WELL = "\0well"


def _since(known: Since | None, mark: str, at: float) -> Since:
    return known if known and known.mark == mark else Since(at, mark)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Daily hours in which nothing is told; what still stands is told after them.

    Args:
        from_at: Local time; after `until_at` where they span midnight.
    """

    from_at: time
    until_at: time

    @classmethod
    def parse(cls, text: str) -> "QuietHours | None":
        """Read `22:00-07:00`; '' are none.

        Raises:
            ValueError: They are written otherwise.
        """
        if not text:
            return None
        match = re.fullmatch(r"\s*(\d\d?:\d\d)\s*-\s*(\d\d?:\d\d)\s*", text)
        try:
            ends = [time.fromisoformat(f"{one:0>5}") for one in match.groups()] if match else []
        except ValueError:  # no such hour
            ends = []
        if len(set(ends)) != 2:
            raise ValueError(told("quiet hours are written like 22:00-07:00"))
        return cls(*ends)

    def hold(self, at: datetime, zone: ZoneInfo) -> bool:
        """Tell whether an instant is in them."""
        local = at.astimezone(zone).time()
        if self.from_at < self.until_at:
            return self.from_at <= local < self.until_at
        return local >= self.from_at or local < self.until_at

    def __str__(self) -> str:
        return f"{self.from_at:%H:%M}-{self.until_at:%H:%M}"
