"""How many requests of a process are at the provider at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST_AT_PROVIDER = 32
"""Where the limit would let more go."""

_LONGEST_WAIT_S = 0.25  # the gate's word is good for twice that


class AtProvider:
    """Room for requests that are sent and not answered.

    Who has passed the gate must leave soon: where none is answered for so long that it matters, a few
    more leave, as many as there are threads.
    """

    def __init__(
        self, most: int = MOST_AT_PROVIDER, *, longest_wait_s: float = _LONGEST_WAIT_S
    ) -> None:
        self._room = threading.BoundedSemaphore(most)
        self._longest_wait_s = longest_wait_s

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Wait for room for a request, and take it for the block."""
        has_room = self._room.acquire(timeout=self._longest_wait_s)
        try:
            yield
        finally:
            if has_room:
                self._room.release()
