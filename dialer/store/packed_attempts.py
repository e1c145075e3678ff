"""How attempts of a hundred contacts are stored once nothing of them is expected to change: packed.

One field, in place of one for each attempt, takes a fifth of their bytes; those of which more may come stand beside
it. Whoever reads attempts reads packed ones as well; a script does not, so whoever lets one be changed, or its contact
be dialled again, takes the hundred apart first.
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


def unpack(packed: bytes | None) -> dict[bytes, bytes]:
    """Give those that are packed, by contact and number; of a hundred without any there is nothing."""
    lines = zlib.decompress(packed).split(b"\n") if packed else ()
    return {name: one for name, _, one in (line.partition(b" ") for line in lines)}


def unpacked(stored: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Give all attempts of a hundred as it is stored, those that stand beside the packed ones too."""
    beside = {name: one for name, one in stored.items() if name != PACKED}
    return {**unpack(stored.get(PACKED)), **beside}


def of_packed(packed: Mapping[bytes, bytes], contact: int, no: int) -> bytes | None:
    """Give one attempt of those that were unpacked; None: it is not among them."""
    return packed.get(b"%d-%d" % (contact, no))


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
