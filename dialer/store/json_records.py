"""Records by their ids: a hash of JSON."""

import json
from typing import Any

from dialer.store.database import Database, text, text_fields


class JsonRecords:
    """Reads and writes the records of one hash.

    Args:
        name: Of the key, as in dialer/store/keys.py.
    """

    def __init__(self, db: Database, name: str) -> None:
        self._client = db.client
        self._key = db.key(name)

    def get(self, id_: str) -> Any:
        """Read a record; None when there is none."""
        stored = text(self._client.hget(self._key, id_))
        return json.loads(stored) if stored else None

    def all(self) -> dict[str, Any]:
        """Read all records, in no order."""
        stored = text_fields(self._client.hgetall(self._key))
        return {id_: json.loads(one) for id_, one in stored.items()}

    def put(self, id_: str, record: Any) -> None:
        """Write a record, in place of an earlier one."""
        self._client.hset(self._key, id_, json.dumps(record, ensure_ascii=False))

    def remove(self, *ids: str) -> bool:
        """Forget records; False when there was none of them."""
        return bool(ids and self._client.hdel(self._key, *ids))
