"""Packs the attempts of what is over, once a day: campaigns stay in Redis until somebody archives them."""

from contextlib import suppress
from typing import Any

import redis

from campaigns.attempt import Attempt
from dialer.store.attempts import decode_all
from dialer.store.database import Database
from dialer.store.packed_attempts import PACKED, hundred_of, pack, unpacked
from dialer.store.record import PER_CHUNK

_SURELY_OVER_S = 3600
"""After the longest that a call could be live no journal brings it back either; some more."""
_ASKED_TOGETHER = 1_000  # hundreds of contacts in one round trip


def pack_past(db: Database, campaign: str, *, size: int) -> int:
    """Pack each hundred whose attempts have ended long ago; gives how many were.

    Args:
        size: The campaign's contacts.
    """
    hundreds = [hundred_of(db, campaign, n) for n in range(1, size + 1, PER_CHUNK)]
    packed = 0
    for at in range(0, len(hundreds), _ASKED_TOGETHER):
        asked = hundreds[at : at + _ASKED_TOGETHER]
        with db.client.pipeline(transaction=False) as pipe:
            for key in asked:
                pipe.hlen(key)
            fields = pipe.execute()
        packed += sum(_pack(db, key) for key, most in zip(asked, fields, strict=True) if most > 1)
    return packed


def _pack(db: Database, key: str) -> bool:
    with suppress(redis.WatchError), db.client.pipeline(transaction=True) as opened:
        pipe: Any = opened
        pipe.watch(key)
        attempts = unpacked(pipe.hgetall(key))
        now_s = db.now()
        if not all(_is_past(one, now_s) for one in decode_all(attempts.values())):
            return False
        pipe.multi()
        pipe.delete(key)
        pipe.hset(key, PACKED, pack(attempts))
        pipe.execute()
        return True
    return False  # somebody wrote meanwhile: the next day


def _is_past(attempt: Attempt, now_s: float) -> bool:
    return attempt.is_settled and now_s > attempt.quarantine_ends_at + _SURELY_OVER_S
