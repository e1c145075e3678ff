"""What the API answers: the shapes, and how a contact or an attempt is told in them."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from dialer.api_keys import Scope
from dialer.ids import AttemptId, ContactId
from dialer.overview import AgentNow, AgentState, error_of
from dialer.store import Campaign, Counts, OpenAttempt
from dialer.store.snapshot import ContactLine
from workers.web.story import Event, story_of


class Open(BaseModel):
    """A document that may grow further members."""

    model_config = ConfigDict(extra="allow")


class CampaignLine(BaseModel):
    """A campaign in a list."""

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
    final: int
    outcomes: dict[str, int]
    created_at: datetime


class CampaignList(BaseModel):
    """All campaigns, the newest first."""

    items: list[CampaignLine]


class RateNow(Open):
    """Requests of the whole account."""

    last_60_s: int
    limit: int


class CampaignStatus(Open):
    """Where a campaign stands; `dialer campaign status --json` says the same."""

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
    final: int
    outcomes: dict[str, int]
    attempts: int
    rate: RateNow
    blocked_by: str | None = Field(description="What keeps more from being dialled now.")
    eta_s: int | None


class CodeDocument(BaseModel):
    """How often a code came up."""

    count: int
    examples: list[str]


class ColumnDocument(BaseModel):
    """How a column was understood."""

    column: str
    role: str
    why: str


class LoadDocument(BaseModel):
    """What became of a file's rows: rows = accepted + rejected + duplicate."""

    campaign_id: str | None = Field(description="None after a dry run.")
    name: str | None
    state: CampaignState | None
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    blank: int
    already: bool = Field(description="This content was loaded before; nothing was done.")
    rejected_file: str | None = Field(description="Where the rows not taken can be had.")
    understood_as: str | None
    columns: list[ColumnDocument]
    all_columns: list[str]
    faults: dict[str, CodeDocument]
    warnings: dict[str, CodeDocument]


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


class ContactDocument(BaseModel):
    """A contact as it stands."""

    contact_id: str
    source_line: int
    agent: str
    customer: str
    state: ContactState
    outcome: str | None = Field(description="Or why it was never dialled; None until final.")
    attempts: int
    charged: int
    next_attempt_at: datetime | None
    row: dict[str, str] = Field(description="The upload's own columns.")


class AttemptDocument(BaseModel):
    """An attempt as it stands."""

    attempt_id: str
    contact_id: str
    attempt_no: int
    state: AttemptState
    call_sid: str | None
    agent: str
    customer: str
    requested_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    agent_leg_status: str | None
    customer_leg_status: str | None
    outcome: Outcome | None
    outcome_source: str | None
    charged: bool
    ring_s: int | None
    talk_s: int | None
    total_s: int | None
    price: str | None
    answered_by: str | None
    recording_url: str | None
    http_status: int | None
    error_code: str | None
    error: str | None = Field(description="What the request failed for, as filters name it.")
    rules_version: int
    window: str | None
    quarantine_ends_at: datetime | None


class EventDocument(BaseModel):
    """Something that happened to a contact."""

    at: datetime | None
    what: str
    detail: str
    attempt_id: str | None


class ContactDetail(ContactDocument):
    """A contact with all that happened to it, in order."""

    all_attempts: list[AttemptDocument]
    events: list[EventDocument]


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


class KeyDocument(BaseModel):
    """A key, without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime


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
        final=counts.final,
        outcomes=counts.outcomes,
        created_at=_instant(campaign.created_at),
    )


def contact_document(campaign: Campaign, line: ContactLine) -> ContactDocument:
    """Tell a contact."""
    return ContactDocument(**_contact_fields(campaign, line))


def contact_detail(campaign: Campaign, line: ContactLine) -> ContactDetail:
    """Tell a contact with all that happened to it."""
    return ContactDetail(
        **_contact_fields(campaign, line),
        all_attempts=[attempt_document(one.id, one.attempt) for one in line.attempts],
        events=[_event(one) for one in story_of(line)],
    )


def attempt_document(id_: AttemptId, attempt: Attempt) -> AttemptDocument:
    """Tell an attempt."""
    return AttemptDocument(
        attempt_id=str(id_),
        contact_id=str(id_.contact),
        attempt_no=attempt.no,
        state=attempt.state,
        call_sid=attempt.sid,
        agent=attempt.agent,
        customer=attempt.customer,
        requested_at=_instant(attempt.requested_at),
        answered_at=_maybe(attempt.answered_at),
        ended_at=_maybe(attempt.ended_at),
        agent_leg_status=attempt.agent_status,
        customer_leg_status=attempt.customer_status,
        outcome=attempt.outcome,
        outcome_source=attempt.source,
        charged=attempt.is_charged,
        ring_s=attempt.ring_s,
        talk_s=attempt.talk_s,
        total_s=attempt.total_s,
        price=attempt.price,
        answered_by=attempt.answered_by,
        recording_url=attempt.recording_url,
        http_status=attempt.http_status,
        error_code=attempt.error_code,
        error=error_of(attempt) or None,
        rules_version=attempt.rules_version,
        window=attempt.window,
        quarantine_ends_at=(
            _instant(attempt.quarantine_ends_at) if attempt.state is AttemptState.UNKNOWN else None
        ),
    )


def attempt_documents(
    found: "list[OpenAttempt] | tuple[OpenAttempt, ...]",
) -> list[AttemptDocument]:
    """Tell attempts."""
    return [attempt_document(one.id, one.attempt) for one in found]


def agent_document(number: str, now: AgentNow) -> AgentDocument:
    """Tell what an agent is doing."""
    return AgentDocument(
        agent=number,
        state=now.state,
        since=_maybe(now.since),
        until=_maybe(now.until),
        attempt_id=str(now.attempt) if now.attempt else None,
    )


def _contact_fields(campaign: Campaign, line: ContactLine) -> dict[str, Any]:
    record = line.record
    waits = record.state is ContactState.WAITING and record.due_s
    return {
        "contact_id": str(ContactId(campaign.id, line.n)),
        "source_line": line.row.line,
        "agent": record.agent,
        "customer": record.customer,
        "state": record.state,
        "outcome": str(record.outcome) if record.outcome else None,
        "attempts": record.made,
        "charged": record.charged,
        "next_attempt_at": _instant(record.due_s) if waits else None,
        "row": dict(zip(campaign.columns, line.row.cells, strict=False)),
    }


def _event(event: Event) -> EventDocument:
    return EventDocument(
        at=_maybe(event.at),
        what=event.what,
        detail=event.detail,
        attempt_id=str(event.attempt) if event.attempt else None,
    )


def _instant(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def _maybe(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else _instant(epoch_s)
