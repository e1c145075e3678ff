"""From what the provider reports of a call to what we hold true of its attempt."""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from campaigns.attempt import (
    LIVE_STATUSES,
    Attempt,
    AttemptState,
    CallReport,
    LegReport,
    Outcome,
    ReportSource,
)
from campaigns.doubt import STAMP_SLACK_S, Doubts
from campaigns.numbers.mask import FORGOTTEN
from campaigns.numbers.same_phone import same_phone

_AGENT_SIDE = {
    "busy": Outcome.AGENT_BUSY,
    "no-answer": Outcome.AGENT_NO_ANSWER,
    "failed": Outcome.AGENT_FAILED,
    "canceled": Outcome.AGENT_FAILED,
}
_CUSTOMER_SIDE = {
    "busy": Outcome.CUSTOMER_BUSY,
    "no-answer": Outcome.CUSTOMER_NO_ANSWER,
    "failed": Outcome.CUSTOMER_FAILED,
    "canceled": Outcome.AGENT_LEFT,
}


NUMBERS_DIFFER = "numbers_differ"
"""Error code of an attempt whose call is ours by its Sid, and is told of with other numbers."""

OPERATOR = "operator"
"""Source of an outcome that a person decided."""

NEVER_OVER = "never_over"
"""Error code of an attempt whose call nobody ever told to be over."""

DETAILS_SETTLE_S = 300.0
"""Call details that contradict what a callback told count so long after it: by then they are
final. Exotel writes durations and prices within two minutes of the end, sometimes five."""


class Told(NamedTuple):
    """The report fits: this is the attempt as it stands now; `news` is False for a repetition."""

    attempt: Attempt
    news: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """The report cannot be about this attempt's call."""

    why: str


def outcome_of(report: CallReport) -> Outcome | None:
    """Tell the outcome of an ended call by its legs; None when the report leaves it open.

    The overall status mixes both legs and `completed` is not "talked", so it decides only where
    no leg is told at all, and then only when nobody answered is certain.
    """
    if not report.is_over:
        return None
    agent, customer = report.agent_leg, report.customer_leg
    if report.talk_s or (customer and customer.status == "completed" and customer.on_call_s):
        return Outcome.CONNECTED
    if customer and customer.status in _CUSTOMER_SIDE:
        return _CUSTOMER_SIDE[customer.status]
    if agent and agent.status in _AGENT_SIDE:
        return _AGENT_SIDE[agent.status]
    if agent is None or customer is None or {agent.status, customer.status} & LIVE_STATUSES:
        return None  # a leg is not told of, or still as it was while the call was live
    if agent.status is None and customer.status is None:
        return Outcome.PROVIDER_FAILED
    if customer.status is None:
        return Outcome.CUSTOMER_NOT_DIALLED
    if customer.status == "completed":
        # the customer's leg was up but nobody spoke a second: it rang and was answered
        return Outcome.CONNECTED if report.talk_s is None else Outcome.AGENT_LEFT
    return Outcome.PROVIDER_FAILED


def overall_outcome(report: CallReport) -> Outcome:
    """Tell the outcome where legs never come: the provider's word for the call as a whole."""
    by_status = {
        "busy": Outcome.CUSTOMER_BUSY,
        "no-answer": Outcome.CUSTOMER_NO_ANSWER,
        "completed": Outcome.CONNECTED if report.talk_s != 0 else Outcome.CUSTOMER_NOT_DIALLED,
        "failed": Outcome.PROVIDER_FAILED,
        "canceled": Outcome.PROVIDER_FAILED,
    }
    tells_something = report.status or report.total_s or report.price
    unclear = Outcome.UNKNOWN if tells_something else Outcome.PROVIDER_FAILED
    return by_status.get(report.status or "", unclear)


def given_up(attempt: Attempt, report: CallReport | None, *, at: float) -> Attempt:
    """Settle an attempt whose call can be live no more, though nobody tells that it is over.

    What is known decides: what a callback told, a leg that is told to the end, that the customer
    had answered. Where that is nothing, the outcome is unknown.

    Args:
        report: What the provider says of its call; None where it says nothing.
        at: Epoch s.
    """
    over = report._replace(is_over=True) if report else None
    outcome = attempt.told_outcome or (outcome_of(over) if over else None)
    if outcome is None and attempt.answered_at:
        outcome = Outcome.CONNECTED
    if outcome is None:
        outcome = overall_outcome(over) if over and over.status else Outcome.UNKNOWN
    known = _with_values(attempt, over) if over else attempt
    if attempt.sid:
        known = known._replace(error_code=attempt.error_code or NEVER_OVER)
    source: str = ReportSource.CALLBACK if over is None or attempt.told_outcome else over.source
    if outcome is Outcome.UNKNOWN:
        source = "quarantine"
    return settled(known, outcome, source=str(source), at=at)


NO_DOUBTS = Doubts()


def told(
    attempt: Attempt, report: CallReport, *, at: float, doubts: Doubts = NO_DOUBTS
) -> Told | Conflict:
    """Merge a report into an attempt; order and repetition of reports do not matter.

    A callback's outcome counts only once the call is proven to be this attempt's: a forged one
    would free two phones that are in a call. Once it is, its Sid tells whose call it is, in
    whatever form the provider prints the numbers. An end that is doubted counts once the provider
    itself tells of one, and callbacks change nothing until then: its figures may be invented.

    Args:
        at: When the report was received, epoch s.
        doubts: Which ends to doubt.
    """
    is_between_ours = _fits_numbers(attempt, report)
    is_ours = attempt.sid_is_proven and attempt.sid == report.sid
    if not is_between_ours and not is_ours:
        return Conflict(f"call {report.sid} is between other numbers")
    if attempt.is_settled and attempt.sid is None:
        return Conflict(f"call {report.sid} came for an attempt that placed none")
    is_proof = report.source is ReportSource.DETAILS
    if attempt.sid not in (None, report.sid):
        if attempt.is_settled or attempt.sid_is_proven or not is_proof:
            return Conflict(f"call {report.sid} is not this attempt's call")
        attempt = without_call(attempt)
    known = attempt
    if is_proof:
        known = known._replace(sid_is_proven=True)
    if not is_between_ours:
        known = known._replace(error_code=attempt.error_code or NUMBERS_DIFFER)
    after = _merged(known, report, at=at, doubts=doubts)
    return Told(after, news=after != attempt)


def _merged(known: Attempt, report: CallReport, *, at: float, doubts: Doubts) -> Attempt:
    if known.is_settled:
        return _as_it_ended(_corrected(_with_values(known, report), report, at=at))
    if known.told_outcome and not known.sid_is_proven:
        return _with_values(known, report)
    if known.told_outcome and report.source is ReportSource.CALLBACK:
        return known  # its end is doubted
    if not report.is_over:
        return _under_way(known, report)
    outcome = outcome_of(report)
    if outcome and known.sid_is_proven and doubts.of_report(known, report, at=at):
        return known._replace(told_outcome=outcome)
    return _ended(known, report, at=at)


def proven(attempt: Attempt, sid: str, *, at: float) -> Attempt:
    """Bind the call that the provider's response names; what callbacks told of it counts now.

    Args:
        at: When the response came, epoch s.
    """
    if attempt.is_settled:
        return attempt
    if attempt.sid not in (None, sid):
        attempt = without_call(attempt)  # a callback came first, about another call
    after = attempt._replace(state=AttemptState.PLACED, sid=sid, sid_is_proven=True)
    if after.told_outcome is None:
        return after
    return settled(after, after.told_outcome, source=str(ReportSource.CALLBACK), at=at)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a connect request came to.

    Args:
        sid: Of the call that was placed.
        outcome: Where surely none was; with neither of them, nobody knows.
    """

    sid: str | None = None
    outcome: Outcome | None = None
    http_status: int | None = None
    error_code: str | None = None


def answered(attempt: Attempt, answer: Answer, *, at: float) -> Attempt | None:
    """Give an attempt the answer to its own request; None where that changes nothing.

    Args:
        at: When the answer came, epoch s.
    """
    if answer.sid:
        return proven(attempt, answer.sid, at=at)._replace(http_status=answer.http_status)
    if attempt.is_settled or attempt.sid:
        return None  # a callback proves there is a call after all
    known = attempt._replace(http_status=answer.http_status, error_code=answer.error_code)
    if answer.outcome is None:
        return known._replace(state=AttemptState.UNKNOWN)
    return settled(known, answer.outcome, source="response", at=at)


def without_call(attempt: Attempt) -> Attempt:
    """Forget what callbacks told of a call that was not this attempt's."""
    return attempt._replace(
        sid=None,
        told_outcome=None,
        agent_status=None,
        customer_status=None,
        agent_s=None,
        talk_s=None,
        ring_s=None,
        total_s=None,
        price=None,
        recording_url=None,
        agent_answered_at=None,
        answered_at=None,
        ended_at=None,
        answered_by=None,
    )


def _fits_numbers(attempt: Attempt, report: CallReport) -> bool:
    return _may_be(attempt.agent, report.agent) and _may_be(attempt.customer, report.customer)


def _may_be(ours: str, theirs: str | None) -> bool:
    return not theirs or ours == FORGOTTEN or same_phone(ours, theirs)


def _under_way(attempt: Attempt, report: CallReport) -> Attempt:
    return _with_values(attempt, report)._replace(
        state=AttemptState.PLACED,
        sid=report.sid,
        agent_status=_newer(attempt.agent_status, _status(report.agent_leg)),
        customer_status=_newer(attempt.customer_status, _status(report.customer_leg)),
    )


def _ended(attempt: Attempt, report: CallReport, *, at: float) -> Attempt:
    outcome = outcome_of(report)
    agent, customer = report.agent_leg, report.customer_leg
    after = _with_values(
        attempt._replace(
            state=AttemptState.PLACED,
            sid=report.sid,
            # a leg that is told of is told of for good, be it as one that was never tried
            agent_status=agent.status if agent else attempt.agent_status,
            customer_status=customer.status if customer else attempt.customer_status,
        ),
        report,
    )
    if outcome is None:
        return after
    if not after.sid_is_proven:
        return after._replace(told_outcome=outcome)
    return settled(after, outcome, source=str(report.source), at=at)


def held(attempt: Attempt) -> Attempt:
    """Give an attempt back the state before its outcome, which waits for the provider's own word."""
    return attempt._replace(
        state=AttemptState.PLACED,
        outcome=None,
        told_outcome=attempt.outcome,
        source=None,
        settled_at=None,
    )


def settled(attempt: Attempt, outcome: Outcome, *, source: str, at: float) -> Attempt:
    """Give an attempt its one outcome."""
    if attempt.is_settled:
        return attempt
    return _as_it_ended(
        attempt._replace(state=AttemptState.SETTLED, outcome=outcome, source=source, settled_at=at)
    )


def _corrected(attempt: Attempt, report: CallReport, *, at: float) -> Attempt:
    """Let call details that contradict the outcome take its place, once they are final.

    But for an operator's: who decided knew what the provider says, and what it does not.
    """
    if attempt.source == OPERATOR:
        return attempt
    seen, settled_at = attempt.details_outcome, attempt.settled_at
    is_final = report.source is ReportSource.DETAILS and at - (settled_at or at) >= DETAILS_SETTLE_S
    if seen is None or not is_final:
        return attempt
    first = attempt.first_outcome or attempt.outcome
    return attempt._replace(
        outcome=seen,
        first_outcome=None if first is seen else first,
        details_outcome=None,
        source=str(report.source),
        agent_status=_status(report.agent_leg),
        customer_status=_status(report.customer_leg),
        talk_s=report.talk_s,
    )


def _as_it_ended(attempt: Attempt) -> Attempt:
    """Nobody answered a call that did not connect, whatever its figures look like."""
    if attempt.outcome is Outcome.CONNECTED:
        return attempt
    return attempt._replace(answered_at=None, ring_s=None)


def _with_values(attempt: Attempt, report: CallReport) -> Attempt:
    """Fill in what a report tells besides the outcome, so that the order of reports is no matter.

    Figures replace nothing but gaps and zeros; only call details, which are final, replace a
    callback's duration and price. A callback that was wrong about the outcome fills in nothing.
    """
    if attempt.first_outcome and report.source is ReportSource.CALLBACK:
        return attempt
    customer_leg = report.customer_leg
    is_forgotten = FORGOTTEN in {attempt.agent, attempt.customer}  # with their voice
    known = attempt._replace(
        recording_url=None if is_forgotten else attempt.recording_url or report.recording_url,
        answered_by=_surer(attempt.answered_by, customer_leg.answered_by if customer_leg else None),
    )
    if report.is_over:
        return _with_figures(known, report)
    agent, customer = _status(report.agent_leg), _status(report.customer_leg)
    told_at = report.updated_at.timestamp() if report.updated_at else None
    return known._replace(
        agent_answered_at=known.agent_answered_at or (told_at if agent and not customer else None),
        answered_at=known.answered_at or (told_at if customer == "in-progress" else None),
    )


def _with_figures(attempt: Attempt, report: CallReport) -> Attempt:
    agent_leg, customer_leg = report.agent_leg, report.customer_leg
    agent_s = agent_leg.on_call_s if agent_leg else None
    # only a leg that was answered talked: others count their ringing
    has_talked = customer_leg is not None and customer_leg.status == "completed"
    customer_s = customer_leg.on_call_s if customer_leg and has_talked else None
    told_s = report.talk_s if report.talk_s is not None else customer_s
    talk_s = _figure(attempt.talk_s, told_s)
    ended_at = attempt.ended_at or (report.ended_at.timestamp() if report.ended_at else None)
    ring_s = attempt.ring_s
    if ring_s is None and agent_s is not None and customer_s and agent_s >= customer_s:
        ring_s = agent_s - customer_s
    is_final = report.source is ReportSource.DETAILS
    price = str(report.price) if report.price is not None else None
    details_outcome = attempt.details_outcome
    if attempt.is_settled and is_final:
        seen = outcome_of(report)
        details_outcome = seen if seen is not attempt.outcome else None
    return attempt._replace(
        agent_s=_figure(attempt.agent_s, agent_s),
        talk_s=talk_s,
        ring_s=ring_s,
        total_s=_figure(attempt.total_s, report.total_s, is_final=is_final),
        price=_figure(attempt.price, price, is_final=is_final),
        ended_at=ended_at,
        answered_at=_answered_at(attempt, ended_at, talk_s),
        details_outcome=details_outcome,
    )


def _answered_at(attempt: Attempt, ended_at: float | None, talk_s: int | None) -> float | None:
    """Tell when the customer answered: counted back from the end, which is exact, where that can be.

    It cannot where talking was longer than the time since the agent answered, as in a simulator whose
    calls pass faster than its stamps: there what was told while it happened stands.
    """
    if not ended_at or not talk_s:
        return attempt.answered_at
    counted_at = ended_at - talk_s
    earliest_at = attempt.agent_answered_at or attempt.requested_at
    if counted_at >= earliest_at - STAMP_SLACK_S:
        return counted_at
    return attempt.answered_at or earliest_at


def _surer(known: str | None, told: str | None) -> str | None:
    """Take the surer word of who answered: a leg that still rings is told of as `na`."""
    return max(known, told, key=lambda word: _SURENESS.get(word or "", 0))


_SURENESS = {"na": 1, "notsure": 2, "human": 3, "machine": 4}

Value = TypeVar("Value", int, str)


def _figure(known: Value | None, told: Value | None, *, is_final: bool = False) -> Value | None:
    if told is None:
        return known
    return told if is_final else known or told


_OVER = frozenset(_CUSTOMER_SIDE) | {"completed"}


def _newer(known: str | None, told: str | None) -> str | None:
    return known if told is None or known in _OVER else told


def _status(leg: LegReport | None) -> str | None:
    return leg.status if leg else None
