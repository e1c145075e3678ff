"""Use case: somebody who knows more of a contact than its row says writes it down there."""

from dataclasses import replace

from campaigns.dispositions import LONGEST_NOTE
from campaigns.plain_text import NotPlain, plain_line
from campaigns.sentence import told
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import ContactId
from dialer.logger import get_logger
from dialer.store import Campaigns, Database
from dialer.store.notes import Note, notes_of, with_note
from dialer.store.record import PER_CHUNK
from dialer.store.removal import replace_lines
from dialer.store.snapshot import ContactLine, contact_lines

log = get_logger(__name__)

MOST_NOTES = 50
"""On one contact."""


class NotNoted(NotDone):
    """The note is not taken; says why."""


def note(db: Database, id_: ContactId, text: str, *, by: str) -> Note:
    """Write a note on a contact, behind those that are there.

    Raises:
        NotNoted: It is no note, or the contact takes none.
    """
    written = Note(db.now(), by, _plain(text))
    while True:
        lines = _neighbours(db, id_)
        at = next((at for at, line in enumerate(lines) if line.n == id_.n), None)
        if at is None:
            raise NotNoted(told("contact {id} does not exist", id=id_))
        if len(notes_of(lines[at].row)) >= MOST_NOTES:
            raise NotNoted(
                told(
                    "contact {id} has {most} notes already, and takes no more",
                    id=id_,
                    most=MOST_NOTES,
                )
            )
        noted = replace(lines[at], row=with_note(lines[at].row, written))
        after = [*lines[:at], noted, *lines[at + 1 :]]
        if replace_lines(db, id_.campaign, lines, after, forgets=False):
            break  # else somebody else wrote meanwhile
    tell(on=f"contact {id_}", after={"characters": len(written.text)})
    log.info("contact_noted", contact_id=str(id_))
    return written


def _plain(text: str) -> str:
    try:
        plain = plain_line(" ".join(text.split()), told("the note"), most=LONGEST_NOTE)
    except NotPlain as error:
        raise NotNoted(str(error)) from None
    if not plain:
        raise NotNoted(told("the note: write something"))
    return plain


def _neighbours(db: Database, id_: ContactId) -> list[ContactLine]:
    """Read the contact's hundred, which is written as a whole."""
    campaign = Campaigns(db).find(id_.campaign)
    if campaign.archived_at is not None:
        raise NotNoted(
            told(
                "campaign {name} is archived: nothing is written there any more", name=campaign.name
            )
        )
    if campaign.purged_at is not None:
        raise NotNoted(told("the people of campaign {name} were forgotten", name=campaign.name))
    first = (id_.n - 1) // PER_CHUNK * PER_CHUNK
    size = min(first + PER_CHUNK, campaign.accepted)
    return list(contact_lines(db, campaign.id, size=size, after=first))
