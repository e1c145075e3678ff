"""Reads a whole campaign in the file's order, a hundred contacts at a time."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from campaigns.agents.team import Team
from dialer.ids import AttemptId
from dialer.store.attempts import OpenAttempt, decode_all
from dialer.store.contact_rows import Row, unpack_rows
from dialer.store.contacts import pinned_of, unpack_records
from dialer.store.database import Database
from dialer.store.packed_attempts import unpacked
from dialer.store.record import PER_CHUNK, ContactRecord
from dialer.store.teams import KnownTeams


@dataclass(frozen=True, slots=True)
class ContactLine:
    """One contact with its row and all its attempts, read at one instant.

    Args:
        n: Its number in the campaign, from 1.
        attempts: The first one first.
        team: Who it is for, where that is no single agent.
        pinned: Whom of the team its call back is for alone, E.164; '' = whoever is free.
        teams: For which teams its attempts were, by number; it may have been moved since.
    """

    n: int
    record: ContactRecord
    row: Row
    attempts: tuple[OpenAttempt, ...]
    team: Team | None = None
    pinned: str = ""
    teams: tuple[tuple[int, Team], ...] = ()

    @property
    def planned(self) -> str:
        """Who is to be rung first: a number, E.164, or a team in words."""
        return str(self.team) if self.team else self.record.agent

    @property
    def rung(self) -> str:
        """Who was rung last, E.164; '' = nobody was."""
        return self.attempts[-1].attempt.agent if self.attempts else ""

    @property
    def agent(self) -> str:
        """Who was rung last of a team, else who is to be rung."""
        return (self.team and self.rung) or self.planned


def contact_lines(
    db: Database, campaign: str, *, size: int, after: int = 0
) -> Iterator[ContactLine]:
    """Read every contact. Each hundred is read at one instant, so its sums are whole.

    Args:
        size: Number of the last contact to read.
        after: Contacts to pass over.
    """
    book, pinned = KnownTeams(db), pinned_of(db, campaign)
    for chunk in range(after // PER_CHUNK, (size + PER_CHUNK - 1) // PER_CHUNK):
        with db.client.pipeline(transaction=True) as pipe:
            pipe.get(db.key("c", campaign, "contacts", chunk))
            pipe.get(db.key("c", campaign, "rows", chunk))
            pipe.hgetall(db.key("c", campaign, "attempts", chunk))
            packed, rows, stored = pipe.execute()
        by_contact: dict[int, list[OpenAttempt]] = {}
        fields = unpacked(stored)
        for field, attempt in zip(fields, decode_all(fields.values()), strict=True):
            n = int(field.partition(b"-")[0])
            by_contact.setdefault(n, []).append(
                OpenAttempt(AttemptId(campaign, n, attempt.no, attempt.nonce), attempt)
            )
        first = chunk * PER_CHUNK + 1
        records = list(unpack_records(packed or b""))[: size - chunk * PER_CHUNK]
        for n, (record, row) in enumerate(zip(records, unpack_rows(rows), strict=False), first):
            if n > after:
                made = sorted(by_contact.get(n, ()), key=lambda one: one.attempt.no)
                line = ContactLine(n, record, row, tuple(made), pinned=pinned.get(n, ""))
                yield _with_teams(book, line)


def tried_lines(db: Database, campaign: str, *, size: int, after: int = 0) -> Iterator[ContactLine]:
    """Read every contact of each hundred in which there is an attempt; as `contact_lines`."""
    chunks = range(after // PER_CHUNK, (size + PER_CHUNK - 1) // PER_CHUNK)
    for first in range(0, len(chunks), _ASKED_TOGETHER):
        asked = chunks[first : first + _ASKED_TOGETHER]
        with db.client.pipeline(transaction=False) as pipe:
            for chunk in asked:
                pipe.exists(db.key("c", campaign, "attempts", chunk))
            there = pipe.execute()
        for chunk in (one for one, is_there in zip(asked, there, strict=True) if is_there):
            begin = chunk * PER_CHUNK
            end = min(begin + PER_CHUNK, size)
            yield from contact_lines(db, campaign, size=end, after=max(begin, after))


_ASKED_TOGETHER = 1_000  # hundreds of contacts in one round trip


def lines_of(db: Database, campaign: str, numbers: Collection[int]) -> Iterator[ContactLine]:
    """Read some contacts by their numbers, in two or three round trips for each hundred of them."""
    for chunk in sorted({(n - 1) // PER_CHUNK for n in numbers}):
        first = chunk * PER_CHUNK
        whole = contact_lines(db, campaign, size=first + PER_CHUNK, after=first)
        yield from (line for line in whole if line.n in numbers)


def with_teams(db: Database, lines: Iterable[ContactLine]) -> Iterator[ContactLine]:
    """Tell the teams of contacts that were read elsewhere."""
    book = KnownTeams(db)
    for line in lines:
        yield _with_teams(book, line)


def _with_teams(book: KnownTeams, line: ContactLine) -> ContactLine:
    team = book.team_of(line.record.agent)
    rung_for = {one.attempt.team for one in line.attempts if one.attempt.team}
    if not team and not rung_for:
        return line
    return replace(line, team=team, teams=tuple((one, book.get(one)) for one in rung_for))


def cells_of(db: Database, campaign: str, numbers: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Read the cells of some contacts, by their numbers."""
    chunks = sorted({(n - 1) // PER_CHUNK for n in numbers})
    with db.client.pipeline(transaction=False) as pipe:
        for chunk in chunks:
            pipe.get(db.key("c", campaign, "rows", chunk))
        packed = cast("list[bytes | None]", pipe.execute())
    rows = dict(zip(chunks, map(list, map(unpack_rows, packed)), strict=True))
    found: dict[int, tuple[str, ...]] = {}
    for n in numbers:
        chunk, place = divmod(n - 1, PER_CHUNK)
        if place < len(rows[chunk]):
            found[n] = tuple(rows[chunk][place].cells)
    return found


def records_with_rows(
    db: Database, campaign: str, *, size: int
) -> Iterator[tuple[ContactRecord, Row]]:
    """Read the contacts with their rows, without their attempts.

    Args:
        size: Number of the last contact; others of its hundred may follow.
    """
    for chunk in range((size + PER_CHUNK - 1) // PER_CHUNK):
        with db.client.pipeline(transaction=False) as pipe:
            pipe.get(db.key("c", campaign, "contacts", chunk))
            pipe.get(db.key("c", campaign, "rows", chunk))
            packed, rows = cast("list[bytes | None]", pipe.execute())
        yield from zip(unpack_records(packed or b""), unpack_rows(rows), strict=False)
