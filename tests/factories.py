"""What tests are made of: numbers, rules, campaigns in the store, and what the provider reports."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from campaigns.attempt import Attempt, AttemptState, CallReport, LegReport, ReportSource
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.event_document import Event
from dialer.events.outbox import ALL, Outbox, Wanted
from dialer.ids import new_campaign_id
from dialer.store import Campaign, Campaigns, ContactRecord, Database
from dialer.store.contact_rows import Row
from dialer.store.contacts import PER_CHUNK, Contacts
from dialer.store.imports import Imports
from dialer.store.processes import Process, record_of
from dialer.store.record import APART, END_CODES, PACKED, STATE_CODES

CALLER_ID = "08000000000"
COLUMNS = ("agent", "customer")


def agent(number: int) -> str:
    """A fictional agent's phone, E.164."""
    return f"+9190000000{number:02}"


def customer(number: int) -> str:
    """A fictional customer's phone, E.164."""
    return f"+9198765432{number:02}"


def rules(**changed: Any) -> CampaignRules:
    """Rules that are open all day and rest nobody, but for what a test says."""
    plain = {"caller_id": CALLER_ID, "hours": "always", "wrap_up_s": 0, "park_after": 0}
    return CampaignRules(**{**plain, **changed})


def pair(agent_no: int, customer_no: int, **changed: Any) -> ContactRecord:
    """A waiting contact."""
    return ContactRecord(agent=agent(agent_no), customer=customer(customer_no), **changed)


@dataclass(frozen=True, slots=True)
class Listed:
    """A contact to be stored, with its row's own zone."""

    record: ContactRecord
    timezone: str | None = None


def store_campaign(
    db: Database,
    pairs: Iterable[ContactRecord | Listed],
    *,
    name: str = "sale",
    running: bool = True,
    **rule_changes: Any,
) -> str:
    """Store a campaign as a load of one file would, and start it; gives its id."""
    campaigns = Campaigns(db)
    id_ = new_campaign_id()
    campaigns.create(id_, name=name, rules=rules(**rule_changes), columns=COLUMNS)
    append_contacts(db, id_, pairs, content_hash=f"{name}.csv")
    if running:
        start(db, id_)
    return id_


def append_contacts(
    db: Database, campaign: str, pairs: Iterable[ContactRecord | Listed], *, content_hash: str
) -> None:
    """Append contacts to a campaign as a load of one more file would."""
    listed = [one if isinstance(one, Listed) else Listed(one) for one in pairs]
    imports = Imports(db)
    mark = imports.begin_loading(campaign, content_hash=content_hash)
    assert mark is not None
    append_records(
        db,
        campaign,
        before=mark.base,
        records=[one.record for one in listed],
        rows=[_row(mark.base + at, one) for at, one in enumerate(listed)],
    )
    counts = {"rows": len(listed), "accepted": len(listed), "rejected": 0, "duplicate": 0}
    imports.commit(campaign, counts=counts, entry={"hash": content_hash})


def append_records(
    db: Database,
    campaign: str,
    *,
    before: int,
    records: Sequence[ContactRecord],
    rows: Sequence[Row],
) -> int:
    """Append contacts wherever they stand; gives how many there are now."""
    contacts = Contacts(db)
    block = contacts.block(
        campaign,
        before=before,
        records=b"".join(map(record_bytes, records)),
        rows=rows,
        ends=contacts.queue_ends(campaign, size=before),
    )
    return contacts.store(campaign, block)


def record_bytes(record: ContactRecord) -> bytes:
    """Pack a contact as it stands in Redis, in no queue."""
    return PACKED.pack(
        STATE_CODES[record.state],
        END_CODES[record.outcome] if record.outcome else 0,
        record.charged,
        0,
        record.priority,
        record.made,
        record.due_s,
        APART,
        record.expires_s,
        float(record.agent),  # the plus is a sign to it
        float(record.customer),
    )


def start(db: Database, campaign: str) -> Campaign:
    """Start or resume a campaign."""
    campaigns = Campaigns(db)
    campaigns.move(campaigns.find(campaign), CampaignState.RUNNING)
    return campaigns.find(campaign)


def _row(before: int, one: Listed) -> Row:
    extra = {"timezone": one.timezone} if one.timezone else {}
    return Row(before + 2, (one.record.agent, one.record.customer), extra)


################################################################ what the provider reports


def attempt(**changed: Any) -> Attempt:
    """A placed attempt of which nothing more is known."""
    plain: dict[str, Any] = {
        "version": 2,
        "state": AttemptState.PLACED,
        "requested_at": 1_800_000_000.0,
        "no": 1,
        "nonce": "k3x9p0k3x9",
        "agent": agent(1),
        "customer": customer(1),
        "quarantine_s": 2237.0,
        "sid": "s1",
        "sid_is_proven": True,
    }
    return Attempt(**{**plain, **changed})


def answered(sid: str, leg: int, *, at_s: float) -> CallReport:
    """The callback of a leg that was answered: 1 the agent's, 2 the customer's."""
    up = LegReport("in-progress")
    return CallReport(
        ReportSource.CALLBACK,
        sid,
        "in-progress",
        agent_leg=up,
        customer_leg=up if leg == 2 else None,
        updated_at=datetime.fromtimestamp(at_s, UTC),
    )


def terminal(
    sid: str,
    *,
    agent_status: str | None = "completed",
    customer_status: str | None = "completed",
    talk_s: int | None = 30,
    ended_at_s: float = 1_800_000_100.0,
    source: ReportSource = ReportSource.CALLBACK,
    **changed: Any,
) -> CallReport:
    """The report of a call that is over."""
    plain: dict[str, Any] = {
        "is_over": True,
        "agent_leg": LegReport(agent_status, on_call_s=(talk_s or 0) + 8 if agent_status else None),
        "customer_leg": LegReport(customer_status, on_call_s=talk_s if customer_status else None),
        "talk_s": talk_s,
        "ended_at": datetime.fromtimestamp(ended_at_s, UTC),
        "updated_at": datetime.fromtimestamp(ended_at_s, UTC),
    }
    return CallReport(source, sid, "completed", **{**plain, **changed})


def four_fields(sid: str, status: str = "completed") -> CallReport:
    """The short callback: Sid, status, recording and an instant, no legs."""
    return CallReport(ReportSource.CALLBACK, sid, status, is_over=True)


def details(sid: str, **changed: Any) -> CallReport:
    """What call details say of a connected call some minutes after its end."""
    late = {"total_s": 45, "price": Decimal("1.5"), "source": ReportSource.DETAILS}
    return terminal(sid, **{**late, **changed})


def contact_with_row(db: Database, campaign: str, n: int) -> tuple[ContactRecord, Row] | None:
    """Read one contact and its own line."""
    contacts, (chunk, inside) = Contacts(db), divmod(n - 1, PER_CHUNK)
    record = contacts.get(campaign, n)
    return (record, contacts.rows(campaign, chunk)[inside]) if record else None


def give_life(db: Database, role: str, name: str, *, version: str = "") -> None:
    """Let a process be one that lives, for as long as a test lasts."""
    member = f"{name}#{role}"
    record = record_of(Process(role, name, None, version=version))
    db.client.hset(db.key("processes"), member, record)
    db.client.zadd(db.key("terms_seen"), {member: db.now() + 86_400})


def events_after(outbox: Outbox, cursor: str = "", *, wanted: Wanted = ALL) -> Iterator[Event]:
    """Read everything that follows a cursor until now."""
    is_last = False
    while not is_last:
        page = outbox.after(cursor, most=500, wanted=wanted)
        yield from outbox.told(page)
        cursor, is_last = page.cursor, page.is_last
