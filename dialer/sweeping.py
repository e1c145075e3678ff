"""Use case: attempts that stayed too long in one state. For each state an age and a cure.

placing   past the request's longest life    → unknown: its worker died between gate and answer
placed    nobody reported its end            → ask by Sid, twenty to a request
unknown   perhaps a call, perhaps none       → search by numbers and time, five pairs to a request
settled   duration or price still missing    → ask by Sid, until they come or time is up
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice

import structlog
from redis.exceptions import RedisError

from campaigns.attempt import Attempt, AttemptState, CallReport, Outcome
from campaigns.campaign import UnknownPolicy
from campaigns.custom_field import attempt_id_in
from campaigns.settlement import outcome_of
from dialer.clock import Sleep
from dialer.errors import ProviderError
from dialer.exotel import MAX_NUMBERS_PER_SEARCH, Exotel
from dialer.ids import AttemptId
from dialer.lookups import SIDS_PER_LOOKUP, Lookups, NoSlot
from dialer.pacing import Pacing
from dialer.settling import Settling, SettlingTimes
from dialer.store import Attempts, Campaigns, Database, Follows, OpenAttempt

log = structlog.get_logger(__name__)

_VALUES_BATCH = 100  # late values can wait and cost pace: one request in a hundred
_MOST_PER_SWEEP = 200
_LEGS_LOOKS = 3  # a details row without legs: ask so often before the overall status must do
_LATE_VALUES_GIVE_UP_S = 900.0
_MANUAL_LOOK_S = 3600.0
_OVERDUE_S = 60.0  # a look-up so late goes before dials, or a busy campaign would never settle
_SEARCH_MARGIN_S = 60.0  # the provider's clock and ours
_MOST_PAGES = 5  # of five pairs' calls; nobody rings a pair so often in an hour
_PATIENCE_S = 1.0  # for a slot: what is urgent comes in the next sweep, and must not wait for this
_SEARCHING_S = 10.0  # a sweep; attempts in other states wait behind it


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
        self._settling = settling
        self._times = times
        self._attempts = Attempts(db)
        self._campaigns = Campaigns(db)

    def sweep(self) -> Swept:
        """Look at everything that is due, as far as the allowance lets us."""
        requests_before, put_off_before = self._lookups.requests, self._lookups.put_off
        put_off_s = self._times.lookup_every_s
        open_ones = self._attempts.due("open", most=_MOST_PER_SWEEP, put_off_s=put_off_s)
        late_ones = self._attempts.due("late", most=_MOST_PER_SWEEP, put_off_s=put_off_s)
        for one in open_ones:
            if one.attempt.state is AttemptState.PLACING:
                self._give_up_on_answer(one)
        self._look_for_all([one for one in open_ones if _is_unsure(one.attempt)])
        placed = [one for one in open_ones if _is_placed(one.attempt)]
        placed.sort(key=lambda one: one.attempt.requested_at)
        for batch in _batches(placed, SIDS_PER_LOOKUP):
            if not self._ask_about(batch):
                break
        for batch in _batches(late_ones, _VALUES_BATCH):
            if not self._ask_for_values(batch):
                break  # no hurry: the next sweep asks again
        looked_at = len(open_ones) + len(late_ones)
        requests = self._lookups.requests - requests_before
        if looked_at:
            put_off = self._lookups.put_off - put_off_before
            log.info("swept", looked_at=looked_at, requests=requests, put_off=put_off)
        return Swept(looked_at, requests)

    def _give_up_on_answer(self, one: OpenAttempt) -> None:
        def quarantine(now: Attempt) -> Attempt | None:
            if now.state is not AttemptState.PLACING:
                return None
            return now._replace(state=AttemptState.UNKNOWN, error_code="worker_lost")

        self._settling.learn(
            one.id, quarantine, before=one.attempt, follows=Follows(unresolved=True, look_s=0.0)
        )
        log.warning("attempt_unknown", attempt_id=str(one.id), error_code="worker_lost")

    def _ask_about(self, batch: Sequence[OpenAttempt]) -> bool:
        found = self._by_sid(batch)
        if found is None:
            return False
        now_s = self._db.now()
        for one in batch:
            report = found.get(one.attempt.sid or "")
            if report is not None:
                self._take(one, report, now_s)
            elif now_s >= one.attempt.quarantine_ends_at:
                self._ask_singly(one, now_s)
            # else it goes on: bulk look-ups leave ongoing calls out
        return True

    def _take(self, one: OpenAttempt, report: CallReport, now_s: float) -> None:
        self._settling.report(one.id, report, at=now_s)
        if report.is_over and outcome_of(report) is None:
            self._without_legs(one, report)

    def _ask_singly(self, one: OpenAttempt, now_s: float) -> None:
        """A call longer than any can be, and not among the ended ones: ask for it by name."""
        try:
            report = self._lookups.single(one.attempt.sid or "", overdue=True)
        except (NoSlot, ProviderError) as error:
            _say_why_not(error)
            return
        if report is None:
            self._lost_at_provider(one)
        else:
            self._take(one, report, now_s)

    def _without_legs(self, one: OpenAttempt, report: CallReport) -> None:
        def count(now: Attempt) -> Attempt | None:
            return None if now.is_settled else now._replace(looks=now.looks + 1)

        after = self._settling.learn(
            one.id, count, follows=Follows(look_s=self._times.lookup_every_s)
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

    def _ask_for_values(self, batch: Sequence[OpenAttempt]) -> bool:
        found = self._by_sid(batch)
        if found is None:
            return False
        now_s = self._db.now()
        for one in batch:
            report = found.get(one.attempt.sid or "")
            if report:
                self._settling.report(one.id, report, at=now_s)
            if now_s - (one.attempt.settled_at or now_s) > _LATE_VALUES_GIVE_UP_S:
                self._settling.learn(
                    one.id,
                    lambda now: now._replace(is_final=True),
                    follows=Follows(late_s=0.0),
                )
        return True

    def _look_for_all(self, unsure: Sequence[OpenAttempt]) -> None:
        """Search for the calls of attempts nobody knows the fate of, the urgent ones first."""
        began_s = self._db.now()
        ordered = sorted(unsure, key=lambda one: not self._is_urgent(one.attempt))
        for batch in _pairs(ordered, MAX_NUMBERS_PER_SEARCH):
            if self._db.now() - began_s > _SEARCHING_S:
                break
            try:
                reports = self._search([one.attempt for one in batch])
            except NoSlot:
                break  # dials go first, and what may go before them has gone
            except ProviderError as error:
                log.warning("lookup_failed", message=str(error))
                continue
            for one in batch:
                try:
                    self._compare(one, reports)
                except RedisError:
                    raise
                except Exception:  # one of them must not keep the others waiting
                    log.exception("attempt_not_swept", attempt_id=str(one.id))

    def _is_urgent(self, attempt: Attempt) -> bool:
        """Its call has ended by what a callback tells: two people wait for the proof."""
        return attempt.told_outcome is not None or self._is_overdue(attempt)

    def _compare(self, one: OpenAttempt, reports: Sequence[CallReport]) -> None:
        mine = [report for report in reports if self._is_mine(one, report)]
        now_s = self._db.now()
        if len(mine) == 1:
            log.info("unknown_found", attempt_id=str(one.id), sid=mine[0].sid)
            self._settling.report(one.id, mine[0], at=now_s)
        elif not mine:
            self._found_nothing(one, now_s)
        else:
            log.error("unknown_ambiguous", attempt_id=str(one.id), calls=len(mine))

    def _is_mine(self, one: OpenAttempt, report: CallReport) -> bool:
        if report.custom_field:
            return attempt_id_in(report.custom_field) == str(one.id)
        if not _same_pair(one.attempt, report):
            return False
        if report.sid == one.attempt.sid:
            return True
        if report.created_at and not self._may_be_created(one.attempt, report.created_at):
            return False
        owner = self._attempts.owner(report.sid)
        return owner is None or owner == str(one.id)

    def _may_be_created(self, attempt: Attempt, created_at: datetime) -> bool:
        """A provider may overlook a filter of ours: is the call of the right time at all?"""
        since_s = created_at.timestamp() - attempt.requested_at
        return -_SEARCH_MARGIN_S <= since_s <= attempt.quarantine_s + _SEARCH_MARGIN_S

    def _found_nothing(self, one: OpenAttempt, now_s: float) -> None:
        """A negative proves nothing while a call could be live: bulk look-ups hide ongoing ones."""
        over = now_s >= one.attempt.quarantine_ends_at

        def count(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid_is_proven:
                return None
            empty = now.empty_looks + 1 if over else 0
            return now._replace(looks=now.looks + 1, empty_looks=empty, looked_at=now_s)

        next_s = max(one.attempt.quarantine_ends_at - now_s, 1.0)
        after = self._settling.learn(
            one.id,
            count,
            before=one.attempt,
            follows=Follows(look_s=min(next_s, self._times.lookup_every_s) if not over else None),
        )
        if isinstance(after, Attempt) and after.empty_looks >= 2:
            self._end_quarantine(one)

    def _end_quarantine(self, one: OpenAttempt) -> None:
        policy = self._campaigns.find(one.id.campaign).rules.unknown
        if policy is UnknownPolicy.MANUAL:
            # an operator decides; until then a rare look costs the allowance nothing
            self._settling.learn(
                one.id,
                lambda now: None if now.is_settled else now._replace(empty_looks=0),
                follows=Follows(look_s=_MANUAL_LOOK_S),
            )
            return
        log.warning("quarantine_ended", attempt_id=str(one.id), policy=str(policy))
        self._settling.settle(one.id, Outcome.UNKNOWN, source="quarantine", at=self._db.now())

    def calls_between(self, created_from: datetime, created_until: datetime) -> list[CallReport]:
        """Read all ended calls of the account that were created in between.

        Raises:
            NoSlot, ProviderError: Not all could be read.
        """
        pages = self._lookups.pages(
            created_from=created_from, created_until=created_until, overdue=True
        )
        return list(chain.from_iterable(pages))

    def claim(self, report: CallReport) -> AttemptId | None:
        """Tell which attempt a call was placed for; None when it is nobody's of ours.

        Raises:
            NoSlot, ProviderError: The provider had to be asked, and was not or did not answer.
        """
        owner = self._attempts.owner(report.sid)
        if owner is None:
            # rows of the bulk list may lack what we sent along
            sent = report.custom_field or self._lookups.custom_field(report.sid, overdue=True)
            owner = attempt_id_in(sent or "")
        return AttemptId.parse(owner or "")

    def _search(self, attempts: Sequence[Attempt]) -> list[CallReport]:
        """Read the ended calls between their numbers, around their time.

        Raises:
            NoSlot, ProviderError: Not all could be read.
        """
        earliest = min(one.requested_at for one in attempts) - _SEARCH_MARGIN_S
        latest = max(one.quarantine_ends_at for one in attempts) + _SEARCH_MARGIN_S
        pages = self._lookups.pages(
            agents=[one.agent for one in attempts],
            customers=[one.customer for one in attempts],
            created_from=datetime.fromtimestamp(earliest, UTC),
            created_until=datetime.fromtimestamp(latest, UTC),
            overdue=any(self._is_urgent(one) for one in attempts),
        )
        return list(chain.from_iterable(islice(pages, _MOST_PAGES)))

    def _by_sid(self, batch: Sequence[OpenAttempt]) -> dict[str, CallReport] | None:
        sids = [one.attempt.sid for one in batch if one.attempt.sid]
        overdue = any(self._is_overdue(one.attempt) for one in batch)
        try:
            return self._lookups.by_sid(sids, overdue=overdue)
        except (NoSlot, ProviderError) as error:
            _say_why_not(error)
            return None

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


def _is_unsure(attempt: Attempt) -> bool:
    is_unproven = attempt.state is AttemptState.PLACED and not attempt.sid_is_proven
    return attempt.state is AttemptState.UNKNOWN or is_unproven


def _same_pair(attempt: Attempt, report: CallReport) -> bool:
    """Whether the call is between these two; the provider prints numbers without their country."""
    told = (report.agent or "", report.customer or "")
    return [one[-10:] for one in told] == [attempt.agent[-10:], attempt.customer[-10:]]


def _is_placed(attempt: Attempt) -> bool:
    return attempt.state is AttemptState.PLACED and attempt.sid_is_proven


def _pairs(attempts: Sequence[OpenAttempt], size: int) -> Iterator[Sequence[OpenAttempt]]:
    for first in range(0, len(attempts), size):
        yield attempts[first : first + size]


def _batches(attempts: Iterable[OpenAttempt], size: int) -> Iterator[Sequence[OpenAttempt]]:
    with_sid = (one for one in attempts if one.attempt.sid)
    while batch := list(islice(with_sid, size)):
        yield batch
