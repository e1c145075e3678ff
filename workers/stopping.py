"""SIGTERM, SIGINT and SIGHUP set an event; the loop that sees it ends in good order.

A supervisor starts anew what has ended, so SIGHUP is to it what it is to Dramatiq's master: an orderly
restart that reads the settings again.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def hear(handler: Callable[[int, FrameType | None], object]) -> None:
    """Have stop signals handled, but for a hangup that `nohup` told us to ignore."""
    for one in STOPS:
        if one is not signal.SIGHUP or signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, handler)


def stop_on_signals() -> threading.Event:
    """Make the event that a stop signal sets; call it in the main thread."""
    stop = threading.Event()

    def set_stop(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    hear(set_stop)
    return stop
