"""Packs attempts that are past: they stay in Redis until somebody archives their campaign."""

from contextlib import suppress
from typing import Any

import redis

from campaigns.attempt import Attempt, Outcome
from campaigns.contact_state import ContactState
from dialer.store.attempts import decode
from dialer.store.contacts import unpack_records
from dialer.store.database import Database
from dialer.store.packed_attempts import PACKED, pack, unpack
from dialer.store.record import PER_CHUNK

_QUIET_S = 600.0
"""So long after its end, where no value of it is missing, hardly anybody has more to say of a call."""
_ASKED_TOGETHER = 1_000  # hundreds of contacts in one round trip
_WORTH_PACKING = 20
"""Attempts; fewer wait for others of their hundred, as it is packed anew with each lot that comes to it."""


def pack_past(db: Database, campaign: str, *, size: int, quiet_s: float = _QUIET_S) -> int:
    """Pack what is past of each hundred; gives of how many there was something.

    Args:
        size: The campaign's contacts.
        quiet_s: How long ago an attempt has ended.
    """
    chunks = range((size + PER_CHUNK - 1) // PER_CHUNK)
    packed = 0
    for at in range(0, len(chunks), _ASKED_TOGETHER):
        asked = chunks[at : at + _ASKED_TOGETHER]
        with db.client.pipeline(transaction=False) as pipe:
            for chunk in asked:
                pipe.hlen(db.key("c", campaign, "attempts", chunk))
            fields = pipe.execute()
        some = (chunk for chunk, most in zip(asked, fields, strict=True) if most > 1)
        packed += sum(_pack(db, campaign, chunk, quiet_s) for chunk in some)
    return packed


def _pack(db: Database, campaign: str, chunk: int, quiet_s: float) -> bool:
    key, contacts = (db.key("c", campaign, name, chunk) for name in ("attempts", "contacts"))
    with suppress(redis.WatchError), db.client.pipeline(transaction=True) as opened:
        pipe: Any = opened
        pipe.watch(key, contacts)
        beside = pipe.hgetall(key)
        packed = unpack(beside.pop(PACKED, None))
        through = _through(pipe.get(contacts) or b"", chunk)
        ended_before = db.now() - quiet_s
        past = {
            field: one
            for field, one in beside.items()
            if _is_past(decode(one), ended_before, is_through=field.partition(b"-")[0] in through)
        }
        if not past or len(past) < min(_WORTH_PACKING, len(beside)):
            return False
        left = {field: one for field, one in beside.items() if field not in past}
        pipe.multi()
        pipe.delete(key)  # a hash that held something large stays large otherwise
        pipe.hset(key, mapping={**left, PACKED: pack({**packed, **past})})
        pipe.execute()
        return True
    return False  # somebody wrote meanwhile: the next time


def _through(records: bytes, chunk: int) -> set[bytes]:
    """Give the numbers of a hundred's contacts that nobody is to be rung for any more."""
    standing = enumerate(unpack_records(records), chunk * PER_CHUNK + 1)
    return {b"%d" % n for n, one in standing if one.state is ContactState.FINAL}


def _is_past(attempt: Attempt, ended_before: float, *, is_through: bool) -> bool:
    """Tell whether hardly anything comes to an attempt, and no script asks for it.

    The gate asks who spoke with a customer who is to be rung again.
    """
    has_ended = attempt.settled_at is not None and attempt.settled_at < ended_before
    is_wanted = attempt.outcome is Outcome.CONNECTED and not is_through
    return has_ended and attempt.has_final_values and not is_wanted
