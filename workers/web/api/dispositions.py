"""What came of a conversation, and what else is known of a contact, as a program tells it."""

from pydantic import AwareDatetime, Field

from campaigns.dispositions import LONGEST_NOTE
from dialer.deeds import Did
from dialer.settling.disposing import Said, dispose
from dialer.steering.noting import note
from dialer.store.attempts import Attempts
from workers.web.api.needs import Operator, Router, TheContact, TheServices
from workers.web.api.shapes import (
    AttemptDocument,
    NoteDocument,
    Order,
    Whole,
    attempt_document,
    note_document,
)
from workers.web.problems import not_found

router = Router("/contacts/{contact_id}", "contacts")


class DispositionOrder(Order):
    """What came of a conversation; what was said before is corrected, but not that nobody calls again."""

    disposition: str = Field(max_length=40, description="One of the campaign's.")
    note: str = Field("", max_length=LONGEST_NOTE)
    call_back_at: AwareDatetime | None = Field(
        None, description="The customer wants to be called then, whatever else would follow."
    )
    only_agent: bool = Field(
        False, description="The call back is for the agent who spoke alone, not for all of a group."
    )
    attempt_no: Whole | None = Field(None, ge=1, le=65_535, description="The last one otherwise.")


class NoteOrder(Order):
    """What is to be noted on a contact."""

    text: str = Field(max_length=LONGEST_NOTE)


@router.post("/notes", Did.CONTACT_NOTED, status_code=201)
def note_on_contact(
    visitor: Operator,
    services: TheServices,
    contact: TheContact,
    order: NoteOrder,
) -> NoteDocument:
    """Note something on a contact; it is told with what happened to it, and in the report."""
    return note_document(note(services.wiring.db, contact, order.text, by=visitor.name))


@router.post("/disposition", Did.DISPOSITION_GIVEN)
def give_disposition(
    visitor: Operator,
    services: TheServices,
    contact: TheContact,
    order: DispositionOrder,
) -> AttemptDocument:
    """Say what came of the conversation with a contact; what follows from it is done at once."""
    wiring = services.wiring
    wiring.campaigns.find(contact.campaign)
    said = Said(
        order.disposition,
        by=visitor.name,
        note=order.note,
        call_back_at=order.call_back_at,
        only_agent=order.only_agent,
        no=order.attempt_no,
    )
    attempt = dispose(wiring.db, wiring.settling, contact, said)
    one = Attempts(wiring.db).of_contact(contact, attempt.no)
    if one is None:
        raise not_found("There is no such contact any more.")
    return attempt_document(one.id, attempt)
