"""The queue a worker dials from: a few messages ahead, acknowledged together, none lost."""

import secrets
import socket

import dramatiq
import pytest
import redis
from dramatiq.errors import ConnectionClosed
from redis.backoff import NoBackoff
from redis.retry import Retry

from dialer.dialing.releasing import Released
from dialer.ids import ContactId
from workers.broker import QUEUE, send_all
from workers.dial_queue import DialBroker


class UnderWay:
    """How many contacts are past the gate, in the test's hand."""

    count = 0

    def __call__(self) -> int:
        return self.count


@pytest.fixture
def under_way():
    return UnderWay()


@pytest.fixture
def namespace():
    return f"dialer:{{test{secrets.token_hex(4)}}}:dramatiq"


@pytest.fixture
def broker(redis_client, namespace, under_way):
    return DialBroker(
        ahead=2, under_way=under_way, client=redis_client, namespace=namespace, middleware=[]
    )


def queue(broker: DialBroker, messages: int) -> None:
    send_all(
        broker, [Released(ContactId("7f3kq2xa", n), f"token.{n}") for n in range(1, messages + 1)]
    )


def taken(consumer: dramatiq.Consumer, *, tries: int = 20) -> list[dramatiq.MessageProxy]:
    """Take what the consumer gives."""
    given = (next(consumer) for _ in range(tries))
    return [one for one in given if one is not None]


def left(broker: DialBroker) -> int:
    """Messages that are not acknowledged."""
    return broker.client.hlen(f"{broker.namespace}:{QUEUE}.msgs")


def test_no_more_is_taken_than_can_be_brought_to_the_gate_soon(broker):
    queue(broker, 9)

    assert len(taken(broker.consume(QUEUE, timeout=1))) == 2
    assert broker.client.llen(f"{broker.namespace}:{QUEUE}") == 7


def test_who_is_past_the_gate_makes_room_for_the_next(broker, under_way):
    queue(broker, 9)
    consumer = broker.consume(QUEUE, timeout=1)
    taken(consumer)

    under_way.count = 2

    assert len(taken(consumer)) == 2


def test_what_was_acknowledged_is_gone_once_the_next_are_fetched(broker):
    queue(broker, 5)
    consumer = broker.consume(QUEUE, timeout=1)
    for message in taken(consumer):
        consumer.ack(message)

    taken(consumer, tries=1)

    assert left(broker) == 3


def test_acknowledgements_wait_until_the_next_are_worth_fetching(broker):
    broker.ahead = 4
    queue(broker, 9)
    consumer = broker.consume(QUEUE, timeout=1)
    first, second, *_ = taken(consumer)

    consumer.ack(first)
    assert not taken(consumer, tries=3)
    assert left(broker) == 9

    consumer.ack(second)
    assert len(taken(consumer)) == 2
    assert left(broker) == 7


def test_what_was_acknowledged_is_gone_when_the_worker_ends(broker):
    queue(broker, 2)
    consumer = broker.consume(QUEUE, timeout=1)
    for message in taken(consumer):
        consumer.ack(message)

    consumer.close()

    assert left(broker) == 0


def test_a_worker_ends_in_peace_where_redis_is_away(broker):
    queue(broker, 2)
    consumer = broker.consume(QUEUE, timeout=1)
    for message in taken(consumer):
        consumer.ack(message)
    broker.client = redis.Redis(unix_socket_path="/nowhere/redis.sock")

    consumer.close()


@pytest.fixture
def mute_redis():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield redis.Redis(
            port=server.getsockname()[1], socket_timeout=0.05, retry=Retry(NoBackoff(), retries=0)
        )


def test_a_redis_that_does_not_answer_is_one_that_is_away(mute_redis, namespace, under_way):
    broker = DialBroker(
        ahead=2, under_way=under_way, client=mute_redis, namespace=namespace, middleware=[]
    )

    with pytest.raises(ConnectionClosed, match="Timeout"):
        next(broker.consume(QUEUE, timeout=1))


def test_a_redis_that_takes_no_acknowledgement_is_one_that_is_away(broker, mute_redis):
    queue(broker, 2)
    consumer = broker.consume(QUEUE, timeout=1)
    for message in taken(consumer):
        consumer.ack(message)
    broker.client = mute_redis

    with pytest.raises(ConnectionClosed, match="Timeout"):
        next(consumer)


def test_an_acknowledgement_that_redis_did_not_take_is_sent_again_by_the_next_consumer(
    broker, redis_client
):
    queue(broker, 2)
    consumer = broker.consume(QUEUE, timeout=1)
    for message in taken(consumer):
        consumer.ack(message)
    broker.client = redis.Redis(unix_socket_path="/nowhere/redis.sock")
    with pytest.raises(ConnectionClosed):
        next(consumer)
    broker.client = redis_client

    taken(broker.consume(QUEUE, timeout=1), tries=1)

    assert left(broker) == 0


def test_what_a_dead_worker_had_not_acknowledged_comes_again(broker, redis_client, namespace):
    queue(broker, 2)
    dead = broker.consume(QUEUE, timeout=1)
    for message in taken(dead):
        dead.ack(message)  # it dies before these are sent
    redis_client.zadd(f"{namespace}:__heartbeats__", {broker.broker_id: 0})
    neighbour = DialBroker(
        ahead=2,
        under_way=UnderWay(),
        client=redis_client,
        namespace=namespace,
        middleware=[],
        maintenance_chance=1_000_000,
    )

    assert len(taken(neighbour.consume(QUEUE, timeout=1))) == 2
