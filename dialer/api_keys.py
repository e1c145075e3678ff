"""Use case: keys for the API and the pages. A key is shown once; what is kept cannot be turned back.

A key reads `dk_ID_SECRET`. The secret has 256 random bits, so its plain SHA-256 is as good as any
slow hash: there is nothing to guess.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from campaigns.plain_text import LONGEST_KEY_NAME, plain_line
from dialer.ids import new_nonce
from dialer.store import Database
from dialer.store.database import text

_MARK = "dk"
_NOBODYS_DIGEST = hashlib.sha256(b"").hexdigest()  # compared when the id is unknown


class Scope(StrEnum):
    """What a key opens."""

    READ = "read"  # see everything, phone numbers included
    OPERATE = "operate"  # start, pause, resume, cancel; decide unresolved attempts; suppress
    UPLOAD = "upload"  # load and append lists; no call comes of it by itself
    ADMIN = "admin"  # all of it, the keys, and the account's stops


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime


def allows(scopes: Collection[Scope], wanted: Scope) -> bool:
    """Tell whether these scopes cover one: admin covers all, and whoever acts may read."""
    return wanted in scopes or Scope.ADMIN in scopes or (wanted is Scope.READ and bool(scopes))


class ApiKeys:
    """Creates, finds and revokes keys; what it changes counts with the next request."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._key = db.key("api_keys")

    def create(self, name: str, scopes: Collection[Scope]) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: For people, such as whose it is.

        Returns:
            The key, and its text, which is told this once.

        Raises:
            ValueError: No scope, or no name, or one that is more than a line.
        """
        name = plain_line(name, "the key's name", most=LONGEST_KEY_NAME)
        if not scopes or not name:
            raise ValueError("a key needs a name and at least one scope")
        id_, secret = new_nonce(), secrets.token_urlsafe(32)
        at_s = self._db.now()
        stored = {
            "name": name,
            "scopes": sorted(scopes),
            "created_at": at_s,
            "digest": _digest(secret),
        }
        self._db.client.hset(self._key, id_, json.dumps(stored))
        return _api_key(id_, stored), f"{_MARK}_{id_}_{secret}"

    def all(self) -> list[ApiKey]:
        """Read all keys, the oldest first."""
        stored = cast("dict[bytes, bytes]", self._db.client.hgetall(self._key))
        keys = [_api_key(text(id_), json.loads(one)) for id_, one in stored.items()]
        return sorted(keys, key=lambda key: key.created_at)

    def revoke(self, id_: str) -> bool:
        """Revoke a key; False when there is none of this id."""
        return bool(self._db.client.hdel(self._key, id_))

    def find(self, key: str) -> ApiKey | None:
        """Find whose key this is; None when it is nobody's."""
        mark, _, rest = key.partition("_")
        id_, _, secret = rest.partition("_")
        stored = self._read(id_) if mark == _MARK else None
        digest = stored["digest"] if stored else _NOBODYS_DIGEST
        fits = hmac.compare_digest(_digest(secret), digest)
        return _api_key(id_, stored) if stored and fits else None

    def get(self, id_: str) -> ApiKey | None:
        """Read a key by its id; None when it is revoked."""
        stored = self._read(id_)
        return _api_key(id_, stored) if stored else None

    def exist(self) -> bool:
        """Whether there is any key."""
        return bool(self._db.client.hlen(self._key))

    def _read(self, id_: str) -> dict[str, Any] | None:
        stored = cast("bytes | None", self._db.client.hget(self._key, id_))
        return json.loads(stored) if stored else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _api_key(id_: str, stored: dict[str, Any]) -> ApiKey:
    return ApiKey(
        id=id_,
        name=stored["name"],
        scopes=frozenset(map(Scope, stored["scopes"])),
        created_at=datetime.fromtimestamp(stored["created_at"], UTC),
    )
