"""An event as others are told of it, and all that it may tell."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from campaigns.events import SCHEMA_VERSION, EventKind


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
