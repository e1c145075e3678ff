"""Who lets us wait too long, or is one too many, is cut; whoever brings a request is not in the way."""

from collections import Counter
from typing import Any

from workers.web.connections import ConnectionLimits, Connections, Waits
from workers.web.protocols import Turns

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

    def call_soon(self, does: Any, *given: Any) -> None:
        self.call_later(0.0, does, *given)

    def run_until(self, end_s: float) -> None:
        while self._later and self._later[0][0] <= end_s:
            self.now_s, does, given = self._later.pop(0)
            does(*given)
        self.now_s = end_s

    def turn(self) -> None:
        now, self._later = self._later, []
        for _, does, given in now:
            does(*given)


class Client:
    """Somebody who connects."""

    address = "10.0.0.1"

    def __init__(self, connections: Connections, loop: Loop, sender: str) -> None:
        self.loop, self.sender = loop, sender
        self._connections = connections
        self.cut_at_s: float | None = None
        self.cut_for = ""
        self.has_gone_on = False

    def close_for(self, why: str) -> None:
        self.cut_at_s, self.cut_for = self.loop.now_s, why
        self._connections.cut(self, why)  # type: ignore[arg-type]

    def time_is_up(self, waits: Waits) -> None:
        self.close_for(waits.name)

    def go_on(self) -> None:
        self.has_gone_on = True


def some(most: int = 4_000, most_waiting: int = 4_000, most_of_address: int = 200) -> Connections:
    limits = ConnectionLimits(
        most=most, most_waiting=most_waiting, most_of_address=most_of_address, headers_s=LIMIT_S
    )
    return Connections(limits, is_proxy=lambda _: False)


def crowd(many: int, loop: Loop, connections: Connections, sender: str = "") -> list[Any]:
    clients = []
    for n in range(many):
        clients.append(Client(connections, loop, sender or str(n)))
        assert connections.admit(clients[-1])  # type: ignore[arg-type]
        loop.now_s += 0.001
    return clients


def cut(clients: list[Any]) -> list[int]:
    return [n for n, one in enumerate(clients) if one.cut_for]


def test_thousands_that_take_too_long_together_are_cut_in_turns_that_others_come_between() -> None:
    loop, connections = Loop(), some()
    silent = [Client(connections, loop, str(n)) for n in range(2000)]
    assert all(connections.admit(one) for one in silent)  # type: ignore[arg-type]

    loop.run_until(LIMIT_S)
    assert cut(silent) == []

    loop.run_until(LIMIT_S + 2)
    in_turn = Counter(one.cut_at_s for one in silent)
    assert None not in in_turn
    assert max(in_turn.values()) <= 20


def test_one_that_closed_by_itself_meanwhile_is_not_looked_at() -> None:
    loop, connections = Loop(), some()
    silent = crowd(30, loop, connections)
    connections.forget(silent[7])

    loop.run_until(LIMIT_S + 2)

    assert cut(silent) == [n for n in range(30) if n != 7]


def test_of_those_that_wait_in_one_way_so_many_stay_and_the_longest_goes() -> None:
    loop, connections = Loop(), some(most_waiting=3)
    for waits in Waits:
        clients = crowd(3, loop, connections)
        for one in clients:
            connections.put(one, waits)
        more = crowd(1, loop, connections)[0]
        connections.put(more, waits)

        assert cut([*clients, more]) == [0]
        for one in (*clients, more):
            connections.forget(one)


def test_who_waits_for_us_makes_no_room_and_the_longest_in_any_way_does() -> None:
    loop, connections = Loop(), some(most=3)
    at_work, idle, reading = clients = crowd(3, loop, connections)
    connections.put(at_work, None)
    connections.put(idle, Waits.NEXT)
    loop.now_s += 1
    connections.put(reading, Waits.READER)
    loop.now_s += 1

    newer = crowd(2, loop, connections)
    assert cut(clients) == [1, 2]
    for one in newer:
        connections.put(one, None)
    assert not connections.admit(Client(connections, loop, "one too many"))  # type: ignore[arg-type]
    assert cut([*clients, *newer]) == [1, 2]


def test_an_address_that_is_full_makes_room_by_its_own_longest() -> None:
    loop, connections = Loop(), some(most_of_address=3)
    others = crowd(5, loop, connections)
    its_own = crowd(3, loop, connections, sender="one")
    connections.put(its_own[0], None)

    crowd(1, loop, connections, sender="one")

    assert (cut(others), cut(its_own)) == ([], [1])


def test_a_byte_keeps_the_place_of_a_body_and_not_that_of_headers() -> None:
    for waits, goes in ((Waits.BODY, 1), (Waits.REQUEST, 0)):
        loop, connections = Loop(), some(most_waiting=2)
        clients = crowd(2, loop, connections)
        for one in (*clients, clients[0]):
            connections.put(one, waits)
            loop.now_s += 1
        connections.put(crowd(1, loop, connections)[0], waits)

        assert cut(clients) == [goes]


def test_callbacks_go_on_at_once_and_of_others_one_each_time_round() -> None:
    loop, turns = Loop(), Turns()
    clients: list[Any] = [Client(some(), loop, str(n)) for n in range(5)]
    for one in clients[:4]:
        turns.take(one, is_urgent=False)
    assert [one.has_gone_on for one in clients] == [True, False, False, False, False]

    turns.take(clients[4], is_urgent=True)
    assert clients[4].has_gone_on

    for so_many in (2, 3, 4, 4):
        loop.turn()
        assert sum(one.has_gone_on for one in clients[:4]) == so_many
    late: Any = Client(some(), loop, "late")
    turns.take(late, is_urgent=False)
    assert late.has_gone_on
