"""Importing what a command needs: quick, and ended by a signal without a word."""

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_EARLY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def importing() -> Iterator[None]:
    """Import within this.

    A signal that comes meanwhile finds nothing to undo, and an exception would come out of the
    middle of somebody's import as a traceback. Looking for garbage in what is imported takes a
    tenth of the time, and finds none.
    """
    before = {signum: signal.getsignal(signum) for signum in _EARLY}
    for signum, handler in before.items():
        if handler is not signal.SIG_IGN:  # as `nohup` and a shell's `&` have it
            signal.signal(signum, _leave)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _leave(signum: int, _frame: FrameType | None) -> None:
    os._exit(128 + signum)  # as shells have it
