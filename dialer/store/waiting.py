"""The waiting contacts of a campaign as columns: a million are read in a few seconds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from campaigns.contact_state import ContactState
from campaigns.outlook.blockers import WaitingContacts
from dialer.store.contacts import pinned_of
from dialer.store.database import Database
from dialer.store.record import STATE_CODES
from dialer.store.record_table import RECORD_TYPE, records_of


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
    before = 0
    for records in records_of(db, campaign, size=size):
        theirs = _for_their_agents(records, pinned, before) if pinned else records
        found.append(theirs[theirs["state"] == STATE_CODES[ContactState.WAITING]])
        before += len(records)
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
