"""A host's part when Redis lost state: it tells what its journal holds, see `recovery`."""

import json
import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from campaigns.attempt import SEND_WINDOW_S, Attempt, AttemptState, Outcome
from campaigns.settlement import proven, settled
from dialer import failpoints
from dialer.dialing.journal import Intent, Journal, LateAnswer
from dialer.dialing.restoring import bring_back
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.pacing import Allowance
from dialer.settling.settling import Settling
from dialer.store import Attempts, CallbackInbox, Database
from dialer.store.attempts import decode
from dialer.store.database import may_pass, text
from dialer.store.rate import free_slots_by
from dialer.store.scripts import gives
from dialer.store.server_clock import Reading

log = get_logger(__name__)

_STILL_SENDING_S = SEND_WINDOW_S + 0.5
_READ_TOGETHER = 1_000  # attempts in one round trip


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


@gives("host", kept=True)
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
            self._journal.prune(before=self._surely_over(beat))

    def _beat(self, *report: str) -> _Beat:
        """Tell that this host lives and what it knows, which may be that Redis has lost state."""
        journal = self._journal
        clock, is_right = self._db.clock, False
        while not is_right:  # by another clock, a hold would seem to stand for hours
            asked = clock.boottime()
            answer = self._db.run(HostLives(journal.epoch, journal.identity, self._host, *report))
            hold, held_s, is_held, has_reported, now_s, moves = answer
            read = Reading(asked, clock.boottime(), float(now_s), int(moves))
            is_right = clock.heard(read, slots_kept_s=self._allowance.lease_s)
        return _Beat(text(hold), float(held_s), bool(is_held), bool(has_reported), read.now_s)

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
        intents = self._journal.intents(ending_after=self._surely_over(beat))
        intents.sort(key=lambda one: one.epoch)  # as they were made
        restored = [
            str(id_) for id_, intent in self._unknown(intents) if self._restore(id_, intent)
        ]
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

    def _surely_over(self, beat: _Beat) -> float:
        """Give the instant before which what the journal says is over is so, epoch s.

        It was written by Redis' clock, which may have been set ahead since.
        """
        return beat.now_s - self._db.clock.set_ahead_s

    def _unknown(self, intents: Sequence[Intent]) -> Iterator[tuple[AttemptId, Intent]]:
        """Pass over those whose attempts Redis has: nearly all, and many are read in one round trip."""
        named = [(id_, one) for one in intents if (id_ := AttemptId.parse(one.attempt_id))]
        for at in range(0, len(named), _READ_TOGETHER):
            some = named[at : at + _READ_TOGETHER]
            known = self._known([id_ for id_, _ in some])
            yield from (one for one in some if one[0] not in known)

    def _known(self, ids: Sequence[AttemptId]) -> set[AttemptId]:
        """Tell which of these attempts Redis has; one that is damaged there is not lost."""
        try:
            found = Attempts(self._db).get_many(ids)
        except Exception as error:
            if may_pass(error):
                raise
            if len(ids) > 1:
                return {known for id_ in ids for known in self._known([id_])}
            log.exception("attempt_unreadable", attempt_id=str(ids[0]))
            return set(ids)
        return {id_ for id_, attempt in zip(ids, found, strict=True) if attempt}

    def _restore(self, id_: AttemptId, intent: Intent) -> bool:
        attempt = decode(intent.attempt)
        attempt = attempt._replace(
            state=AttemptState.UNKNOWN,
            error_code="redis_lost",
            quarantine_s=attempt.quarantine_s + self._db.clock.set_ahead_s,
        )
        return bring_back(
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
            except Exception as error:
                if may_pass(error):
                    with self._lock:
                        self._late[:0] = late[position:]
                    raise
                # the others, and the holds that wait for this host, must not wait for what is damaged
                log.exception("answer_not_handed_in", attempt_id=answer.attempt_id)

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
