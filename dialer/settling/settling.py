"""Use case: something became known of an attempt; write it down with all that follows.

What follows is decided here, from what was read, and written in one step that fails if anybody
wrote meanwhile; then it is decided again. So facts may come in any order and any number of times.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import redis

from campaigns.attempt import Attempt, AttemptState, CallReport, Outcome
from campaigns.contact_state import NotDialled
from campaigns.doubt import Doubts
from campaigns.settlement import (
    NO_DOUBTS,
    NUMBERS_DIFFER,
    Answer,
    Conflict,
    Told,
    answered,
    held,
    overall_outcome,
    settled,
    told,
)
from dialer import failpoints
from dialer.batching import Batching
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.pacing import WINDOW_MARGIN_S
from dialer.settling.effects import consequence
from dialer.settling.news import is_held, with_news
from dialer.store import Attempts, Database, Follows, Settle, Stale
from dialer.store.attempts import Correction, SidTaken, Write
from dialer.store.background import Background, backgrounds
from dialer.store.callback_inbox import NO_ATTEMPT

log = get_logger(__name__)

NOTHING_ELSE = Follows()

_RESPONSE_GRACE_S = 2.0
_MOST_TOGETHER = 32
_MOST_TRIES = 20  # writers of one attempt: a worker, a few callbacks, a sweeper


class Heard(NamedTuple):
    """What the provider said of an attempt's call.

    Args:
        at: When it was said, epoch s.
    """

    id: AttemptId
    report: CallReport
    at: float


@dataclass(frozen=True, slots=True)
class SettlingTimes:
    """When to ask the provider again, s, by the settings of the same names.

    Args:
        counted_s: How long a request counts from when its call is known to exist.
    """

    lookup_after_s: float = 120.0
    lookup_every_s: float = 60.0
    final_values_after_s: float = 150.0
    counted_s: float = 60.0 + WINDOW_MARGIN_S


class Settling:
    """Gives attempts what became known of them.

    Args:
        keeps_recordings: Those whose values are final are due to be kept.
    """

    def __init__(
        self,
        db: Database,
        times: SettlingTimes,
        *,
        doubts: Doubts = NO_DOUBTS,
        keeps_recordings: bool = False,
    ) -> None:
        self._db = db
        self._times = times
        self._doubts = doubts
        self._keeps_recordings = keeps_recordings
        self._attempts = Attempts(db)
        self._line: Batching[_Update, Attempt | SidTaken | _Gone] = Batching(
            self._update_together, party=len, most=_MOST_TOGETHER
        )

    def report(self, id_: AttemptId, report: CallReport, *, at: float) -> Attempt | Conflict:
        """Settle by what the provider says of the attempt's call.

        Args:
            at: When it was said, epoch s.
        """
        return self.report_all([Heard(id_, report, at)])[0]

    def report_all(self, heard: Sequence[Heard]) -> list[Attempt | Conflict]:
        """Settle by many reports at once, in three round trips; the answers are in their order."""
        mergers: dict[AttemptId, _Merger] = {}
        of_each: list[_Merger] = []
        for one in heard:
            merger = mergers.get(one.id)
            if merger is None:
                merger = mergers[one.id] = _Merger(self._doubts)
            merger.heard.append(one)
            of_each.append(merger)
        updated = self._update_all([_Update(id_, merger) for id_, merger in mergers.items()])
        for merger, after in zip(mergers.values(), updated, strict=True):
            merger.answers = iter(self._answers(merger, after))
        return [next(merger.answers) for merger in of_each]

    def _answers(
        self, merger: "_Merger", after: Attempt | SidTaken | None
    ) -> Sequence[Attempt | Conflict]:
        match after:
            case None:
                return [Conflict(NO_ATTEMPT)] * len(merger.heard)
            case SidTaken(owner) if len(merger.heard) == 1:
                sid = merger.heard[0].report.sid
                return [Conflict(f"call {sid} is the call of attempt {owner}")]
            case SidTaken():
                # one of them is about another attempt's call; the others must not suffer for it
                return [self.report(one.id, one.report, at=one.at) for one in merger.heard]
            case _:
                return [merger.conflicts.get(place, after) for place in range(len(merger.heard))]

    def settle(
        self, id_: AttemptId, outcome: Outcome, *, source: str, at: float, **known: object
    ) -> Attempt | None:
        """Give an attempt its outcome, where no call report will; None when it is gone.

        Args:
            known: Other fields of the attempt that became known with it.
        """

        def update(attempt: Attempt) -> Attempt | None:
            if attempt.is_settled:
                return None
            return settled(attempt._replace(**known), outcome, source=source, at=at)  # type: ignore[arg-type]  # checked by replace

        after = self.update(id_, update)
        return None if isinstance(after, SidTaken) else after

    def settle_by_status(self, id_: AttemptId, report: CallReport, *, at: float) -> Attempt | None:
        """Settle by the overall status, after asking for the legs in vain."""
        return self.settle(id_, overall_outcome(report), source=str(report.source), at=at)

    def answered(
        self, id_: AttemptId, answer: Answer, follows: Follows, *, before: Attempt
    ) -> Attempt | SidTaken | None:
        """Give an attempt the answer to its own request, as `update` does."""

        def change(now: Attempt) -> Attempt | None:
            if answer.sid and now.sid not in (None, answer.sid):
                log.error(
                    "sid_differs",
                    contact_id=str(id_.contact),  # another contact's thread may decide this
                    attempt_id=str(id_),
                    sid=now.sid,
                    placed_sid=answer.sid,
                )
            is_over = answer.outcome or now.told_outcome
            at = self._db.now() if is_over else 0.0  # asked only where it matters
            return answered(now, answer, at=at)

        return self.update(id_, change, before=before, follows=follows)

    def update(
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
                look, the contact's quarantine and a disposition fall away: they belong to the change.
            closes: Close the contact for this reason once the attempt is settled, whatever the
                campaign's rules would have.

        Returns:
            The attempt as it stands; None when there is none.
        """
        after = self._line.go(_Update(id_, change, before, follows, closes))
        return None if isinstance(after, _Gone) else after

    def _update_together(
        self, updates: Sequence["_Update"]
    ) -> "list[Attempt | SidTaken | _Gone | Exception | None]":
        """Learn what several threads have to tell at once; one that fails leaves the others alone."""
        try:
            return [_GONE if one is None else one for one in self._update_all(updates)]
        except Exception as error:
            if len(updates) == 1 or isinstance(error, redis.ConnectionError | redis.TimeoutError):
                raise
        answers: list[Attempt | SidTaken | _Gone | Exception | None] = []
        for one in updates:
            try:
                answers += self._update_together([one])
            except Exception as error:  # noqa: BLE001  # it is raised in its own thread
                answers.append(error)
        return answers

    def _update_all(self, updates: Sequence["_Update"]) -> list[Attempt | SidTaken | None]:
        """Learn of different attempts, each as `update` does, together in few round trips."""
        answers: list[Attempt | SidTaken | None] = [None] * len(updates)
        pending = self._read(updates)
        for _ in range(_MOST_TRIES):
            if not pending:
                return answers
            writes: dict[int, Write] = {}
            for place, write in self._decide_all(updates, pending):
                if write is None:
                    answers[place] = pending[place]
                else:
                    writes[place] = write
            pending = {}
            written = self._attempts.record(list(writes.values()))
            for (place, write), now in zip(writes.items(), written, strict=True):
                if isinstance(now, Stale):
                    if now.attempt:
                        pending[place] = now.attempt
                    continue
                answers[place] = now
                _note(write, now)
        ids = ", ".join(str(updates[place].id) for place in pending)
        raise RuntimeError(f"{ids} changed {_MOST_TRIES} times while it was written")

    def _read(self, updates: Sequence["_Update"]) -> dict[int, Attempt]:
        """Find the attempts as last read, by their one's place; those that are gone are left out."""
        found = {place: one.before for place, one in enumerate(updates) if one.before}
        missing = [place for place, one in enumerate(updates) if not one.before]
        if missing:
            stored = self._attempts.get_many([updates[place].id for place in missing])
            found |= {place: one for place, one in zip(missing, stored, strict=True) if one}
        return found

    def _decide_all(
        self, updates: Sequence["_Update"], pending: Mapping[int, Attempt]
    ) -> Iterator[tuple[int, Write | None]]:
        """Decide what each attempt becomes and what follows; None where nothing is to be written."""
        afters = {place: updates[place].change(before) for place, before in pending.items()}
        ending = [
            place
            for place, after in afters.items()
            if after and after.is_settled and after.outcome != pending[place].outcome
        ]
        known = dict(zip(ending, self._backgrounds([updates[at].id for at in ending]), strict=True))
        for place, before in pending.items():
            one, after = updates[place], afters[place]
            if after is None:
                follows = one.follows._replace(look_s=None, unresolved=False, disposed=None)
                unchanged = Write(one.id, before, before, follows)
                yield place, None if follows == NOTHING_ELSE else unchanged
                continue
            settle = None
            if place in known:
                settle = consequence(
                    after, known[place], was_charged=before.is_charged, closes=one.closes
                )
                if not before.outcome and self._is_doubted(after, settle, known[place]):
                    after, settle = held(after), None
            follows = with_news(
                self._follows(before, after, one.follows),
                *(before, after),
                keeps_recordings=self._keeps_recordings,
            )
            if settle:
                if before.outcome:
                    correct = Correction(
                        before.outcome,
                        settle.outcome,
                        charged=int(after.is_charged) - int(before.is_charged),
                        closes=bool(settle.final),
                        due_s=settle.due_s,
                        disposition=after.disposition,
                    )
                    follows = follows._replace(correct=correct)
                else:
                    follows = follows._replace(settle=settle)
            yield place, Write(one.id, before, after, follows)

    def _is_doubted(self, after: Attempt, settle: Settle, known: Background) -> bool:
        return self._doubts.of_outcome(
            after,
            time_out_s=known.rules.time_out_s,
            redial_s=None if settle.final else settle.due_s,
            at=after.settled_at or 0.0,
        )

    def _backgrounds(self, ids: Sequence[AttemptId]) -> list[Background]:
        return backgrounds(self._db, ids) if ids else []

    def _follows(self, before: Attempt, after: Attempt, follows: Follows) -> Follows:
        if after.sid != before.sid:
            follows = follows._replace(sid=after.sid)
            if follows.slot_s is None:  # not the answer itself: its worker may have died
                follows = follows._replace(counted_s=self._times.counted_s)
        if before.state is AttemptState.UNKNOWN and after.state is AttemptState.PLACED:
            follows = follows._replace(bound=True)
        if after.is_settled and not before.is_settled:
            late_s = None if after.has_final_values else self._times.final_values_after_s
            return follows._replace(late_s=late_s)
        if after.is_settled and after.has_final_values and not before.has_final_values:
            return follows._replace(late_s=0.0)
        if after.details_outcome and not before.details_outcome:
            return follows._replace(late_s=self._times.final_values_after_s)
        if is_held(after) and not is_held(before):
            return follows._replace(look_s=0.0)
        if after.state is AttemptState.PLACED and after.ended_at and not before.ended_at:
            # it ended, but no legs were told, or it is not proven to be ours: ask the provider,
            # after a moment for the response that may be on its way
            return follows._replace(look_s=0.0 if after.sid_is_proven else _RESPONSE_GRACE_S)
        if after.state is AttemptState.PLACED and before.state is not AttemptState.PLACED:
            return follows._replace(look_s=self._times.lookup_after_s)
        return follows


class _Gone:
    """There is no such attempt."""


_GONE = _Gone()


class _Update(NamedTuple):
    """What is to be updated of one attempt; the arguments of `Settling.update`."""

    id: AttemptId
    change: Callable[[Attempt], Attempt | None]
    before: Attempt | None = None
    follows: Follows = NOTHING_ELSE
    closes: NotDialled | None = None


@dataclass(slots=True)
class _Merger:
    """Merges reports of one attempt's call, one after the other; notes which do not fit."""

    doubts: Doubts
    heard: list[Heard] = field(default_factory=list)
    conflicts: dict[int, Conflict] = field(default_factory=dict)
    answers: Iterator[Attempt | Conflict] = field(init=False)

    def __call__(self, attempt: Attempt) -> Attempt | None:
        self.conflicts.clear()  # decided from the start, whenever the attempt is another
        after, is_news = attempt, False
        for place, one in enumerate(self.heard):
            match told(after, one.report, at=one.at, doubts=self.doubts):
                case Conflict() as found:
                    self.conflicts[place] = found
                case Told(after, news):
                    is_news |= news
        return after if is_news else None


def _note(write: Write, now: Attempt | SidTaken) -> None:
    # the thread that writes may be at work on another contact: each line names its own
    ids = {"contact_id": str(write.id.contact), "attempt_id": str(write.id)}
    if isinstance(now, SidTaken):
        log.error("sid_taken", **ids, owner=now.owner)
        return
    failpoints.reach("recorded")
    if now.error_code == NUMBERS_DIFFER != write.before.error_code:
        log.warning("numbers_differ", **ids, sid=now.sid)
    if is_held(now) and not is_held(write.before):
        log.info("end_doubted", **ids, sid=now.sid, outcome=str(now.told_outcome))
    if now.is_settled and not write.before.is_settled:
        log.info(
            "attempt_settled",
            **ids,
            outcome=str(now.outcome),
            source=now.source,
            talk_s=now.talk_s,
        )
    elif write.follows.correct:
        log.warning(
            "attempt_corrected",
            **ids,
            outcome=str(now.outcome),
            first_outcome=str(now.first_outcome),
            source=now.source,
        )
