"""Replies that a web process keeps, and whether writes are taken."""

import json
from collections.abc import Awaitable, Mapping
from typing import Any, cast

import redis
from redis.asyncio import Redis

from campaigns.sentence import Sentence, told
from dialer.store.database import Database
from dialer.store.refusals import Refusal, refusal_of

_KEPT_S = 86_400
_RUNNING_S = 3_600  # a process that died leaves its mark no longer than this
_READY_KEPT_S = 60


class KeptReply:
    """The reply to one upload, for whoever sends it again.

    Args:
        client: Connected to the database's own Redis.
        name: Of the upload, the same each time it is sent.
    """

    def __init__(self, client: Redis, db: Database, name: str) -> None:
        self._client = client
        self._key = db.key("idempotency", name)

    async def begin(self, record: Mapping[str, Any]) -> bool:
        """Note that it is being done; False when it is or was done already."""
        return bool(await self._client.set(self._key, json.dumps(record), nx=True, ex=_RUNNING_S))

    async def read(self) -> dict[str, Any]:
        """Read what is noted; empty when nothing is any more."""
        record: dict[str, Any] = json.loads(await self._client.get(self._key) or "{}")
        return record

    async def keep(self, record: Mapping[str, Any]) -> None:
        """Keep what came of it, for a day."""
        await self._client.set(self._key, json.dumps(record), ex=_KEPT_S)

    async def forget(self) -> None:
        """Forget it: the next try is a first one."""
        await self._client.delete(self._key)


async def write_something(client: Redis, db: Database) -> None:
    """Write as all steps do, by a script, to see that writes are taken.

    Raises:
        RedisError: They are not.
    """
    answer = client.eval(*_write(db))
    await cast("Awaitable[object]", answer)


def why_no_writes(db: Database) -> Refusal | None:
    """Write by a script; tell why Redis does not take it, None where it does.

    Raises:
        RedisError: It is away.
    """
    try:
        db.client.eval(*_write(db))
    except redis.RedisError as error:
        if refusal := refusal_of(error):
            return refusal
        if isinstance(error, redis.ResponseError):
            said = str(error)
            return Refusal(Sentence(said, said), told("its own log says more"))
        raise
    return None


def _write(db: Database) -> tuple[str, int, str, str]:
    script = "return redis.call('SET', KEYS[1], 1, 'EX', ARGV[1])"
    return script, 1, db.key("readyz"), str(_READY_KEPT_S)
