"""A process that ends when its parent does, however the parent ended.

`python -m workers.tied PARENT_PID PROGRAM ARG …` becomes the program, tied to its parent. The
tie is the kernel's (Linux): it holds through `exec`, but not through `fork`, so a process forked by
the program calls `end_with_parent` itself.
"""

import os
import signal
import sys

from dialer.parent_watch import end_with_parent


def tied_to_me(*command: str) -> list[str]:
    """Tie a command to the calling process; the thread that starts it must live as long."""
    return [sys.executable, "-m", "workers.tied", str(os.getpid()), *command]


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
