"""The audit trail: a stream to whose end alone is written, each record chained to the one before.

A record is one line of JSON. It holds its number and, as `prev`, the hash of the record before it;
its own hash is the SHA-256 of the line. `audit_head` knows the last one, and the last one that grew
too old and went, so that a record missing at either end shows as well.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from campaigns.sentence import told
from dialer.store.database import Database, text, texts
from dialer.store.scripts import gives

_AT_ONCE = 1000
_TRIES = 100  # with as many writers at the same instant as that, one of them gives up
NOTHING = "0" * 64
"""Stands for the hash of a record before the first."""


class TrailBusy(Exception):
    """Others wrote all the time."""


@dataclass(frozen=True, slots=True)
class Line:
    """A record as it is stored.

    Args:
        record: JSON.
        hash: As it was written beside it.
    """

    record: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """Give the record with its hash."""
        return {**json.loads(self.record), "hash": self.hash}

    @property
    def is_genuine(self) -> bool:
        """The record is the one that the hash is of."""
        return hashlib.sha256(self.record.encode()).hexdigest() == self.hash

    def exported(self) -> str:
        """Give the record with its hash as a line of a file; the hash is of what stands before it."""
        return f'{self.record[:-1]},"hash":"{self.hash}"}}'

    @classmethod
    def parse(cls, exported: str) -> "Line":
        """Read a line of such a file."""
        record, _, rest = exported.strip().rpartition(',"hash":"')
        return cls(f"{record}}}", rest.removesuffix('"}'))


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the trail begins and ends: number and hash of the last record that was trimmed, and of
    the last one written.
    """

    trimmed_no: int
    trimmed_hash: str
    no: int
    hash: str


@gives("audit")
class WriteTrail(NamedTuple):
    """What is to be done to the trail.

    Args:
        what: `append` a record, or `trim` what is older.
        after: Number of the record before it.
        record: JSON.
        before_ms: Records from before this instant go, epoch ms.
    """

    what: str
    after: int = 0
    record: str = ""
    hash: str = ""
    before_ms: int = 0


class Trail:
    """Appends, reads and trims."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._key = db.key("audit")
        self._head = db.key("audit_head")

    def append(self, facts: Mapping[str, Any]) -> Line:
        """Append a record of these facts, with number, time and the hash of the one before.

        Raises:
            RedisError: It is not written, or nobody knows.
            TrailBusy: It is not written.
        """
        for _ in range(_TRIES):
            ends = self.ends()
            at = datetime.fromtimestamp(self._db.now(), UTC)
            record = {
                "no": ends.no + 1,
                "at": at.isoformat(timespec="milliseconds"),
                **facts,
                "prev": ends.hash,
            }
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            made = Line(line, hashlib.sha256(line.encode()).hexdigest())
            if self._db.run(WriteTrail("append", ends.no, made.record, made.hash)):
                return made
        raise TrailBusy(told("too many write to the audit trail at once; try again"))

    def ends(self) -> Ends:
        """Read where the trail begins and ends."""
        fields = ("trimmed_no", "trimmed_hash", "no", "hash")
        first, first_hash, last, last_hash = texts(self._db.client.hmget(self._head, *fields))
        return Ends(int(first or 0), first_hash or NOTHING, int(last or 0), last_hash or NOTHING)

    def lines(self, *, since_s: float = 0) -> Iterator[Line]:
        """Read from an instant on, the oldest first.

        Args:
            since_s: Epoch s.
        """
        after = f"{_ms(since_s)}"
        while True:
            entries = cast("Any", self._db.client.xrange(self._key, min=after, count=_AT_ONCE))
            for _, fields in entries:
                yield _line(fields)
            if len(entries) < _AT_ONCE:
                return
            after = f"({text(entries[-1][0])}"

    def newest(self, *, not_before_s: float = 0) -> Iterator[Line]:
        """Read backwards, the newest first, until an instant, epoch s."""
        before, first = "+", f"{_ms(not_before_s)}"
        while True:
            entries = cast(
                "Any", self._db.client.xrevrange(self._key, before, first, count=_AT_ONCE)
            )
            for _, fields in entries:
                yield _line(fields)
            if len(entries) < _AT_ONCE:
                return
            before = f"({text(entries[-1][0])}"

    def trim(self, *, before_s: float) -> int:
        """Drop what is older; gives how many records went.

        Args:
            before_s: Epoch s.
        """
        return int(self._db.run(WriteTrail("trim", before_ms=_ms(before_s))))


def _ms(epoch_s: float) -> int:
    return min(max(0, int(epoch_s * 1000)), 10**15)  # a stream knows nothing before 1970


def _line(fields: Mapping[bytes, bytes]) -> Line:
    return Line(text(fields[b"record"]), text(fields[b"hash"]))
