"""Use case: attempts that stayed too long in one state. For each state an age and a cure.

placing   past the request's longest life    → unknown: its worker died between gate and answer
placed    nobody reported its end            → ask by Sid, twenty to a request; once no call can
                                               last so long, settled by what is known
unknown   perhaps a call, perhaps none       → search by numbers and time, five pairs to a request
settled   duration or price still missing    → ask by Sid, until they come or time is up

One that the provider fails to answer for is asked about by itself, less and less often.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from campaigns.attempt import Attempt, AttemptState, CallReport, Outcome
from campaigns.rules.retries import UnknownPolicy
from campaigns.settlement import Conflict, given_up, outcome_of, proven, without_call
from dialer.clock import Sleep
from dialer.errors import ProviderError
from dialer.exotel import MAX_NUMBERS_PER_SEARCH, Exotel
from dialer.logger import get_logger
from dialer.pacing import Pacing
from dialer.settling.lookups import SIDS_PER_LOOKUP, Lookups, NoSlot, unreadable_rows
from dialer.settling.searching import CallSearch
from dialer.settling.settling import Settling, SettlingTimes
from dialer.store import Attempts, Campaigns, Database, Follows, OpenAttempt
from dialer.store.campaign import RulesUnreadable
from dialer.store.database import may_pass

log = get_logger(__name__)

_VALUES_BATCH = 100  # late values can wait and cost pace: one request in a hundred
_MOST_PER_SWEEP = 200
_LEGS_LOOKS = 3  # a details row without legs: ask so often before the overall status must do
_LATE_VALUES_GIVE_UP_S = 900.0
_A_MINUTE = timedelta(minutes=1)
_MANUAL_LOOK_S = 3600.0
_OVERDUE_S = 60.0  # a look-up so late goes before dials, or a busy campaign would never settle
_FIRST_WAIT_S = 5.0  # until a doubted end is asked about again; twice as long each time
_EMPTY_LOOKS = 2  # once no call can be live any more, before an attempt is given up
_LONGEST_BACK_OFF = 2**5  # times as long as looks are apart
_UNREADABLE_GIVE_UP_S = 900.0  # after no call can be live any more: nobody will ever tell
_PATIENCE_S = 1.0  # for a slot: what is urgent comes in the next sweep, and must not wait for this
_SEARCHING_S = 10.0  # a sweep; attempts in other states wait behind it


Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many attempts one sweep looked at, and at how many requests."""

    looked_at: int
    requests: int


class Sweeping:
    """Looks at attempts that are due for it."""

    def __init__(
        self,
        db: Database,
        *,
        provider: Exotel,
        pacing: Pacing,
        settling: Settling,
        times: SettlingTimes,
        sleep: Sleep,
    ) -> None:
        self._db = db
        self._lookups = Lookups(provider, pacing, sleep=sleep, patience_s=_PATIENCE_S)
        self.search = CallSearch(db, self._lookups)
        self._settling = settling
        self._slots_kept_s = pacing.allowance.lease_s
        self._times = times
        self._attempts = Attempts(db)
        self._campaigns = Campaigns(db)
        self._answered_before = 0

    def sweep(self) -> Swept:
        """Look at everything that is due, as far as the allowance lets us."""
        open_ones, late_ones = self._attempts.due(
            most=_MOST_PER_SWEEP, put_off_s=self._times.lookup_every_s
        )
        if not open_ones and not late_ones:
            return Swept(0, 0)
        if not self._db.clock.look(slots_kept_s=self._slots_kept_s):
            # somebody set it: what seemed to be over is not, and all of this is looked at again
            return Swept(0, 0)
        requests_before, put_off_before = self._lookups.requests, self._lookups.put_off
        self._answered_before = self._lookups.answered
        placing = [one for one in open_ones if one.attempt.state is AttemptState.PLACING]
        self._for_each(placing, self._give_up_on_answer)
        self._look_for_all([one for one in open_ones if _is_unsure(one.attempt)])
        placed = [one for one in open_ones if _is_placed(one.attempt)]
        placed.sort(key=lambda one: one.attempt.requested_at)
        self._look_up(_batches(placed, SIDS_PER_LOOKUP), self._by_sid, self._ask_about)
        # no hurry: what finds no room now is asked for in the next sweep
        self._look_up(_batches(late_ones, _VALUES_BATCH), self._by_sid, self._fill_in)
        looked_at = len(open_ones) + len(late_ones)
        requests = self._lookups.requests - requests_before
        put_off = self._lookups.put_off - put_off_before
        log.info("swept", looked_at=looked_at, requests=requests, put_off=put_off)
        return Swept(looked_at, requests)

    def _look_up(
        self,
        batches: Iterable[Sequence[OpenAttempt]],
        look: Callable[[Sequence[OpenAttempt]], Found],
        take: Callable[[Sequence[OpenAttempt], Found], None],
    ) -> None:
        def taken(batch: Sequence[OpenAttempt], found: Found) -> None:
            for one in batch:
                log.info("attempt_looked_up", attempt_id=str(one.id), looks=one.attempt.looks)
            take(batch, found)

        done = self._lookups.halving(batches, look, taken, does_answer=self._does_answer)
        if done.stopped:
            _say_why_not(done.stopped)
        self._for_each(done.failed, self._fails_by_itself)

    def _does_answer(self) -> bool:
        """Tell whether the provider has answered in this sweep, or does now."""
        if self._lookups.answered == self._answered_before:
            now = datetime.fromtimestamp(self._db.now(), UTC)
            pages = self._lookups.pages(
                created_from=now - _A_MINUTE, created_until=now, overdue=True
            )
            with suppress(NoSlot, ProviderError):
                next(pages)
        return self._lookups.answered > self._answered_before

    def _for_each(self, attempts: Iterable[OpenAttempt], do: Callable[[OpenAttempt], None]) -> None:
        """Do it for each; one that is damaged must not keep the others waiting."""
        for one in attempts:
            try:
                do(one)
            except RulesUnreadable as error:
                log.warning("attempt_not_swept", attempt_id=str(one.id), message=str(error))
            except Exception as error:
                if may_pass(error):
                    raise
                log.exception("attempt_not_swept", attempt_id=str(one.id))

    def _give_up_on_answer(self, one: OpenAttempt) -> None:
        def quarantine(now: Attempt) -> Attempt | None:
            if now.state is not AttemptState.PLACING:
                return None
            return now._replace(state=AttemptState.UNKNOWN, error_code="worker_lost")

        self._settling.update(
            one.id, quarantine, before=one.attempt, follows=Follows(unresolved=True, look_s=0.0)
        )
        log.warning("attempt_unknown", attempt_id=str(one.id), error_code="worker_lost")

    def _ask_about(self, batch: Sequence[OpenAttempt], found: Mapping[str, CallReport]) -> None:
        now_s = self._db.now()

        def take(one: OpenAttempt) -> None:
            report = found.get(one.attempt.sid or "")
            if report is not None:
                self._take(one, report, now_s)
            elif now_s >= one.attempt.quarantine_ends_at:
                self._ask_singly(one, now_s)
            elif one.attempt.told_outcome:
                self._wait_for_end(one)
            # else it goes on: bulk look-ups leave ongoing calls out

        self._for_each(batch, take)

    def _wait_for_end(self, one: OpenAttempt) -> None:
        """It is said to be over, and is not among the ended ones yet: soon again, then as others."""
        doubled_s = _FIRST_WAIT_S * min(2**one.attempt.looks, _LONGEST_BACK_OFF)
        look_s = min(doubled_s, self._times.lookup_every_s)
        self._settling.update(
            one.id,
            _looked_again,
            before=one.attempt,
            follows=Follows(look_s=look_s),
        )

    def _take(self, one: OpenAttempt, report: CallReport, now_s: float) -> None:
        answer = self._settling.report(one.id, report, at=now_s)
        if isinstance(answer, Conflict) or not report.is_over:
            if now_s >= one.attempt.quarantine_ends_at:
                self._never_over(one, report)
        elif outcome_of(report) is None:
            self._without_legs(one, report)

    def _ask_singly(self, one: OpenAttempt, now_s: float) -> None:
        """A call longer than any can be, and not among the ended ones: ask for it by name."""

        def single(asked: Sequence[OpenAttempt]) -> CallReport | None:
            return self._lookups.single(asked[0].attempt.sid or "", overdue=True)

        def take(_: Sequence[OpenAttempt], report: CallReport | None) -> None:
            if report is None:
                self._lost_at_provider(one)
            else:
                self._take(one, report, now_s)

        self._look_up([[one]], single, take)

    def _fails_by_itself(self, one: OpenAttempt) -> None:
        """The provider answers for others and never for this one: ask more rarely, not for ever."""
        attempt, every_s = one.attempt, self._times.lookup_every_s
        log.warning("lookup_fails_for_one", attempt_id=str(one.id), looks=attempt.looks)
        left_s = attempt.quarantine_ends_at - self._db.now()
        if attempt.is_settled:
            self._fill_in([one], {})
            return
        if left_s < -_UNREADABLE_GIVE_UP_S:
            self._give_up(one, None)
            return
        look_s = min(every_s * min(2**attempt.looks, _LONGEST_BACK_OFF), left_s)
        self._settling.update(
            one.id,
            _looked_again,
            follows=Follows(look_s=look_s if left_s > 0 else every_s),
        )

    def _never_over(self, one: OpenAttempt, report: CallReport) -> None:
        """No call lasts so long, and the provider still does not say that this one is over."""
        after = self._count_empty_look(one, self._db.now())
        if after and after.empty_looks >= _EMPTY_LOOKS:
            self._give_up(one, report)

    def _count_empty_look(self, one: OpenAttempt, now_s: float) -> Attempt | None:
        """Count a look after which nobody knows more; None when it is settled meanwhile."""

        def count(now: Attempt) -> Attempt | None:
            if now.is_settled:
                return None
            return now._replace(
                looks=now.looks + 1, empty_looks=now.empty_looks + 1, looked_at=now_s
            )

        after = self._settling.update(one.id, count)
        return after if isinstance(after, Attempt) and not after.is_settled else None

    def _without_legs(self, one: OpenAttempt, report: CallReport) -> None:
        after = self._settling.update(
            one.id, _looked_again, follows=Follows(look_s=self._times.lookup_every_s)
        )
        if isinstance(after, Attempt) and not after.is_settled and after.looks >= _LEGS_LOOKS:
            self._settling.settle_by_status(one.id, report, at=self._db.now())

    def _lost_at_provider(self, one: OpenAttempt) -> None:
        """A Sid the provider gave and does not know: no call of it can be live any more."""
        log.error("call_lost_at_provider", attempt_id=str(one.id), sid=one.attempt.sid)
        self._settling.settle(
            one.id,
            Outcome.UNKNOWN,
            source="quarantine",
            at=self._db.now(),
            error_code="sid_unknown",
        )

    def _fill_in(self, batch: Sequence[OpenAttempt], found: Mapping[str, CallReport]) -> None:
        now_s = self._db.now()

        def take(one: OpenAttempt) -> None:
            report = found.get(one.attempt.sid or "")
            if report:
                self._settling.report(one.id, report, at=now_s)
            if now_s - (one.attempt.settled_at or now_s) > _LATE_VALUES_GIVE_UP_S:
                self._settling.update(
                    one.id,
                    lambda now: now._replace(is_final=True),
                    follows=Follows(late_s=0.0),
                )

        self._for_each(batch, take)

    def _look_for_all(self, unsure: Sequence[OpenAttempt]) -> None:
        """Search for the calls of attempts nobody knows the fate of, the urgent ones first."""
        began_s = self._db.now()
        ordered = sorted(unsure, key=lambda one: not self._is_urgent(one.attempt))

        def search(batch: Sequence[OpenAttempt]) -> list[CallReport]:
            if self._db.now() - began_s > _SEARCHING_S:
                raise NoSlot("attempts in other states wait")
            attempts = [one.attempt for one in batch]
            found = self.search.around(attempts, overdue=any(map(self._is_urgent, attempts)))
            is_found = len(batch) == 1 and any(
                self.search.is_of(batch[0], one) for one in found.reports
            )
            if found.unreadable and not is_found:
                raise unreadable_rows(found.unreadable)  # theirs may be what is sought
            return found.reports

        def compare(batch: Sequence[OpenAttempt], reports: Sequence[CallReport]) -> None:
            self._for_each(batch, lambda one: self._compare(one, reports))

        self._look_up(_pairs(ordered, MAX_NUMBERS_PER_SEARCH), search, compare)

    def _is_urgent(self, attempt: Attempt) -> bool:
        """Its call has ended by what a callback tells: two phones wait for the proof."""
        is_told = attempt.told_outcome is not None and not attempt.is_settled
        return is_told or self._is_overdue(attempt)

    def _compare(self, one: OpenAttempt, reports: Sequence[CallReport]) -> None:
        mine = [report for report in reports if self.search.is_of(one, report)]
        now_s = self._db.now()
        if len(mine) == 1:
            self._bind(one, mine[0], now_s)
            return
        if mine:
            log.error("unknown_ambiguous", attempt_id=str(one.id), calls=len(mine))
        self._found_nothing(one, now_s)

    def _bind(self, one: OpenAttempt, report: CallReport, now_s: float) -> None:
        log.info("unknown_found", attempt_id=str(one.id), sid=report.sid)
        if report.custom_field:
            # it names this very attempt, in whatever form the numbers are printed
            self._settling.update(
                one.id,
                lambda now: None if now.is_settled else proven(now, report.sid, at=now_s),
            )
        if isinstance(self._settling.report(one.id, report, at=now_s), Conflict):
            self._found_nothing(one, now_s)

    def _found_nothing(self, one: OpenAttempt, now_s: float) -> None:
        """A negative proves nothing while a call could be live: bulk look-ups hide ongoing ones."""
        left_s = one.attempt.quarantine_ends_at - now_s
        if left_s <= 0:
            after = self._count_empty_look(one, now_s)
            if after and not after.sid_is_proven and after.empty_looks >= _EMPTY_LOOKS:
                self._end_quarantine(one)
            return

        def count(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid_is_proven:
                return None
            return now._replace(looks=now.looks + 1, empty_looks=0, looked_at=now_s)

        look_s = min(max(left_s, 1.0), self._times.lookup_every_s)
        self._settling.update(one.id, count, before=one.attempt, follows=Follows(look_s=look_s))

    def _end_quarantine(self, one: OpenAttempt) -> None:
        """Ask once more by name for a call that a callback told of: it counts if it is ours."""
        sid, now_s = one.attempt.sid, self._db.now()
        if sid is None:
            self._give_up(one, None)
            return

        def take(_: Sequence[OpenAttempt], report: CallReport | None) -> None:
            answer = report and self._settling.report(one.id, report, at=now_s)
            if isinstance(answer, Attempt):
                return  # proven: from now on it is asked about by its Sid
            self._settling.update(
                one.id, lambda now: without_call(now) if not now.sid_is_proven else None
            )
            self._give_up(one, None)

        self._look_up([[one]], lambda _: self._lookups.single(sid, overdue=True), take)

    def _give_up(self, one: OpenAttempt, report: CallReport | None) -> None:
        """Settle by what is known, which may be nothing: no call of it can be live any more."""
        now_s = self._db.now()
        seen = self._attempts.get(one.id) or one.attempt
        outcome = given_up(seen, report, at=now_s).outcome
        policy = self._campaigns.find(one.id.campaign).rules.unknown
        if outcome is Outcome.UNKNOWN and policy is UnknownPolicy.MANUAL:
            # an operator decides; until then a rare look costs the allowance nothing
            self._settling.update(
                one.id,
                lambda now: None if now.is_settled else now._replace(empty_looks=0),
                follows=Follows(look_s=_MANUAL_LOOK_S),
            )
            return
        if seen.sid:
            log.error("call_never_over", attempt_id=str(one.id), sid=seen.sid, outcome=str(outcome))
        else:
            log.warning("quarantine_ended", attempt_id=str(one.id), policy=str(policy))
        self._settling.update(
            one.id, lambda now: None if now.is_settled else given_up(now, report, at=now_s)
        )

    def _by_sid(self, batch: Sequence[OpenAttempt]) -> dict[str, CallReport]:
        sids = [one.attempt.sid for one in batch if one.attempt.sid]
        overdue = any(self._is_urgent(one.attempt) for one in batch)
        return self._lookups.by_sid(sids, overdue=overdue)

    def _is_overdue(self, attempt: Attempt) -> bool:
        if attempt.settled_at is not None:
            due_at = attempt.settled_at + self._times.final_values_after_s
        else:
            due_at = attempt.requested_at + self._times.lookup_after_s
        return self._db.now() - due_at >= _OVERDUE_S


def _say_why_not(error: NoSlot | ProviderError) -> None:
    """Log that a question has no answer; that dials go before look-ups is as it should be."""
    if isinstance(error, NoSlot):
        log.debug("lookup_put_off", message=str(error))
    else:
        log.warning("lookup_failed", message=str(error))


def _looked_again(now: Attempt) -> Attempt | None:
    """Count a look that brought no end."""
    return None if now.is_settled else now._replace(looks=now.looks + 1)


def _is_unsure(attempt: Attempt) -> bool:
    is_unproven = attempt.state is AttemptState.PLACED and not attempt.sid_is_proven
    return attempt.state is AttemptState.UNKNOWN or is_unproven


def _is_placed(attempt: Attempt) -> bool:
    return attempt.state is AttemptState.PLACED and attempt.sid_is_proven


def _pairs(attempts: Sequence[OpenAttempt], size: int) -> Iterator[Sequence[OpenAttempt]]:
    for first in range(0, len(attempts), size):
        yield attempts[first : first + size]


def _batches(attempts: Iterable[OpenAttempt], size: int) -> Iterator[Sequence[OpenAttempt]]:
    with_sid = (one for one in attempts if one.attempt.sid)
    while batch := list(islice(with_sid, size)):
        yield batch
