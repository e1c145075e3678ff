"""Threads in a line: whoever is first asks, for as many as may go together."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from dialer.batching import Batching
from tests.patience import until


def test_one_alone_asks_for_itself():
    turnstile: Batching[int, int] = Batching(
        lambda party: [2 * one for one in party], party=len, most=4
    )

    assert turnstile.go(21) == 42


def test_who_is_not_answered_asks_again():
    asked: list[list[int]] = []

    def ask(party: Sequence[int]) -> list[str | None]:
        asked.append(list(party))
        return ["yes"] if len(asked) == 3 else [None]

    turnstile: Batching[int, str] = Batching(ask, party=len, most=4)

    assert turnstile.go(1) == "yes"
    assert asked == [[1]] * 3


class Held:
    """An ask that stands still until told to go on, so that a line can form."""

    def __init__(self) -> None:
        self.parties: list[list[int]] = []
        self.began = threading.Semaphore(0)
        self.may_go_on = threading.Semaphore(0)

    def __call__(self, party: Sequence[int]) -> list[int]:
        self.parties.append(sorted(party))
        self.began.release()
        assert self.may_go_on.acquire(timeout=240)
        return [10 * one for one in party]


def in_line(turnstile: Batching[int, int], length: int) -> bool:
    return len(turnstile._line) == length


def line_up(threads: ThreadPoolExecutor, turnstile: Batching[int, int], held: Held) -> list:
    """Let one ask, and three come meanwhile."""
    answers = [threads.submit(turnstile.go, 0)]
    assert held.began.acquire(timeout=240)
    for one in (1, 2, 3):
        answers.append(threads.submit(turnstile.go, one))
        until(lambda length=one + 1: in_line(turnstile, length))
    return answers


@pytest.mark.parametrize(("most", "parties"), [(8, [[0], [1, 2, 3]]), (2, [[0], [1, 2], [3]])])
def test_those_who_come_while_one_asks_go_together_after_it(most, parties):
    held = Held()
    turnstile: Batching[int, int] = Batching(held, party=len, most=most)
    with ThreadPoolExecutor(4) as threads:
        answers = line_up(threads, turnstile, held)
        for _ in parties:
            held.may_go_on.release()

        assert [one.result(timeout=240) for one in answers] == [0, 10, 20, 30]

    assert held.parties == parties
    assert in_line(turnstile, 0)


def test_a_failure_is_raised_in_each_of_the_party_and_the_next_goes_on():
    held = Held()

    def ask(party: Sequence[int]) -> list[int]:
        answers = held(party)
        if 1 in party:
            raise ConnectionError("away")
        return answers

    turnstile: Batching[int, int] = Batching(ask, party=lambda line: min(2, len(line)), most=8)
    with ThreadPoolExecutor(4) as threads:
        answers = line_up(threads, turnstile, held)
        for _ in range(3):
            held.may_go_on.release()

        assert answers[0].result(timeout=240) == 0
        for failed in answers[1:3]:
            with pytest.raises(ConnectionError):
                failed.result(timeout=240)
        assert answers[3].result(timeout=240) == 30


def test_an_exception_among_the_answers_is_its_own_threads():
    turnstile: Batching[int, int] = Batching(
        lambda party: [ValueError("odd") if one % 2 else one for one in party], party=len, most=4
    )

    assert turnstile.go(2) == 2
    with pytest.raises(ValueError, match="odd"):
        turnstile.go(1)
    assert turnstile.go(4) == 4


def test_a_storm_of_threads_is_answered_each_once():
    seen: list[int] = []
    turns = threading.Lock()

    def ask(party: Sequence[int]) -> list[int | None]:
        assert turns.acquire(blocking=False), "two threads ask at a time"
        seen.extend(party)
        turns.release()
        return [None if one % 3 == 0 and seen.count(one) < 3 else -one for one in party]

    turnstile: Batching[int, int] = Batching(ask, party=len, most=5)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(turnstile.go, range(1, 400)))

    assert answers == [-one for one in range(1, 400)]
    assert in_line(turnstile, 0)
