"""Use case: what other rules would change for a campaign, before they count."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.outlook.forecast import forecast
from campaigns.rule_changes import RuleChange, changes_in_words
from campaigns.rules_in_words import instant_in_words
from dialer.store import Campaign, Database
from dialer.store.waiting import charged_of
from dialer.watching.status import Status, Statuses


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is ahead of a campaign, if it ran.

    Args:
        next_call_at: When the hours let the next contact be called; None: nobody waits, or they
            never open.
        done_at: None: that hangs on something else.
    """

    next_call_at: datetime | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would change.

    Args:
        rules: As they would be.
        attempts_other: Waiting contacts that would have other attempts left.
    """

    rules: CampaignRules
    changes: tuple[RuleChange, ...]
    attempts_other: int
    before: Outlook
    after: Outlook

    def sentences(self) -> Iterator[str]:
        """Say what follows for who waits."""
        if not self.changes:
            yield "Nothing would change."
            return
        if self.attempts_other:
            whose = (
                "1 waiting contact has"
                if self.attempts_other == 1
                else (f"{self.attempts_other:,} waiting contacts have")
            )
            yield (
                f"{whose} other attempts left: {self.rules.max_attempts} at most in all. "
                "Who waits is called at least once more."
            )
        if {"retry", "min_gap_s"} & {one.rule for one in self.changes}:
            yield "Who waits for a retry keeps the time that was set; the new delays count from the next call on."
        yield self._told(
            "The next call may go out", self.before.next_call_at, self.after.next_call_at
        )
        yield self._told("Done about", self.before.done_at, self.after.done_at)
        yield "Calls that were placed keep the rules they were placed by."

    def as_json(self) -> dict[str, Any]:
        """Tell it in JSON's terms."""
        return {
            "changes": [
                {"rule": one.rule, "before": one.before, "after": one.after} for one in self.changes
            ],
            "attempts_other": self.attempts_other,
            "next_call_at": _pair(self.before.next_call_at, self.after.next_call_at),
            "done_at": _pair(self.before.done_at, self.after.done_at),
            "sentences": list(self.sentences()),
        }

    def _told(self, what: str, before: datetime | None, after: datetime | None) -> str:
        if after is None:
            return f"{what}: not known." if before is None else f"{what}: not known any more."
        told = instant_in_words(after, self.rules)
        earlier = instant_in_words(before, self.rules) if before else "not known"
        return f"{what} {told}, as now." if told == earlier else f"{what} {told}; now {earlier}."


def preview(db: Database, statuses: Statuses, campaign: Campaign, rules: CampaignRules) -> Preview:
    """Compare a campaign with itself under other rules; reads every contact where attempts change."""
    most = campaign.rules.max_attempts, rules.max_attempts
    other = 0
    if most[0] != most[1]:
        charged = charged_of(db, campaign.id, size=campaign.accepted)
        left = [np.maximum(1, one - charged) for one in most]
        other = int((left[0] != left[1]).sum())
    as_now = statuses.as_if(campaign)
    as_then = statuses.as_if(replace(campaign, rules=rules))
    return Preview(
        rules=rules,
        changes=tuple(changes_in_words(campaign.rules, rules)),
        attempts_other=other,
        before=_outlook(as_now),
        after=_outlook(as_then),
    )


def _outlook(status: Status) -> Outlook:
    now = status.situation._replace(state=CampaignState.RUNNING)
    foreseen = forecast(now, status.campaign.rules.hours)
    return Outlook(_next_call_at(status), foreseen.done_at if foreseen else None)


def _next_call_at(status: Status) -> datetime | None:
    now, timers = status.situation, status.timers
    if not now.waiting or now.window is None:
        return None
    all_later = timers.contacts == now.waiting
    due_at = timers.first_due_at if all_later else None
    at = max(now.at, datetime.fromtimestamp(due_at, UTC)) if due_at else now.at
    opened = status.campaign.rules.hours.next_open(at, status.campaign.rules.zone)
    return max(at, now.window.from_at, opened.from_at if opened and all_later else at)


def _pair(before: datetime | None, after: datetime | None) -> dict[str, str | None]:
    told = (one.isoformat(timespec="seconds") if one else None for one in (before, after))
    return {"now": next(told), "then": next(told)}
