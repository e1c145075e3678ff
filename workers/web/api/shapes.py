"""What the API answers: the shapes, and how a contact or an attempt is told in them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, create_model

from campaigns.attempt import Attempt, AttemptState
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from dialer.ids import AttemptId, ContactId
from dialer.reporting.tables import ATTEMPTS, CONTACTS, Column, Type
from dialer.store import Campaign, Counts, OpenAttempt
from dialer.store.notes import Note, notes_of
from dialer.store.snapshot import ContactLine
from dialer.watching.overview import AgentNow, AgentState, error_of
from workers.instants import instant, instant_or_none
from workers.web.contact_timeline import Event, story_of


class Open(BaseModel):
    """A document that may grow further members."""

    model_config = ConfigDict(extra="allow")


class Order(BaseModel):
    """What a program asks for: a member nobody knows is refused, as what it meant would not be done."""

    model_config = ConfigDict(extra="forbid")


Whole = Annotated[int, Strict()]
"""A number in an order: JSON's `true` is none, although Python would count it as 1."""

Truth = Annotated[bool, Strict()]
"""A yes or no in an order."""


class _Counted(BaseModel):
    campaign_id: str
    name: str
    state: CampaignState
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    waiting: int
    in_flight: int
    unresolved: int
    open: int = Field(description="Talked to; the agent is to say what came of it.")
    final: int
    outcomes: dict[str, int]


class CampaignLine(_Counted):
    """A campaign in a list."""

    tags: list[str]
    created_at: datetime


class CampaignList(BaseModel):
    """Campaigns, the newest first."""

    items: list[CampaignLine]


class RateNow(Open):
    """Requests of the whole account."""

    last_60_s: int
    limit: int


class CampaignStatus(_Counted, Open):
    """Where a campaign stands; `dialer campaign status --json` says the same."""

    attempts: int
    rate: RateNow
    blocked_by: str | None = Field(description="What keeps more from being dialled now.")
    eta_s: int | None


class ImportDocument(Open):
    """A file that was loaded."""

    hash: str
    at: datetime
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    in_part: bool = Field(
        False, description="The campaign was closed before the rest of it was loaded."
    )


class ImportList(BaseModel):
    """Files loaded into a campaign, in order."""

    items: list[ImportDocument]


_PYTHON: dict[Type, Any] = {
    Type.WORD: str,
    Type.TEXT: str,
    Type.INTEGER: int,
    Type.REAL: float,
    Type.MONEY: str,
    Type.INSTANT: datetime,
    Type.TRUTH: bool,
}


def _of_columns(name: str, columns: Iterable[Column]) -> Any:
    """Make the members that a document shares with a report's table."""
    members: dict[str, Any] = {}
    for column in columns:
        if column.in_api:
            kind = column.words or _PYTHON[column.type]
            kind = kind | None if column.may_be_empty else kind
            members[column.name] = (kind, Field(description=column.meaning))
    return create_model(name, **members)


_ContactColumns = _of_columns("ContactColumns", CONTACTS)
_AttemptColumns = _of_columns("AttemptColumns", ATTEMPTS)


class ContactDocument(_ContactColumns):  # type: ignore[misc, valid-type]  # the columns
    """A contact as it stands."""

    state: ContactState
    name: str = Field(description="The customer's, where the list has it.")
    row: dict[str, str] = Field(description="The upload's own columns.")


class AttemptDocument(_AttemptColumns):  # type: ignore[misc, valid-type]  # as above
    """An attempt as it stands."""

    name: str = Field("", description="The customer's, where the list has one; masked: none.")
    state: AttemptState
    error: str | None = Field(description="What the request failed for, as filters name it.")
    quarantine_ends_at: datetime | None


class EventDocument(BaseModel):
    """Something that happened to a contact."""

    at: datetime | None
    what: str
    detail: str
    attempt_id: str | None


class NoteDocument(BaseModel):
    """What somebody noted on a contact."""

    at: datetime
    by: str = Field(description="The name of their key.")
    text: str


class ContactDetail(ContactDocument):
    """A contact with all that happened to it, in order."""

    all_attempts: list[AttemptDocument]
    events: list[EventDocument]
    notes: list[NoteDocument]


class ContactPage(BaseModel):
    """Some contacts."""

    items: list[ContactDocument]
    next_cursor: int | None = Field(description="Where to read on; None: that was all.")


class AttemptPage(BaseModel):
    """Some attempts."""

    items: list[AttemptDocument]
    next_cursor: int | None = Field(description="Where to read on; None: that was all.")


class AttemptList(BaseModel):
    """Attempts, at most 200."""

    items: list[AttemptDocument]


class AgentDocument(BaseModel):
    """What an agent is doing."""

    agent: str
    state: AgentState
    since: datetime | None
    until: datetime | None
    attempt_id: str | None


class AgentList(BaseModel):
    """Agents."""

    items: list[AgentDocument]


def campaign_line(campaign: Campaign, counts: Counts) -> CampaignLine:
    """Tell a campaign in a list."""
    return CampaignLine(
        campaign_id=campaign.id,
        name=campaign.name,
        state=campaign.state,
        rows=campaign.rows,
        accepted=campaign.accepted,
        rejected=campaign.rejected,
        duplicate=campaign.duplicate,
        waiting=counts.waiting,
        in_flight=counts.in_flight,
        unresolved=counts.unresolved,
        open=counts.open,
        final=counts.final,
        outcomes=counts.outcomes,
        tags=list(campaign.tags),
        created_at=instant(campaign.created_at),
    )


def contact_document(campaign: Campaign, line: ContactLine, *, masked: bool) -> ContactDocument:
    """Tell a contact; masked without its cells."""
    return ContactDocument(**_contact_fields(campaign, line, masked=masked))


def contact_detail(campaign: Campaign, line: ContactLine, *, masked: bool) -> ContactDetail:
    """Tell a contact with all that happened to it."""
    return ContactDetail(
        **_contact_fields(campaign, line, masked=masked),
        all_attempts=attempt_documents(
            line.attempts, {line.n: campaign.name_in(line.row.cells)}, masked=masked
        ),
        events=[_event(one) for one in story_of(line, masked=masked)],
        notes=[] if masked else [note_document(one) for one in notes_of(line.row)],
    )


def attempt_document(
    id_: AttemptId, attempt: Attempt, *, name: str = "", masked: bool = False
) -> AttemptDocument:
    """Tell an attempt; masked without its recording, its note and the customer's name."""
    beside = {"attempt_id": str(id_), "contact_id": str(id_.contact)}
    is_unknown = attempt.state is AttemptState.UNKNOWN
    if masked:
        attempt = attempt._replace(recording_url=None, note=None, disposition_by=None)
    return AttemptDocument(
        **{
            column.name: _told(column, beside.get(column.name) or getattr(attempt, column.field))
            for column in ATTEMPTS
            if column.in_api
        },
        name="" if masked else name,
        state=attempt.state,
        error=error_of(attempt) or None,
        quarantine_ends_at=instant(attempt.quarantine_ends_at) if is_unknown else None,
    )


def _told(column: Column, value: Any) -> Any:
    return instant(value) if column.type is Type.INSTANT and value is not None else value


def attempt_documents(
    found: "Sequence[OpenAttempt]", names: Mapping[int, str], *, masked: bool
) -> list[AttemptDocument]:
    """Tell attempts.

    Args:
        names: Of their contacts, by number.
    """
    return [
        attempt_document(one.id, one.attempt, name=names.get(one.id.n, ""), masked=masked)
        for one in found
    ]


def agent_document(number: str, now: AgentNow) -> AgentDocument:
    """Tell what an agent is doing."""
    return AgentDocument(
        agent=number,
        state=now.state,
        since=instant_or_none(now.since),
        until=instant_or_none(now.until),
        attempt_id=str(now.attempt) if now.attempt else None,
    )


def _contact_fields(campaign: Campaign, line: ContactLine, *, masked: bool) -> dict[str, Any]:
    record = line.record
    waits = record.state is ContactState.WAITING and record.due_s
    return {
        "contact_id": str(ContactId(campaign.id, line.n)),
        "source_line": line.row.line,
        "agent": line.agent,
        "agent_planned": line.planned,
        "agent_rung": line.rung or None,
        "customer": record.customer,
        "state": record.state,
        "outcome": str(record.outcome) if record.outcome else None,
        "attempts": record.made,
        "charged": record.charged,
        "next_attempt_at": instant(record.due_s) if waits else None,
        "external_id": None if masked else line.row.external_id or None,
        "name": "" if masked else campaign.name_in(line.row.cells),
        "row": {} if masked else dict(zip(campaign.columns, line.row.cells, strict=False)),
    }


def note_document(note: Note) -> NoteDocument:
    """Tell a note."""
    return NoteDocument(at=instant(note.at), by=note.by, text=note.text)


def _event(event: Event) -> EventDocument:
    return EventDocument(
        at=instant_or_none(event.at),
        what=event.what,
        detail=event.detail,
        attempt_id=str(event.attempt) if event.attempt else None,
    )
