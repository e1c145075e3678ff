"""SIGTERM and SIGINT set an event; the loop that sees it ends in good order."""

import signal
import threading


def stop_on_signals() -> threading.Event:
    """Make the event that a stop signal sets; call it in the main thread."""
    stop = threading.Event()

    def set_stop(_signum: int, _frame: object) -> None:
        stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, set_stop)
    return stop
