"""How the attempts of a hundred contacts are stored once nothing of them is expected to change: packed.

One field, in place of one for each attempt, takes a fifth of their bytes. Whoever reads attempts reads packed ones as
well; a script does not, so whoever lets one be changed, or its contact be dialled again, takes the hundred apart first.
"""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import redis

from dialer.store.database import Database
from dialer.store.record import PER_CHUNK

PACKED = b"packed"
"""The field; its value is zlib of lines: contact-no, a space, the attempt's JSON."""


def hundred_of(db: Database, campaign: str, n: int) -> str:
    """Name the key with a contact's attempts."""
    return db.key("c", campaign, "attempts", (n - 1) // PER_CHUNK)


def pack(attempts: Mapping[bytes, bytes]) -> bytes:
    """Pack the attempts of a hundred, by contact and number."""
    return zlib.compress(b"\n".join(b"%s %s" % one for one in attempts.items()), 9)


def unpacked(stored: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Give all attempts of a hundred as it is stored: some may have come since it was packed."""
    if PACKED not in stored:
        return stored
    since = {name: one for name, one in stored.items() if name != PACKED}
    return {**_lines(stored[PACKED]), **since}


def of_packed(packed: bytes | None, contact: int, no: int) -> bytes | None:
    """Give one attempt of a hundred that may be packed; None: it is not among them."""
    return _lines(packed).get(b"%d-%d" % (contact, no)) if packed else None


def take_apart(db: Database, campaign: str, n: int) -> bool:
    """Store the attempts of a contact's hundred one by one again; False: they were."""
    key = hundred_of(db, campaign, n)
    while True:
        # somebody wrote meanwhile
        with suppress(redis.WatchError), db.client.pipeline(transaction=True) as opened:
            pipe: Any = opened
            pipe.watch(key)
            if not pipe.hexists(key, PACKED):
                return False
            whole: Any = unpacked(pipe.hgetall(key))
            pipe.multi()
            pipe.delete(key)  # a hash that held something large stays large otherwise
            pipe.hset(key, mapping=whole)
            pipe.execute()
            return True


def _lines(packed: bytes) -> dict[bytes, bytes]:
    lines = zlib.decompress(packed).split(b"\n")
    return {name: one for name, _, one in (line.partition(b" ") for line in lines)}
