"""What an answer to a connect request means for its attempt, and for the account.

An answer that Redis cannot take stays in the host's journal until it can.
"""

import json
from collections.abc import Callable
from functools import partial

import structlog
from redis.exceptions import RedisError

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.settlement import proven, settled
from dialer.dialing.journal import LateAnswer
from dialer.dialing.options import DialingOptions
from dialer.dialing.recovery import HostRecovery
from dialer.dialing.way_out import WayOut
from dialer.errors import (
    AccountRefused,
    AgentUnavailable,
    NumberRefused,
    PlacementUnknown,
    ProviderError,
    RequestRefused,
    Side,
    TurnedAway,
)
from dialer.exotel import Connected
from dialer.exotel.refusals import IN_ANOTHER_CALL
from dialer.ids import AttemptId
from dialer.pacing import Pacing
from dialer.settling.settling import Settling
from dialer.store import Database, Follows
from dialer.store.attempts import SidTaken

log = structlog.get_logger(__name__)

_PROBE_S = 60.0


class Answers:
    """Writes down what the provider answered, with all that follows."""

    def __init__(
        self,
        db: Database,
        *,
        pacing: Pacing,
        settling: Settling,
        options: DialingOptions,
        recovery: HostRecovery,
        way_out: WayOut,
    ) -> None:
        self._db = db
        self._pacing = pacing
        self._settling = settling
        self._options = options
        self._recovery = recovery
        self._way_out = way_out

    def placed(self, id_: AttemptId, attempt: Attempt, connected: Connected) -> Attempt:
        """Record the call that was placed."""
        return self._or_keep(
            id_, attempt, connected, partial(self._placed, id_, attempt, connected)
        )

    def refused(self, id_: AttemptId, attempt: Attempt, error: ProviderError) -> Attempt:
        """Record that none was placed, or that nobody knows."""
        return self._or_keep(id_, attempt, error, partial(self._refused, id_, attempt, error))

    def _or_keep(
        self,
        id_: AttemptId,
        attempt: Attempt,
        answer: Connected | ProviderError,
        record: Callable[[], Attempt],
    ) -> Attempt:
        """Record an answer, or keep it in the journal while Redis is away."""
        try:
            return record()
        except RedisError as error:
            log.warning("answer_kept", attempt_id=str(id_), message=str(error))
            self._recovery.keep(_kept(id_, answer))
            return attempt

    def _placed(self, id_: AttemptId, attempt: Attempt, connected: Connected) -> Attempt:
        sid = connected.sid
        self._way_out.worked()

        def bind(now: Attempt) -> Attempt | None:
            at = self._db.now() if now.told_outcome else 0.0  # asked only where it matters
            if now.sid not in (None, sid):
                log.error(
                    "sid_differs",
                    contact_id=str(id_.contact),  # another contact's thread may decide this
                    attempt_id=str(id_),
                    sid=now.sid,
                    placed_sid=sid,
                )
            return proven(now, sid, at=at)._replace(http_status=connected.http_status)

        after = self._settling.update(
            id_,
            bind,
            before=attempt,
            follows=Follows(
                slot_s=self._pacing.allowance.kept_after_answer_s, works=True, tally="placed"
            ),
        )
        if isinstance(after, SidTaken):
            return self._unknown(id_, attempt, "sid_taken", http_status=connected.http_status)
        if connected.rate:
            self._pacing.heed(connected.rate)
        log.info("attempt_placed", attempt_id=str(id_), sid=sid)
        return after or attempt

    def _refused(self, id_: AttemptId, attempt: Attempt, error: ProviderError) -> Attempt:
        if error.http_status is not None:
            self._way_out.worked()
        match error:
            case PlacementUnknown():
                return self._unknown(
                    id_, attempt, error.error_code or "unknown", http_status=error.http_status
                )
            case NumberRefused():
                outcome = Outcome.DND if error.do_not_disturb else Outcome.REFUSED
                suppress = error.do_not_disturb and error.side is not Side.AGENT
                follows = Follows(
                    suppress=_suppressed_by_provider(str(error)) if suppress else None,
                    # a list of bad numbers is the list's fault; do-not-call entries are expected
                    tally=None if error.do_not_disturb else "refused",
                )
            case AgentUnavailable():
                busy = error.error_code == IN_ANOTHER_CALL
                outcome = Outcome.AGENT_BUSY if busy else Outcome.AGENT_FAILED
                follows = Follows()
            case RequestRefused():
                outcome, follows = Outcome.TURNED_AWAY, Follows(pause=str(error))
            case AccountRefused():
                # an empty balance wants a person; the rest may be mended without telling us
                probe_s = None if error.http_status == 402 else _PROBE_S
                outcome, follows = Outcome.TURNED_AWAY, Follows(stop=str(error), probe_s=probe_s)
            case TurnedAway():
                outcome, follows = Outcome.TURNED_AWAY, Follows()
                self._back_off(error)
            case _:
                return self._unknown(id_, attempt, "unknown", http_status=error.http_status)
        log.warning(
            "attempt_refused",
            attempt_id=str(id_),
            outcome=str(outcome),
            http_status=error.http_status,
            error_code=error.error_code,
            message=str(error),
        )
        return self._end(id_, attempt, outcome, error, follows)

    def _end(
        self,
        id_: AttemptId,
        attempt: Attempt,
        outcome: Outcome,
        error: ProviderError,
        follows: Follows,
    ) -> Attempt:
        allowance = self._pacing.allowance
        reached = error.http_status is not None
        slot_s = allowance.kept_after_answer_s if reached else 0.0

        def end(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid:
                return None  # a callback proves there is a call after all
            known = now._replace(http_status=error.http_status, error_code=error.error_code)
            return settled(known, outcome, source="response", at=self._db.now())

        after = self._settling.update(
            id_, end, before=attempt, follows=follows._replace(slot_s=slot_s)
        )
        return attempt if after is None or isinstance(after, SidTaken) else after

    def _unknown(
        self, id_: AttemptId, attempt: Attempt, why: str, *, http_status: int | None
    ) -> Attempt:
        def quarantine(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid:
                return None
            return now._replace(state=AttemptState.UNKNOWN, error_code=why, http_status=http_status)

        after = self._settling.update(
            id_,
            quarantine,
            before=attempt,
            follows=Follows(
                unresolved=True,
                tally="unknown",
                slot_s=self._pacing.allowance.kept_without_answer_s,
                look_s=self._options.lookup_after_s,
            ),
        )
        log.warning("attempt_unknown", attempt_id=str(id_), error_code=why, http_status=http_status)
        return attempt if after is None or isinstance(after, SidTaken) else after

    def _back_off(self, error: TurnedAway) -> None:
        if error.over_limit:
            self._pacing.close_for(error.wait_s)
            log.error("limit_refused", wait_s=error.wait_s)
        elif error.http_status is not None:
            self._pacing.back_off(error.wait_s)
        elif error.error_code != "called_off":
            self._way_out.failed(str(error))


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
    return json.dumps({"source": "provider", "why": message})
