"""The verdict on one round: the provider's ledger against our books, promise by promise."""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from campaigns.attempt import Attempt
from campaigns.campaign import CampaignState
from campaigns.custom_field import attempt_id_in
from dialer.store import Campaigns, Database
from dialer.store.snapshot import contact_lines
from tests.chaos.processes_under_test import ProviderProcess
from tests.conservation import check_conservation

_FULL_NUMBER = re.compile(rb"\+?91(?:90000|98765)\d{5}(?!\d)")


@dataclass
class Verdict:
    """What a round ended as; a list that is not empty is a promise that was broken."""

    contacts: int = 0
    attempts: int = 0
    calls: int = 0
    requests: int = 0
    peak_in_window: int = 0
    lost: int = 0
    unresolved: int = 0
    gave_up: int = 0  # attempts whose quarantine ended without evidence: honest, no fault
    double_live: list[Any] = field(default_factory=list)
    posted_twice: list[str] = field(default_factory=list)
    over_limit: int = 0
    without_limits: int = 0
    wrong_books: list[str] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)
    numbers_in_logs: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def failures(self) -> dict[str, Any]:
        """The promises that were broken."""
        bad = (
            "lost", "unresolved", "double_live", "posted_twice", "over_limit", "without_limits",
            "wrong_books", "disagreements", "numbers_in_logs",
        )  # fmt: skip
        return {name: value for name in bad if (value := getattr(self, name))}

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(
    db: Database, provider: ProviderProcess, campaign_name: str, *, limit: int, logs: Path
) -> Verdict:
    """Compare, once everything has ended."""
    truth, calls = provider.verdict(), {one["sid"]: one for one in provider.ledger("calls")}
    campaign = Campaigns(db).find(campaign_name)
    counts = Campaigns(db).counts(campaign.id)
    attempts: dict[str, Attempt] = {}
    for line in contact_lines(db, campaign.id, size=campaign.accepted):
        attempts |= {str(one.id): one.attempt for one in line.attempts}
    verdict = Verdict(
        contacts=campaign.accepted,
        attempts=len(attempts),
        calls=len(calls),
        requests=truth["requests"],
        peak_in_window=truth["peak_in_window"],
        lost=abs(campaign.accepted - counts.final)
        + (campaign.state is not CampaignState.COMPLETED),
        unresolved=sum(not one.is_settled for one in attempts.values()),
        gave_up=sum(one.source == "quarantine" for one in attempts.values()),
        double_live=truth["overlapping_calls"],
        posted_twice=truth["attempts_posted_twice"],
        over_limit=max(0, truth["peak_in_window"] - limit),
        without_limits=truth["requests_missing_limits"],
        disagreements=list(_disagreements(attempts, calls)),
        numbers_in_logs=sum(
            len(_FULL_NUMBER.findall(log.read_bytes())) for log in logs.glob("*.log")
        ),
        outcomes=counts.outcomes,
    )
    try:
        check_conservation(db)
    except (AssertionError, KeyError, ValueError) as error:
        verdict.wrong_books.append(f"{type(error).__name__}: {error}"[:500])
    return verdict


def _disagreements(attempts: dict[str, Attempt], calls: dict[str, dict[str, Any]]) -> Any:
    """Each call belongs to the attempt it names, which tells its Sid and its outcome."""
    for sid, call in calls.items():
        named = attempt_id_in(call["custom_field"] or "")
        attempt = attempts.get(str(named))
        if attempt is None:
            yield f"call {sid} names {named}, which is not in our books"
        elif attempt.sid != sid:
            yield f"call {sid} is {named}'s, which knows {attempt.sid} ({attempt.outcome}, {attempt.source}, {attempt.error_code})"
        elif attempt.outcome != call["outcome"]:
            yield f"{named}: {attempt.outcome}, by the provider's books {call['outcome']}"
    for id_, attempt in attempts.items():
        if attempt.sid and attempt.sid not in calls:
            yield f"{id_} tells of call {attempt.sid}, which the provider never placed"
