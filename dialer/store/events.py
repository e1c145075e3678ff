"""The outbox: what happened, in a stream, written by the very step that made it happen.

An entry has one field, `e`: code of the kind, campaign, contact and attempt, the attempt's version,
and what else belongs to it, with spaces between and `-` for what is not there. Its id is the cursor.
All else that an event tells is read from what is stored when somebody asks; see
dialer/events/outbox.py. The prelude's `event` writes entries, and counts them beside.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from campaigns.events import EventKind, EventsTold
from dialer.store.database import Database, text, texts
from dialer.store.event_codes import EVENT_CODES
from dialer.store.packing import read_unpacked
from dialer.store.scripts import gives

Written = tuple[str, str]
"""An event's id, and what its step wrote."""

BEGINNING = "0-0"
"""The cursor before all events."""

_KINDS = {str(code): kind for kind, code in EVENT_CODES.items()}
_FROM_START = "from_start"
_CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the step that made it happen wrote of an event.

    Args:
        id: Its place in the stream: milliseconds since 1970, a dash, a number.
        n: The contact; of contacts that were closed together the first, and `no` the last.
        no: The attempt's number.
        version: The attempt's, with this event.
        more: What else it tells, as text.
    """

    id: str
    kind: EventKind
    campaign: str | None = None
    n: int | None = None
    no: int | None = None
    version: int | None = None
    more: str = ""

    @property
    def at(self) -> float:
        """When it happened, epoch s."""
        return int(self.id.partition("-")[0]) / 1000

    @classmethod
    def parse(cls, id_: str, written: str) -> "Entry | None":
        """Read an entry; None where a newer version wrote a kind that this one does not know."""
        code, campaign, who, version, *more = written.split(" ", 4)
        if code not in _KINDS:
            return None
        n, _, no = ("" if who == "-" else who).partition("-")
        return cls(
            id_,
            _KINDS[code],
            campaign=None if campaign == "-" else campaign,
            n=int(n) if n else None,
            no=int(no) if no else None,
            version=None if version == "-" else int(version),
            more=more[0] if more else "",
        )


@dataclass(frozen=True, slots=True)
class Told:
    """How many events of each kind there were, of one campaign or of the account itself.

    Args:
        closed: Contacts that were closed together; several are one event.
        is_whole: Events were kept from its start on, so that they account for all that happened.
        talk_s: What was talked since, and `spend` what was paid, as far as it is known.
    """

    kinds: Mapping[EventKind, int]
    closed: int
    is_whole: bool
    talk_s: int = 0
    spend: float = 0.0

    @property
    def of_ends(self) -> EventsTold | None:
        """Those that reports compare with what happened; None where they do not account for all."""
        if not self.is_whole:
            return None
        settled, final, reopened = (
            self.kinds.get(kind, 0)
            for kind in (
                EventKind.ATTEMPT_SETTLED,
                EventKind.CONTACT_FINAL,
                EventKind.CONTACT_REOPENED,
            )
        )
        return EventsTold(settled, final, reopened, self.closed)


def place(cursor: str) -> tuple[int, int]:
    """Give what cursors are ordered by.

    Raises:
        ValueError: It is none.
    """
    ms, _, no = cursor.partition("-")
    return int(ms), int(no or 0)


class EventStream:
    """Reads the account's events in the order in which they happened."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._key = db.key("events")

    def after(self, cursor: str, *, most: int) -> list[Written]:
        """Read what follows a cursor: ids, and what was written."""
        stored = cast("Any", self._db.client.xrange(self._key, min=f"({cursor}", count=most))
        return [(text(id_), text(fields[b"e"])) for id_, fields in stored]

    def wait(self, cursor: str, *, within_s: float) -> bool:
        """Wait until something follows a cursor; tell whether it does."""
        block_ms = max(1, int(within_s * 1000))
        return bool(self._db.client.xread({self._key: cursor}, count=1, block=block_ms))

    def ends(self) -> tuple[str, str]:
        """Give the first and the last id there is; the beginning's where there is none."""
        with self._db.client.pipeline(transaction=False) as pipe:
            pipe.xrange(self._key, count=1)
            pipe.xrevrange(self._key, count=1)
            first, last = pipe.execute()
        return (
            text(first[0][0]) if first else BEGINNING,
            text(last[0][0]) if last else BEGINNING,
        )

    def size(self) -> int:
        """Count the events that are in Redis."""
        return self._db.client.xlen(self._key)

    def keep(self, newest: int) -> int:
        """Drop all but the newest so many; gives how many went."""
        return self._db.client.xtrim(self._key, maxlen=newest, approximate=False)

    def forget(self, *, before_s: float) -> int:
        """Drop what is older, epoch s; gives how many went."""
        before = f"{max(0, int(before_s * 1000))}-0"
        return self._db.client.xtrim(self._key, minid=before, approximate=False)


@gives("report_final")
class ReportFinal(NamedTuple):
    """The campaign whose report stays as it is."""

    campaign: str


def ended_campaigns(db: Database) -> list[str]:
    """Name the campaigns that are over and whose reports may change yet, for all that was told."""
    return sorted(texts(db.client.smembers(db.key("ended"))))


def told(db: Database, campaigns: Sequence[str]) -> list[Told]:
    """Read how many events there were of some campaigns."""
    since = db.read_hashes([db.key("c", id_, "told") for id_ in campaigns])
    before = (one.told for one in read_unpacked(db, campaigns))
    return [_told(_summed(*both)) for both in zip(before, since, strict=True)]


def _summed(before: Mapping[bytes, bytes], since: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """Add up what was told until an archived campaign was packed, and since."""
    if not before or not since:
        return before or since
    kinds = {*before, *since}
    return {one: b"%d" % (int(before.get(one, 0)) + int(since.get(one, 0))) for one in kinds}


def _told(stored: Mapping[bytes, bytes]) -> Told:
    counts = {text(name): int(times) for name, times in stored.items()}
    return Told(
        kinds={kind: counts[kind] for kind in EventKind if kind in counts},
        closed=counts.get(_CLOSED, 0),
        is_whole=_FROM_START in counts,
        talk_s=counts.get("talk_s", 0),
        spend=counts.get("spend", 0) / 1e6,
    )


def entries(written: Sequence[Written]) -> Iterator[Entry]:
    """Read entries; those of kinds that this version does not know are left out."""
    return (entry for id_, one in written if (entry := Entry.parse(id_, one)))
