"""Attempts in Redis: written only if nobody else wrote since they were read."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import orjson

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.caps import DailyCaps
from campaigns.contact_state import NotDialled
from campaigns.many_tuples import quickly_changed
from dialer.ids import AttemptId, ContactId
from dialer.logger import get_logger
from dialer.store.database import Database, text
from dialer.store.packed_attempts import PACKED, hundred_of, of_packed, take_apart, unpack
from dialer.store.scripts import gives

log = get_logger(__name__)

# The record is a JSON list in the order of the dataclass, trailing defaults cut: names would be
# half of it.
_DEFAULTS = [Attempt._field_defaults.get(name) for name in Attempt._fields]
_STATE = Attempt._fields.index("state")
_OUTCOMES = [at for at, name in enumerate(Attempt._fields) if name.endswith("outcome")]
GATE_FILLS = ("requested_at", "no", "nonce", "agent", "customer")
"""What only the gate knows of the attempt that it writes."""
GATE_FILLS_FOR_TEAMS = (*GATE_FILLS, "team")
_NOT_THERE = [b"stale", b""]
_MOST_TOLD = 200  # characters
_WRITES_AT_ONCE = 50  # a few milliseconds in which nobody else is served


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt and its id."""

    id: AttemptId
    attempt: Attempt


def agent_day(
    attempt: Attempt,
    day: str,
    *,
    calls: int = 0,
    conversations: int = 0,
    talk_s: int = 0,
    missed: int = 0,
    dispositions: int = 0,
) -> dict[str, Any]:
    """Tell what is to be added to an agent's day, as record.lua adds it.

    Args:
        day: ISO 8601, where the campaign is.
    """
    adds = [calls, conversations, talk_s, missed, dispositions]
    return {"agent": attempt.agent.removeprefix("+"), "day": day, "adds": adds}


class Settle(NamedTuple):
    """What an outcome means for the contact.

    Args:
        final: Why the contact is closed; None: it waits again.
        due_s: Seconds from now until it is due again.
        rest_s: The agent's rest, s.
        gap_s: Least time before the customer is called again by any campaign, s.
        missed: Whether the agent missed the call; None when it never rang them.
        park_after: Misses in a row before the agent is left alone; 0 = never.
        park_s: For how long, s.
        open_s: How long the contact is left open for a disposition before it goes that way; None: it
            goes at once.
        wraps_s: How long the agent's rest waits for one at most; None: it does not.
        did: Of the agent's day; None: their phone was not rung.
        sticks: Who spoke with the customer is remembered, for campaigns to come.
        refund: Daily caps this attempt did not use after all.
    """

    outcome: Outcome
    charged: bool
    rest_s: float
    final: Outcome | NotDialled | None = None
    due_s: float = 0
    gap_s: float = 0
    missed: bool | None = None
    park_after: int = 0
    park_s: float = 0
    refund: dict[str, Any] | None = None
    open_s: float | None = None
    wraps_s: float | None = None
    did: dict[str, Any] | None = None
    sticks: bool | None = None


class Correction(NamedTuple):
    """An outcome takes the place of the one that counted until now.

    Args:
        charged: What that adds to the attempts charged to the contact: −1, 0 or 1.
        closes: The contact is not called again if it still waits for its next attempt, unless
            somebody has asked for it since.
        due_s: When one that is open is called again otherwise.
        disposition: That was given for it.
    """

    was: Outcome
    now: Outcome
    charged: int
    closes: bool
    due_s: float = 0
    disposition: str | None = None


class Disposed(NamedTuple):
    """What follows from what somebody said of a conversation; the outcome's rule where nothing does.

    Args:
        name: The disposition's.
        did: Of the agent's day; their wrap-up may wait for it.
        closes: The contact is not called again.
        due_s: It is, in so many seconds.
        only: By the agent who spoke, whoever else the contact is for.
        suppress: JSON kept with the customer's number on the account's list.
    """

    name: str
    did: dict[str, Any]
    closes: bool = False
    due_s: float | None = None
    only: bool = False
    suppress: str | None = None


@quickly_changed
class Follows(NamedTuple):
    """What follows from new knowledge of an attempt, done in the same step; see record.lua.

    Args:
        sid: Bind it; refused if another attempt owns it.
        slot_s: The response came: the slot frees itself in so many seconds.
        answered: Who took the call, `agent` or `customer`.
        counted_s: Its call exists, so it was counted: a slot that is still held frees itself in so
            many seconds at the latest.
        look_s: Ask the provider in so many seconds, where it is not settled.
        unresolved: The contact waits in quarantine.
        bound: Its call was found, the contact is in flight again.
        late_s: Ask for final values in so many seconds; 0: no more questions.
        revalued: Its outcome, which stands, where its values are others; told of where its campaign's
            report was said to be final.
        recorded: Its values are final and it has a recording, which is to be kept.
        suppress: JSON kept with the customer's number on the account's list.
        stop: Why the account must not dial on.
        pause: Why this campaign must not.
        probe_s: With stop: let one contact try again in so many seconds.
        works: The provider took a request, nothing stops the account.
        tally: `placed`, `unknown` or `refused`: for the breakers.
        uses: Of the account's day, in place of what was counted for it until now: calls, 0 if it was
            none; s; spend; done: nothing better will be known. What is left out stays.
        figures: What is added to those of the quarter of an hour it was requested in, by name.
    """

    sid: str | None = None
    answered: str | None = None
    slot_s: float | None = None
    counted_s: float | None = None
    look_s: float | None = None
    unresolved: bool = False
    bound: bool = False
    settle: Settle | None = None
    correct: Correction | None = None
    disposed: Disposed | None = None
    late_s: float | None = None
    revalued: Outcome | None = None
    recorded: bool = False
    suppress: str | None = None
    stop: str | None = None
    pause: str | None = None
    probe_s: float | None = None
    works: bool = False
    tally: str | None = None
    uses: dict[str, Any] | None = None
    figures: dict[str, float] | None = None

    def as_json(self) -> str:
        """Encode for the script; what is not set is left out."""
        plain: dict[str, Any] = {
            # 0.0 is a time, although it equals False
            name: value
            for name, value in zip(self._fields, self, strict=True)
            if value is not None and value is not False
        }
        if self.settle:
            plain["settle"] = _settle_fields(self.settle)
        if self.correct:
            plain["correct"] = _given_of(self.correct)
        if self.disposed:
            plain["disposed"] = _given_of(self.disposed)
        return orjson.dumps(plain).decode()


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody wrote meanwhile: this is the attempt now; None when it is gone."""

    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class SidTaken:
    """The Sid belongs to another attempt."""

    owner: str


@dataclass(frozen=True, slots=True)
class Write:
    """An attempt as it was read, as it is to stand, and what follows."""

    id: AttemptId
    before: Attempt
    after: Attempt
    follows: Follows


class RecordAttempt(NamedTuple):
    """One attempt to be written.

    Args:
        version: As the caller read it.
        requested_at: Epoch s.
        rung: The agent who is.
        after: JSON, its version one higher.
        follows: JSON, see `Follows`.
    """

    id: str
    campaign: str
    n: int
    no: int
    version: int
    requested_at: float
    rung: str
    after: str
    follows: str


@gives("record", kept=True)
class RecordAttempts(NamedTuple):
    """Attempts to be written."""

    attempts: Sequence[RecordAttempt]


@gives("due_looks")
class DueLooks(NamedTuple):
    """How many attempts to look at, at most, and to put them off by, s."""

    most: int
    put_off_s: float


class Attempts:
    """Reads and writes attempts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, id_: AttemptId) -> Attempt | None:
        """Read an attempt; None when there is none of exactly this id."""
        return self.get_many([id_])[0]

    def get_many(self, ids: Sequence[AttemptId]) -> list[Attempt | None]:
        """Read attempts in one round trip, in the order of `ids`."""
        found = self._read([(id_.campaign, id_.n, id_.no) for id_ in ids])
        return [
            attempt if attempt and attempt.nonce == id_.nonce else None
            for id_, attempt in zip(ids, found, strict=True)
        ]

    def of_contact(self, id_: ContactId, no: int) -> OpenAttempt | None:
        """Read a contact's attempt by its number; None when there is none."""
        (attempt,) = self._read([(id_.campaign, id_.n, no)])
        if attempt is None:
            return None
        return OpenAttempt(AttemptId(id_.campaign, id_.n, no, attempt.nonce), attempt)

    def record(self, writes: Sequence[Write]) -> list[Attempt | Stale | SidTaken]:
        """Write what is now known, with what follows from it, where `before` still stands.

        Args:
            writes: Of different attempts; the answers are in their order.
        """
        written = [one.after._replace(version=one.before.version + 1) for one in writes]
        made = [
            RecordAttempt(
                id=str(one.id),
                campaign=one.id.campaign,
                n=one.id.n,
                no=one.id.no,
                version=one.before.version,
                requested_at=one.before.requested_at,
                rung=one.before.agent[1:],
                after=encode(attempt),
                follows=one.follows.as_json(),
            )
            for one, attempt in zip(writes, written, strict=True)
        ]
        answers: list[Any] = []
        for at in range(0, len(made), _WRITES_AT_ONCE):
            answers += self._db.run_for_each(RecordAttempts(made[at : at + _WRITES_AT_ONCE]))
        for at, one in enumerate(made):
            while answers[at] == _NOT_THERE and take_apart(self._db, one.campaign, one.n):
                (answers[at],) = self._db.run_for_each(RecordAttempts([one]))
        return [_answer(one, attempt) for one, attempt in zip(answers, written, strict=True)]

    def due(self, *, most: int, put_off_s: float) -> tuple[list[OpenAttempt], list[OpenAttempt]]:
        """Take attempts to look at now: those not yet settled, and those that lack final values.

        Args:
            most: Of either.
        """
        open_ones, late_ones = self._db.run(DueLooks(most, put_off_s))
        return _to_look_at(open_ones), _to_look_at(late_ones)

    def all_open(self, *, most: int) -> list[OpenAttempt]:
        """Give attempts that are not settled, those that are looked at next first."""
        listed = cast("list[bytes]", self._db.client.zrange(self._db.key("open"), 0, most - 1))
        ids = [id_ for one in listed if (id_ := AttemptId.parse(text(one)))]
        read = zip(ids, self.get_many(ids), strict=True)
        return [OpenAttempt(id_, attempt) for id_, attempt in read if attempt]

    def owner(self, sid: str) -> str | None:
        """Tell which attempt owns a Sid; known for a day at least."""
        day = int(self._db.now() // 86400)
        with self._db.client.pipeline(transaction=False) as pipe:
            for one in (day, day - 1):
                pipe.hget(self._db.key("sids", one), sid)
            found = [one for one in pipe.execute() if one]
        return text(found[0]) if found else None

    def next_looks(self, campaign: str) -> dict[str, float]:
        """Tell when a campaign's open attempts are looked at next, epoch s by their ids."""
        listed = cast(
            "list[tuple[bytes, float]]",
            self._db.client.zrange(self._db.key("open"), 0, -1, withscores=True),
        )
        return {text(id_): at for id_, at in listed if text(id_).partition("-")[0] == campaign}

    def _read(self, wanted: Sequence[tuple[str, int, int]]) -> list[Attempt | None]:
        """Read attempts by campaign, contact and number."""
        keys = [hundred_of(self._db, campaign, n) for campaign, n, _ in wanted]
        hundreds = dict.fromkeys(keys)
        named = [(key, f"{n}-{no}") for key, (_, n, no) in zip(keys, wanted, strict=True)]
        stored = self._db.read_fields([*named, *((key, text(PACKED)) for key in hundreds)])
        packed = dict(zip(hundreds, map(unpack, stored[len(wanted) :]), strict=True))
        found = [
            one or of_packed(packed[key], n, no)
            for one, key, (_, n, no) in zip(stored[: len(wanted)], keys, wanted, strict=True)
        ]
        decoded = iter(decode_all([one for one in found if one]))
        return [next(decoded) if one else None for one in found]


def _answer(answer: Sequence[Any], written: Attempt) -> Attempt | Stale | SidTaken:
    match text(answer[0]):
        case "ok":
            return written
        case "sid_taken":
            return SidTaken(text(answer[1]))
        case _:
            return Stale(decode(answer[1]) if answer[1] else None)


def encode(attempt: Attempt, *, gaps: Collection[str] = ()) -> str:
    """Encode for Redis.

    Args:
        gaps: Fields in whose place "<their name>" stands, for a script to fill in.
    """
    values: list[Any] = list(attempt)
    for name in gaps:
        values[Attempt._fields.index(name)] = f"<{name}>"
    while values[-1] == _DEFAULTS[len(values) - 1]:
        values.pop()
    return orjson.dumps(values).decode()


def decode(stored: bytes | str) -> Attempt:
    """Decode from Redis."""
    return _made_of(orjson.loads(stored))


def decode_all(stored: Iterable[bytes]) -> list[Attempt]:
    """Decode many."""
    return [_made_of(orjson.loads(one)) for one in stored]


def _made_of(values: list[Any]) -> Attempt:
    """Make an attempt of its values, in order; a newer version may have written more of them."""
    del values[len(Attempt._fields) :]
    values[_STATE] = AttemptState(values[_STATE])
    for at in _OUTCOMES:
        if at < len(values) and values[at] is not None:
            values[at] = Outcome(values[at])
    return Attempt(*values)


def caps_plain(caps: DailyCaps) -> dict[str, Any]:
    """Write daily caps as the scripts read them."""
    return {
        "day": caps.day,
        "next": caps.next_day_at.timestamp(),
        "items": [[cap.name, cap.adds, cap.most, cap.scope] for cap in caps.caps],
    }


def caps_json(caps: DailyCaps) -> str:
    """Encode daily caps for the gate; '' where there are none."""
    return json.dumps(caps_plain(caps)) if caps.caps else ""


def _settle_fields(settle: Settle) -> dict[str, Any]:
    left_out = "due_s" if settle.final else "final"
    return {name: value for name, value in _given_of(settle).items() if name != left_out}


def _given_of(one: Settle | Correction | Disposed) -> dict[str, Any]:
    """Give what is not as it is without a word."""
    usual = one._field_defaults
    return {name: value for name, value in one._asdict().items() if value != usual.get(name)}


def _to_look_at(answer: Sequence[bytes]) -> list[OpenAttempt]:
    found = []
    for id_text, stored in zip(answer[::2], answer[1::2], strict=True):
        id_ = AttemptId.parse(text(id_text))
        try:
            attempt = decode(stored) if stored else None
        except (ValueError, TypeError):  # damaged: the others must not wait for it
            said = stored.decode(errors="replace")[:_MOST_TOLD]
            log.error("attempt_unreadable", attempt_id=text(id_text), stored=said)  # noqa: TRY400
            continue
        if id_ and attempt:
            found.append(OpenAttempt(id_, attempt))
    return found
