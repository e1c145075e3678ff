"""Lets threads that want the same of Redis ask together: one round trip, one write to disk, for all.

While one thread asks, those that come form a line. Whoever is first in it asks next, for itself and
for as many behind it as may go together; so a single thread waits for nobody, and many share.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

Wish = TypeVar("Wish")
Answer = TypeVar("Answer")


class _Waiting(Generic[Wish, Answer]):
    """A thread in the line; `called` opens when it is answered, or first in line."""

    __slots__ = ("answer", "called", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.answer: Answer | BaseException | None = None
        self.called = threading.Lock()
        self.called.acquire()


class Batching(Generic[Wish, Answer]):
    """A line of threads, of which the first asks.

    Args:
        ask: Gives an answer to each wish of a party; None: to be asked again. An exception among the
            answers is raised in its own thread, one that is raised is raised in all of them.
        party: Tells how many from the front may go together, one at least.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Wish]], Sequence[Answer | Exception | None]],
        *,
        party: Callable[[Sequence[Wish]], int],
        most: int,
    ) -> None:
        self._ask = ask
        self._party = party
        self._most = most
        self._lock = threading.Lock()
        self._line: deque[_Waiting[Wish, Answer]] = deque()

    def go(self, wish: Wish) -> Answer:
        """Wait for one's turn, alone or with others, and for the answer."""
        mine = _Waiting[Wish, Answer](wish)
        with self._lock:
            self._line.append(mine)
            is_first = len(self._line) == 1
        if not is_first:
            mine.called.acquire()
        while mine.answer is None:
            self._ask_for_party()
        if isinstance(mine.answer, BaseException):
            raise mine.answer
        return mine.answer

    def _ask_for_party(self) -> None:
        """Ask once, as the first in line; hand the turn on when that brought one's own answer."""
        with self._lock:
            front = list(islice(self._line, self._most))
        party = front[: self._party([one.wish for one in front])]
        self._answer(party)
        unanswered = [one for one in party if one.answer is None]
        with self._lock:
            for _ in party:
                self._line.popleft()
            self._line.extendleft(reversed(unanswered))
            first = self._line[0] if self._line else None
        asker, *others = party
        for one in others:
            if one.answer is not None:
                one.called.release()
        if first and first is not asker:
            first.called.release()

    def _answer(self, party: Sequence[_Waiting[Wish, Answer]]) -> None:
        try:
            answers = self._ask([one.wish for one in party])
        except BaseException as error:  # noqa: BLE001  # raised by each of them; nobody may wait for ever
            for one in party:
                one.answer = error
            return
        for one, answer in zip(party, answers, strict=True):
            one.answer = answer
