"""What an attempt's outcome means for its contact, its agent and its customer."""

from datetime import UTC, datetime
from typing import Any

from campaigns.attempt import AGENT_SIDE, Attempt, Outcome
from campaigns.campaign_rules import CampaignRules
from campaigns.caps import daily_caps
from campaigns.contact_state import NotDialled
from campaigns.retry_policy import Again, Never, cause_of, next_attempt
from campaigns.rules.retries import UnknownPolicy
from campaigns.rules.turns import WrapUpUntil
from dialer.store import Settle
from dialer.store.attempts import agent_day, caps_plain
from dialer.store.background import Background


def consequence(
    attempt: Attempt, known: Background, *, was_charged: bool, closes: NotDialled | None
) -> Settle:
    """Decide what follows from the outcome of an attempt that is settled now.

    Args:
        was_charged: The attempt is among those charged to its contact until now.
        closes: Close the contact for this reason, whatever the campaign's rules would have.
    """
    rules, outcome, ended_s = known.rules, attempt.outcome, attempt.settled_at
    if outcome is None or ended_s is None:
        raise ValueError("the attempt is not settled")
    missed = _missed(attempt, outcome)
    settle = Settle(
        outcome,
        charged=attempt.is_charged,
        rest_s=rules.wrap_up_s if attempt.sid else 0.0,
        gap_s=rules.min_gap_s if attempt.is_charged else 0.0,
        missed=missed,
        park_after=rules.park_after if missed else 0,
        park_s=rules.park_s if missed else 0,
        refund=_refund(attempt, outcome, rules),
        did=_did(attempt, outcome, day_of(ended_s, rules)),
        sticks=(outcome is Outcome.CONNECTED and rules.same_agent) or None,
    )
    if closes:
        return settle._replace(final=closes)
    if outcome is Outcome.CONNECTED and rules.disposition:
        waits = rules.wrap_up_until is WrapUpUntil.DISPOSITION
        settle = settle._replace(
            open_s=rules.disposition_within_s, wraps_s=rules.wrap_up_longest_s if waits else None
        )
    charged = (known.contact.charged if known.contact else 1) - int(was_charged)
    match _next(attempt, outcome, known, ended_s, charged_before=charged):
        case Again(due_at):
            return settle._replace(due_s=max(0.0, due_at.timestamp() - ended_s))
        case Never():
            return settle._replace(final=outcome)


def _next(
    attempt: Attempt, outcome: Outcome, known: Background, ended_s: float, *, charged_before: int
) -> Again | Never:
    return next_attempt(
        known.rules.retry,
        max_attempts=known.rules.max_attempts,
        charged=charged_before + int(attempt.is_charged),
        earlier=[_cause(one, one.outcome) for one in known.earlier if one.outcome],
        outcome=outcome,
        by_machine=attempt.answered_by == "machine",
        ended_at=datetime.fromtimestamp(ended_s, UTC),
        redial_unknown=known.rules.unknown is UnknownPolicy.REDIAL,
    )


def _cause(attempt: Attempt, outcome: Outcome) -> str:
    return cause_of(outcome, by_machine=attempt.answered_by == "machine")


def day_of(at_s: float, rules: CampaignRules) -> str:
    """Give the campaign's local day of an instant, epoch s."""
    return datetime.fromtimestamp(at_s, rules.zone).date().isoformat()


def _did(attempt: Attempt, outcome: Outcome, day: str) -> dict[str, Any] | None:
    if attempt.sid is None:
        return None
    connected = outcome is Outcome.CONNECTED
    return agent_day(
        attempt,
        day,
        calls=1,
        conversations=int(connected),
        talk_s=(attempt.talk_s or 0) if connected else 0,
        missed=int(outcome in AGENT_SIDE),
    )


def _missed(attempt: Attempt, outcome: Outcome) -> bool | None:
    """Tell whether the agent missed the call; None when their phone was not rung."""
    if attempt.sid is None:
        return None
    return outcome in AGENT_SIDE


def _refund(attempt: Attempt, outcome: Outcome, rules: CampaignRules) -> dict[str, Any] | None:
    """Give back what the gate counted for a call that was surely never placed."""
    if outcome is not Outcome.TURNED_AWAY:
        return None
    caps = daily_caps(rules, attempt.customer, at=datetime.fromtimestamp(attempt.requested_at, UTC))
    return caps_plain(caps) if caps.caps else None
