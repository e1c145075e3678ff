"""The account's limit: an exact log over a rolling window."""

from collections import deque


class RollingWindow:
    """Admits at most `limit` requests in any half-open window of `window_s` real seconds.

    Args:
        count_rejected: A request that was not admitted fills the window as well.
    """

    def __init__(self, *, limit: int, window_s: float, count_rejected: bool = False) -> None:
        self._limit = limit
        self._window_s = window_s
        self._count_rejected = count_rejected
        self._counted: deque[float] = deque()

    def admit(self, at_s: float) -> bool:
        """Count a request arriving now; False when the window ending now is full."""
        self._forget(at_s)
        admitted = len(self._counted) < self._limit
        if admitted or self._count_rejected:
            self._counted.append(at_s)
        return admitted

    def wait_s(self, at_s: float) -> float:
        """Real seconds until one more request is admitted; 0 when it is now."""
        self._forget(at_s)
        if len(self._counted) < self._limit:
            return 0.0
        return self._counted[-self._limit] + self._window_s - at_s

    def _forget(self, at_s: float) -> None:
        while self._counted and self._counted[0] <= at_s - self._window_s:
            self._counted.popleft()
