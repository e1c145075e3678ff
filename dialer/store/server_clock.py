"""Redis' clock, held against one that nobody sets: this host's time since its boot.

All that is to last so long is written as the instant when it ends, by Redis' clock: slots, quarantines, rests. Where
that clock is set, or another server with another clock takes over, they would end early, and a phone that is on a call
would be rung again; or hours late. So each process that dials or sweeps remembers how far the two clocks
are apart. Who asks for a slot tells where Redis' clock must stand, and is told to wait where it stands
elsewhere; whoever is first to see that it was set has one script move all that ends by it, and only
then expects it where it is now. Whoever of a host comes up finds how far they were apart before.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dialer.clock import boottime_s
from dialer.logger import get_logger
from dialer.store.scripts import gives

if TYPE_CHECKING:
    from dialer.store.database import Database

log = get_logger(__name__)

STEP_S = 0.1
"""What the two are further apart than before, and the answer's way does not explain, is a step. The margin of a
slot is as long: what is less costs none of the promises."""

LATE_ANSWER_S = 1.0
"""A question that Redis takes up later than that is asked again: it looks as if its clock had been set ahead."""

_TOLD_S = (
    1.0  # a step from which on people are told; less is two clocks that go at different speeds
)


class Reading(NamedTuple):
    """One look at Redis' clock.

    Args:
        asked: As `boottime_s`, before.
        answered: After.
        now_s: Redis' clock in between, epoch s.
        moves: How often what ends by it had been moved by then.
    """

    asked: float
    answered: float
    now_s: float
    moves: int

    @property
    def least_s(self) -> float:
        """The least by which Redis' clock is ahead of the host's, s."""
        return self.now_s - self.answered

    @property
    def most_s(self) -> float:
        """The most."""
        return self.now_s - self.asked

    @property
    def took_s(self) -> float:
        """How long the answer took, which is how far the two are apart."""
        return self.answered - self.asked


class ClockBounds(NamedTuple):
    """Between which instants Redis' clock must stand when it takes up a question, epoch s."""

    clock_from: float
    clock_until: float


@gives("clock")
class MoveEnds(NamedTuple):
    """What is seen of Redis' clock.

    Args:
        machine: The host since its boot; None: it cannot be told from others.
        apart_s: Redis' clock less the host's.
        moves: As the caller knew it.
        by_s: So far was the clock set ahead, below 0 back; 0 = it was not.
        slots_kept_s: No slot ends later than that from now.
        is_told: People are told of it.
    """

    machine: str | None
    apart_s: float
    moves: int
    by_s: float
    slots_kept_s: float
    is_told: bool


class Step(NamedTuple):
    """Redis' clock was set.

    Args:
        by_s: Ahead, below 0 back.
        at: Epoch s, by the clock as it was then.
    """

    by_s: float
    at: float


def last_step(db: "Database") -> Step | None:
    """Tell when Redis' clock was set last by a second or more; None where nobody saw it."""
    by_s, at = db.client.hmget(db.key("account"), "set_by", "set_at")
    return Step(float(by_s), float(at)) if by_s and at else None


class ServerClock:
    """What a process knows of Redis' clock; threads may share it.

    Args:
        boottime: The clock that nobody sets, s.
        machine: Under which name what is known is kept for who comes up later on this host; None: it is not.
    """

    def __init__(
        self,
        db: "Database",
        *,
        boottime: Callable[[], float] = boottime_s,
        machine: str | None = None,
    ) -> None:
        self._db = db
        self.boottime = boottime
        self._machine = machine
        self._known: Reading | None = None
        self.set_ahead_s = 0.0
        """By how much it was set ahead altogether while this process looked, s."""

    def bounds(self, *, slots_kept_s: float) -> ClockBounds:
        """Tell where Redis' clock must stand when it takes up what is asked right now; who does not know looks."""
        while (known := self._known) is None:
            self.look(slots_kept_s=slots_kept_s)
        now = self.boottime()
        return ClockBounds(
            clock_from=now + known.least_s - 2 * STEP_S,
            clock_until=now + known.most_s + LATE_ANSWER_S,
        )

    def look(self, *, slots_kept_s: float) -> bool:
        """Look whether it was set, as `heard` does with what was said."""
        # first: moved meanwhile it is at worst too low, and then compared with nothing
        moves = int(self._db.client.hget(self._db.key("account"), "moves") or 0)
        asked = self.boottime()
        now_s = self._db.now()
        read = Reading(asked, self.boottime(), now_s, moves)
        return self.heard(read, slots_kept_s=slots_kept_s)

    def heard(self, reading: Reading, *, slots_kept_s: float) -> bool:
        """Compare what Redis said; where its clock was set, have all that ends by it moved, once.

        Args:
            slots_kept_s: No slot ends later than that from now.

        Returns:
            Whether it stood where it should; else what else was said with it may be wrong.
        """
        known = self._known or self._left_by_others(reading)
        by_s = _set_by(known, reading) if known else 0.0
        self.set_ahead_s += max(0.0, by_s)
        if known and reading.moves < known.moves:
            # Redis lost the last move: once more by all that was seen, since too late is never too early
            self._take(reading, by_s=self.set_ahead_s, slots_kept_s=slots_kept_s)
            return not by_s
        if known and reading.moves > known.moves:
            # somebody has moved all since, for what they saw: it may have been set once more
            known = self._left_by_others(reading)
        left_s = _set_by(known, reading) if known else 0.0
        if known is None or known.moves != reading.moves:  # nothing to compare with
            self._take(reading, by_s=0.0, slots_kept_s=slots_kept_s)
        elif left_s:
            self._take(reading, by_s=left_s, slots_kept_s=slots_kept_s)
        elif known is not self._known or reading.took_s < known.took_s / 2:
            self._known = reading
        return not by_s

    def _left_by_others(self, reading: Reading) -> Reading | None:
        """Give what this host's processes knew last, as if it had been read just now, by an answer that was late."""
        if self._machine is None:
            return None
        stored = self._db.client.hget(self._db.key("clocks"), self._machine)
        if stored is None:
            return None
        apart_s, moves, _ = stored.split()
        return reading._replace(
            asked=reading.answered,
            answered=reading.answered + LATE_ANSWER_S,
            now_s=reading.answered + float(apart_s),
            moves=int(moves),
        )

    def _take(self, reading: Reading, *, by_s: float, slots_kept_s: float) -> None:
        is_told = abs(by_s) >= _TOLD_S
        moves, is_moved = self._db.run(
            MoveEnds(self._machine, reading.most_s, reading.moves, by_s, slots_kept_s, is_told)
        )
        # as of the look, not of the move: between them it may have been set once more. Where somebody else was first,
        # the next look is compared with what they saw.
        self._known = reading._replace(moves=int(moves)) if is_moved else reading
        if is_moved and is_told:
            log.warning("redis_clock_set", ahead_s=round(by_s, 1))


def _set_by(known: Reading, now: Reading) -> float:
    """Tell by how much the clock was set between two readings, below 0 back; 0 = it was not.

    Of all that it may be it is what makes ends latest: more for a step ahead, and less for one back.
    """
    is_ahead = now.least_s - known.most_s > STEP_S
    is_behind = known.least_s - now.most_s > STEP_S
    return now.most_s - known.least_s if is_ahead or is_behind else 0.0


@cache
def this_boot() -> str | None:
    """Name this host since its boot, as far as its clocks go; None where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/time').readlink()}"
    except OSError:
        return None
