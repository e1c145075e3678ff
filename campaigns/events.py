"""What happened, as others are told of it: kinds of events, and what each kind is about."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class EventKind(StrEnum):
    """What may happen. The part before the point tells what it is about."""

    ATTEMPT_PLACED = "attempt.placed"  # the provider gave its call a Sid
    ATTEMPT_ANSWERED = "attempt.answered"  # the agent, or the customer, took the call
    ATTEMPT_SETTLED = "attempt.settled"  # it has its one outcome
    ATTEMPT_CORRECTED = "attempt.corrected"  # final call details had another, or came after all
    RECORDING_STORED = "attempt.recording_stored"  # it is where it stays
    CONTACT_FINAL = "contact.final"
    CONTACT_CORRECTED = "contact.corrected"  # a closed one ended otherwise than was told
    CONTACT_REOPENED = "contact.reopened"  # a closed one is called again
    CONTACT_DISPOSITIONED = "contact.dispositioned"  # an agent said what came of it
    DISPOSITION_CORRECTED = "contact.disposition_corrected"  # who runs the desk said otherwise
    CONTACTS_CLOSED = "contacts.closed"  # all that waited between two numbers, by a cancellation
    CONTACTS_MOVED = "contacts.moved"  # waiting ones, from one agent to another or to a group
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_REOPENED = "campaign.reopened"  # it was completed, and has contacts to dial again
    CAMPAIGN_COMPLETED = "campaign.completed"
    CAMPAIGN_CANCELLED = "campaign.cancelled"
    REPORT_FINAL = "campaign.report_final"  # nothing in its report is expected to change any more
    ACCOUNT_STOPPED = "account.stopped"  # the provider refuses it
    ACCOUNT_RESUMED = "account.resumed"
    ACCOUNT_HELD = "account.held"  # a person said so, or Redis may have lost writes
    ACCOUNT_RELEASED = "account.released"
    ACCOUNT_CAPPED = "account.capped"  # a cap of its day is reached
    AGENT_MISSED = "agent.missed"  # did not take a call
    AGENT_PARKED = "agent.parked"  # missed so many in a row
    AGENT_PRESENCE = "agent.presence"  # came, left, or has a break
    ALERT_BEGUN = "alert.begun"  # something that a person should look at
    ALERT_OVER = "alert.over"


@dataclass(frozen=True, slots=True)
class EventsTold:
    """How often receivers were told of a campaign's ends, since it began.

    Args:
        closed: Contacts closed together by a cancellation.
    """

    settled: int
    final: int
    reopened: int
    closed: int


SCHEMA_VERSION = 1
"""Raised when a member goes or means something else; new members may come without."""


class EventCampaign(BaseModel):
    """The campaign that an event is about, as it stands when the event is read."""

    campaign_id: str
    name: str
    state: str
    tags: list[str] = Field(default_factory=list)


class EventContact(BaseModel):
    """The contact that an event is about, as it stands when the event is read."""

    contact_id: str
    external_id: str | None = Field(None, description="What its owner's own systems call it.")
    name: str = Field(description="The customer's; '' where the list has none.")
    agent: str
    customer: str
    state: str
    outcome: str | None = Field(None, description="How it was closed; null while it is not.")
    attempts: int


class EventAttempt(BaseModel):
    """The attempt that an event is about, as it stands when the event is read.

    `version` counts its changes: that of the event may be lower, then more is known by now.
    """

    attempt_id: str
    attempt_no: int
    version: int
    state: str
    outcome: str | None = None
    first_outcome: str | None = None
    call_sid: str | None = None
    requested_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ring_s: int | None = None
    talk_s: int | None = None
    total_s: int | None = None
    price: str | None = None
    recording_url: str | None = None
    answered_by: str | None = None


class EventData(BaseModel):
    """What an event tells. The three parts are null where it is about none, or where it has left Redis.

    Members without a value are left out.
    """

    campaign_id: str | None = None
    contact_id: str | None = None
    attempt_no: int | None = None
    version: int | None = Field(None, description="The attempt's, right after this happened.")
    outcome: str | None = Field(None, description="That counts from this event on.")
    was: str | None = Field(None, description="The outcome, or end, that counted until then.")
    by: str | None = Field(None, description="Who took the call: agent or customer.")
    why: str | None = None
    count: int | None = Field(
        None, description="Contacts closed or moved together, or calls missed in a row."
    )
    first_contact: int | None = Field(
        None, description="Between which numbers contacts were closed."
    )
    last_contact: int | None = None
    until: datetime | None = Field(None, description="Until when the agent rests.")
    details: dict[str, Any] | None = Field(None, description="What the kind's own page tells of.")
    campaign: EventCampaign | None = None
    contact: EventContact | None = None
    attempt: EventAttempt | None = None


class Event(BaseModel):
    """Something that happened. `id` is the cursor; who got it twice knows it by its id."""

    id: str
    type: EventKind
    timestamp: datetime
    schema_version: int = SCHEMA_VERSION
    account: str
    data: EventData

    def as_json(self) -> str:
        """Give the document that receivers get."""
        return self.model_dump_json(exclude_none=True)
