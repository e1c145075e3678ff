"""How fast the account may send: one request allowance, shared by all workers of all hosts.

The rule. The provider allows L requests in any window of W seconds, as it counts them. We keep L
slots. A request takes one before its first byte leaves; the slot frees itself W seconds after the
response. Call the instants of a request: slot taken t, counted by the provider a, response r. A
request is counted between leaving and answering, so t ≤ a ≤ r.

Why no window can hold more. Suppose one holds L + 1 requests, and let m be the one whose slot was
taken last. Any other request i whose slot was free again by then had its response at least W
before, so it was counted at least W before m: not in one window with m. Hence all L others still
held their slots when m took one, and there were only L. Contradiction. Nothing is assumed about
jitter or about the provider's clock; only Redis' clock, inside the scripts, is ever read.

A slot is a lease: one whose owner died frees itself when the request can no longer be counted. It
does so sooner where more is known: once its process is seen to be dead the request travels for as
long as one we gave up on, and once its call is known to exist it has been counted.
Slots alone allow bursts, which providers that count otherwise may refuse; so grants also keep an
even spacing of W / L.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from campaigns.attempt import SEND_WINDOW_S
from dialer.errors import RateFeedback
from dialer.store.database import Database
from dialer.store.rate import read_rate, read_seconds
from dialer.store.scripts import gives

WINDOW_MARGIN_S = 0.1
"""Covers windows closed at both ends and provider nodes whose clocks differ; costs 0.16 %."""

_MARGINS_A_WINDOW = 120
"""At least so many: in windows of a few seconds, which simulators and benchmarks have, the whole margin
would cost more than all the rest, and a short run would tell little of the real one."""

_ON_THE_WIRE_S = 5.0  # no network keeps a packet for longer than that; most lose it at a tenth
_AT_THE_DOOR_S = 10.0  # acknowledged by the provider's kernel or proxy, and not counted yet

TRAVEL_GRACE_S = _ON_THE_WIRE_S + _AT_THE_DOOR_S
"""How long after we gave up on it a request may still be counted.

Giving up closes its connection, and that discards what the other end has not acknowledged: nothing
is sent again (dialer/exotel/deadline.py). So what may still be counted was on the wire by then, or
stood at the provider's door."""

SPACING_SLACK_S = 0.05
"""A grant late by up to this is made up for by the next: waking up costs milliseconds, and at
300 ms spacing every lost millisecond would cost a third of a percent. The slots do not care."""

_GRANTS_A_LOOK = 10
"""While dials wait, one grant in ten may be an overdue look-up's: twenty a minute of 200."""

_LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the account may send.

    Args:
        requests: Most requests in any window.
        window_s: Length of the window, s.
        http_deadline_s: Longest a request can take, s.
        shares_lookups: Look-ups count against the same allowance.
        asks_at: The provider's hosts; whoever asks others is told of other calls. '' = not compared.
    """

    requests: int = 200
    window_s: float = 60.0
    http_deadline_s: float = 45.0
    shares_lookups: bool = True
    asks_at: str = ""

    @property
    def as_text(self) -> str:
        """What is compared with other processes' where a look-up wants a slot."""
        return f"{self.requests}/{self.window_s:g} {self.asks_at}".rstrip()

    @property
    def spacing_s(self) -> float:
        """Seconds between two grants."""
        return self.window_s / self.requests

    @property
    def kept_after_answer_s(self) -> float:
        """How long a slot stays taken after the response, s."""
        return self.window_s + min(WINDOW_MARGIN_S, self.window_s / _MARGINS_A_WINDOW)

    @property
    def kept_without_answer_s(self) -> float:
        """How long a slot stays taken after we gave up waiting for a response, s."""
        return TRAVEL_GRACE_S + self.kept_after_answer_s

    @property
    def lease_s(self) -> float:
        """How long a slot stays taken when its owner never comes back, s."""
        return SEND_WINDOW_S + self.http_deadline_s + self.kept_without_answer_s


@dataclass(frozen=True, slots=True)
class Rate:
    """What was sent lately.

    Args:
        last_60_s: Requests of all kinds in the last minute.
        refused_60_s: 429s among them.
        limit: Requests allowed per window at present.
        blocked_for_s: The account's gate stays closed so long; 0 = open.
    """

    last_60_s: int
    refused_60_s: int
    limit: int
    blocked_for_s: float


@gives("take_slot")
class TakeSlot(NamedTuple):
    """Which slot a look-up wants.

    Args:
        member: Unique per request.
        requests: At most, a window.
        lease_s: Of a slot.
        slack_s: Of the spacing.
        overdue: It may go before waiting dials.
        pause_s: Between two such look-ups while dials wait, at least.
        allowance: The caller's request allowance, text.
        clock_from: Redis' clock stands behind that if nobody set it, epoch s.
        clock_until: And before that.
    """

    member: str
    requests: int
    spacing_s: float
    lease_s: float
    slack_s: float
    overdue: bool
    pause_s: float
    allowance: str
    clock_from: float
    clock_until: float


@gives("answered")
class Answered(NamedTuple):
    """What a response tells of the provider's own count.

    Args:
        member: Whose slot frees itself in `kept_s`; '' = nobody's.
        requests: At most, a window.
        remaining: Of them, as the provider has it; None: it does not tell.
    """

    member: str
    kept_s: float
    requests: int
    remaining: int | None
    window_s: float


@gives("close_gate")
class CloseGate(NamedTuple):
    """For how long the gate is to be closed.

    Args:
        wait_s: 0 = the script chooses.
        why: `limit`: over the provider's limit; `fault`: it could not be reached, or refused without a
            reason of ours.
        requests: At most, a window.
    """

    wait_s: float
    why: str
    requests: int


class Pacing:
    """Hands out slots for look-ups, and learns from responses; dials take theirs in the gate."""

    def __init__(self, db: Database, allowance: Allowance) -> None:
        self._db = db
        self.meters = db.meters
        self.allowance = allowance

    def take_slot(self, member: str, *, overdue: bool = False) -> float:
        """Take a slot for one look-up; asking twice under one name takes one.

        Args:
            overdue: It waited so long that it may go before waiting dials, a few a minute.

        Returns:
            Seconds to wait before asking again; 0 when the slot is ours;
            below 0 when the account's living processes have another limit than we.
        """
        if not self.allowance.shares_lookups:
            return 0.0
        clock = self._db.clock.bounds(slots_kept_s=self.allowance.lease_s)
        answer = self._db.run(
            TakeSlot(
                member=member,
                requests=self.allowance.requests,
                spacing_s=self.allowance.spacing_s,
                lease_s=self.allowance.lease_s,
                slack_s=SPACING_SLACK_S,
                overdue=overdue,
                pause_s=_GRANTS_A_LOOK * self.allowance.spacing_s,
                allowance=self.allowance.as_text,
                clock_from=clock.clock_from,
                clock_until=clock.clock_until,
            )
        )
        return float(answer)

    def answered(self, member: str) -> None:
        """Note a look-up's response: its slot frees itself a window later."""
        self._learn(member, self.allowance.kept_after_answer_s)

    def unanswered(self, member: str) -> None:
        """Note that a request may still be on its way: its slot is kept longer."""
        self._learn(member, self.allowance.kept_without_answer_s)

    def never_sent(self, member: str) -> None:
        """Give back the slot of a request that surely never left."""
        self._learn(member, 0.0)

    def heed(self, told: RateFeedback) -> None:
        """Note what a connect response's headers say of the provider's own count."""
        if told.remaining is not None:
            self._learn("", 0.0, remaining=told.remaining)

    def close_for(self, wait_s: float | None) -> None:
        """Close the account's gate for all workers, after a 429.

        Args:
            wait_s: As the provider named it; None: a whole minute, then at half the rate, rising.
        """
        chosen_s = 0.0 if wait_s is None else min(max(wait_s, 1.0), _LONGEST_WAIT_S)
        self._db.run(CloseGate(chosen_s, "limit", self.allowance.requests))

    def back_off(self, wait_s: float | None) -> None:
        """Close the gate because the provider could not be reached, or turned us away.

        Args:
            wait_s: As the provider named it; None: 1, 2, 4 … 60 s until a request gets through.
        """
        chosen_s = 0.0 if wait_s is None else min(max(wait_s, 1.0), _LONGEST_WAIT_S)
        self._db.run(CloseGate(chosen_s, "fault", self.allowance.requests))

    def rate(self) -> Rate:
        """Read what was sent lately."""
        now = self._db.now()
        minute = int(now // 60)
        seconds, pace = read_rate(self._db, (minute - 1, minute))
        lowered = max(0, int(pace.cut) - int((now - pace.cut_at) // 600)) if pace.cut else 0
        return Rate(
            last_60_s=_since(now - 60, seconds.sent),
            refused_60_s=_since(now - 60, seconds.refused),
            limit=max(1, self.allowance.requests - lowered),
            blocked_for_s=max(0.0, pace.blocked_until - now),
        )

    def history(self, *, minutes: int) -> list[tuple[int, int, int]]:
        """Read (second, requests, refusals) of the last minutes; seconds without any are left out."""
        this_minute = int(self._db.now() // 60)
        found = read_seconds(self._db, range(this_minute - minutes, this_minute + 1))
        seconds = sorted(found.sent.keys() | found.refused.keys())
        return [(one, found.sent.get(one, 0), found.refused.get(one, 0)) for one in seconds]

    def _learn(self, member: str, kept_s: float, *, remaining: int | None = None) -> None:
        if not self.allowance.shares_lookups and member:
            return
        self._db.run(
            Answered(
                member=member,
                kept_s=kept_s,
                requests=self.allowance.requests,
                remaining=None if remaining is None else max(0, remaining),
                window_s=self.allowance.window_s,
            )
        )


def _since(after_s: float, by_second: Mapping[int, int]) -> int:
    return sum(number for second, number in by_second.items() if second > after_s)
