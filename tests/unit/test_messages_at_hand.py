"""Threads of a worker wait for messages without looking round, and are called when it ends."""

import threading
from queue import Empty

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from workers.broker import Tuning
from workers.dial_queue import MessagesAtHand

_PATIENCE_MS = 20_000


@pytest.fixture
def worker():
    broker = StubBroker(middleware=[Tuning(3)])
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    yield worker
    broker.close()


def test_threads_that_wait_for_long_end_with_their_worker(worker):
    assert [one.timeout for one in worker.workers] == [60.0] * 3

    worker.stop(timeout=_PATIENCE_MS)

    assert not [one for one in worker.workers if one.is_alive()]


def test_a_thread_that_waits_takes_the_message_that_comes():
    at_hand, taken = MessagesAtHand(), []
    waiter = threading.Thread(target=lambda: taken.append(at_hand.get(timeout=60)))
    waiter.start()

    at_hand.put("a message")
    waiter.join(timeout=20)

    assert taken == ["a message"]


def test_who_does_not_wait_gets_what_there_is_and_then_hears_that_nothing_is_left():
    at_hand = MessagesAtHand()
    at_hand.put("second")
    at_hand.put("first")

    assert [at_hand.get_nowait(), at_hand.get_nowait()] == ["first", "second"]
    with pytest.raises(Empty):
        at_hand.get_nowait()


def test_a_worker_that_ends_still_gives_out_what_it_has():
    at_hand = MessagesAtHand()
    at_hand.call_all()
    at_hand.put("a message")

    assert at_hand.get(timeout=60) == "a message"
    with pytest.raises(Empty):
        at_hand.get(timeout=60)
