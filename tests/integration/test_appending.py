"""Callbacks that come together share a round trip, and each hears how its own went."""

import asyncio

import pytest
import redis.asyncio
from redis.exceptions import RedisError

from dialer.store.connection import open_redis, open_redis_async
from workers.web.appending import Appending

MANY = 200


def fields(n: int) -> dict[str, str | bytes]:
    return {"n": str(n), "body": b"x"}


@pytest.fixture
def append_all(redis_server):
    """Append these at once; gives what each of them heard."""

    def run(entries, *, key="stream"):
        async def all_at_once():
            async with redis.asyncio.Redis(**redis_server.connection_kwargs) as client:
                stream = Appending(client, key)
                return await asyncio.gather(
                    *(stream.append(one) for one in entries), return_exceptions=True
                )

        return asyncio.run(all_at_once())

    return run


def stored(client, key="stream"):
    return [int(found[b"n"]) for _, found in client.xrange(key)]


def test_all_are_stored_once_in_the_order_of_asking(append_all, redis_client):
    assert append_all(map(fields, range(MANY))) == [None] * MANY
    assert stored(redis_client) == list(range(MANY))


def test_those_that_come_together_share_round_trips(append_all, redis_client):
    def reads():
        return redis_client.info("stats")["total_reads_processed"]

    before = reads()

    append_all(map(fields, range(MANY)))

    assert reads() - before < MANY / 10


def test_one_that_cannot_be_stored_leaves_the_others_alone(append_all, redis_client):
    heard = append_all([fields(0), {}, fields(1)])  # an entry without fields is none

    assert [heard[0], heard[2]] == [None, None]
    assert isinstance(heard[1], RedisError)
    assert stored(redis_client) == [0, 1]


def test_without_redis_everybody_hears_of_it_and_the_next_are_tried_again(redis_client, tmp_path):
    async def away_then_back():
        client = open_redis_async(f"unix://{tmp_path / 'away'}", account="demo")
        stream = Appending(client, "stream")
        heard = await asyncio.gather(
            *(stream.append(fields(n)) for n in range(3)), return_exceptions=True
        )
        path = redis_client.connection_pool.connection_kwargs["path"]
        (tmp_path / "away").symlink_to(path)
        await stream.append(fields(3))
        await client.aclose(close_connection_pool=True)
        return heard

    heard = asyncio.run(away_then_back())

    assert [type(one) for one in heard] == [redis.exceptions.ConnectionError] * 3
    assert stored(redis_client) == [3]


def test_a_sender_that_is_gone_does_not_keep_the_others_waiting(redis_server, redis_client):
    async def one_leaves():
        async with redis.asyncio.Redis(**redis_server.connection_kwargs) as client:
            stream = Appending(client, "stream")
            tasks = [asyncio.create_task(stream.append(fields(n))) for n in range(3)]
            await asyncio.sleep(0)  # all have asked
            tasks[1].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    heard = asyncio.run(one_leaves())

    assert [heard[0], heard[2]] == [None, None]
    assert isinstance(heard[1], asyncio.CancelledError)
    assert redis_client.xlen("stream") == 3  # it may be told again; that is harmless


################################################################ a server that became a replica


@pytest.fixture
def replica(redis_client):
    """Make the server a replica of nobody."""
    redis_client.replicaof("127.0.0.1", "9")
    yield redis_client
    redis_client.replicaof("NO", "ONE")


def test_a_pipeline_leaves_a_server_that_became_a_replica(replica, redis_server):
    with open_redis(
        f"unix://{redis_server.connection_kwargs['unix_socket_path']}", account="demo"
    ) as client:
        before = client.client_id()
        with client.pipeline(transaction=False) as pipe:
            pipe.set("a", 1)
            with pytest.raises(redis.ConnectionError, match="replica"):
                pipe.execute()

        assert client.client_id() != before


def test_appending_leaves_it_too(replica, redis_server):
    async def append():
        client = open_redis_async(
            f"unix://{redis_server.connection_kwargs['unix_socket_path']}", account="demo"
        )
        try:
            await Appending(client, "stream").append(fields(0))
        finally:
            await client.aclose(close_connection_pool=True)

    with pytest.raises(redis.ConnectionError, match="replica"):
        asyncio.run(append())
