"""Contacts in Redis: 36 packed bytes each, their rows compressed by the hundred."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any, NamedTuple, cast

import numpy as np
import redis

from campaigns.contact import Contact
from campaigns.contact_state import ContactState
from campaigns.many_tuples import apart
from campaigns.numbers.as_integers import as_integers
from dialer.ids import ContactId
from dialer.store.contact_rows import (
    Row,
    as_lines,
    compressed,
    lines_of,
    unpack_row_again,
    unpack_rows,
)
from dialer.store.database import Database, text, text_fields
from dialer.store.external_ids import Named, pack_ids
from dialer.store.queue_ends import QueueEnds, has_forgotten_ends
from dialer.store.record import (
    APART,
    NEWCOMER,
    PER_CHUNK,
    RECORD_BYTES,
    STATE_CODES,
    ContactRecord,
    place_of,
)
from dialer.store.record_table import RECORD_TYPE, columns_of
from dialer.store.scripts import gives
from dialer.store.search_index import entries

_ROWS_CHANGED = -1  # what load.lua answers
GROWN = "grown"


@dataclass(frozen=True, slots=True)
class FetchedContact:
    """A contact as it was fetched; to open it is the risk, as it may be damaged.

    Args:
        rows: Of its hundred, packed.
        inside: Which of them is its own.
    """

    record: bytes
    rows: bytes
    inside: int

    def open(self) -> tuple[ContactRecord, Row]:
        """Decode the contact and its own line."""
        return ContactRecord.unpack(self.record), unpack_row_again(self.rows, self.inside)


class NotTakenNow(Exception):
    """Contacts that come one at a time are not taken.

    Args:
        why: `grown`: it has other contacts than it had; the campaign's state; `loading`: a file is on its way in; `archived`; `second_person`: a
            second person has to start it with so many.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NotTaken(Enum):
    """Why a contact was not taken up."""

    NOT_OURS = auto()
    ALONE = auto()
    """It was there when a worker died: to be asked for by itself."""


@dataclass(frozen=True, slots=True)
class Block:
    """Contacts on their way to Redis, to follow the first `before` ones.

    Args:
        records: Packed.
        standing: Who is a newcomer, who stands behind whom, and who is not plain, packed for load.lua.
        rows: Of a hundred contacts each, the first hundred being that of `before`; not compressed.
        seen: The packed rows of that hundred as they were read; none where a new one begins.
        ids: External ids of those that bear one, packed for load.lua.
        names: What the customers are called, for the search index; None: they do not get into it.
    """

    before: int
    after: int
    records: bytes
    standing: tuple[bytes, bytes, bytes]
    rows: list[bytes]
    seen: bytes = b""
    ids: bytes = b""
    names: Sequence[str] | None = None

    def entries(self) -> bytes:
        """Make what the block adds to the search index."""
        if self.names is None:
            return b""
        table = np.frombuffer(self.records, dtype=RECORD_TYPE)
        pair = (table["agent"], table["customer"])
        return entries(pair, self.names, inside=self.before % PER_CHUNK)


@dataclass(frozen=True, slots=True)
class OneAtATime:
    """How contacts are taken that belong to no file.

    Args:
        may_start: Whoever adds them may start calls.
        second_above: Contacts above which a second person has to have started a campaign; 0: never.
    """

    may_start: bool
    second_above: int


@gives("load")
class Load(NamedTuple):
    """A block of checked contacts; who stands where as packed unsigned numbers.

    Args:
        before: Contacts loaded before this block.
        records: Packed.
        newcomers: Which of them are.
        joining: Which stand behind the end of their agent's queue, in pairs: that end, 0 = none, and
            the contact; by the former.
        others: Which are not plain.
        seen: The packed rows of the hundred that `before` lies within, as they were read; empty where
            a new hundred begins.
        ids: External ids of those that bear one: share, field and value of each, packed.
        single: Empty for contacts of a file; of those that come one at a time `calls`, or `waits` when
            whoever adds them may not start calls.
        second_above: Contacts above which a second person has to have started it, 0 = never.
        entries: Of the search index, one for each hundred of the rows, one behind the other; empty:
            they get none.
        rows: Packed, one string per hundred contacts, the first hundred being that of `before`.
    """

    campaign: str
    before: int
    records: bytes
    newcomers: bytes
    joining: bytes
    others: bytes
    seen: bytes
    ids: bytes
    single: str
    second_above: int
    entries: bytes
    rows: Sequence[bytes]


class Approach(NamedTuple):
    """A released contact that a worker takes up."""

    campaign: str
    n: int
    token: str


@gives("approach", kept=True)
class Approaches(NamedTuple):
    """Released contacts that a worker takes up."""

    contacts: Sequence[Approach]


class Contacts:
    """Reads and appends contacts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def queue_ends(self, campaign: str, *, size: int) -> QueueEnds:
        """Read where the agents' queues end among the first `size` contacts.

        One that is dialled afterwards is found to be at its end when somebody is put behind it.
        """
        ends = QueueEnds()
        agents, nexts = columns_of(self._db, campaign, "agent", "next", size=size)
        heads: dict[int, int] = {}
        if has_forgotten_ends(agents, nexts):
            stored = text_fields(self._db.client.hgetall(self._db.key("c", campaign, "heads")))
            heads = {int(n): int(agent) for agent, n in stored.items()}
        ends.read(agents, nexts, heads)
        return ends

    def block(
        self,
        campaign: str,
        *,
        before: int,
        records: bytes,
        rows: Sequence[Row],
        ends: QueueEnds | None,
        named: Sequence[Named] = (),
        names: Sequence[str] | None = None,
    ) -> Block:
        """Make a block of packed records and rows; reads the hundred that `before` lies within.

        Args:
            ends: Of the queues of the contacts before; those of the block are added. None: they join
                no queue, and are ranked beside them.
            named: Those of them that bear an external id.
            names: What the customers are called, for the search index; None: they do not get into it.
        """
        first, inside = divmod(before, PER_CHUNK)
        seen = self._packed_rows(campaign, first) if inside else b""
        whole = [*unpack_rows(seen)[:inside], *rows]
        table = np.frombuffer(records, dtype=RECORD_TYPE).copy()
        is_plain = (table["priority"] == 0) & (table["due_s"] == 0) & (ends is not None)
        ends = ends or QueueEnds()
        standing = ends.add(table["agent"].astype(np.int64), is_plain, before=before)
        table["next"] = standing.nexts
        table["flags"][standing.newcomers - before - 1] = NEWCOMER
        others = np.flatnonzero(~is_plain) + before + 1
        return Block(
            before=before,
            after=before + len(rows),
            records=table.tobytes(),
            standing=(
                standing.newcomers.astype("<u4").tobytes(),
                standing.joining.astype("<u4").tobytes(),
                others.astype("<u4").tobytes(),
            ),
            rows=[as_lines(whole[at : at + PER_CHUNK]) for at in range(0, len(whole), PER_CHUNK)],
            seen=seen,
            ids=pack_ids(named),
            names=names,
        )

    def store(self, campaign: str, block: Block, one_at_a_time: OneAtATime | None = None) -> int:
        """Append a block; asking twice appends it once.

        Returns:
            How many contacts are loaded now; a block that does not follow is not written.

        Raises:
            NotTakenNow: It does not take contacts one at a time.
        """
        while True:
            rows, in_index = list(map(compressed, block.rows)), block.entries()
            answer = self._db.run(
                Load(
                    *(campaign, block.before, block.records, *block.standing, block.seen),
                    *(block.ids, *_asked(one_at_a_time), in_index, rows),
                )
            )
            if isinstance(answer, bytes):
                raise NotTakenNow(text(answer))
            if answer != _ROWS_CHANGED:
                return int(answer)
            block = self._upon_rows_as_they_are(campaign, block)

    def _upon_rows_as_they_are(self, campaign: str, block: Block) -> Block:
        """Put a block's own rows behind those that stand there now: some were purged meanwhile."""
        chunk, inside = divmod(block.before, PER_CHUNK)
        seen = self._packed_rows(campaign, chunk)
        own = block.rows[0].split(b"\n")[inside:]
        first = b"\n".join([*(lines_of(seen)[:inside]), *own])
        return replace(block, rows=[first, *block.rows[1:]], seen=seen)

    def get(self, campaign: str, n: int) -> ContactRecord | None:
        """Read one contact; None when there is none of this number."""
        chunk, *span = place_of(n)
        key = self._db.key("c", campaign, "contacts", chunk)
        packed = cast("bytes", self._db.client.getrange(key, *span))
        return ContactRecord.unpack(packed) if len(packed) == RECORD_BYTES else None

    def approach(
        self, wanted: Sequence[tuple[ContactId, str]]
    ) -> list[FetchedContact | NotTaken | redis.ResponseError]:
        """Note that released contacts are taken up, each with its token, and fetch them."""
        if not wanted:
            return []
        approaches = [Approach(contact.campaign, contact.n, token) for contact, token in wanted]
        answers = self._db.run(Approaches(approaches))
        return [
            _taken(answer, answers, inside=(contact.n - 1) % PER_CHUNK)
            for (contact, _), answer in zip(wanted, answers, strict=True)
        ]

    def lines(self, campaign: str, *, after: int, until: int) -> Iterator[int]:
        """Read the lines of the contacts after one and up to another."""
        for chunk in range(after // PER_CHUNK, (until + PER_CHUNK - 1) // PER_CHUNK):
            for n, row in enumerate(self.rows(campaign, chunk), chunk * PER_CHUNK + 1):
                if after < n <= until:
                    yield row.line

    def rows(self, campaign: str, chunk: int) -> list[Row]:
        """Read the lines of a hundred contacts."""
        return unpack_rows(self._packed_rows(campaign, chunk))

    def _packed_rows(self, campaign: str, chunk: int) -> bytes:
        packed = self._db.client.get(self._db.key("c", campaign, "rows", chunk))
        return cast("bytes | None", packed) or b""


def _asked(how: OneAtATime | None) -> tuple[str, int]:
    if how is None:
        return "", 0
    return "calls" if how.may_start else "waits", how.second_above


def _taken(
    answer: Sequence[Any], answers: Sequence[Sequence[Any]], *, inside: int
) -> FetchedContact | NotTaken | redis.ResponseError:
    match answer:
        case []:
            return NotTaken.NOT_OURS
        case [b"alone"]:
            return NotTaken.ALONE
        case [b"failed", why]:
            return redis.ResponseError(text(why))
        case record, int(place):
            return FetchedContact(
                record, answers[place - 1][1], inside
            )  # neighbours' rows come once
        case record, rows:
            return FetchedContact(record, rows, inside)
    raise AssertionError(f"approach.lua does not answer {answer!r}")


def unpack_records(packed: bytes) -> Iterator[ContactRecord]:
    """Decode a chunk of contacts, in order."""
    for at in range(0, len(packed), RECORD_BYTES):
        yield ContactRecord.unpack(packed[at : at + RECORD_BYTES])


def pinned_of(db: Database, campaign: str) -> dict[int, str]:
    """Tell whom of their team call backs are for alone: E.164 by the contact's number."""
    return pinned_in(db, [campaign])[0]


def pinned_in(db: Database, campaigns: Sequence[str]) -> list[dict[int, str]]:
    """Tell it of several campaigns at once."""
    with db.client.pipeline(transaction=False) as pipe:
        for campaign in campaigns:
            pipe.hgetall(db.key("c", campaign, "pinned"))
        stored = map(text_fields, pipe.execute())
    return [{int(n): f"+{agent}" for n, agent in one.items()} for one in stored]


def states_of(db: Database, campaign: str, numbers: Sequence[int]) -> list[ContactState]:
    """Tell where some contacts stand, each of which there is."""
    with db.client.pipeline(transaction=False) as pipe:
        for n in numbers:
            chunk, *span = place_of(n)
            pipe.getrange(db.key("c", campaign, "contacts", chunk), *span)
        return [ContactRecord.unpack(one).state for one in pipe.execute()]


def pack_records(contacts: Sequence[Contact]) -> bytes:
    """Encode contacts as they stand at first: waiting, never tried."""
    records = np.zeros(len(contacts), dtype=RECORD_TYPE)
    records["state"] = STATE_CODES[ContactState.WAITING]
    records["next"] = APART  # until a block tells who stands behind whom
    _, _, agents, customers, _, priorities, due, ends, *_ = apart(Contact, contacts)
    records["agent"], records["customer"] = as_integers(agents), as_integers(customers)
    records["priority"] = priorities
    # whole seconds: never before the one, never after the other
    if any(due):
        records["due_s"] = [_epoch_s(at, math.ceil) if at else 0 for at in due]
    if any(ends):
        records["expires_s"] = [_epoch_s(at, math.floor) if at else 0 for at in ends]
    return records.tobytes()


def _epoch_s(instant: datetime, rounded: Callable[[float], int]) -> int:
    """Give the instant, or the one next to it that has room: 1970 is as past as 1960."""
    return min(max(rounded(instant.timestamp()), 1), 0xFFFFFFFF)
