"""Makes the document that others get of an event: what its step wrote, and what is stored by now.

Files and streams hold no phone number and no name: those are read here, so what was purged is told no
more, however old the event that is asked for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from campaigns.event_document import Event, EventAttempt, EventCampaign, EventContact, EventData
from campaigns.events import EventKind
from dialer.ids import AttemptId, ContactId
from dialer.store import Campaign, Campaigns, Database
from dialer.store.events import Entry
from dialer.store.snapshot import ContactLine, lines_of

_CHANGED = {
    EventKind.ATTEMPT_CORRECTED: "outcome",
    EventKind.CONTACT_CORRECTED: "outcome",
    EventKind.DISPOSITION_CORRECTED: "why",
}
_IN_A_WORD = {
    EventKind.ATTEMPT_SETTLED: "outcome",
    EventKind.CONTACT_FINAL: "outcome",
    EventKind.CONTACT_REOPENED: "was",
    EventKind.ATTEMPT_ANSWERED: "by",
}
_DETAILED = {
    *(EventKind.AGENT_PRESENCE, EventKind.CONTACT_DISPOSITIONED),
    *(EventKind.ALERT_BEGUN, EventKind.ALERT_OVER, EventKind.RECORDING_STORED),
}


def documents(db: Database, account: str, entries: Sequence[Entry]) -> list[Event]:
    """Make the documents of entries, in a few round trips.

    Args:
        account: What people call it.
    """
    ids = list(dict.fromkeys(one.campaign for one in entries if one.campaign))
    campaigns = {one.id: one for one in Campaigns(db).readable(ids)}
    lines = _lines(db, campaigns, entries)
    return [
        _event(
            account, one, campaigns.get(one.campaign or ""), lines.get((one.campaign or "", one.n))
        )
        for one in entries
    ]


def file_line(account: str, id_: str, written: str) -> str:
    """Give an event as a line of a file: what its step wrote, in words and as it stands there."""
    entry = Entry.parse(id_, written)
    known = (
        _event(account, entry, None, None).model_dump(mode="json", exclude_none=True)
        if entry
        else {}
    )
    return json.dumps({**known, "id": id_, "e": written}, ensure_ascii=False, separators=(",", ":"))


def _event(
    account: str, entry: Entry, campaign: Campaign | None, line: ContactLine | None
) -> Event:
    return Event(
        id=entry.id,
        type=entry.kind,
        timestamp=datetime.fromtimestamp(entry.at, UTC),
        account=account,
        data=_data(entry, campaign, line),
    )


Lines = Mapping[tuple[str, int | None], ContactLine]


def _lines(db: Database, campaigns: Mapping[str, Campaign], entries: Iterable[Entry]) -> Lines:
    wanted: dict[str, set[int]] = {}
    for one in entries:
        campaign = campaigns.get(one.campaign or "")
        is_here = campaign and campaign.archived_at is None
        if campaign and is_here and one.n and one.kind is not EventKind.CONTACTS_CLOSED:
            wanted.setdefault(campaign.id, set()).add(one.n)
    return {
        (campaign, line.n): line
        for campaign, numbers in wanted.items()
        for line in lines_of(db, campaign, numbers)
    }


def _data(entry: Entry, campaign: Campaign | None, line: ContactLine | None) -> EventData:
    known: dict[str, Any] = _of_kind(entry)
    if entry.n and entry.campaign and entry.kind is not EventKind.CONTACTS_CLOSED:
        known |= {"contact_id": str(ContactId(entry.campaign, entry.n)), "attempt_no": entry.no}
    return EventData(
        campaign_id=entry.campaign,
        version=entry.version,
        campaign=_campaign(campaign) if campaign else None,
        contact=_contact(campaign, line) if campaign and line else None,
        attempt=_attempt(entry, line) if line else None,
        **known,
    )


def _of_kind(entry: Entry) -> dict[str, Any]:
    """Read what a step wrote beside whom it is about."""
    more = entry.more
    match entry.kind:
        case kind if kind in _CHANGED:
            now, _, was = more.partition(" ")
            return {_CHANGED[kind]: now, "was": was}
        case kind if kind in _IN_A_WORD:
            return {_IN_A_WORD[kind]: more}
        case EventKind.AGENT_MISSED:
            return {"count": int(more)}
        case EventKind.AGENT_PARKED:
            return {"until": datetime.fromtimestamp(float(more), UTC)}
        case EventKind.CONTACTS_CLOSED:
            outcome, _, count = more.partition(" ")
            return {
                "outcome": outcome,
                "count": int(count),
                "first_contact": entry.n,
                "last_contact": entry.no,
            }
        case EventKind.CONTACTS_MOVED:
            count, _, told = more.partition(" ")
            return {"count": int(count), "details": json.loads(told)}
        case kind if kind in _DETAILED:
            return {"details": json.loads(more)} if more.startswith("{") else {"why": more or None}
        case _:
            return {"why": more or None}


def _campaign(campaign: Campaign) -> EventCampaign:
    return EventCampaign(
        campaign_id=campaign.id, name=campaign.name, state=campaign.state, tags=list(campaign.tags)
    )


def _contact(campaign: Campaign, line: ContactLine) -> EventContact:
    record = line.record
    return EventContact(
        contact_id=str(ContactId(campaign.id, line.n)),
        external_id=line.row.external_id or None,
        name=campaign.name_in(line.row.cells),
        agent=record.agent,
        customer=record.customer,
        state=record.state,
        outcome=record.outcome,
        attempts=record.made,
    )


def _attempt(entry: Entry, line: ContactLine) -> EventAttempt | None:
    found = next((one for one in line.attempts if one.attempt.no == entry.no), None)
    if found is None:
        return None
    known = found.attempt
    plain = known._asdict()
    id_: AttemptId = found.id
    return EventAttempt(
        attempt_id=str(id_),
        attempt_no=known.no,
        call_sid=known.sid,
        requested_at=datetime.fromtimestamp(known.requested_at, UTC),
        answered_at=_instant(known.answered_at),
        ended_at=_instant(known.ended_at),
        **{name: plain[name] for name in _AS_STORED},
    )


_AS_STORED = (
    *("version", "state", "outcome", "first_outcome", "ring_s", "talk_s", "total_s", "price"),
    *("recording_url", "answered_by"),
)


def _instant(epoch_s: float | None) -> datetime | None:
    return datetime.fromtimestamp(epoch_s, UTC) if epoch_s else None
