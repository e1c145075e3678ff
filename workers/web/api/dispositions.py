"""What came of a conversation, and what else is known of a contact, as a program tells it."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, Field

from campaigns.dispositions import LONGEST_NOTE
from dialer.ids import ContactId
from dialer.settling.disposing import Said, dispose
from dialer.steering.noting import note
from dialer.store.attempts import Attempts
from workers.web.api.needs import Operator, TheDesk
from workers.web.api.shapes import (
    AttemptDocument,
    NoteDocument,
    Order,
    Whole,
    attempt_document,
    note_document,
)
from workers.web.problems import Problem

router = APIRouter(prefix="/contacts", tags=["contacts"])


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


@router.post("/{contact_id}/notes", status_code=201)
def note_on_contact(
    visitor: Operator,
    services: TheDesk,
    contact_id: Annotated[str, Path(max_length=20, description="As reports have it.")],
    order: NoteOrder,
) -> NoteDocument:
    """Note something on a contact; it is told with what happened to it, and in the report."""
    id_ = ContactId.parse(contact_id)
    if id_ is None:
        raise Problem(404, "not_found", "There is no such contact.")
    return note_document(note(services.wiring.db, id_, order.text, by=visitor.name))


@router.post("/{contact_id}/disposition")
def give_disposition(
    visitor: Operator,
    services: TheDesk,
    contact_id: Annotated[str, Path(max_length=20, description="As reports have it.")],
    order: DispositionOrder,
) -> AttemptDocument:
    """Say what came of the conversation with a contact; what follows from it is done at once."""
    id_ = ContactId.parse(contact_id)
    if id_ is None:
        raise Problem(404, "not_found", "There is no such contact.")
    wiring = services.wiring
    wiring.campaigns.find(id_.campaign)
    said = Said(
        order.disposition,
        by=visitor.name,
        note=order.note,
        call_back_at=order.call_back_at,
        only_agent=order.only_agent,
        no=order.attempt_no,
    )
    attempt = dispose(wiring.db, wiring.settling, id_, said)
    one = Attempts(wiring.db).of_contact(id_, attempt.no)
    if one is None:
        raise Problem(404, "not_found", "There is no such contact any more.")
    return attempt_document(one.id, attempt)
