"""Work that goes on in a thread of its own while the next is prepared, and how soon it gets the interpreter."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

_HANDOVER_S = 0.0001


class OneBehind:
    """A thread that is given a piece of work once the one before is done; for what leaves the interpreter to us meanwhile."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._under_way: Future[Any] | None = None

    def do(self, work: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Begin with this; what went wrong with the piece before is raised here."""
        self.wait()
        self._under_way = self._thread.submit(work, *args, **options)

    def wait(self) -> None:
        """Wait for the piece under way; what went wrong with it is raised here."""
        if self._under_way:
            under_way, self._under_way = self._under_way, None
            under_way.result()

    def end(self) -> None:
        """End the thread, after the piece under way, however that goes."""
        self._thread.shutdown()


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
