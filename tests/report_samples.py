"""Campaigns as the store would read them, for report tests; all numbers are fictional."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from campaigns.attempt import AGENT_SIDE, Attempt, AttemptState, Outcome
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.contact_state import ContactState, NotDialled
from campaigns.reports.subject import Pace
from dialer.ids import AttemptId
from dialer.reporting.reporting import ReportInput
from dialer.store.attempts import OpenAttempt
from dialer.store.campaign import Campaign
from dialer.store.contact_rows import Row
from dialer.store.record import ContactRecord
from dialer.store.snapshot import ContactLine

CAMPAIGN = "7f3kq2xa"
NONCE = "k3x9p0a1b2"
COLUMNS = ("agent_number", "customer_number", "name", "ref")
START_S = datetime(2026, 11, 23, 12, 45, tzinfo=UTC).timestamp()
AS_OF = datetime(2026, 11, 24, 12, 45, tzinfo=UTC)


@dataclass(frozen=True)
class Rejected:
    line: int
    cells: tuple[str, ...]
    code: str = "invalid"
    message: str = "expected a phone number"


def attempt(outcome: Outcome | None = Outcome.CONNECTED, **known: Any) -> Attempt:
    """Make an attempt: a settled call unless told otherwise."""
    facts: dict[str, Any] = {
        "version": 1,
        "state": AttemptState.PLACED if outcome is None else AttemptState.SETTLED,
        "requested_at": START_S,
        "no": 1,
        "nonce": NONCE,
        "agent": "+919000000001",
        "customer": "+919800000001",
        "quarantine_s": 2237.0,
        "sid": "sid-1",
        "outcome": outcome,
        "http_status": 200,
        "source": "callback",
        "is_final": outcome is not None,
    }
    if outcome is Outcome.CONNECTED:
        facts |= {
            "talk_s": 60,
            "ring_s": 10,
            "total_s": 80,
            "price": "0.65",
            "answered_by": "human",
        }
    if outcome is Outcome.TURNED_AWAY:
        facts |= {"sid": None, "http_status": 429}
    facts["agent_status"] = "no-answer" if outcome in AGENT_SIDE else "completed"
    return Attempt(**facts | known)


def line(
    n: int,
    *attempts: Attempt,
    state: ContactState = ContactState.FINAL,
    end: Outcome | NotDialled | None = None,
    cells: Sequence[str] = ("919000000001", "09800000001", "Asha", "00042"),
    **record: Any,
) -> ContactLine:
    """Make a contact; a final one ends as its last attempt did."""
    numbered = [one._replace(no=no) for no, one in enumerate(attempts, start=1)]
    if end is None and state is ContactState.FINAL:
        end = numbered[-1].outcome
    return ContactLine(
        n=n,
        record=ContactRecord(
            **{
                "agent": "+919000000001",
                "customer": f"+9198{n:08}",
                "state": state,
                "outcome": end,
                "charged": sum(one.is_charged for one in numbered),
                "made": len(numbered),
            }
            | record
        ),
        row=Row(line=n + 1, cells=tuple(cells), extra={}),
        attempts=tuple(
            OpenAttempt(AttemptId(CAMPAIGN, n, one.no, one.nonce), one) for one in numbered
        ),
    )


def source(
    lines: Iterable[ContactLine],
    *,
    rejected: Sequence[Rejected] = (),
    columns: tuple[str, ...] = COLUMNS,
    **campaign: Any,
) -> ReportInput:
    """Make what a report is made of, adding up unless told otherwise."""
    contacts = list(lines)
    facts: dict[str, Any] = {
        "id": CAMPAIGN,
        "name": "diwali",
        "state": CampaignState.COMPLETED,
        "rules": CampaignRules(caller_id="08047000000"),
        "rules_version": 1,
        "columns": columns,
        "rows": len(contacts) + len(rejected),
        "accepted": len(contacts),
        "rejected": len(rejected),
        "duplicate": 0,
        "created_at": START_S,
    }
    return ReportInput(
        campaign=Campaign(**facts | campaign),
        contacts=contacts,
        rejected=rejected,
        input_hashes=("ab" * 32,),
        pace=Pace(limit=200),
    )
