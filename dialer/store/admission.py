"""Whoever may come in: API keys, sessions of people, and the secret that signs their forms."""

import json
import secrets
from collections.abc import Collection, Mapping
from typing import Any, cast

from dialer.store.database import Database, text_fields


class KeyRecords:
    """Writes records of API keys, `api_keys` by the keys' ids, and when those were used."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._records = db.key("api_keys")
        self._used = db.key("keys_used")
        self._made = db.key("keys_made")

    def add(self, id_: str, record: Mapping[str, Any]) -> None:
        """Keep a key's record, and that there was a key."""
        with self._db.client.pipeline() as pipe:
            pipe.hset(self._records, id_, json.dumps(record))
            pipe.set(self._made, 1)
            pipe.execute()

    def remove(self, ids: Collection[str]) -> None:
        """Forget keys and when they were used."""
        with self._db.client.pipeline() as pipe:
            pipe.hdel(self._records, *ids)
            pipe.hdel(self._used, *ids)
            pipe.execute()

    def note_use(self, id_: str) -> None:
        """Note that a key is used now."""
        self._db.client.hset(self._used, id_, str(int(self._db.now())))

    def last_used(self) -> dict[str, int]:
        """Tell when keys were used last, epoch s."""
        stored = text_fields(self._db.client.hgetall(self._used))
        return {id_: int(at) for id_, at in stored.items()}

    def were_made(self) -> bool:
        """Tell whether there is a key, or ever was."""
        return bool(self._db.client.exists(self._made, self._records))


class SessionRecords:
    """Records of sessions by the hashes of their tokens; each ends by itself when it is idle."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, digest: str, record: Mapping[str, Any], *, idle_s: int) -> None:
        """Keep a session for so long."""
        self._db.client.set(self._key(digest), json.dumps(record), ex=idle_s)

    def get(self, digest: str) -> tuple[dict[str, Any] | None, int]:
        """Read a session and how many seconds it is kept; None when it has ended."""
        with self._db.client.pipeline(transaction=False) as pipe:
            pipe.get(self._key(digest))
            pipe.ttl(self._key(digest))
            stored, left_s = cast("tuple[bytes | None, int]", tuple(pipe.execute()))
        return json.loads(stored) if stored else None, left_s

    def keep(self, digest: str, *, idle_s: int) -> None:
        """Keep a session for so long from now on."""
        self._db.client.expire(self._key(digest), idle_s)

    def remove(self, digest: str) -> None:
        """Forget a session."""
        self._db.client.delete(self._key(digest))

    def _key(self, digest: str) -> str:
        return self._db.key("session", digest)


def signing_secret(db: Database) -> bytes:
    """Read the secret all web processes sign with; whoever comes first makes it."""
    key = db.key("web_secret")
    db.client.set(key, secrets.token_bytes(32), nx=True)
    return cast("bytes", db.client.get(key))
