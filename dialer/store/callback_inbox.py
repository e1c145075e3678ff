"""Callbacks as they came, in a stream, until somebody settled them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import redis

from dialer.ids import AttemptId
from dialer.store.database import Database, text
from dialer.store.scripts import gives

_STREAM = "callbacks"
_GROUP = "results"
_ORPHANS = 10_000
_ORPHANS_OF_ATTEMPT = 20  # a day
_ORPHAN_BYTES = 8_192  # the longest genuine callback has some three thousand
_DAY_S = 86_400
NO_ATTEMPT = "there is no such attempt"
"""Why a callback is set aside that may find its attempt yet: Redis may have lost it."""
UNSETTLED = "an error of ours"
"""Why one is that met data nobody can work on, or a mistake of ours: its call is looked up."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A callback that belongs to no call we know.

    Args:
        attempt_id: The attempt it claims.
        received_at: Epoch s.
    """

    attempt_id: str
    why: str
    received_at: float


class Fact(NamedTuple):
    """One callback.

    Args:
        id: Its place in the stream.
        attempt_id: From the path, whose mac was right.
        received_at: Epoch s of Redis' clock.
        body: As it came.
    """

    id: str
    attempt_id: str
    received_at: float
    content_type: str
    body: bytes


@gives("forget_consumers")
class ForgetConsumers(NamedTuple):
    """Of which stream, as it stands in its key, and group; who is silent for so long is gone."""

    stream: str
    group: str
    silent_ms: int


class CallbackInbox:
    """Reads callbacks for one consumer of the group."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.key = db.key(_STREAM)

    @staticmethod
    def fields(*, attempt_id: str, content_type: str, body: bytes) -> dict[str, str | bytes]:
        """Give the fields of a callback, for whoever appends it to the stream `key` himself."""
        return {"attempt": attempt_id, "type": content_type, "body": body}

    def append(self, *, attempt_id: str, content_type: str, body: bytes) -> None:
        """Append a callback."""
        fields = self.fields(attempt_id=attempt_id, content_type=content_type, body=body)
        self._db.client.xadd(self.key, cast("Any", fields))

    def ensure_group(self) -> None:
        """Create the consumer group, from the stream's beginning, if there is none."""
        try:
            self._db.client.xgroup_create(self.key, _GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def read(self, consumer: str, *, most: int, wait_s: float) -> list[Fact]:
        """Read callbacks nobody has read, waiting for the first; 0 = without waiting."""
        answer = self._db.client.xreadgroup(
            _GROUP, consumer, {self.key: ">"}, count=most, block=int(wait_s * 1000) or None
        )
        if not answer:
            return []
        return _facts(_entries(answer))

    def take_over(self, consumer: str, *, idle_s: float, most: int) -> list[Fact]:
        """Take over callbacks that a consumer read and left: it died."""
        answer = cast(
            "Sequence[Any]",
            self._db.client.xautoclaim(
                self.key, _GROUP, consumer, min_idle_time=int(idle_s * 1000), count=most
            ),
        )
        return _facts(answer[1])

    def forget_consumers(self, *, silent_s: float) -> int:
        """Forget consumers that are gone; a living one that is forgotten just comes back.

        Args:
            silent_s: Whoever has not asked for so long, and has nothing left to settle.
        """
        return int(self._db.run(ForgetConsumers(_STREAM, _GROUP, int(silent_s * 1000))))

    def done(self, facts: Sequence[Fact]) -> None:
        """Forget callbacks that are settled."""
        if not facts:
            return
        ids = [fact.id for fact in facts]
        with self._db.client.pipeline() as pipe:
            pipe.xack(self.key, _GROUP, *ids)
            pipe.xdel(self.key, *ids)
            pipe.execute()

    def set_aside(self, fact: Fact, *, why: str) -> None:
        """Keep a callback nobody could place, for the report and the operator.

        Of one attempt only the first few of a day are kept, and the beginning of each: whoever
        learns of a path cannot fill Redis with them, nor push out what others left.
        """
        day = int(self._db.now() // _DAY_S)
        counts = self._db.key("orphans_of", day)
        with self._db.client.pipeline() as pipe:
            pipe.hincrby(counts, fact.attempt_id, 1)
            pipe.expire(counts, 2 * _DAY_S)
            nth = pipe.execute()[0]
        if nth > _ORPHANS_OF_ATTEMPT:
            return
        self._db.client.xadd(
            self._db.key("orphans"),
            {
                "attempt": fact.attempt_id,
                "why": why,
                "body": fact.body[:_ORPHAN_BYTES],
                "type": fact.content_type,
                "at": str(fact.received_at),
            },
            maxlen=_ORPHANS,
            approximate=True,
        )

    def take_up_again(self, attempts: Collection[str]) -> int:
        """Put callbacks that were set aside for want of these attempts among those to be settled.

        Returns:
            How many. Two who do the same at once may do it twice, which changes nothing.
        """
        orphans = self._db.key("orphans")
        stored = cast("list[tuple[bytes, dict[bytes, bytes]]]", self._db.client.xrange(orphans))
        found = [
            (id_, fields)
            for id_, fields in stored
            if _text(fields.get(b"why")) == NO_ATTEMPT and _text(fields.get(b"attempt")) in attempts
        ]
        with self._db.client.pipeline() as pipe:
            for id_, fields in found:
                again = {name: value for name, value in fields.items() if name != b"why"}
                pipe.xadd(self.key, cast("Any", {b"at": _instant_of(id_), **again}))
                pipe.xdel(orphans, id_)
            pipe.execute()
        return len(found)

    def waiting(self) -> int:
        """Count callbacks not yet settled."""
        return self._db.client.xlen(self.key)


def _entries(answer: Any) -> Any:
    """Give the entries of the one stream read: RESP2 answers pairs, RESP3 a mapping."""
    if isinstance(answer, dict):
        entries = next(iter(answer.values()))
        return entries[0] if entries and isinstance(entries[0], list) else entries
    return answer[0][1]


def _instant_of(id_: bytes) -> float:
    """When an entry of a stream was written, epoch s."""
    return int(id_.partition(b"-")[0]) / 1000


def _received_at(id_: bytes, fields: dict[bytes, bytes]) -> float:
    """When a callback came, epoch s: one that was taken up again says so."""
    try:
        return float(fields[b"at"])
    except (KeyError, ValueError):
        return _instant_of(id_)


def _text(value: bytes | None) -> str:
    """Decode what may be rubbish: it is set aside by whoever reads it, and must not stop them."""
    return (value or b"").decode(errors="replace")


def _facts(entries: Any) -> list[Fact]:
    return [
        Fact(
            id=text(id_),
            attempt_id=_text(fields.get(b"attempt")),
            received_at=_received_at(id_, fields),
            content_type=_text(fields.get(b"type")),
            body=fields.get(b"body", b""),
        )
        for id_, fields in entries
        if fields
    ]


def orphans_of(db: Database, campaign: str) -> list[Orphan]:
    """Read the callbacks for a campaign that belong to no call we know."""
    stored = cast("list[tuple[bytes, dict[bytes, bytes]]]", db.client.xrange(db.key("orphans")))
    found = []
    for id_, fields in stored:
        attempt = AttemptId.parse(_text(fields.get(b"attempt")))
        if attempt and attempt.campaign == campaign:
            found.append(Orphan(str(attempt), _text(fields.get(b"why")), _instant_of(id_)))
    return found
