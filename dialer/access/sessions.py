"""Use case: sessions of people who signed in with a key. Redis holds them, so an end is an end.

A session is a random token; what is stored is its SHA-256 and whose key opened it. It ends when it
is signed out of, with its key, after twelve hours, and after an hour in which nobody used it.
"""

import math
import secrets
from contextlib import suppress

import redis

from dialer.access.digests import digest_of
from dialer.store import Database
from dialer.store.admission import SessionRecords

LONGEST_S = 12 * 3600  # a working day; then the key is asked for again
IDLE_S = 3600
_RENEW_EVERY_S = 60  # a page is many requests, and one of them need not write


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._records = SessionRecords(db)

    def open(self, key_id: str) -> str:
        """Open a session for the holder of a key; gives its token, which is told this once."""
        token = secrets.token_urlsafe(32)
        record = {"key": key_id, "opened_at": self._db.now()}
        self._records.add(digest_of(token), record, idle_s=IDLE_S)
        return token

    def key_of(self, token: str, *, is_use: bool = True) -> str | None:
        """Tell by which key a session was opened; None: it has ended, or never was.

        Args:
            is_use: Somebody does something, so its idle hour begins anew.
        """
        digest = digest_of(token)
        session, idle_left_s = self._records.get(digest)
        if session is None:
            return None
        left_s = session["opened_at"] + LONGEST_S - self._db.now()
        if left_s <= 0:
            return None
        if is_use and idle_left_s < min(IDLE_S - _RENEW_EVERY_S, left_s):
            with suppress(redis.ResponseError):  # a Redis that takes no writes still shows pages
                self._records.keep(digest, idle_s=min(IDLE_S, math.ceil(left_s)))
        return str(session["key"])

    def end(self, token: str) -> None:
        """End a session."""
        self._records.remove(digest_of(token))
