"""The short form of a campaign that was archived: what the list and its status need, packed.

Nothing of it changes any more, so its record, counts, files and events become one text in a field of its
record, some hundreds of bytes in place of some thousands. What scripts ask of an archived campaign
stays beside it.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import orjson
import redis

from dialer.store.archived import put_among_archived
from dialer.store.database import Database, text, text_fields, texts

PACKED = b"packed"
_BESIDE = (b"state", b"started_at", b"archived_at", b"purged_at")
_OF_RELEASE = frozenset((b"weight", b"priority", b"most_live", b"virtual_time"))


class Unpacked(NamedTuple):
    """An archived campaign, unpacked: as its keys were.

    Args:
        fields: Of its record.
        imports: An entry each, JSON.
        told: Events by kind.
    """

    fields: dict[bytes, bytes]
    counts: dict[bytes, bytes]
    imports: list[bytes]
    told: dict[bytes, bytes]


NOTHING = Unpacked({}, {}, [], {})


def pack_archived(db: Database, campaign: str) -> bool:
    """Pack an archived campaign and put it among those archived; False where that is done, or not due."""
    return _with_pipe(db, lambda pipe: _pack_within(db, pipe, campaign))


def _with_pipe(db: Database, step: Callable[[Any], bool]) -> bool:
    """Take a step that watches what it read, again where that was changed meanwhile."""
    while True:
        # the connection may have been made anew as well
        with suppress(redis.WatchError), db.client.pipeline(transaction=True) as pipe:
            return step(pipe)


def _pack_within(db: Database, pipe: Any, campaign: str) -> bool:
    keys = [db.key("c", campaign), *(db.key("c", campaign, name) for name in Unpacked._fields[1:])]
    pipe.watch(*keys)
    found = _read(pipe, *keys)
    beside = {name: found.fields[name] for name in _BESIDE if name in found.fields}
    if b"archived_at" not in beside or pipe.zscore(db.key("campaigns"), campaign) is None:
        return False
    rang_somebody = b"started_at" in beside or beside[b"state"] != b"cancelled"
    contents = pipe.smembers(db.key("c", campaign, "hashes")) if rang_somebody else ()
    pipe.multi()
    if PACKED not in found.fields:
        pipe.delete(*keys)  # a hash that was large once stays so until it is made anew
        pipe.hset(keys[0], mapping={**beside, PACKED: _pack(found)})
    at_s = float(beside[b"archived_at"])
    whole = {**unpacked(found.fields).fields, **found.fields}
    put_among_archived(
        db,
        pipe,
        campaign,
        at_s=at_s,
        ended=text(whole[b"state"]),
        tags=text(whole.get(b"tags")),
        hashes=texts(contents),
    )
    pipe.execute()
    return True


def archived_unpacked(db: Database) -> list[str]:
    """Name the archived campaigns that stand among the others yet, as earlier versions left them."""
    names = texts(db.client.zrange(db.key("campaigns"), 0, -1))
    archived = db.read_field("archived_at", [db.key("c", one) for one in names])
    return [name for name, is_archived in zip(names, archived, strict=True) if is_archived]


def note_archived(db: Database, campaign: str) -> bool:
    """Note how an archived campaign ended, and its tags; False where that is done, or it is gone."""
    return _with_pipe(db, lambda pipe: _note_within(db, pipe, campaign))


def _note_within(db: Database, pipe: Any, campaign: str) -> bool:
    key = db.key("c", campaign)
    pipe.watch(key)  # somebody may change its tags
    record = pipe.hgetall(key)
    if not record:
        return False
    whole = {**record, **unpacked(record).fields}
    pipe.multi()
    said = f"{text(whole[b'state'])} {text(whole.get(b'tags'))}"
    pipe.hsetnx(db.key("archived_as"), campaign, said)
    return bool(pipe.execute()[0])


def unpacked(record: Mapping[bytes, bytes]) -> Unpacked:
    """Unpack a campaign's record; of one that is not packed there is nothing."""
    packed = record.get(PACKED)
    if not packed:
        return NOTHING
    unpack = zlib.decompressobj(zdict=_dictionary())
    parts = orjson.loads(unpack.decompress(packed[1:]) + unpack.flush())
    fields, counts, told = (_bytes(parts[name]) for name in ("fields", "counts", "told"))
    beside = {name: value for name, value in record.items() if name != PACKED}
    return Unpacked({**fields, **beside}, counts, [one.encode() for one in parts["imports"]], told)


def read_unpacked(db: Database, campaigns: Sequence[str]) -> list[Unpacked]:
    """Read some campaigns, unpacked; of one that is not packed there is nothing."""
    packed = db.read_field(text(PACKED), [db.key("c", id_) for id_ in campaigns])
    return [unpacked({PACKED: one} if one else {}) for one in packed]


def _read(pipe: Any, record: str, counts: str, imports: str, told: str) -> Unpacked:
    return Unpacked(
        pipe.hgetall(record), pipe.hgetall(counts), pipe.lrange(imports, 0, -1), pipe.hgetall(told)
    )


def _pack(found: Unpacked) -> bytes:
    left_out = {*_BESIDE, *_OF_RELEASE}
    kept = {name: value for name, value in found.fields.items() if name not in left_out}
    parts = {
        "fields": text_fields(kept),
        "counts": text_fields(found.counts),
        "imports": texts(found.imports),
        "told": text_fields(found.told),
    }
    packing = zlib.compressobj(9, zdict=_dictionary())
    return b"1" + packing.compress(orjson.dumps(parts)) + packing.flush()


@cache
def _dictionary() -> bytes:
    """What packed campaigns have in common; a change of it would be another first byte."""
    return resources.files("dialer.store").joinpath("packed_1.json").read_bytes()


def _bytes(fields: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in fields.items()}
