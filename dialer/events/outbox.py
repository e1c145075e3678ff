"""Reads events from a cursor on, in their order, wherever they are by now: in files or in Redis."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from campaigns.event_document import Event
from campaigns.events import EventKind
from dialer.errors import NotDone
from dialer.events.files import EventFiles
from dialer.events.telling import documents, file_line
from dialer.store import Database
from dialer.store.events import BEGINNING, Entry, EventStream, Written, entries, place

_MOST_LOOKED_AT = 5_000
_READ_AHEAD = 500


class BadCursor(NotDone):
    """What was given as a cursor is none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; empty ones let all through.

    Args:
        campaign: Its id.
    """

    kinds: Collection[EventKind] = ()
    campaign: str = ""

    def lets(self, entry: Entry) -> bool:
        """Tell whether it is one of them."""
        is_kind = not self.kinds or entry.kind in self.kinds
        return is_kind and (not self.campaign or entry.campaign == self.campaign)


ALL = Wanted()


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, and from where to read on."""

    entries: tuple[Entry, ...]
    cursor: str
    is_last: bool


class Outbox:
    """One account's events.

    Args:
        account: What people call it.
        folder: Where its event files are.
    """

    def __init__(self, db: Database, *, account: str, folder: Path) -> None:
        self._db = db
        self.account = account
        self.stream = EventStream(db)
        self.files = EventFiles(folder)
        self._read: tuple[str, list[Written]] = (
            BEGINNING,
            [],
        )  # what was read last, and from where

    def after(self, cursor: str, *, most: int, wanted: Wanted = ALL) -> Page:
        """Read what follows a cursor; a page may be short, or empty, and not the last.

        Raises:
            BadCursor: It is none.
        """
        cursor = checked(cursor)
        found: list[Entry] = []
        looked_at = 0
        while len(found) < most and looked_at < _MOST_LOOKED_AT:
            written = self._written(cursor, most=most)
            for entry in entries(written):
                if wanted.lets(entry):
                    found.append(entry)
                if len(found) == most:
                    return Page(tuple(found), entry.id, is_last=False)
            if not written:
                return Page(tuple(found), cursor, is_last=True)
            cursor, looked_at = written[-1][0], looked_at + len(written)
        return Page(tuple(found), cursor, is_last=False)

    def _written(self, cursor: str, *, most: int) -> list[Written]:
        first, _ = self.stream.ends()
        if first == BEGINNING or place(cursor) < place(first):
            in_files = self._in_files(cursor, most=most)
            older = [one for one in in_files if first == BEGINNING or place(one[0]) < place(first)]
            if older:
                return older
        return self.stream.after(cursor, most=most)

    def _in_files(self, cursor: str, *, most: int) -> list[Written]:
        """Read from files, some hundreds at a time: who wants one after the other reads them once."""
        begins, read = self._read
        if not read or not place(begins) <= place(cursor) < place(read[-1][0]):
            read = self.files.after(cursor, most=max(most, _READ_AHEAD))
            self._read = (cursor, read)
        return [one for one in read if place(one[0]) > place(cursor)][:most]

    def told(self, page: Page) -> list[Event]:
        """Give the documents of a page."""
        return documents(self._db, self.account, page.entries)

    def line_of(self, written: Written) -> str:
        """Give the line that stands for an event in a file."""
        return file_line(self.account, *written)

    def now(self) -> str:
        """Give the cursor behind the newest event."""
        _, last = self.stream.ends()
        return last if last != BEGINNING else self.files.last_id()


def checked(cursor: str) -> str:
    """Give a cursor as it is compared; '' is the beginning.

    Raises:
        BadCursor: It is none.
    """
    if not cursor:
        return BEGINNING
    ms, dash, no = cursor.partition("-")
    if not (ms.isdecimal() and (no.isdecimal() or not dash)) or len(cursor) > 40:
        raise BadCursor(f"{cursor!r} is no cursor: take an event's id, such as 1764328500123-0")
    return f"{int(ms)}-{int(no or 0)}"
