"""Who did what: every action of a person or a key, in a trail that shows what was taken out of it.

    begun ──▶ done | refused | failed

An action is written down twice: before anything is done, so that one which cannot be recorded is not
done, and once it is known how it ended. A use case tells, wherever it stands, what was before and
what is after: `tell` adds that to the action under way, and is nothing where there is none.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import redis
import structlog

from dialer.ids import new_nonce
from dialer.logs import mask_text
from dialer.store import Database
from dialer.store.trail import Ends, Line, Trail, TrailBusy

log = structlog.get_logger(__name__)

_LONGEST_TEXT = 300
_MOST_ITEMS = 60
_DEEPEST = 4


class Did(StrEnum):
    """What can be done; stored, so a word is never renamed."""

    # campaigns
    LIST_LOADED = "list_loaded"
    LIST_APPENDED = "list_appended"
    LIST_REVIEWED = "list_reviewed"
    LIST_DISCARDED = "list_discarded"
    LIST_RELEASED = "list_released"
    CAMPAIGN_STARTED = "campaign_started"
    START_CONFIRMED = "start_confirmed"
    CAMPAIGN_PAUSED = "campaign_paused"
    CAMPAIGN_RESUMED = "campaign_resumed"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    RULES_CHANGED = "rules_changed"
    CAMPAIGN_ARCHIVED = "campaign_archived"
    # contacts
    CONTACT_ADDED = "contact_added"
    CONTACT_CALLED_BACK = "contact_called_back"
    ATTEMPT_DECIDED = "attempt_decided"
    DISPOSITION_SET = "disposition_set"
    # numbers
    NUMBERS_SUPPRESSED = "numbers_suppressed"
    NUMBER_UNSUPPRESSED = "number_unsuppressed"
    DATA_PURGED = "data_purged"
    # the account
    HOLD_SET = "hold_set"
    HOLD_RELEASED = "hold_released"
    ACCOUNT_RESUMED = "account_resumed"
    CAPS_RAISED = "caps_raised"
    # what leaves the house
    REPORT_TAKEN = "report_taken"
    REJECTED_TAKEN = "rejected_taken"
    RECORDINGS_TAKEN = "recordings_taken"
    BOOKS_COMPARED = "books_compared"
    AUDIT_TAKEN = "audit_taken"
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
    AGENTS_CHANGED = "agents_changed"
    WEBHOOKS_CHANGED = "webhooks_changed"
    TEMPLATES_CHANGED = "templates_changed"
    ACCOUNTS_CHANGED = "accounts_changed"
    STORE_MIGRATED = "store_migrated"


class Outcome(StrEnum):
    """How an action stands."""

    BEGUN = "begun"  # and, where nothing follows, broken off in the middle
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class ActorKind(StrEnum):
    """By what somebody is known."""

    KEY = "key"  # of the API or the pages
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
        id: Joins its records.
    """

    what: Did
    actor: Actor
    on: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_nonce)


_under_way: ContextVar[Deed | None] = ContextVar("deed", default=None)


def deed_under_way() -> Deed | None:
    """Give the action that is being recorded here."""
    return _under_way.get()


def tell(
    *,
    on: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    what: Did | None = None,
    actor: Actor | None = None,
) -> None:
    """Add to what is recorded of the action under way.

    Args:
        what: Where only now it is known which action it is.
        actor: Where only now it is known whose.
    """
    deed = _under_way.get()
    if deed is None:
        return
    deed.on = on or deed.on
    deed.before |= before or {}
    deed.after |= after or {}
    deed.what = what or deed.what
    deed.actor = actor or deed.actor


class Audit:
    """Records actions. Its methods ask Redis, so in an event loop they are called from threads."""

    def __init__(self, db: Database) -> None:
        self._trail = Trail(db)

    @contextmanager
    def recording(self, deed: Deed) -> Iterator[Deed]:
        """Record an action around what does it; what goes wrong there is recorded, and raised.

        Raises:
            RedisError: It cannot be recorded, and was not begun.
        """
        self.begin(deed)
        token = _under_way.set(deed)
        try:
            yield deed
        except BaseException as error:
            self.end(deed, Outcome.FAILED, why=str(error) or type(error).__name__)
            raise
        else:
            self.end(deed, Outcome.DONE)
        finally:
            _under_way.reset(token)

    def begin(self, deed: Deed) -> None:
        """Write that an action is begun, before anything is done.

        Raises:
            RedisError: It is not written, so nothing must be done.
        """
        self._write(deed, Outcome.BEGUN, asked=deed.asked)

    def end(self, deed: Deed, outcome: Outcome, *, why: str = "") -> None:
        """Write how an action ended. What is done is done, so a Redis that is away is only logged."""
        try:
            self._write(deed, outcome, before=deed.before, after=deed.after, why=why)
        except (redis.RedisError, TrailBusy) as error:
            log.error(  # noqa: TRY400 - the reason is all there is to say
                "audit_not_written",
                action=deed.id,
                what=deed.what,
                outcome=outcome,
                message=str(error),
            )

    def note(self, deed: Deed, outcome: Outcome, *, why: str = "") -> None:
        """Write an action in one record: one that was over before it could begin.

        Raises:
            RedisError: It is not written.
        """
        self._write(deed, outcome, asked=deed.asked, before=deed.before, after=deed.after, why=why)

    def _write(self, deed: Deed, outcome: Outcome, **more: Any) -> None:
        told = {name: value for name, value in more.items() if value}
        line = self._trail.append(
            {
                "action": deed.id,
                "what": deed.what,
                "outcome": outcome,
                "who": _plain(deed.actor.as_json()),
                "from": _plain(deed.actor.place),
                "on": _plain(deed.on),
                **_plain(told),
            }
        )
        # whoever rewrites the whole trail in Redis does not reach the logs
        log.info("audit_written", what=deed.what, outcome=outcome, action=deed.id, hash=line.hash)


def _plain(value: Any, depth: int = 0) -> Any:
    """Make JSON of a value: numbers masked, long texts cut, large collections cut."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict() if depth < _DEEPEST:
            some = list(value.items())[:_MOST_ITEMS]
            return {mask_text(str(name)): _plain(one, depth + 1) for name, one in some}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            return [_plain(one, depth + 1) for one in list(value)[:_MOST_ITEMS]]
        case _:
            text = str(value)
            cut = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
            return mask_text(cut)


def faults_of(lines: Iterable[Line], ends: Ends | None = None) -> Iterator[str]:
    """Tell, a line each, where a trail is not as it was written.

    Args:
        ends: Where it begins and ends; None for a part of it, which begins and ends anywhere.
    """
    no, last_hash = (ends.trimmed_no, ends.trimmed_hash) if ends else (None, None)
    for line in lines:
        record = line.as_json() if line.is_genuine else {}
        found = int(record.get("no", 0)) or (no or 0) + 1
        if not line.is_genuine:
            yield f"record {found} was changed"
        elif no is not None and found > no + 1:
            yield _missing(no + 1, found - 1)
        elif no is not None and found <= no:
            yield f"record {found} stands where another should"
        elif no is not None and record.get("prev") != last_hash:
            yield f"record {found} does not follow record {no} as it stands"
        no, last_hash = found, line.hash
    if ends and (no or 0) < ends.no:
        yield _missing((no or 0) + 1, ends.no)
    elif ends and last_hash != ends.hash:
        yield f"record {no} is not the last that was written"


def _missing(first: int, last: int) -> str:
    return (
        f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
    )
