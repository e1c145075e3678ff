"""The simulator's clocks: real seconds since its start, wall stamps, and the faster call seconds."""

from datetime import datetime, timedelta, timezone

from dialer.clock import boottime_s, now

IST = timezone(timedelta(hours=5, minutes=30))
"""The provider prints its stamps in this zone, without naming it."""


class SimulatorClock:
    """Seconds since the start, by a clock that nobody sets back; wall stamps follow from the start's.

    Args:
        speed: Call seconds per real second.
    """

    def __init__(self, *, speed: float) -> None:
        self._speed = speed
        self._started_at = now().astimezone(IST)
        self._started_s = boottime_s()

    def now_s(self) -> float:
        """Real seconds since the start."""
        return boottime_s() - self._started_s

    def wall(self, at_s: float) -> datetime:
        """The wall instant, in IST, of a moment given in real seconds since the start."""
        return self._started_at + timedelta(seconds=at_s)

    def real_s(self, call_s: float) -> float:
        """How long a stretch of call seconds takes in real seconds."""
        return call_s / self._speed

    def call_s(self, real_s: float) -> float:
        """How many call seconds pass in a stretch of real seconds."""
        return real_s * self._speed
