"""The command line: one command per use case and per process."""

import gc
import os
import signal
import sys
from types import FrameType

_EARLY = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the command line and give its exit code.

    The imports take half a second and more. A signal that comes meanwhile finds nothing to
    undo, and an exception would come out of the middle of somebody's import as a traceback.
    """
    before = {signum: signal.getsignal(signum) for signum in _EARLY}
    for signum, handler in before.items():
        if handler is not signal.SIG_IGN:  # as `nohup` and a shell's `&` have it
            signal.signal(signum, _leave)
    gc.disable()  # looking for garbage in what is imported takes a tenth of the time, and finds none
    from workers.cli.app import add_commands, run  # noqa: PLC0415 - after the handlers

    add_commands(sys.argv[1:])
    gc.freeze()
    gc.enable()
    for signum, handler in before.items():
        signal.signal(signum, handler)
    return run()


def _leave(signum: int, _frame: FrameType | None) -> None:
    os._exit(128 + signum)  # as shells have it
