"""Use case: Redis was restarted, failed over or lost state; dial again only when that is safe.

hold set (by any script, see prelude.lua)
  ├─ each worker host replays its journal: intents Redis lost come back as unknown
  ├─ nothing was missing, every host reported     → released, within seconds
  └─ something was missing
       ├─ phantom slots seal the allowance
       ├─ every host reported, or the longest call is over
       └─ the provider's calls of the last while are read and bound → released
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, cast

import numpy as np
import structlog

from campaigns.attempt import SEND_WINDOW_S, Attempt, AttemptState, CallReport, Outcome
from campaigns.contact_state import ContactState
from campaigns.plain_text import LONGEST_REASON, plain_line
from campaigns.same_phone import country_code_length, endings
from campaigns.settlement import Conflict, proven, settled
from dialer import failpoints
from dialer.ids import AttemptId
from dialer.journal import Answer, Intent, Journal
from dialer.pacing import SPACING_SLACK_S, WINDOW_MARGIN_S, Allowance
from dialer.settling import Settling
from dialer.store import Campaigns, Contacts, Database
from dialer.store.attempts import decode, encode
from dialer.store.contacts import customers_of
from dialer.store.database import text
from dialer.sweeping import Sweeping

log = structlog.get_logger(__name__)

HOST_SEEN_S = 120.0
"""A host seen so recently when the hold began is waited for."""

_HOST_PATIENCE_S = 30.0
_STILL_SENDING_S = SEND_WINDOW_S + 0.5
_SLOWEST_ANSWER_S = 5.0
_CLOCKS_APART_S = 300.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing is dialled at present.

    Args:
        since: Epoch s.
        lost: Redis is known to have lost writes.
        waiting_for: Hosts that have not reported what their journals hold.
        restored: Attempts brought back from journals.
    """

    why: str
    since: float
    lost: bool
    by_hand: bool
    waiting_for: tuple[str, ...]
    restored: int


class HostRecovery:
    """A worker process's part: it reports its host's journal and hands in late answers."""

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
        self._late: list[Answer] = []
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """The worker host it speaks for."""
        return self._host

    def start(self) -> None:
        """Take up what earlier processes of this host left behind."""
        self._journal.intents(ending_after=self._db.now())  # learns the epoch
        with self._lock:
            self._late.extend(self._journal.answers())

    def keep(self, answer: Answer) -> None:
        """Keep an answer Redis could not take, on disk and for the next tick."""
        self._journal.write_answer(answer)
        with self._lock:
            self._late.append(answer)

    def tick(self) -> None:
        """Hand in late answers, tell that this host lives, report to a hold; call each second."""
        now_s = self._db.now()
        self._db.client.hset(self._db.key("hosts"), self._host, str(now_s))
        self._hand_in()
        self._free_slots_of_the_dead()
        held_at = self._db.client.hget(self._db.key("account"), "held_at")
        if held_at:
            self._report(now_s, held_s=now_s - float(held_at))
        else:
            self._journal.prune(before=now_s)

    def _free_slots_of_the_dead(self) -> None:
        """Give slots back as if their requests were given up now: their process is dead.

        Its connections went with it, so none of them can be counted later than one we gave up on.
        Slots of requests that were answered are free sooner, and stay as they are.
        """
        left = self._journal.left_behind()
        if not left:
            return
        now_s = self._db.now()  # after they were seen to be dead
        until = f"{now_s + self._allowance.kept_without_answer_s:.6f}"
        sent_after = now_s - self._allowance.lease_s
        attempts = [(one.attempt_id, decode(one.attempt)) for one in left]
        slots = {id_: until for id_, attempt in attempts if attempt.requested_at > sent_after}
        if slots:
            with self._db.client.pipeline() as pipe:
                pipe.zadd(self._db.key("slots"), slots, xx=True, lt=True)
                pipe.hdel(self._db.key("pace"), "full_until")
                pipe.execute()

    def _report(self, now_s: float, *, held_s: float) -> None:
        if held_s < _STILL_SENDING_S:
            return  # a request that passed its gate before the hold may not be in the journal yet
        if self._db.client.hexists(self._db.key("reported"), self._host):
            return
        intents = self._journal.intents(ending_after=now_s)
        restored = sum(self._restore(intent) for intent in intents)
        failpoints.reach("restored")
        report = {"epoch": self._journal.epoch, "intents": len(intents), "restored": restored}
        self._db.client.hset(self._db.key("reported"), self._host, json.dumps(report))
        log.warning("journal_reported", **report)

    def _restore(self, intent: Intent) -> int:
        id_ = AttemptId.parse(intent.attempt_id)
        if id_ is None:
            return 0
        attempt = decode(intent.attempt)._replace(
            state=AttemptState.UNKNOWN, error_code="redis_lost"
        )
        return _bring_back(
            self._db,
            id_,
            attempt,
            ends_at=attempt.quarantine_ends_at,
            slot_lease_s=self._allowance.lease_s,
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

    def _apply(self, answer: Answer) -> None:
        id_ = AttemptId.parse(answer.attempt_id)
        if id_ is None:
            return
        at = self._db.now()

        def learn(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid_is_proven:
                return None
            known = now._replace(http_status=answer.http_status, error_code=answer.error_code)
            if answer.sid:
                return proven(known, answer.sid, at=at)
            if answer.outcome:
                return settled(known, Outcome(answer.outcome), source="response", at=at)
            return None

        self._settling.learn(id_, learn)


class AccountRecovery:
    """The feeder's part: it decides when the hold may end."""

    def __init__(
        self,
        db: Database,
        *,
        allowance: Allowance,
        settling: Settling,
        sweeping: Sweeping,
        longest_call_s: float,
    ) -> None:
        self._db = db
        self._allowance = allowance
        self._settling = settling
        self._sweeping = sweeping
        self._contacts = Contacts(db)
        self._longest_call_s = longest_call_s
        self._read_calls_for: float | None = None

    def hold(self) -> Hold | None:
        """Tell whether and why nothing is dialled; None when dialling is allowed."""
        with self._db.client.pipeline() as pipe:
            pipe.hgetall(self._db.key("account"))
            pipe.hgetall(self._db.key("hosts"))
            pipe.hgetall(self._db.key("reported"))
            account, hosts, reported = cast("list[Mapping[bytes, bytes]]", pipe.execute())
        if b"hold" not in account:
            return None
        since = float(account.get(b"held_at", 0))
        expected = {one for one, seen in hosts.items() if float(seen) > since - HOST_SEEN_S}
        reports = [json.loads(one) for one in reported.values()]
        restored = sum(report["restored"] for report in reports)
        return Hold(
            why=text(account[b"hold"]),
            since=since,
            lost=b"lost" in account or restored > 0,
            by_hand=b"by_hand" in account,
            waiting_for=tuple(sorted(text(one) for one in expected - reported.keys())),
            restored=restored,
        )

    def set_hold(self, why: str) -> None:
        """Stop all dialling until somebody releases it by hand.

        Raises:
            NotPlain: The reason is longer than a line, or holds control characters.
        """
        self._db.run("hold", "set", plain_line(why, "the reason", most=LONGEST_REASON))
        self._db.client.hset(self._db.key("account"), "by_hand", 1)

    def release(self) -> bool:
        """Let dialling go on; False when nothing held it."""
        self._db.client.hdel(self._db.key("account"), "by_hand")
        return bool(self._db.run("hold", "release"))

    def tick(self) -> None:
        """Bring a hold nearer to its end; call each second."""
        hold = self.hold()
        if hold is None or hold.by_hand:
            return
        held_s = self._db.now() - hold.since
        if hold.lost:
            self._seal()
        patience_s = self._longest_call_s if hold.lost else _HOST_PATIENCE_S
        if hold.waiting_for and held_s < patience_s:
            return
        if hold.lost:
            self._read_calls(hold)  # after the hosts: a call needs its attempt back first
        if self.release():
            log.warning(
                "hold_released", why=hold.why, held_s=round(held_s, 1), restored=hold.restored
            )

    def _seal(self) -> None:
        self._db.run(
            "hold",
            "seal",
            "",
            self._allowance.requests,
            self._allowance.spacing_s,
            _SLOWEST_ANSWER_S + WINDOW_MARGIN_S + SPACING_SLACK_S,
        )

    def _read_calls(self, hold: Hold) -> None:
        """Read the provider's calls of the last while, and give each to its attempt."""
        if self._read_calls_for == hold.since:
            return
        now_s = self._db.now()
        created_from = datetime.fromtimestamp(hold.since - self._longest_call_s, UTC)
        created_until = datetime.fromtimestamp(now_s + _CLOCKS_APART_S, UTC)
        found = 0
        reports = self._sweeping.calls_between(created_from, created_until)
        for report in self._to_our_customers(reports):
            id_ = self._sweeping.claim(report)
            if id_ is None:
                continue
            found += 1
            self._restore(id_, report)
            if isinstance(told := self._settling.report(id_, report, at=now_s), Conflict):
                log.warning("call_unplaced", attempt_id=str(id_), sid=report.sid, why=told.why)
        failpoints.reach("calls_read")
        self._read_calls_for = hold.since
        log.warning("provider_calls_read", calls=found)

    def _to_our_customers(self, reports: Sequence[CallReport]) -> list[CallReport]:
        """Pass over calls to anybody no open campaign wants to reach: nothing can come of them."""
        lists = [
            customers_of(self._db, campaign.id, size=campaign.accepted)
            for campaign in Campaigns(self._db).all()
            if not campaign.state.is_over
        ]
        if not reports or not lists:
            return []
        ours = _without_country(np.unique(np.concatenate(lists)))
        told = [[int(one) for one in endings(report.customer or "")] for report in reports]
        known = set(ours[np.isin(ours, [*chain.from_iterable(told)])].tolist())
        return [one for one, spelt in zip(reports, told, strict=True) if known.intersection(spelt)]

    def _restore(self, id_: AttemptId, report: CallReport) -> None:
        """Bring back the attempt of a call that no journal knew: its host is gone too."""
        contact = self._contacts.get(id_.campaign, id_.n)
        if contact is None or contact.state not in {ContactState.WAITING, ContactState.RELEASED}:
            return
        now_s = self._db.now()
        created_at = report.created_at.timestamp() if report.created_at else now_s
        attempt = Attempt(
            version=1,
            state=AttemptState.UNKNOWN,
            requested_at=created_at,
            no=id_.no,
            nonce=id_.nonce,
            agent=contact.agent,
            customer=contact.customer,
            quarantine_s=self._longest_call_s,
            error_code="redis_lost",
        )
        # however long ago it ended, it was made: the contact must not be rung for it again
        if _bring_back(
            self._db,
            id_,
            attempt,
            ends_at=now_s + _CLOCKS_APART_S,
            slot_lease_s=self._allowance.lease_s,
        ):
            log.warning("attempt_restored", attempt_id=str(id_), sid=report.sid)


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
    db: Database, id_: AttemptId, attempt: Attempt, *, ends_at: float, slot_lease_s: float
) -> int:
    """Write an attempt that Redis lost; gives 1 when it was missing.

    Args:
        ends_at: Epoch s; from then on it is not worth bringing back.
    """
    return int(
        db.run(
            "restore",
            str(id_),
            id_.campaign,
            id_.n,
            id_.no,
            id_.nonce,
            encode(attempt),
            attempt.agent[1:],
            attempt.customer[1:],
            ends_at,
            attempt.requested_at + slot_lease_s,
        )
    )
