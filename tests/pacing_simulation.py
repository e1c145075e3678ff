"""A busy account in virtual time: the real scripts, a made-up network, four ways to count.

    worker asks ─▶ slot ─▶ up the line ─▶ counted by the provider ─▶ response ─▶ slot kept a window
      ▲ sleeps as told, wakes a little late

Every provider watches the same requests and refuses what is too much by its own way of counting.
Refusals change nothing here, so that the figures show the pace itself and not what it learns.
"""

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from dialer.pacing import Allowance, Pacing, TakeSlot
from tests.virtual_time import START_S, VirtualDatabase


@dataclass(frozen=True, slots=True)
class Network:
    """How long requests travel and how long the provider works on them.

    Args:
        stalled: Share of requests held up on the way, for 0.5 to 5 s.
        freeze_every_s: Every so often nothing passes; 0 = never.
        freeze_s: For so long; then all that waited arrives at once.
    """

    name: str
    stalled: float = 0.0
    freeze_every_s: float = 0.0
    freeze_s: float = 3.0

    def arrives_at(self, sent_at: float, chance: random.Random) -> float:
        """Tell when a request sent now is counted."""
        at = sent_at + chance.lognormvariate(math.log(0.04), 0.5)
        if chance.random() < self.stalled:
            at += chance.uniform(0.5, 5.0)
        if self.freeze_every_s and (at - START_S) % self.freeze_every_s < self.freeze_s:
            at += self.freeze_s - (at - START_S) % self.freeze_every_s
        return at

    def answered_at(self, counted_at: float, chance: random.Random) -> float:
        """Tell when the response of a request counted now is here."""
        return counted_at + chance.lognormvariate(math.log(0.25), 0.3)


MILD = Network("mild")
HEAVY = Network("heavy", stalled=0.02)
HEAD_OF_LINE = Network("head of line", freeze_every_s=300.0)
NETWORKS = (MILD, HEAVY, HEAD_OF_LINE)


class Provider(Protocol):
    """A way to count: says whether a request counted now is within the limit."""

    def admits(self, at: float) -> bool: ...


class SlidingLog:
    """Exact: at most so many admitted requests in any window."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit, self._window_s = limit, window_s
        self._admitted: deque[float] = deque()

    def admits(self, at: float) -> bool:
        while self._admitted and self._admitted[0] <= at - self._window_s:
            self._admitted.popleft()
        if len(self._admitted) >= self._limit:
            return False
        self._admitted.append(at)
        return True


class FixedWindow:
    """Counts from zero in each window of the provider's clock, which is not in step with ours."""

    def __init__(self, limit: int, window_s: float, *, phase_s: float = 17.3) -> None:
        self._limit, self._window_s, self._phase_s = limit, window_s, phase_s
        self._window, self._used = -1, 0

    def admits(self, at: float) -> bool:
        window = math.floor((at + self._phase_s) / self._window_s)
        if window != self._window:
            self._window, self._used = window, 0
        if self._used >= self._limit:
            return False
        self._used += 1
        return True


class WeightedCounter:
    """This window's count plus the last one's, weighted by how much of it still overlaps."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit, self._window_s = limit, window_s
        self._window, self._last, self._used = -1, 0, 0

    def admits(self, at: float) -> bool:
        window = math.floor(at / self._window_s)
        if window != self._window:
            self._last = self._used if window == self._window + 1 else 0
            self._window, self._used = window, 0
        overlap = 1 - at / self._window_s % 1
        if self._used + self._last * overlap >= self._limit:
            return False
        self._used += 1
        return True


class Gcra:
    """A steady drip with room for a few at once."""

    def __init__(self, limit: int, window_s: float, *, burst: int = 10) -> None:
        self._drip_s = window_s / limit
        self._room_s = (burst - 1) * self._drip_s
        self._empty_at = 0.0

    def admits(self, at: float) -> bool:
        full = max(self._empty_at, at)
        if full - at > self._room_s + 1e-9:
            return False
        self._empty_at = full + self._drip_s
        return True


@dataclass(slots=True)
class Outcome:
    """What became of a run.

    Args:
        sent: Requests that left.
        utilisation: Of them, the share of what the limit allows in this time.
        bound: The share that is possible at best: a slot is also held while its request is
            under way.
        most_in_window: Most requests the provider counted in any window.
        refused: By each way of counting.
    """

    sent: int
    utilisation: float
    bound: float
    most_in_window: int
    refused: dict[str, int] = field(default_factory=dict)


class _What(IntEnum):
    RESPONSE = 0  # first, when instants are equal
    ARRIVAL = 1
    ASK = 2


def simulate(
    db: VirtualDatabase,
    allowance: Allowance,
    network: Network,
    *,
    hours: float,
    wakes_late_s: float = 0.02,
    workers: int = 1,
    seed: int = 1,
    slack_s: float | None = None,
) -> Outcome:
    """Keep an account busy for some virtual hours.

    Args:
        wakes_late_s: A sleep lasts up to so much too long, evenly spread.
        workers: Processes that ask for slots; the one that wakes first gets the next.
        slack_s: Another spacing slack than production's.
    """
    chance = random.Random(seed)
    pacing = Pacing(db, allowance)
    limit, window_s = allowance.requests, allowance.window_s
    providers: dict[str, Provider] = {
        "sliding log": SlidingLog(limit, window_s),
        "fixed window": FixedWindow(limit, window_s),
        "weighted counter": WeightedCounter(limit, window_s),
        "gcra, burst 1": Gcra(limit, window_s, burst=1),
        "gcra, burst 10": Gcra(limit, window_s, burst=10),
    }
    refused = dict.fromkeys(providers, 0)
    in_window: deque[float] = deque()
    most, sent, held_s = 0, 0, 0.0
    number = itertools.count()
    ends_at = START_S + hours * 3600
    agenda = [(START_S, _What.ASK, next(number), "") for _ in range(workers)]
    take = _taking(pacing, db, slack_s)

    while agenda[0][0] < ends_at:
        at, what, _, member = heapq.heappop(agenda)
        db.clock_s = round(at, 6)
        if what is _What.ASK:
            member = f"{next(number)}"
            wait_s = take(member)
            again_at = at + wait_s + chance.uniform(0, wakes_late_s) if wait_s else at + 0.001
            heapq.heappush(agenda, (again_at, _What.ASK, next(number), ""))
            if not wait_s:
                sent += 1
                counted_at = network.arrives_at(at, chance)
                answered_at = network.answered_at(counted_at, chance)
                held_s += answered_at - at
                heapq.heappush(agenda, (counted_at, _What.ARRIVAL, next(number), member))
                heapq.heappush(agenda, (answered_at, _What.RESPONSE, next(number), member))
        elif what is _What.ARRIVAL:
            in_window.append(at)
            while in_window[0] <= at - window_s:
                in_window.popleft()
            most = max(most, len(in_window))
            for name, provider in providers.items():
                refused[name] += not provider.admits(at)
        else:
            pacing.answered(member)

    return Outcome(
        sent=sent,
        utilisation=sent / (hours * 3600 / allowance.window_s * limit),
        bound=window_s / (allowance.kept_after_answer_s + held_s / sent),
        most_in_window=most,
        refused=refused,
    )


def _taking(pacing: Pacing, db: VirtualDatabase, slack_s: float | None) -> Callable[[str], float]:
    if slack_s is None:
        return pacing.take_slot
    allowance = pacing.allowance

    def take(member: str) -> float:
        clock = db.clock.bounds(slots_kept_s=allowance.lease_s)
        answer = db.run(
            TakeSlot(
                member=member,
                requests=allowance.requests,
                spacing_s=allowance.spacing_s,
                lease_s=allowance.lease_s,
                slack_s=slack_s,
                overdue=False,
                pause_s=0,
                allowance=allowance.as_text,
                clock_from=clock.clock_from,
                clock_until=clock.clock_until,
            )
        )
        return float(answer)

    return take
