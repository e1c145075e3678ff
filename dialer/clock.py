"""The only place that reads a clock or sleeps; everything else is handed one of these.

Instants that decide anything (pace, hours, leases) come from Redis `TIME` inside the scripts, so
that all hosts share one clock. What is here serves durations within one process.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


def now() -> datetime:
    """Tell this host's wall clock; for people and file names, never for a decision."""
    return datetime.now(UTC)


def boottime_s() -> float:
    """Count seconds since boot, suspended time included.

    A process that was stopped (SIGSTOP, a frozen VM) between the gate and the send sees here
    how long it was away; `time.monotonic` stands still while a Linux host sleeps.
    """
    return time.clock_gettime(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Sleep = Callable[[float], None]
"""Sleep for so many seconds."""


def sleep(seconds: float) -> None:
    """Sleep for so many seconds."""
    time.sleep(seconds)


def sleeper(stop: threading.Event) -> Sleep:
    """Make a sleep that ends early once `stop` is set."""

    def sleep_or_stop(seconds: float) -> None:
        stop.wait(seconds)

    return sleep_or_stop
