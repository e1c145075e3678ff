"""Many contacts' records as numpy reads them; apart, since most commands look at none."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from campaigns.attempt import Outcome
from campaigns.contact_state import ContactState, NotDialled
from dialer.store.database import Database
from dialer.store.record import END_CODES, FIELDS, PER_CHUNK, STATE_CODES

RECORD_TYPE = np.dtype([(name, column) for name, _, column in FIELDS])

_READ_CHUNKS = 1_000  # strings of a hundred contacts in one round trip


def records_of(
    db: Database, campaign: str, *, size: int, first: int = 0
) -> Iterator["NDArray[Any]"]:
    """Read a campaign's contacts, a hundred thousand at a time; others of the last hundred may follow.

    Args:
        size: Number of the last contact.
        first: Hundreds to pass over.
    """
    return _read(db, _keys(db, campaign, size=size, first=first))


def columns_of(
    db: Database, campaign: str, *names: str, size: int, first: int = 0
) -> list["NDArray[np.int64]"]:
    """Read columns of the same, and nothing of others."""
    found = [[np.empty(0, dtype=np.int64)] for _ in names]
    for records in records_of(db, campaign, size=size, first=first):
        for name, parts in zip(names, found, strict=True):
            parts.append(records[name].astype(np.int64))
    return [np.concatenate(parts)[: max(0, size - first * PER_CHUNK)] for parts in found]


def customers_of(db: Database, campaign: str, *, size: int, after: int = 0) -> "NDArray[np.int64]":
    """Read all customers of a campaign's first `size` contacts, E.164 digits as integers.

    Args:
        after: Contacts to pass over.
    """
    first = after // PER_CHUNK
    (customers,) = columns_of(db, campaign, "customer", size=size, first=first)
    return customers[after - first * PER_CHUNK :]


def customers_of_all(db: Database, sizes: Mapping[str, int]) -> "NDArray[np.int64]":
    """Read all customers of some campaigns together, E.164 digits as integers.

    However many campaigns they are, a round trip brings a hundred thousand contacts.

    Args:
        sizes: How many contacts each campaign has; of those that come meanwhile some may be told.
    """
    keys = [key for campaign, size in sizes.items() for key in _keys(db, campaign, size=size)]
    found = (records["customer"].astype(np.int64) for records in _read(db, keys))
    return np.concatenate([np.empty(0, dtype=np.int64), *found])


def contacts_where(
    db: Database,
    campaign: str,
    *,
    size: int,
    after: int,
    states: Collection[ContactState],
    end: Outcome | NotDialled | None,
) -> Iterator[int]:
    """Give the numbers of contacts that stand so, in order.

    Args:
        after: Contacts to pass over.
        states: Any of them; none: whatever it is.
        end: Why they are final; None: whatever became of them.
    """
    codes = [STATE_CODES[one] for one in states]
    first = after // PER_CHUNK
    before = first * PER_CHUNK
    for records in records_of(db, campaign, size=size, first=first):
        fits = np.isin(records["state"], codes) if codes else np.ones(len(records), dtype=bool)
        if end:
            fits &= records["outcome"] == END_CODES[end]
        numbers = np.flatnonzero(fits) + before + 1
        yield from numbers[(numbers > after) & (numbers <= size)].tolist()
        before += len(records)


def _keys(db: Database, campaign: str, *, size: int, first: int = 0) -> list[str]:
    hundreds = range(first, (size + PER_CHUNK - 1) // PER_CHUNK)
    return [db.key("c", campaign, "contacts", chunk) for chunk in hundreds]


def _read(db: Database, keys: Sequence[str]) -> Iterator["NDArray[Any]"]:
    for at in range(0, len(keys), _READ_CHUNKS):
        stored = cast("list[bytes | None]", db.client.mget(keys[at : at + _READ_CHUNKS]))
        yield np.frombuffer(b"".join(one or b"" for one in stored), dtype=RECORD_TYPE)
