"""How soon a thread that waits for the interpreter gets it."""

import contextlib
import sys
from collections.abc import Iterator

_HANDOVER_S = 0.0001


@contextlib.contextmanager
def quick_handover() -> Iterator[None]:
    """Let threads wait for the interpreter for a tenth of a millisecond, instead of five.

    A thread that compresses, or joins columns, lets go of it dozens of times a batch. Had it to wait so
    long each time to get it back, it would do its work while the other one waits for it.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(min(before_s, _HANDOVER_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
