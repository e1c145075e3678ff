"""Which contact bears which external id: twenty bytes each in hashes small enough to be packed lists.

An entry is written in the step that stores its contact, and removed in the one that forgets it.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple, cast

from campaigns.lists.external_ids import DIGEST_BYTES, digest_of
from dialer.store.database import Database

_SHARES = 4096
"""Hashes a campaign's ids are spread over: with a million, 250 in each."""
_ENTRY = struct.Struct(f"<H{DIGEST_BYTES - 2}sII")
_VALUE = struct.Struct("<II")


class Named(NamedTuple):
    """A contact on its way in that bears an id.

    Args:
        print_: Of its row, 32 bits.
    """

    n: int
    external_id: str
    print_: int


class Bearer(NamedTuple):
    """The contact that bears an id, and the fingerprint of its row."""

    n: int
    print_: int


def pack_ids(named: Sequence[Named]) -> bytes:
    """Encode for load.lua: share, field and value of each."""
    entries = []
    for n, external_id, print_ in named:
        share, field = _place_of(external_id)
        entries.append(_ENTRY.pack(share, field, n, print_))
    return b"".join(entries)


def pack_forgotten(external_ids: Sequence[str]) -> list[list[str]]:
    """Encode for replace_lines.lua: share and field, in hexadecimal, of ids that are to go."""
    return [[str(share), field.hex()] for share, field in map(_place_of, external_ids)]


def bearers_of(db: Database, wanted: Sequence[tuple[str, str]]) -> list[Bearer | None]:
    """Tell for each pair of campaign and external id which contact bears it there."""
    with db.client.pipeline(transaction=False) as pipe:
        for campaign, external_id in wanted:
            share, field = _place_of(external_id)
            pipe.hget(db.key("c", campaign, "external", share), cast("str", field))
        stored = pipe.execute()
    return [Bearer(*_VALUE.unpack(one)) if one else None for one in stored]


def _place_of(external_id: str) -> tuple[int, bytes]:
    digest = digest_of(external_id)
    return int.from_bytes(digest[:2], "little") % _SHARES, digest[2:]
