"""Dramatiq's Redis queue, as dialling wants it: taken a little at a time, acknowledged together.

A worker takes no more messages than it can bring to the gate soon. What it holds beyond that would
be away for the length of a release if it died, and its neighbours would have nothing to do.

An acknowledgement may be late, or lost: the message then comes again, and the gate drops it. So
they are not sent one by one but together, before messages are fetched.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, PriorityQueue
from typing import Any

import redis
from dramatiq import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed

from dialer.clock import boottime_s, sleep
from dialer.store.work import DIAL_QUEUE

_PAUSE_S = 0.02
_LISTEN_S = 3.0
_BEAT_S = 30.0  # half of what a silent broker is given, see `_HEARTBEAT_MS`
_LONGEST_MISS_MS = 50
_DELAYED = ".DQ"  # Dramatiq's queue of delayed messages; we send none
_NO_MATTER = 1_000_000
_ENDS_S = 0.05
_BUSY_PAUSE_S = 0.004  # where many pass the gate at a time


class MessagesAtHand(PriorityQueue[Any]):
    """A worker's messages that no thread has begun with, beside which the threads wait for the next.

    Dramatiq's threads look every so often whether they should end, each for itself; these are called when
    the worker ends, so that they may wait long, and cost nothing where nothing is to be done.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ends = False

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take one, or wait.

        Raises:
            Empty: There is none after so long, or it is time to look whether the worker ends.
        """
        with self.not_empty:
            if block and not self._qsize():
                self.not_empty.wait(_ENDS_S if self._ends else timeout)
            if not self._qsize():
                raise Empty
            return self._get()

    def call_all(self) -> None:
        """Have all who wait look whether they should end, and again soon: they are told a moment later."""
        with self.not_empty:
            self._ends = True
            self.not_empty.notify_all()


class DialBroker(RedisBroker):
    """A broker whose consumers take few messages ahead.

    Args:
        ahead: Most messages a process holds that are not past the gate.
        under_way: Tells how many are.
        may_take: Tells whether messages may be fetched; those that are not are for other hosts.
        queue: What this process calls the account's queue.
        stored_as: What it is called in Redis, in each account.
        most: Most messages held at once; where accounts share threads, each has so many.
        options: The Redis broker's own.
    """

    def __init__(
        self,
        *,
        ahead: int,
        under_way: Callable[[], int],
        may_take: Callable[[], bool] = lambda: True,
        queue: str = DIAL_QUEUE,
        stored_as: str = DIAL_QUEUE,
        most: int = _NO_MATTER,
        **options: Any,
    ) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # dramatiq types its core only
        self.queue = queue
        self.stored_as = stored_as
        self.most = most
        self.ahead = ahead
        self.under_way = under_way
        self.may_take = may_take
        self.done: defaultdict[str, deque[str]] = defaultdict(deque)
        """Messages to be acknowledged, by queue; here they outlive a consumer that lost Redis."""
        self._by_queue = {queue: self}

    def serve_too(self, other: "DialBroker") -> None:
        """Consume another account's queue beside one's own."""
        self._by_queue[other.queue] = other
        self.declare_queue(other.queue)

    def of(self, queue: str) -> "DialBroker":
        """Give the broker of the account that has a queue, by what this process calls it."""
        return self._by_queue[queue]

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> "_DialConsumer":
        """Make the consumer of a queue, on the keys of the account that has it."""
        queue = queue_name.removesuffix(_DELAYED)
        broker = self._by_queue[queue]
        in_redis = broker.stored_as + queue_name[len(queue) :]
        return _DialConsumer(broker, in_redis, prefetch, timeout)

    @property
    def consumer_class(self) -> type["_DialConsumer"]:
        """What Dramatiq makes of each queue."""
        return _DialConsumer


class _DialConsumer(_RedisConsumer):
    """Consumes one queue; `ack` is called by many threads, the rest by one."""

    def __init__(self, broker: DialBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, min(timeout, _LONGEST_MISS_MS))  # type: ignore[no-untyped-call]  # likewise
        self._fetched_s = float("-inf")
        self._done = broker.done[queue_name]

    def ack(self, message: MessageProxy) -> None:
        """Note that a message is done with."""
        self._done.append(message.options["redis_message_id"])
        self.queued_message_ids.discard(message.message_id)

    def __next__(self) -> Any:
        """Give a message, or None after a pause, as Dramatiq's own does."""
        if self.queue_name.endswith(_DELAYED):
            sleep(_LISTEN_S)
            return None
        if not self.message_cache:
            self.prefetch = min(self.broker.ahead + self.broker.under_way(), self.broker.most)
            free = self.prefetch - self.outstanding_message_count
            if free < max(1, self.broker.ahead // 2):  # a few at a time cost as much as one
                sleep(_PAUSE_S if self.broker.ahead == 1 else _BUSY_PAUSE_S)
                return None
            self._acknowledge()  # as few at a time would, too
            if not self.broker.may_take():
                sleep(_PAUSE_S)
                return None
            if self.misses and not self._hears_of_one():
                return None
            self._fetched_s = boottime_s()
        with _TOLD_IN_A_LINE:
            return super().__next__()  # type: ignore[no-untyped-call]  # likewise

    def _hears_of_one(self) -> bool:
        """Wait, where the last fetch found nothing, until there is a message, or for a while.

        Moving the queue's first element to where it stands changes nothing, and is the one way to
        wait for a list without taking from it. All who wait hear of it, and one gets it. Now and then
        a fetch in vain tells that this consumer lives.
        """
        if boottime_s() - self._fetched_s >= _BEAT_S:
            return True
        queue = f"{self.broker.namespace}:{self.queue_name}"
        with _TOLD_IN_A_LINE:
            return self.broker.client.blmove(queue, queue, _LISTEN_S, "LEFT", "LEFT") is not None

    def close(self) -> None:
        """Send what is left to be sent; where Redis is away, those messages come again in vain."""
        with suppress(ConnectionClosed):
            self._acknowledge()
        super().close()

    def _acknowledge(self) -> None:
        done = [self._done.popleft() for _ in range(len(self._done))]
        if not done:
            return
        broker = self.broker
        try:
            with _TOLD_IN_A_LINE, broker.client.pipeline(transaction=False) as pipe:
                # as Dramatiq's own script does for one of them; its keys are documented there
                pipe.srem(
                    f"{broker.namespace}:__acks__.{broker.broker_id}.{self.queue_name}", *done
                )
                pipe.hdel(f"{broker.namespace}:{self.queue_name}.msgs", *done)
                pipe.execute()
        except ConnectionClosed:
            self._done.extend(done)
            raise


class _ToldInALine:
    """Tells Dramatiq that the connection is gone, whatever Redis' trouble is.

    It begins again a second later in any case; but what it does not expect, a time-out for one, it
    logs with a traceback each time.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, redis.RedisError):
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]  # likewise


_TOLD_IN_A_LINE = _ToldInALine()
