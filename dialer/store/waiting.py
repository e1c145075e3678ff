"""The waiting contacts of a campaign as columns: a million are read in a few seconds."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from campaigns.contact_state import ContactState
from campaigns.outlook.blockers import WaitingContacts
from dialer.store.contacts import pinned_of
from dialer.store.database import Database
from dialer.store.record import PER_CHUNK, STATE_CODES
from dialer.store.records import RECORD_TYPE

_CHUNKS_AT_ONCE = 1_000


def waiting_of(db: Database, campaign: str, *, size: int) -> WaitingContacts:
    """Read the waiting ones among a campaign's first `size` contacts."""
    waiting = _records(db, campaign, size=size)
    return WaitingContacts(
        agent=waiting["agent"].astype(np.int64),
        customer=waiting["customer"].astype(np.int64),
        due_s=waiting["due_s"].astype(np.int64),
        expires_s=waiting["expires_s"].astype(np.int64),
        made=waiting["made"].astype(np.int64),
    )


def charged_of(db: Database, campaign: str, *, size: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Read how many attempts each of them was charged with."""
    return _records(db, campaign, size=size)["charged"].astype(np.int64)


def _records(db: Database, campaign: str, *, size: int) -> "np.ndarray[Any, Any]":
    found = [np.empty(0, dtype=RECORD_TYPE)]
    pinned = pinned_of(db, campaign)
    chunks = (size + PER_CHUNK - 1) // PER_CHUNK
    for first in range(0, chunks, _CHUNKS_AT_ONCE):
        keys = [
            db.key("c", campaign, "contacts", chunk)
            for chunk in range(first, min(first + _CHUNKS_AT_ONCE, chunks))
        ]
        stored = cast("list[bytes | None]", db.client.mget(keys))
        records = np.frombuffer(b"".join(one or b"" for one in stored), dtype=RECORD_TYPE)
        if pinned:
            records = _for_their_agents(records, pinned, first * PER_CHUNK)
        found.append(records[records["state"] == STATE_CODES[ContactState.WAITING]])
    return np.concatenate(found)


def _for_their_agents(
    records: "np.ndarray[Any, Any]", pinned: Mapping[int, str], before: int
) -> "np.ndarray[Any, Any]":
    """Put the one agent a call back is for where its team stands."""
    theirs = records.copy()
    for n, agent in pinned.items():
        if before < n <= before + len(theirs):
            theirs["agent"][n - before - 1] = int(agent[1:])
    return theirs
