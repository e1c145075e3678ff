"""The way of contacts through the gate: on yes an intent is written and a request may leave.

What the caller's own clock, rules and row decide is asked along, see question.py; all else is decided,
together and at once, in gate.lua.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

from redis.exceptions import RedisError, ResponseError

from campaigns.attempt import (
    SEND_WINDOW_S,
    Attempt,
    Outcome,
)
from dialer import failpoints
from dialer.clock import boottime_s
from dialer.dialing.candidate import Candidate
from dialer.dialing.host_recovery import HostRecovery
from dialer.dialing.journal import Journal, LateAnswer
from dialer.dialing.options import DialingOptions
from dialer.dialing.question import Questions
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.open_windows import Hours
from dialer.pacing import Pacing
from dialer.store import Campaign, Campaigns, Database
from dialer.store.attempts import decode
from dialer.store.campaign import CampaignNotFound, RulesUnreadable
from dialer.store.contact_rows import Row
from dialer.store.contacts import Contacts, FetchedContact, NotTaken
from dialer.store.database import text
from dialer.store.scripts import gives

log = get_logger(__name__)

_GATE_TRIES = 3
_ROUND_TRIP_S = 0.005  # to Redis and back, with a write to disk
_MOST_TOGETHER = 16
_GOOD_FOR_S = 0.5  # the gate's word; whoever needs longer until the first byte asks once more


@gives("still_open")
class StillOpen(NamedTuple):
    """Which request may still leave; numbers without their plus."""

    campaign: str
    agent: str
    customer: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nothing was sent and nothing charged; the contact waits, or is not ours."""

    why: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The gate said yes: the intent is written and the request may leave until `send_before`.

    Args:
        asked: When the gate was asked, as `send_before` of `boottime_s`.
        stored: The attempt as Redis has it.
        due_at: The instant that the contact waited for, epoch s; 0 = none, it was due at once.
    """

    id: AttemptId
    attempt: Attempt
    stored: str
    asked: float
    send_before: float
    epoch: int
    campaign: Campaign
    row: Row
    due_at: float = 0.0


@dataclass(frozen=True, slots=True)
class NotYet:
    """To be asked for again.

    Args:
        wait_s: Until the pace may allow it; 0 = at once.
    """

    wait_s: float = 0.0


Verdict = Opened | Dropped | NotYet | Exception
"""An exception: it went wrong for this contact alone."""


class Gate:
    """Asks for contacts whether they may be dialled now: for one, or for a few that come together.

    They share two round trips. The pace decides how many may: those that could leave while the
    answer is on its way, which at Exotel's 200 a minute is one.
    """

    def __init__(
        self,
        db: Database,
        *,
        pacing: Pacing,
        options: DialingOptions,
        recovery: HostRecovery,
        journal: Journal,
    ) -> None:
        self._db = db
        self._pacing = pacing
        self._recovery = recovery
        self._journal = journal
        self._campaigns = Campaigns(db)
        self._contacts = Contacts(db)
        self._known: dict[str, Campaign] = {}
        self._unreadable: set[str] = set()  # what was said of campaigns, once
        self._questions = Questions(
            Hours(db),
            allowance=pacing.allowance,
            options=options,
            journal=journal,
            clock=db.clock,
        )

    @property
    def most_together(self) -> int:
        """How many contacts may go through at a time."""
        spacing_s = self._pacing.allowance.spacing_s
        return _MOST_TOGETHER if not spacing_s else _in_a_round_trip(spacing_s)

    def ask(self, party: Sequence[Candidate]) -> list[Verdict]:
        """Take contacts up, and ask for them.

        The approach is noted one party at a time, right before: a worker that is killed while
        others wait for their turn must not make those look like contacts that kill workers.

        Raises:
            redis.RedisError: Nobody was answered; nothing may be sent for any of them.
        """
        verdicts = self._without_rules(party)
        verdicts |= self._take_up(
            [one for one in party if one.found is None and one not in verdicts]
        )
        asking = [one for one in party if one.found is not None and one not in verdicts]
        if asking:
            verdicts |= zip(asking, self._verdicts_for(asking), strict=True)
        return [verdicts[one] for one in party]

    def is_still_open(self, opened: Opened) -> bool:
        """Tell whether a request may still leave; asks once more where that was asked a while ago.

        So a pause, a hold or a suppressed number is heeded within a second, however long it took to
        connect, and what leaves at once pays nothing for it.
        """
        asked = boottime_s()
        if asked - opened.asked < _GOOD_FOR_S:
            return True
        agent, customer = opened.attempt.agent[1:], opened.attempt.customer[1:]
        try:
            answer = self._db.run(
                StillOpen(opened.campaign.id, agent, customer, self._journal.epoch)
            )
        except RedisError:
            return False
        return bool(answer) and boottime_s() - asked < _GOOD_FOR_S

    def _without_rules(self, party: Sequence[Candidate]) -> dict[Candidate, Verdict]:
        """Drop contacts of campaigns whose rules we cannot read, before an approach is noted.

        A worker of another version is no reason to think that a contact kills workers: its release
        runs out, and somebody else gets it.
        """
        verdicts: dict[Candidate, Verdict] = {}
        for one in party:
            try:
                self._campaign(one)
            except RulesUnreadable as error:
                self._known.pop(one.contact.campaign, None)
                if str(error) not in self._unreadable:
                    self._unreadable.add(str(error))
                    log.error("rules_unreadable", message=str(error))  # noqa: TRY400  # it says all
                verdicts[one] = Dropped("rules unreadable")
            except CampaignNotFound as error:
                verdicts[one] = Dropped(str(error))
        return verdicts

    def _take_up(self, wanted: Sequence[Candidate]) -> dict[Candidate, Verdict]:
        """Fetch contacts; gives the verdicts of those for which that was the end."""
        verdicts: dict[Candidate, Verdict] = {}
        sealed = self._contacts.approach([(one.contact, one.token) for one in wanted])
        for one, found in zip(wanted, sealed, strict=True):
            match found:
                case FetchedContact():
                    failpoints.reach("approached", str(one.contact))
                    try:
                        one.found = found.open()
                    except Exception as error:  # noqa: BLE001  # whatever a damaged row may bring about
                        verdicts[one] = error
                case NotTaken.ALONE:
                    one.goes_alone = True
                    verdicts[one] = NotYet()
                case NotTaken.NOT_OURS:
                    verdicts[one] = Dropped("not ours")
                case error:
                    verdicts[one] = error
        return verdicts

    def _verdicts_for(self, asking: Sequence[Candidate]) -> Iterator[Verdict]:
        campaigns = [self._campaign(one) for one in asking]
        began = boottime_s()
        answers = self._answers_for(asking, campaigns)
        for one, campaign, answer in zip(asking, campaigns, answers, strict=True):
            match text(answer[0]):
                case "go":
                    pair, row = one.taken_up
                    yield Opened(
                        id=one.attempt_id,
                        attempt=decode(answer[1]),
                        stored=text(answer[1]),
                        asked=began,
                        # no longer than the calling hours last
                        send_before=began + min(SEND_WINDOW_S, float(answer[3])),
                        epoch=int(answer[2]),
                        campaign=campaign,
                        row=row,
                        due_at=pair.due_s,
                    )
                case "drop":
                    yield Dropped(text(answer[1]))
                case "stale_rules":
                    one.rules_changed = True
                    yield NotYet()
                case "failed":
                    self._nothing_sent(one)
                    yield ResponseError(text(answer[1]))
                case _:
                    yield NotYet(wait_s=float(answer[1]))

    def _answers_for(
        self, asking: Sequence[Candidate], campaigns: Sequence[Campaign]
    ) -> list[list[Any]]:
        # idempotent by nonce: an answer lost on the way is asked for again
        question = self._questions.about(
            [
                self._questions.about_one(one, campaign)
                for one, campaign in zip(asking, campaigns, strict=True)
            ]
        )
        try:
            answers: list[list[Any]] = self._db.run_again(question, tries=_GATE_TRIES)
        except RedisError:
            for one in asking:
                self._nothing_sent(one)
            raise
        return answers

    def _nothing_sent(self, wanted: Candidate) -> None:
        """Note that the gate may have said yes, but nothing was sent: no quarantine is needed."""
        id_ = str(wanted.attempt_id)
        self._recovery.keep(LateAnswer(id_, None, Outcome.TURNED_AWAY, None, "gate_unanswered"))

    def _campaign(self, wanted: Candidate) -> Campaign:
        id_ = wanted.contact.campaign
        if wanted.rules_changed or id_ not in self._known:
            self._known[id_] = self._campaigns.find(id_)
            wanted.rules_changed = False
        return self._known[id_]


def party(line: Sequence[Candidate]) -> int:
    """Tell how many from the front of a line may go together: a suspect goes by itself."""
    return max(1, sum(1 for _ in takewhile(lambda one: not one.goes_alone, line)))


def _in_a_round_trip(spacing_s: float) -> int:
    return min(_MOST_TOGETHER, math.ceil(_ROUND_TRIP_S / spacing_s))
