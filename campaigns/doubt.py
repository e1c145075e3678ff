"""Which ends of calls are confirmed by a look-up before they count.

The path of a callback stands in proxies' logs, so whoever reads those can say that a call is over
while two people talk in it. Believing it would free both phones for the next call.
"""

from dataclasses import dataclass

from campaigns.attempt import Attempt, CallReport, LegReport, Outcome, ReportSource

_SLACK_S = 3.0
"""The provider rounds durations up, and its clock is not ours."""

STAMP_SLACK_S = 2.0
"""Two of the provider's stamps, each cut to a whole second."""

SOON_S = 5.0
"""Seconds of a call after its end within which a redial of the same pair is doubted."""

_UNANSWERED = frozenset({None, "busy", "no-answer", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Doubts:
    """What an end that only a callback tells of is measured by.

    Args:
        call_speed: Seconds of a call that pass in one: 1 but for a simulator. None: not known,
            so durations are compared with nothing.
        soon_s: Confirm an end before a redial of the same pair that is nearer, in call seconds.
        all_ends: Confirm every end.
    """

    call_speed: float | None = None
    soon_s: float = 0.0
    all_ends: bool = False

    def of_report(self, attempt: Attempt, report: CallReport, *, at: float) -> bool:
        """Tell whether an end cannot be, by what was known of the attempt before.

        Args:
            at: When it was told, epoch s.
        """
        if _may_be_believed(attempt, str(report.source), at=at):
            return False
        return self.all_ends or _takes_back(attempt, report) or self._is_early(attempt, report, at)

    def of_outcome(
        self, attempt: Attempt, *, time_out_s: float, redial_s: float | None, at: float
    ) -> bool:
        """Tell whether an attempt that a callback settles has ended too early, or rings again at once.

        Args:
            attempt: As it would be settled.
            time_out_s: How long a phone rings before nobody has answered.
            redial_s: When its contact would be dialled again, after now; None: never.
            at: As in `of_report`.
        """
        if _may_be_believed(attempt, attempt.source, at=at):
            return False
        if redial_s is not None and redial_s * (self.call_speed or 1.0) < self.soon_s:
            return True
        lasted_s = self._lasted_s(attempt, at)
        rings_out = attempt.outcome in {Outcome.AGENT_NO_ANSWER, Outcome.CUSTOMER_NO_ANSWER}
        told_s = max(attempt.agent_s or 0, attempt.talk_s or 0, attempt.total_s or 0)
        least_s = max(told_s, time_out_s if rings_out else 0.0)
        return self.all_ends or (lasted_s is not None and lasted_s + _SLACK_S < least_s)

    def _is_early(self, attempt: Attempt, report: CallReport, at: float) -> bool:
        """Whether its durations are longer than the call can have lasted until now."""
        lasted_s = self._lasted_s(attempt, at)
        if lasted_s is None or self.call_speed is None:
            return False
        legs = (report.agent_leg, report.customer_leg)
        on_call = [leg.on_call_s for leg in legs if leg and leg.on_call_s]
        if max([*on_call, report.talk_s or 0, report.total_s or 0]) > lasted_s + _SLACK_S:
            return True
        if attempt.answered_at is None or not report.talk_s:
            return False
        ended_at = report.ended_at.timestamp() if report.ended_at else at
        talked_s = ended_at - attempt.answered_at + STAMP_SLACK_S
        return report.talk_s > talked_s * self.call_speed + _SLACK_S

    def _lasted_s(self, attempt: Attempt, at: float) -> float | None:
        return (at - attempt.requested_at) * self.call_speed if self.call_speed else None


def _may_be_believed(attempt: Attempt, source: str | None, *, at: float) -> bool:
    """Whether more than a callback says so, or no call can be live any more anyhow."""
    is_told = source == ReportSource.CALLBACK and attempt.sid is not None
    return not is_told or at >= attempt.quarantine_ends_at


def _takes_back(attempt: Attempt, report: CallReport) -> bool:
    """Whether a leg that was told to be answered is told to never have been."""
    agent_up = attempt.agent_status == "in-progress" and attempt.agent_answered_at is not None
    customer_up = attempt.customer_status == "in-progress"
    return (agent_up and _was_unanswered(report.agent_leg)) or (
        customer_up and _was_unanswered(report.customer_leg)
    )


def _was_unanswered(leg: LegReport | None) -> bool:
    return leg is not None and leg.status in _UNANSWERED
