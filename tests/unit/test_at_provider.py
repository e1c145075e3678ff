"""Requests at the provider: so many at a time, however many threads there are."""

import threading

import pytest

from dialer.dialing.at_provider import MOST_AT_PROVIDER, AtProvider
from dialer.pacing import Allowance
from workers.broker import threads_for

PATIENCE_S = 30.0


class Watched:
    """Counts who is inside at a time; each leaves once `company` are, or were."""

    def __init__(self, company: int) -> None:
        self._lock = threading.Lock()
        self._together = threading.Barrier(company)
        self._inside = 0
        self.most = 0

    def visit(self, at_provider: AtProvider) -> None:
        with at_provider.one_more():
            with self._lock:
                self._inside += 1
                self.most = max(self.most, self._inside)
            self._together.wait(PATIENCE_S)
            with self._lock:
                self._inside -= 1


def test_no_more_are_at_the_provider_than_there_is_room_for_and_all_get_their_turn():
    watched, at_provider = Watched(company=2), AtProvider(2, longest_wait_s=PATIENCE_S)
    threads = [threading.Thread(target=watched.visit, args=(at_provider,)) for _ in range(12)]

    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE_S)

    assert not any(one.is_alive() for one in threads)
    assert watched.most == 2


def test_who_finds_no_room_in_time_leaves_all_the_same_and_takes_nobodys():
    at_provider = AtProvider(1, longest_wait_s=0.0)

    for _ in range(2):
        with at_provider.one_more(), at_provider.one_more():
            pass


def test_room_is_given_back_whatever_became_of_the_request():
    watched, at_provider = Watched(company=1), AtProvider(1, longest_wait_s=PATIENCE_S)

    with pytest.raises(OSError, match="lost"), at_provider.one_more():
        raise OSError("lost")
    watched.visit(at_provider)

    assert watched.most == 1


@pytest.mark.parametrize(
    ("a_minute", "threads"), [(20, 10), (200, 25), (1_000_000, MOST_AT_PROVIDER * 3 // 2)]
)
def test_there_are_threads_beside_those_whose_requests_are_at_the_provider(a_minute, threads):
    assert threads_for(Allowance(requests=a_minute, window_s=60)) == threads
