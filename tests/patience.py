"""Waiting for a condition: how long is a matter of the machine's progress, not of the clock."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_PRESSURE = [Path(f"/proc/pressure/{one}") for one in ("cpu", "io")]
_LEAST_SHARE = 0.2


def _stalled_s() -> float:
    """Tell for how long some process has waited for a core or a disk, since the machine's start."""
    with suppress(OSError):  # not on every system
        some = [one.read_text().splitlines()[0] for one in _PRESSURE]
        return sum(int(one.rpartition("=")[2]) for one in some) / 1e6
    return 0.0


class Patience:
    """Seconds in which the machine could do what is waited for.

    Time in which processes stood in line for a core or a disk (Linux tells) counts for a fifth: a
    condition that comes late on a busy machine is waited for, and one that never comes ends the test.
    """

    def __init__(
        self,
        within_s: float,
        *,
        now_s: Callable[[], float] = time.monotonic,
        stalled_s: Callable[[], float] = _stalled_s,
    ) -> None:
        self._within_s = within_s
        self._now_s, self._began_s = now_s, now_s()
        self._stalled_s, self._stalled_before_s = stalled_s, stalled_s()

    @property
    def passed_s(self) -> float:
        return self._now_s() - self._began_s

    @property
    def is_over(self) -> bool:
        passed_s = self.passed_s
        if passed_s < self._within_s:
            return False
        stalled_s = self._stalled_s() - self._stalled_before_s
        return max(passed_s - stalled_s, passed_s * _LEAST_SHARE) >= self._within_s


def until(
    condition: Callable[[], Any], *, within_s: float = 90, what: str = "it", every_s: float = 0.1
) -> Any:
    """Wait for a condition; its value, or a failure that says what did not come.

    Args:
        every_s: To look at least so often, and more often at first: looking is work too.
    """
    patience = Patience(within_s)
    while not (value := condition()):
        assert not patience.is_over, f"{what} did not come within {within_s:g} s"
        time.sleep(pause_s(patience.passed_s, most_s=every_s))
    return value


def pause_s(passed_s: float, *, most_s: float = 0.1) -> float:
    """Tell how long to wait until the next look, after so long: nobody waits a tenth too long."""
    return min(most_s, max(0.002, passed_s / 10))


def let_pass(seconds: float) -> None:
    """Wait for as long as what must be over by then may take."""
    patience = Patience(seconds)
    while not patience.is_over:
        time.sleep(0.05)
