"""Everything that happened to one contact, in the order it happened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from campaigns.attempt import Attempt, AttemptState
from campaigns.contact_state import ContactState
from campaigns.sentence import MONTHS, told
from dialer.ids import AttemptId
from dialer.store.notes import Note, notes_of
from dialer.store.snapshot import ContactLine
from dialer.watching.overview import error_of


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, or is planned.

    Args:
        at: Epoch s; None when nobody noted it.
        what: A fixed word: `requested`, `agent_answered`, `settled`, `due` …
        detail: For people.
    """

    at: float | None
    what: str
    detail: str
    attempt: AttemptId | None = None


def story_of(line: ContactLine, *, masked: bool) -> list[Event]:
    """Tell a contact's story, planned events last; masked without what agents wrote.

    The provider's stamps are whole seconds of its own clock, so what causes what goes before them.
    """
    came = (
        told("line {line} of the list", line=line.row.line)
        if line.row.line
        else told("by itself, from no list")
    )
    events = [Event(None, "loaded", came)]
    for one in line.attempts:
        attempt = one.attempt
        if masked:
            attempt = attempt._replace(note=None, disposition_by=None)
        events.extend(in_order(_attempt(one.id, attempt)))
    record = line.record
    if record.state is ContactState.FINAL:
        settled_at = line.attempts[-1].attempt.settled_at if line.attempts else None
        events.append(
            Event(
                settled_at,
                "closed",
                told(
                    "for good: {why}",
                    why=_word(record.outcome) if record.outcome else told("no reason kept"),
                ),
            )
        )
    elif record.state is ContactState.WAITING and record.due_s:
        events.append(Event(record.due_s, "due", told("next attempt at the earliest")))
    return events if masked else _noted(events, notes_of(line.row))


def _noted(events: list[Event], notes: Iterable[Note]) -> list[Event]:
    """Put notes where they were written."""
    for note in notes:
        later = (at for at, event in enumerate(events) if event.at and event.at > note.at)
        place = next(later, len(events))
        events.insert(
            place, Event(note.at, "noted", told("{text}, by {who}", text=note.text, who=note.by))
        )
    return events


_CAUSES = ("requested", "request_failed", "agent_answered", "customer_answered", "ended")
"""Each comes of the one before it, whatever a stamp says."""

HAPPENINGS = (
    *(*_CAUSES, "loaded", "looked_up", "settled", "disposition", "corrected", "contradicted"),
    *("quarantine_ends", "closed", "due", "noted"),
)
"""Words of events."""


def in_order(events: Iterable[Event]) -> list[Event]:
    """Order an attempt's events: those of its call by cause, the others among them by time.

    What is told in the same second as something of the call comes after it.
    """
    ordered: list[Event] = []
    reached_s = 0.0
    others = []
    for event in sorted(events, key=_cause):
        if event.what in _CAUSES:
            reached_s = max(reached_s, event.at or 0.0)
            ordered.append(event if event.at is None else replace(event, at=reached_s))
        else:
            others.append(event)
    return sorted([*ordered, *others], key=lambda event: (int(event.at or 0), _cause(event)))


def _cause(event: Event) -> int:
    return _CAUSES.index(event.what) if event.what in _CAUSES else len(_CAUSES)


def _attempt(id_: AttemptId, attempt: Attempt) -> Iterator[Event]:
    window = (
        told(", inside the hours {window}", window=_window(attempt.window))
        if attempt.window
        else ""
    )
    yield Event(
        attempt.requested_at,
        "requested",
        told(
            "attempt {no}, rules version {version}{window}",
            no=attempt.no,
            version=attempt.rules_version,
            window=window,
        ),
        id_,
    )
    if error := error_of(attempt):
        yield Event(attempt.requested_at, "request_failed", error, id_)
    if attempt.agent_answered_at:
        yield Event(attempt.agent_answered_at, "agent_answered", told("the agent picked up"), id_)
    if attempt.answered_at:
        is_machine = attempt.answered_by == "machine"
        who = told("a machine picked up") if is_machine else told("the customer picked up")
        yield Event(attempt.answered_at, "customer_answered", who, id_)
    if attempt.ended_at:
        yield Event(attempt.ended_at, "ended", _ending(attempt), id_)
    if attempt.looked_at:
        yield Event(
            attempt.looked_at,
            "looked_up",
            told("the provider was asked {looks} times", looks=attempt.looks),
            id_,
        )
    if attempt.outcome:
        yield Event(
            attempt.settled_at,
            "settled",
            told(
                "{outcome}, told by {source}; it counts as an attempt",
                outcome=_word(attempt.outcome),
                source=_word(attempt.source),
            )
            if attempt.is_charged
            else told(
                "{outcome}, told by {source}; it does not count as an attempt",
                outcome=_word(attempt.outcome),
                source=_word(attempt.source),
            ),
            id_,
        )
    yield from _afterwards(id_, attempt)


def _afterwards(id_: AttemptId, attempt: Attempt) -> Iterator[Event]:
    if attempt.disposition:
        noted = f": {attempt.note}" if attempt.note else ""
        yield Event(
            attempt.disposition_at,
            "disposition",
            told(
                "{disposition}, said by {who}{note}",
                disposition=attempt.disposition,
                who=attempt.disposition_by or told("somebody"),
                note=noted,
            ),
            id_,
        )
    if attempt.first_outcome:
        yield Event(
            attempt.settled_at,
            "corrected",
            told(
                "it had been settled as {outcome}; final call details count",
                outcome=_word(attempt.first_outcome),
            ),
            id_,
        )
    if attempt.details_outcome:
        yield Event(
            attempt.settled_at,
            "contradicted",
            told("call details say {outcome}", outcome=_word(attempt.details_outcome)),
            id_,
        )
    if attempt.state is AttemptState.UNKNOWN:
        yield Event(
            attempt.quarantine_ends_at,
            "quarantine_ends",
            told("until then its call could be live; agent and customer are not rung"),
            id_,
        )


def _window(text: str) -> str:
    """Write the window a request was inside of, which is kept as two instants with their offset."""
    span, _, zone = text.partition(" ")
    try:
        begin, end = (datetime.strptime(one, "%Y-%m-%dT%H:%M%z") for one in span.split("/"))
    except ValueError:
        return text
    until = f"{end:%H:%M}" if end.date() == begin.date() else _day_and_hour(end)
    return told("from {begin} to {end} ({zone})", begin=_day_and_hour(begin), end=until, zone=zone)


def _day_and_hour(at: datetime) -> str:
    month = MONTHS[at.month - 1]
    return told("{day} {month}, {clock}", day=f"{at:%d}", month=month, clock=f"{at:%H:%M}")


def _word(code: str | None) -> str:
    return told(str(code).replace("_", " "))


def _ending(attempt: Attempt) -> str:
    agent, customer = attempt.agent_status, attempt.customer_status
    return told(
        "the call ended{agent}{customer}, {talk}",
        agent=told(", agent {status}", status=agent) if agent else "",
        customer=told(", customer {status}", status=customer) if customer else "",
        talk=told("talked {n} s", n=attempt.talk_s) if attempt.talk_s else told("no talk"),
    )
