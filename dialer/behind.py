"""Work that goes on in a thread while the next of its kind is prepared: one at a time, in order."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


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
