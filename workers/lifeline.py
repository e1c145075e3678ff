"""A process that ends when its parent does, however the parent ended.

`python -m workers.lifeline PARENT_PID PROGRAM ARG …` becomes the program, tied to its parent. The
tie is the kernel's (Linux): it holds through `exec`, but not through `fork`, so a process forked by
the program calls `end_with_parent` itself.
"""

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


def lifeline(*command: str) -> list[str]:
    """Tie a command to the calling process; the thread that starts it must live as long."""
    return [sys.executable, "-m", "workers.lifeline", str(os.getpid()), *command]


def _watch(parent_pid: int, signum: signal.Signals) -> None:
    while os.getppid() == parent_pid:
        clock.sleep(_LOOK_S)
    os.kill(os.getpid(), signum)


def main() -> None:
    """Become the program, tied to the parent."""
    parent_pid, *command = sys.argv[1:]
    end_with_parent(signal.SIGKILL, parent_pid=int(parent_pid))
    try:
        os.execvp(command[0], command)  # noqa: S606  # the runner's own command, no shell wanted
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
