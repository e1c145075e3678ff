"""What an answer to a connect request means for its attempt, and for the account.

An answer that Redis cannot take stays in the host's journal until it can.
"""

import json
from typing import NamedTuple

from redis.exceptions import RedisError

from campaigns.attempt import Attempt, Outcome
from campaigns.settlement import Answer
from dialer import clock
from dialer.dialing.host_recovery import HostRecovery
from dialer.dialing.journal import LateAnswer
from dialer.dialing.options import DialingOptions
from dialer.dialing.way_out import WayOut
from dialer.errors import (
    AccountRefused,
    AgentUnavailable,
    NumberRefused,
    ProviderError,
    RequestRefused,
    Side,
    TurnedAway,
)
from dialer.exotel import Connected
from dialer.exotel.refusals import IN_ANOTHER_CALL
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.pacing import Pacing
from dialer.settling.settling import Settling
from dialer.store import Follows
from dialer.store.attempts import SidTaken

log = get_logger(__name__)

_PROBE_S = 60.0


class _Meaning(NamedTuple):
    """What the attempt is told, and what follows from it."""

    answer: Answer
    follows: Follows


class Finishing:
    """Writes down what the provider answered, with all that follows."""

    def __init__(
        self,
        *,
        pacing: Pacing,
        settling: Settling,
        options: DialingOptions,
        recovery: HostRecovery,
        way_out: WayOut,
    ) -> None:
        self._pacing = pacing
        self._settling = settling
        self._options = options
        self._recovery = recovery
        self._way_out = way_out

    def finish(self, id_: AttemptId, attempt: Attempt, told: Connected | ProviderError) -> Attempt:
        """Write an answer down, or keep it in the journal while Redis is away."""
        if told.http_status is not None:
            self._way_out.worked()
        try:
            if isinstance(told, TurnedAway):
                self._back_off(id_, told)  # before it is written: others must not run into it
            return self._write(id_, attempt, told)
        except RedisError as error:
            log.warning("answer_kept", attempt_id=str(id_), message=str(error))
            self._recovery.keep(_kept(id_, told))
            return attempt

    def _write(self, id_: AttemptId, attempt: Attempt, told: Connected | ProviderError) -> Attempt:
        meaning = self._meaning(told)
        after = self._settling.answered(id_, meaning.answer, meaning.follows, before=attempt)
        if isinstance(after, SidTaken):
            meaning = self._unknown("sid_taken", told.http_status)
            after = self._settling.answered(id_, meaning.answer, meaning.follows, before=attempt)
        elif isinstance(told, Connected) and told.rate:
            self._pacing.heed(told.rate)
        _say(id_, meaning.answer, told)
        return attempt if after is None or isinstance(after, SidTaken) else after

    def _meaning(self, told: Connected | ProviderError) -> _Meaning:
        allowance = self._pacing.allowance
        if isinstance(told, Connected):
            placed = Answer(sid=told.sid, http_status=told.http_status)
            slot_s = allowance.kept_after_answer_s
            return _Meaning(placed, Follows(slot_s=slot_s, works=True, tally="placed"))
        found = _refusal(told)
        if found is None:
            return self._unknown(told.error_code or "unknown", told.http_status)
        outcome, follows = found
        slot_s = 0.0 if told.http_status is None else allowance.kept_after_answer_s
        refused = Answer(outcome=outcome, http_status=told.http_status, error_code=told.error_code)
        return _Meaning(refused, follows._replace(slot_s=slot_s))

    def _unknown(self, why: str, http_status: int | None) -> _Meaning:
        """Nobody knows whether there is a call: it is looked for, and the contact waits."""
        follows = Follows(
            unresolved=True,
            tally="unknown",
            slot_s=self._pacing.allowance.kept_without_answer_s,
            look_s=self._options.lookup_after_s,
        )
        return _Meaning(Answer(http_status=http_status, error_code=why), follows)

    def _back_off(self, id_: AttemptId, error: TurnedAway) -> None:
        if error.over_limit:
            self._pacing.close_for(error.wait_s)
            log.error("limit_refused", attempt_id=str(id_), wait_s=error.wait_s)
        elif error.http_status is not None:
            self._pacing.back_off(error.wait_s)
        elif error.error_code != "called_off":
            self._way_out.failed(str(error))


def _refusal(error: ProviderError) -> tuple[Outcome, Follows] | None:
    """Tell how an attempt ends that surely was not placed; None where nobody knows that."""
    match error:
        case NumberRefused(do_not_disturb=True):
            suppress = _suppressed_by_provider(str(error)) if error.side is not Side.AGENT else None
            return Outcome.DND, Follows(suppress=suppress)  # expected, so it is not tallied
        case NumberRefused():
            return Outcome.REFUSED, Follows(tally="refused")  # a list of bad numbers: its own fault
        case AgentUnavailable():
            busy = error.error_code == IN_ANOTHER_CALL
            return Outcome.AGENT_BUSY if busy else Outcome.AGENT_FAILED, Follows()
        case RequestRefused():
            return Outcome.TURNED_AWAY, Follows(pause=str(error))
        case AccountRefused():
            # an empty balance wants a person; the rest may be mended without telling us
            probe_s = None if error.http_status == 402 else _PROBE_S
            return Outcome.TURNED_AWAY, Follows(stop=str(error), probe_s=probe_s)
        case TurnedAway():
            return Outcome.TURNED_AWAY, Follows()
    return None


def _say(id_: AttemptId, answer: Answer, told: Connected | ProviderError) -> None:
    about = {"attempt_id": str(id_), "http_status": answer.http_status}
    if answer.sid:
        log.info("attempt_placed", attempt_id=str(id_), sid=answer.sid)
    elif answer.outcome is None:
        log.warning("attempt_unknown", error_code=answer.error_code, **about)
    else:
        log.warning(
            "attempt_refused",
            outcome=str(answer.outcome),
            error_code=answer.error_code,
            message=str(told),
            **about,
        )


def _kept(id_: AttemptId, answer: Connected | ProviderError) -> LateAnswer:
    match answer:
        case Connected():
            return LateAnswer(str(id_), answer.sid, None, answer.http_status, None)
        case TurnedAway():
            outcome = Outcome.TURNED_AWAY
        case _:
            # whatever else it was, the sweeper finds out or the quarantine ends it
            return LateAnswer(str(id_), None, None, answer.http_status, answer.error_code)
    return LateAnswer(str(id_), None, outcome, answer.http_status, answer.error_code)


def _suppressed_by_provider(message: str) -> str:
    return json.dumps({"at": clock.now().timestamp(), "source": "provider", "why": message})
