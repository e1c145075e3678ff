"""Words for who did what: an action under way, and what use cases tell of it.

`dialer.audit` writes it down. Whoever does something need not know: `tell` adds to the action that is
under way where it stands, and is nothing where there is none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dialer.ids import new_nonce


class Did(StrEnum):
    """What can be done; stored, so a word is never renamed."""

    # campaigns
    LIST_LOADED = "list_loaded"
    LIST_APPENDED = "list_appended"
    LIST_REVIEWED = "list_reviewed"
    LIST_DISCARDED = "list_discarded"
    CAMPAIGN_STARTED = "campaign_started"
    START_CONFIRMED = "start_confirmed"
    CAMPAIGN_PAUSED = "campaign_paused"
    CAMPAIGN_RESUMED = "campaign_resumed"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    CAMPAIGNS_STEERED = "campaigns_steered"  # several; each is recorded by itself as well
    RULES_CHANGED = "rules_changed"
    TEMPLATE_SAVED = "template_saved"
    TEMPLATE_REMOVED = "template_removed"
    CAMPAIGN_TAGGED = "campaign_tagged"
    CAMPAIGN_ARCHIVED = "campaign_archived"
    CAMPAIGN_DELETED = "campaign_deleted"
    STORE_MIGRATED = "store_migrated"
    # contacts
    CONTACT_ADDED = "contact_added"
    CONTACT_CALLED_BACK = "contact_called_back"
    CONTACT_NOTED = "contact_noted"
    ATTEMPT_DECIDED = "attempt_decided"
    DISPOSITION_GIVEN = "disposition_given"
    AGENT_LINK_MADE = "agent_link_made"
    AGENT_LINK_REVOKED = "agent_link_revoked"
    NOTICE_SET = "notice_set"
    # numbers
    NUMBERS_SUPPRESSED = "numbers_suppressed"
    NUMBER_UNSUPPRESSED = "number_unsuppressed"
    NUMBER_SEARCHED = "number_searched"
    DATA_PURGED = "data_purged"
    # agents
    AGENTS_LOADED = "agents_loaded"
    AGENTS_REMOVED = "agents_removed"
    PRESENCE_SET = "presence_set"
    SHIFT_SET = "shift_set"
    CONTACTS_MOVED = "contacts_moved"
    MOVE_UNDONE = "move_undone"
    # the account
    HOLD_SET = "hold_set"
    HOLD_RELEASED = "hold_released"
    ACCOUNT_RESUMED = "account_resumed"
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_CHECKED = "account_checked"
    CAPS_RAISED = "caps_raised"
    ALERT_ADDED = "alert_added"
    ALERT_REMOVED = "alert_removed"
    ALERT_TESTED = "alert_tested"
    # what leaves the house
    REPORT_TAKEN = "report_taken"
    REJECTED_TAKEN = "rejected_taken"
    RECORDINGS_TAKEN = "recordings_taken"
    RECORDING_PLAYED = "recording_played"
    BOOKS_COMPARED = "books_compared"
    AUDIT_TAKEN = "audit_taken"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_TESTED = "webhook_tested"
    WEBHOOK_REPLAYED = "webhook_replayed"
    WEBHOOK_REMOVED = "webhook_removed"
    # who may come in
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    KEY_REFUSED = "key_refused"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    REQUEST_REFUSED = "request_refused"
    # the rest
    REHEARSAL_STARTED = "rehearsal_started"
    REHEARSAL_REMOVED = "rehearsal_removed"
    RECORDS_TRIMMED = "records_trimmed"
    OTHER = "other"  # what was asked tells it


OF_INSTALLATION = frozenset(
    {
        *(Did.KEY_MADE, Did.KEY_REVOKED, Did.KEY_REFUSED, Did.SIGNED_IN, Did.SIGNED_OUT),
        *(Did.REQUEST_REFUSED, Did.ACCOUNT_ADDED),
    }
)
"""What is about no account; it stands in the trail of the installation's home."""


class DeedOutcome(StrEnum):
    """How an action stands."""

    BEGUN = "begun"  # and, where nothing follows, broken off in the middle
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class ActorKind(StrEnum):
    """By what somebody is known."""

    KEY = "key"  # of the API or the pages
    AGENT = "agent"  # a link to their own page
    TERMINAL = "terminal"  # an account of the operating system
    PROCESS = "process"  # one of ours, by itself
    STRANGER = "stranger"  # nothing but an address


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Args:
        id: Of the key, of the user, or the role of the process; '' for a stranger.
        name: For people.
        place: The client's address, or the host of the terminal.
    """

    kind: ActorKind
    id: str
    name: str
    place: str

    @classmethod
    def stranger(cls, place: str) -> "Actor":
        """Name somebody who showed nothing that we know."""
        return cls(ActorKind.STRANGER, "", "", place)

    @classmethod
    def process(cls, role: str, host: str) -> "Actor":
        """Name a process of ours that acts by itself."""
        return cls(ActorKind.PROCESS, role, role, host)

    @classmethod
    def of(cls, told: Mapping[str, str]) -> "Actor":
        """Read one that was kept as a dictionary; nobody is a stranger."""
        if not told:
            return cls.stranger("")
        return cls(ActorKind(told["kind"]), told["id"], told["name"], told["place"])

    def as_json(self) -> dict[str, str]:
        """Tell it in JSON's terms."""
        return {"kind": self.kind, "id": self.id, "name": self.name}


@dataclass(slots=True)
class Deed:
    """An action under way.

    Args:
        asked: How it was asked for: options, a path, a file's name; never a secret.
        on: On what.
        before: What it changes, as it was; `after`: as it is now.
        why: It was refused or failed.
        id: Joins its records.
    """

    what: Did
    actor: Actor
    on: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    id: str = field(default_factory=new_nonce)


_under_way: ContextVar[Deed | None] = ContextVar("deed", default=None)


@contextmanager
def under_way(deed: Deed) -> Iterator[None]:
    """Take what is told in the block as told of this action."""
    token = _under_way.set(deed)
    try:
        yield
    finally:
        _under_way.reset(token)


def deed_under_way() -> Deed | None:
    """Give the action that is being recorded here."""
    return _under_way.get()


def who_acts() -> str:
    """Name who acts here, for people; '' = nobody is known."""
    deed = deed_under_way()
    return (deed.actor.name or deed.actor.id) if deed else ""


def tell(
    *,
    on: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    why: str = "",
    what: Did | None = None,
) -> None:
    """Add to what is recorded of the action under way.

    Args:
        what: Where only now it is known which action it is.
    """
    deed = deed_under_way()
    if deed is None:
        return
    deed.on = on or deed.on
    deed.before |= before or {}
    deed.after |= after or {}
    deed.why = why or deed.why
    deed.what = what or deed.what
