"""Who takes too long is cut, some at a time: thousands at once would hold up all others."""

from collections import Counter
from typing import Any

from workers.web.connections import ConnectionLimits, Connections

LIMIT_S = 10.0


class Loop:
    """A clock, and what was put off until later."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._later: list[tuple[float, Any, tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, does: Any, *given: Any) -> None:
        self._later.append((self.now_s + delay_s, does, given))

    def run_until(self, end_s: float) -> None:
        while self._later and self._later[0][0] <= end_s:
            self.now_s, does, given = self._later.pop(0)
            does(*given)
        self.now_s = end_s


class Silent:
    """Somebody who connects and never says anything."""

    address = "10.0.0.1"

    def __init__(self, connections: Connections, loop: Loop, sender: str) -> None:
        self.loop, self.sender = loop, sender
        self._connections = connections
        self.cut_at_s: float | None = None

    def look(self, now_s: float) -> bool:
        if now_s <= LIMIT_S:
            return False
        self.cut_at_s = self.loop.now_s
        self._connections.cut(self, "silent")  # type: ignore[arg-type]
        return True


def crowd(many: int, loop: Loop) -> list[Silent]:
    connections = Connections(ConnectionLimits(), is_proxy=lambda _: False)
    silent = [Silent(connections, loop, str(n)) for n in range(many)]
    assert all(connections.admit(one) for one in silent)  # type: ignore[arg-type]
    return silent


def test_thousands_that_take_too_long_together_are_cut_in_turns_that_others_come_between() -> None:
    loop = Loop()
    silent = crowd(2000, loop)

    loop.run_until(LIMIT_S)
    assert [one for one in silent if one.cut_at_s] == []

    loop.run_until(LIMIT_S + 2)
    in_turn = Counter(one.cut_at_s for one in silent)
    assert None not in in_turn
    assert max(in_turn.values()) <= 20


def test_one_that_closed_by_itself_meanwhile_is_not_looked_at() -> None:
    loop = Loop()
    silent = crowd(30, loop)
    loop.run_until(LIMIT_S + 0.5)
    late = [one for one in silent if not one.cut_at_s]
    assert late
    late[0]._connections.forget(late[0])  # type: ignore[arg-type]

    loop.run_until(LIMIT_S + 2)

    assert late[0].cut_at_s is None
    assert all(one.cut_at_s for one in silent if one is not late[0])
