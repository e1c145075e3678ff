"""Use case: Redis was restarted, failed over or lost state; dial again only when that is safe.

hold set (by any script, see prelude.lua; one set by hand stands beside it and waits for nobody)
  ├─ each worker host replays its journal: intents Redis lost come back as unknown
  ├─ nothing was missing, every host reported     → released, within seconds
  └─ something was missing
       ├─ phantom slots seal the allowance
       ├─ every host reported, or the longest call is over
       └─ the provider's calls of the last while are read and bound → released
"""

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from campaigns.attempt import SEND_WINDOW_S, Attempt, AttemptState, CallReport, Outcome
from campaigns.numbers.same_phone import country_code_length, endings
from campaigns.settlement import Conflict, proven, settled
from dialer import failpoints
from dialer.dialing.journal import Intent, Journal, LateAnswer
from dialer.dialing.options import DialingOptions
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.pacing import SPACING_SLACK_S, WINDOW_MARGIN_S, Allowance
from dialer.settling.settling import Settling
from dialer.settling.sweeping import Sweeping
from dialer.store import CallbackInbox, Campaigns, Database, Hold, Holds
from dialer.store.attempts import decode, encode
from dialer.store.contacts import Contacts, customers_of
from dialer.store.database import text
from dialer.store.holds import ByMachine
from dialer.store.rate import free_slots_by
from dialer.store.scripts import gives

log = get_logger(__name__)

_HOST_PATIENCE_S = 30.0
_GAP_S = 120.0
"""A Redis that knew of no host for so long before may have lost what they did meanwhile."""

_STILL_SENDING_S = SEND_WINDOW_S + 0.5
_HOSTS_APPEAR_S = 5.0  # one that Redis lost too tells within a second or two that it lives
_SLOWEST_ANSWER_S = 5.0
_CLOCKS_APART_S = 300.0
_READ_BACK_S = 86_400.0
_PLAIN_OPTIONS = DialingOptions()


class _Beat(NamedTuple):
    """What Redis answers to a host that tells that it lives.

    Args:
        hold: Id of the last hold; '' = there never was one.
        held_s: How long ago that began.
        is_held: It stands.
        has_reported: This host has told it what its journal holds.
        now_s: Epoch s.
    """

    hold: str
    held_s: float
    is_held: bool
    has_reported: bool
    now_s: float


@gives("host")
class HostLives(NamedTuple):
    """What a worker host tells of itself.

    Args:
        epoch: As its journal knows it.
        host: Identity of its journal.
        name: For people.
        hold: That it reports to; None: it only tells that it lives.
        report: What its journal held, JSON.
    """

    epoch: int
    host: str
    name: str
    hold: str | None = None
    report: str = ""


@gives("restore")
class Restore(NamedTuple):
    """An attempt that Redis may have lost.

    Args:
        attempt: JSON.
        agent: Digits.
        customer: Digits.
        ends_at: Until when its call could live, epoch s; then it is not worth bringing back.
        counts_until: Until when its request counts against the allowance, epoch s.
        holds: Dialling is held if it was missing and nothing held it.
    """

    id: str
    campaign: str
    n: int
    no: int
    nonce: str
    attempt: str
    agent: str
    customer: str
    ends_at: float
    counts_until: float
    holds: bool


class HostRecovery:
    """A worker process's part: it reports its host's journal and hands in late answers.

    Args:
        host: The host's name, for people; its journal tells it from others of that name.
    """

    def __init__(
        self,
        db: Database,
        *,
        journal: Journal,
        settling: Settling,
        host: str,
        allowance: Allowance,
    ) -> None:
        self._allowance = allowance
        self._db = db
        self._journal = journal
        self._settling = settling
        self._host = host
        self._late: list[LateAnswer] = []
        self._lock = threading.Lock()
        self._is_heard = False

    @property
    def has_nothing_to_tell(self) -> bool:
        """Whether no hold stood at the last tick, and Redis has taken all that is known here."""
        return self._is_heard and not self._late

    @property
    def host(self) -> str:
        """The worker host it speaks for."""
        return self._host

    def start(self) -> None:
        """Take up what earlier processes of this host left behind."""
        with self._lock:
            self._late.extend(self._journal.answers())

    def keep(self, answer: LateAnswer) -> None:
        """Keep an answer Redis could not take, for the next tick, and on disk if that takes it."""
        with self._lock:
            self._late.append(answer)
        try:
            self._journal.write_answer(answer)
        except OSError as error:
            log.warning("answer_not_on_disk", attempt_id=answer.attempt_id, message=str(error))

    def tick(self) -> None:
        """Hand in late answers, tell that this host lives, report to a hold; call each second."""
        self._is_heard = False
        beat = self._beat()
        self._is_heard = beat.has_reported and not beat.is_held
        self._hand_in()
        self._free_slots_of_the_dead()
        if not beat.has_reported:
            self._report(beat)
        elif not beat.is_held:
            self._journal.prune(before=beat.now_s)

    def _beat(self, *report: str) -> _Beat:
        """Tell that this host lives and what it knows, which may be that Redis has lost state."""
        journal = self._journal
        answer = self._db.run(HostLives(journal.epoch, journal.identity, self._host, *report))
        hold, held_s, is_held, has_reported, now_s = answer
        return _Beat(text(hold), float(held_s), bool(is_held), bool(has_reported), float(now_s))

    def _free_slots_of_the_dead(self) -> None:
        """Give slots back as if their requests were given up now: their process is dead.

        Its connections went with it, so none of them can be counted later than one we gave up on.
        Slots of requests that were answered are free sooner, and stay as they are.
        """
        left = self._journal.left_behind()
        if not left:
            return
        now_s = self._db.now()  # after they were seen to be dead
        until = now_s + self._allowance.kept_without_answer_s
        sent_after = now_s - self._allowance.lease_s
        attempts = [(one.attempt_id, decode(one.attempt)) for one in left]
        slots = {id_: until for id_, attempt in attempts if attempt.requested_at > sent_after}
        if slots:
            free_slots_by(self._db, slots)

    def _report(self, beat: _Beat) -> None:
        """Bring back what Redis lost, and say so; also to a hold that is over, if it came too late."""
        if beat.held_s < _STILL_SENDING_S:
            return  # a request that passed its gate before the hold may not be in the journal yet
        intents = self._journal.intents(ending_after=beat.now_s)
        intents.sort(key=lambda one: one.epoch)  # as they were made
        restored = [intent.attempt_id for intent in intents if self._restore(intent)]
        failpoints.reach("restored")
        if restored:
            CallbackInbox(self._db).take_up_again(restored)
        quarantines_s = [decode(one.attempt).quarantine_s for one in intents]
        report = {
            "epoch": self._journal.epoch,
            "intents": len(intents),
            "restored": len(restored),
            "longest_s": max(quarantines_s, default=0.0),
        }
        if self._beat(beat.hold, json.dumps(report)).has_reported:
            log.warning("journal_reported", **report)

    def _restore(self, intent: Intent) -> bool:
        id_ = AttemptId.parse(intent.attempt_id)
        if id_ is None:
            return False
        attempt = decode(intent.attempt)._replace(
            state=AttemptState.UNKNOWN, error_code="redis_lost"
        )
        return _bring_back(
            self._db,
            id_,
            attempt,
            ends_at=attempt.quarantine_ends_at,
            slot_lease_s=self._allowance.lease_s,
            holds=True,
        )

    def _hand_in(self) -> None:
        with self._lock:
            late, self._late = self._late, []
        for position, answer in enumerate(late):
            try:
                self._apply(answer)
                failpoints.reach("handed_in")
            except Exception:
                with self._lock:
                    self._late[:0] = late[position:]
                raise

    def _apply(self, answer: LateAnswer) -> None:
        id_ = AttemptId.parse(answer.attempt_id)
        if id_ is None:
            return
        at = self._db.now()

        def update(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid_is_proven:
                return None
            known = now._replace(http_status=answer.http_status, error_code=answer.error_code)
            if answer.sid:
                return proven(known, answer.sid, at=at)
            if answer.outcome:
                return settled(known, Outcome(answer.outcome), source="response", at=at)
            return None

        self._settling.update(id_, update)


class AccountRecovery:
    """The feeder's part: it decides when a hold that the machine set may end.

    Args:
        longest_call_s: The longest that a call can be live by the settings; campaigns may have
            rules of their own.
        options: What else that depends on.
    """

    def __init__(
        self,
        db: Database,
        *,
        allowance: Allowance,
        settling: Settling,
        sweeping: Sweeping,
        longest_call_s: float,
        options: DialingOptions = _PLAIN_OPTIONS,
    ) -> None:
        self._db = db
        self._allowance = allowance
        self._settling = settling
        self._sweeping = sweeping
        self._holds = Holds(db)
        self._contacts = Contacts(db)
        self._campaigns = Campaigns(db)
        self._settings_longest_s = longest_call_s
        self._options = options
        self._read_calls_for: str | None = None

    def hold(self) -> Hold | None:
        """Tell whether and why nothing is dialled; None when dialling is allowed."""
        return self._holds.read()

    def set_hold(self, why: str) -> None:
        """Stop all dialling until somebody releases it by hand.

        Raises:
            NotPlain: The reason is longer than a line, or holds control characters.
        """
        self._holds.set_by_hand(why)

    def release(self, hold: Hold | None = None) -> bool:
        """Let dialling go on, as a person, whatever is not known yet.

        Args:
            hold: As the person saw it; None: as it stands now.

        Returns:
            False when nothing held it, or another hold stands by now.
        """
        seen = hold or self.hold()
        return seen is not None and self._holds.release(hand=seen.hand, machine=seen.machine)

    def tick(self) -> None:
        """Bring the machine's hold nearer to its end; call each second."""
        hold = self.hold()
        if hold is None or hold.machine is None:
            return
        machine = hold.machine
        held_s = self._db.now() - machine.since
        if machine.lost:
            self._seal(machine)
        if not self._has_heard_enough(machine, held_s):
            return
        if machine.lost:
            self._read_calls(machine)  # after the hosts: a call needs its attempt back first
        if self._holds.end(machine):
            log.warning(
                "hold_released",
                why=machine.why,
                held_s=round(held_s, 1),
                restored=machine.restored,
            )

    def _has_heard_enough(self, machine: ByMachine, held_s: float) -> bool:
        """Tell whether no host is waited for any more."""
        if machine.lost and held_s < _HOSTS_APPEAR_S:
            return False
        if not machine.waiting_for:
            return True
        is_old = machine.since - machine.known_until >= _GAP_S
        if not machine.lost and not is_old:
            return held_s >= _HOST_PATIENCE_S
        return held_s >= self._settings_longest_s and held_s >= self._longest_call_s(machine)

    def _longest_call_s(self, machine: ByMachine) -> float:
        """Give how long a call can be live that a lost host placed, by all that is known, s.

        Redis may have lost a campaign's newest rules too: then the other hosts' journals tell.
        """
        by_rules = (
            self._options.quarantine_s(
                time_out_s=one.rules.time_out_s, time_limit_s=one.rules.time_limit_s
            )
            for one in self._campaigns.all()
            if not one.state.is_over
        )
        return max(self._settings_longest_s, machine.longest_s, *by_rules)

    def _seal(self, machine: ByMachine) -> None:
        self._holds.seal(
            machine,
            requests=self._allowance.requests,
            spacing_s=self._allowance.spacing_s,
            answer_s=_SLOWEST_ANSWER_S + WINDOW_MARGIN_S + SPACING_SLACK_S,
        )

    def _read_calls(self, machine: ByMachine) -> None:
        """Read the provider's calls of the last while, and give each to its attempt."""
        if self._read_calls_for == machine.id:
            return
        now_s = self._db.now()
        claimed = self._claimed(self._calls_since(self._first_lost_s(machine), now_s))
        # all of them before any is settled: a contact's last attempt says where it stands
        restored = [str(id_) for id_, report in claimed if self._restore(id_, report)]
        for id_, report in claimed:
            if isinstance(told := self._settling.report(id_, report, at=now_s), Conflict):
                log.warning("call_unplaced", attempt_id=str(id_), sid=report.sid, why=told.why)
        if restored:
            CallbackInbox(self._db).take_up_again(restored)
        failpoints.reach("calls_read")
        self._read_calls_for = machine.id
        log.warning("provider_calls_read", calls=len(claimed))

    def _first_lost_s(self, machine: ByMachine) -> float:
        """Give when the first call was placed that Redis may have lost, epoch s; a day ago at most."""
        from_s = machine.since - self._longest_call_s(machine)
        if machine.known_until:
            from_s = min(from_s, machine.known_until - _CLOCKS_APART_S)
        return max(from_s, machine.since - _READ_BACK_S)

    def _calls_since(self, from_s: float, now_s: float) -> list[CallReport]:
        created_from = datetime.fromtimestamp(from_s, UTC)
        created_until = datetime.fromtimestamp(now_s + _CLOCKS_APART_S, UTC)
        return self._to_our_customers(self._sweeping.calls_between(created_from, created_until))

    def _claimed(self, reports: Sequence[CallReport]) -> list[tuple[AttemptId, CallReport]]:
        """Find whose calls they are, each contact's in the order of its attempts."""
        claims = [(self._sweeping.claim(report), report) for report in reports]
        found = [(id_, report) for id_, report in claims if id_]
        return sorted(found, key=lambda one: (one[0].campaign, one[0].n, one[0].no))

    def _to_our_customers(self, reports: Sequence[CallReport]) -> list[CallReport]:
        """Pass over calls to anybody no open campaign wants to reach: nothing can come of them."""
        lists = [
            customers_of(self._db, campaign.id, size=campaign.accepted)
            for campaign in self._campaigns.all()
            if not campaign.state.is_over
        ]
        if not reports or not lists:
            return []
        ours = _without_country(np.unique(np.concatenate(lists)))
        told = [[int(one) for one in endings(report.customer or "")] for report in reports]
        known = set(ours[np.isin(ours, [*chain.from_iterable(told)])].tolist())
        return [one for one, spelt in zip(reports, told, strict=True) if known.intersection(spelt)]

    def _restore(self, id_: AttemptId, report: CallReport) -> bool:
        """Bring back the attempt of a call that no journal knew: its host is gone too."""
        contact = self._contacts.get(id_.campaign, id_.n)
        if contact is None:
            return False
        rules = self._campaigns.find(id_.campaign).rules
        now_s = self._db.now()
        attempt = Attempt(
            version=1,
            state=AttemptState.UNKNOWN,
            requested_at=report.created_at.timestamp() if report.created_at else now_s,
            no=id_.no,
            nonce=id_.nonce,
            agent=contact.agent,
            customer=contact.customer,
            quarantine_s=self._options.quarantine_s(
                time_out_s=rules.time_out_s, time_limit_s=rules.time_limit_s
            ),
            error_code="redis_lost",
        )
        # however long ago it ended, it was made: the contact must not be rung for it again
        is_back = _bring_back(
            self._db,
            id_,
            attempt,
            ends_at=now_s + _CLOCKS_APART_S,
            slot_lease_s=self._allowance.lease_s,
            holds=False,
        )
        if is_back:
            log.warning("attempt_restored", attempt_id=str(id_), sid=report.sid)
        return is_back


def _without_country(
    numbers: "np.ndarray[Any, np.dtype[np.int64]]",
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Give what `national_digits` would of each of these, E.164 digits as integers."""
    powers = 10 ** np.arange(18, dtype=np.int64)
    length = np.searchsorted(powers, numbers, side="right")
    first, which = np.unique(numbers // powers[np.maximum(length - 3, 0)], return_inverse=True)
    countries = np.array([country_code_length(str(one)) for one in first.tolist()], dtype=np.int64)
    without: np.ndarray[Any, np.dtype[np.int64]] = numbers % powers[length - countries[which]]
    return without


def _bring_back(
    db: Database,
    id_: AttemptId,
    attempt: Attempt,
    *,
    ends_at: float,
    slot_lease_s: float,
    holds: bool,
) -> bool:
    """Write an attempt that Redis lost; tells whether it was missing.

    Args:
        ends_at: Epoch s; from then on it is not worth bringing back.
        holds: Dialling is held if it was missing and nothing held it.
    """
    return bool(
        db.run(
            Restore(
                id=str(id_),
                campaign=id_.campaign,
                n=id_.n,
                no=id_.no,
                nonce=id_.nonce,
                attempt=encode(attempt),
                agent=attempt.agent[1:],
                customer=attempt.customer[1:],
                ends_at=ends_at,
                counts_until=attempt.requested_at + slot_lease_s,
                holds=holds,
            )
        )
    )
