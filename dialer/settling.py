"""Use case: something became known of an attempt; write it down with all that follows.

What follows is decided here, from what was read, and written in one step that fails if anybody
wrote meanwhile; then it is decided again. So facts may come in any order and any number of times.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from campaigns.attempt import AGENT_SIDE, Attempt, AttemptState, CallReport, Outcome
from campaigns.campaign import CampaignRules, UnknownPolicy
from campaigns.caps import daily_caps
from campaigns.contact_state import NotDialled
from campaigns.retry_policy import Again, Never, cause_of, next_attempt
from campaigns.settlement import Conflict, Told, overall_outcome, settled, told
from dialer import failpoints
from dialer.ids import AttemptId
from dialer.store import Attempts, Campaigns, Contacts, Database, Follows, Settle, Stale
from dialer.store.attempts import SidTaken, caps_plain

log = structlog.get_logger(__name__)

NOTHING_ELSE = Follows()

_MOST_TRIES = 20  # writers of one attempt: a worker, a few callbacks, a sweeper


@dataclass(frozen=True, slots=True)
class SettlingTimes:
    """When to ask the provider again, s; the settings of the same names."""

    lookup_after_s: float = 120.0
    lookup_every_s: float = 60.0
    final_values_after_s: float = 150.0


class Settling:
    """Gives attempts what became known of them."""

    def __init__(self, db: Database, times: SettlingTimes) -> None:
        self._db = db
        self._times = times
        self._attempts = Attempts(db)
        self._campaigns = Campaigns(db)
        self._contacts = Contacts(db)

    def report(self, id_: AttemptId, report: CallReport, *, at: float) -> Attempt | Conflict:
        """Settle by what the provider says of the attempt's call.

        Args:
            at: When it was said, epoch s.
        """
        conflict: list[Conflict] = []

        def learn(attempt: Attempt) -> Attempt | None:
            match told(attempt, report, at=at):
                case Conflict() as found:
                    conflict.append(found)
                    return None
                case Told(after, news=True):
                    return after
                case _:
                    return None

        after = self.learn(id_, learn)
        if isinstance(after, SidTaken):
            return Conflict(f"call {report.sid} is the call of attempt {after.owner}")
        if after is None:
            return Conflict("there is no such attempt")
        return conflict[0] if conflict else after

    def settle(
        self, id_: AttemptId, outcome: Outcome, *, source: str, at: float, **known: object
    ) -> Attempt | None:
        """Give an attempt its outcome, where no call report will; None when it is gone.

        Args:
            known: Other fields of the attempt that became known with it.
        """

        def learn(attempt: Attempt) -> Attempt | None:
            if attempt.is_settled:
                return None
            return settled(replace(attempt, **known), outcome, source=source, at=at)  # type: ignore[arg-type]  # checked by replace

        after = self.learn(id_, learn)
        return None if isinstance(after, SidTaken) else after

    def settle_by_status(self, id_: AttemptId, report: CallReport, *, at: float) -> Attempt | None:
        """Settle by the overall status, after asking for the legs in vain."""
        return self.settle(id_, overall_outcome(report), source=str(report.source), at=at)

    def learn(
        self,
        id_: AttemptId,
        change: Callable[[Attempt], Attempt | None],
        *,
        before: Attempt | None = None,
        follows: Follows = NOTHING_ELSE,
        closes: NotDialled | None = None,
    ) -> Attempt | SidTaken | None:
        """Change an attempt, with all that follows; again from the start if somebody else did.

        Args:
            change: The attempt as it will stand; None changes nothing.
            before: The attempt as last read; None reads it.
            follows: What follows; outcome and Sid are added here. Where nothing changes, the next
                look and the contact's quarantine fall away: they belong to the change.
            closes: Close the contact for this reason once the attempt is settled, whatever the
                campaign's rules would have.

        Returns:
            The attempt as it stands; None when there is none.
        """
        before = before or self._attempts.get(id_)
        for _ in range(_MOST_TRIES):
            if before is None:
                return None
            after = change(before)
            if after is None:
                after, then = before, replace(follows, look_s=None, unresolved=False)
                if then == NOTHING_ELSE:
                    return before
            else:
                then = self._follows(id_, before, after, follows, closes)
            written = self._attempts.record(id_, before=before, after=after, follows=then)
            match written:
                case Stale(attempt):
                    before = attempt
                case SidTaken():
                    log.error("sid_taken", attempt_id=str(id_), owner=written.owner)
                    return written
                case _:
                    failpoints.reach("recorded")
                    if written.is_settled and not before.is_settled:
                        _log_settled(id_, written)
                    return written
        raise RuntimeError(f"attempt {id_} changed {_MOST_TRIES} times while it was written")

    def _follows(
        self,
        id_: AttemptId,
        before: Attempt,
        after: Attempt,
        follows: Follows,
        closes: NotDialled | None,
    ) -> Follows:
        if after.sid != before.sid:
            follows = replace(follows, sid=after.sid)
        if before.state is AttemptState.UNKNOWN and after.state is AttemptState.PLACED:
            follows = replace(follows, bound=True)
        if after.is_settled and not before.is_settled:
            late_s = None if _has_final_values(after) else self._times.final_values_after_s
            return replace(follows, settle=self._consequence(id_, after, closes), late_s=late_s)
        if after.is_settled and _has_final_values(after) and not _has_final_values(before):
            return replace(follows, late_s=0.0)
        if after.state is AttemptState.PLACED and after.ended_at and not before.ended_at:
            return replace(follows, look_s=0.0)  # it ended, but the report told no legs: ask
        if after.state is AttemptState.PLACED and before.state is not AttemptState.PLACED:
            return replace(follows, look_s=self._times.lookup_after_s)
        return follows

    def _consequence(self, id_: AttemptId, attempt: Attempt, closes: NotDialled | None) -> Settle:
        rules = self._campaigns.find(id_.campaign).rules
        outcome, ended_s = attempt.outcome, attempt.settled_at
        if outcome is None or ended_s is None:
            raise ValueError(f"attempt {id_} is not settled")
        settle = Settle(
            outcome,
            charged=attempt.is_charged,
            rest_s=rules.wrap_up_s if attempt.sid else 0.0,
            gap_s=rules.min_gap_s if attempt.is_charged else 0.0,
            missed=_missed(attempt, outcome),
            park_after=rules.park_after,
            park_s=rules.park_s,
            refund=_refund(attempt, outcome, rules),
        )
        if closes:
            return replace(settle, final=closes)
        match self._decide(id_, attempt, outcome, rules, ended_s):
            case Again(due_at):
                return replace(settle, due_s=max(0.0, due_at.timestamp() - ended_s))
            case Never():
                return replace(settle, final=outcome)

    def _decide(
        self,
        id_: AttemptId,
        attempt: Attempt,
        outcome: Outcome,
        rules: CampaignRules,
        ended_s: float,
    ) -> Again | Never:
        contact = self._contacts.get(id_.campaign, id_.n)
        charged_before = contact.charged - 1 if contact else 0
        earlier = self._attempts.of_contact(id_.campaign, id_.n, made=attempt.no - 1)
        return next_attempt(
            rules.retry,
            max_attempts=rules.max_attempts,
            charged=charged_before + int(attempt.is_charged),
            earlier=[
                _cause(one.attempt, one.attempt.outcome) for one in earlier if one.attempt.outcome
            ],
            outcome=outcome,
            by_machine=attempt.answered_by == "machine",
            ended_at=datetime.fromtimestamp(ended_s, UTC),
            redial_unknown=rules.unknown is UnknownPolicy.REDIAL,
        )


def _cause(attempt: Attempt, outcome: Outcome) -> str:
    return cause_of(outcome, by_machine=attempt.answered_by == "machine")


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


def _has_final_values(attempt: Attempt) -> bool:
    """No later value is expected: none was placed, or duration and price have come."""
    if attempt.sid is None:
        return True
    return attempt.is_final or (attempt.total_s is not None and attempt.price is not None)


def _log_settled(id_: AttemptId, attempt: Attempt) -> None:
    log.info(
        "attempt_settled",
        attempt_id=str(id_),
        outcome=str(attempt.outcome),
        source=attempt.source,
        talk_s=attempt.talk_s,
    )
