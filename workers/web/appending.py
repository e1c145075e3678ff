"""Appends callbacks to the stream; those that come together share a round trip.

    receive ─┐
    receive ─┼─▶ waiting ─▶ one pipeline ─▶ Redis ─▶ each is told how its own went
    receive ─┘       ▲            │
                     └────────────┘ what comes meanwhile goes with the next one

Nobody is told before Redis has answered, so this is no buffer: a callback that was not stored is
not answered with 200, and the provider sends it again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError


class _Waiting(NamedTuple):
    fields: Mapping[str, str | bytes]
    stored: "asyncio.Future[None]"


class Appending:
    """Appends to one stream, in the order in which it is asked; within one event loop."""

    def __init__(self, client: Redis, key: str) -> None:
        self._client = client
        self._key = key
        self._waiting: list[_Waiting] = []
        self._at_work: asyncio.Task[None] | None = None

    async def append(self, fields: Mapping[str, str | bytes]) -> None:
        """Append an entry; return when Redis has it.

        Raises:
            RedisError: It was not stored, or nobody knows.
        """
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(fields, stored))
        if self._at_work is None or self._at_work.done():
            self._at_work = asyncio.create_task(self._work())
        await stored

    async def _work(self) -> None:
        while self._waiting:
            # all of them: behind a Redis that stalls nobody waits longer than for two round trips
            batch, self._waiting = self._waiting, []
            try:
                await self._store(batch)
            finally:
                for one in batch:
                    one.stored.cancel()  # nobody waits for ever, whatever went wrong here

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        answers: Sequence[Any]
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for one in batch:
                    pipe.execute_command("XADD", self._key, "*", *_flat(one.fields))
                answers = await pipe.execute(raise_on_error=False)
        except RedisError as error:
            answers = [error] * len(batch)
        for one, answer in zip(batch, answers, strict=True):
            if one.stored.done():
                continue  # its sender is gone
            if isinstance(answer, RedisError):
                one.stored.set_exception(answer)
            else:
                one.stored.set_result(None)


def _flat(fields: Mapping[str, str | bytes]) -> list[str | bytes]:
    return [part for pair in fields.items() for part in pair]
