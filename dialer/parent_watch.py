"""Has a process end when its parent does, however the parent ended."""

import ctypes
import os
import signal
import sys
import threading

from dialer import clock

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_S = 1.0


def end_with_parent(signum: signal.Signals, *, parent_pid: int | None = None) -> None:
    """Have this process signalled once its parent is gone.

    Args:
        signum: SIGKILL for certain, SIGTERM for good order.
        parent_pid: Who the parent should be, where it may be gone already; None for whoever it is.
            One that is gone by then counts as ended now.
    """
    parent_pid = parent_pid or os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signum))
        if os.getppid() != parent_pid:  # it ended before the kernel was told
            os.kill(os.getpid(), signum)
    else:
        watch = threading.Thread(target=_watch, args=(parent_pid, signum), daemon=True)
        watch.start()


def _watch(parent_pid: int, signum: signal.Signals) -> None:
    while os.getppid() == parent_pid:
        clock.sleep(_LOOK_S)
    os.kill(os.getpid(), signum)
