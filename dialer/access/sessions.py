"""Use case: sessions of people who signed in with a key. Redis holds them, so an end is an end.

A session is a random token; what is stored is its SHA-256 and whose key opened it. It ends when it
is signed out of, with its key, after twelve hours, and after an hour in which nobody used it.
"""

import hashlib
import json
import math
import secrets
from contextlib import suppress
from typing import cast

import redis

from dialer.store import Database

LONGEST_S = 12 * 3600  # a working day; then the key is asked for again
IDLE_S = 3600
_RENEW_EVERY_S = 60  # a page is many requests, and one of them need not write


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def open(self, key_id: str) -> str:
        """Open a session for the holder of a key; gives its token, which is told this once."""
        token = secrets.token_urlsafe(32)
        stored = json.dumps({"key": key_id, "opened_at": self._db.now()})
        self._db.client.set(self._name(token), stored, ex=IDLE_S)
        return token

    def key_of(self, token: str, *, is_use: bool = True) -> str | None:
        """Tell by which key a session was opened; None: it has ended, or never was.

        Args:
            is_use: Somebody does something, so its idle hour begins anew.
        """
        name = self._name(token)
        with self._db.client.pipeline(transaction=False) as pipe:
            pipe.get(name)
            pipe.ttl(name)
            stored, ttl_s = cast("tuple[bytes | None, int]", tuple(pipe.execute()))
        if stored is None:
            return None
        session = json.loads(stored)
        left_s = session["opened_at"] + LONGEST_S - self._db.now()
        if left_s <= 0:
            return None
        if is_use and ttl_s < min(IDLE_S - _RENEW_EVERY_S, left_s):
            with suppress(redis.ResponseError):  # a Redis that takes no writes still shows pages
                self._db.client.expire(name, min(IDLE_S, math.ceil(left_s)))
        return str(session["key"])

    def end(self, token: str) -> None:
        """End a session."""
        self._db.client.delete(self._name(token))

    def _name(self, token: str) -> str:
        return self._db.key("session", hashlib.sha256(token.encode()).hexdigest())
