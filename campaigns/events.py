"""What may happen, and is told to others: the kinds of events."""

from dataclasses import dataclass
from enum import StrEnum


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
