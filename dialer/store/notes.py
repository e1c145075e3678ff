"""Notes that people write on a contact. They lie with its row, and go wherever that goes: into archives, or
away when somebody is to be forgotten."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from dialer.store.contact_rows import Row

_NAME = "notes"


class Note(NamedTuple):
    """A note.

    Args:
        at: When it was written, epoch s.
        by: Who wrote it, for people.
    """

    at: float
    by: str
    text: str


def notes_of(row: Row) -> tuple[Note, ...]:
    """Read the notes on a contact, the first one first."""
    return tuple(Note(*one) for one in json.loads(row.extra.get(_NAME, "[]")))


def with_note(row: Row, note: Note) -> Row:
    """Add a note to those on a contact."""
    notes = json.dumps([*notes_of(row), note], ensure_ascii=False)
    extra: Mapping[str, str] = {**row.extra, _NAME: notes}
    return row._replace(extra=extra)
