"""Links to agents' pages in Redis: whose each is, and the hash of its secret."""

import json
from collections.abc import Sequence
from typing import Any, cast

from dialer.store.database import Database, text


class LinkRecords:
    """Reads and writes links by their ids."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._key = db.key("agent_links")

    def add(self, id_: str, record: dict[str, Any]) -> None:
        """Write a link."""
        self._db.client.hset(self._key, id_, json.dumps(record))

    def get(self, id_: str) -> dict[str, Any] | None:
        """Read a link."""
        stored = cast("bytes | None", self._db.client.hget(self._key, id_))
        return json.loads(stored) if stored else None

    def all(self) -> dict[str, dict[str, Any]]:
        """Read every link."""
        stored = cast("dict[bytes, bytes]", self._db.client.hgetall(self._key))
        return {text(id_): json.loads(one) for id_, one in stored.items()}

    def remove(self, ids: Sequence[str]) -> None:
        """Remove links."""
        if ids:
            self._db.client.hdel(self._key, *ids)
