"""Recordings in Redis: which are to be fetched, and where those are that were."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple, cast

from dialer.ids import AttemptId
from dialer.store.database import Database, texts
from dialer.store.scripts import gives


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording that was put where it stays.

    Args:
        name: There; '' = it was given up, and `error` says why.
        sha256: Of its content, hex.
        at: When, epoch s.
    """

    name: str
    media_type: str
    length: int
    sha256: str
    at: float
    error: str = ""


@gives("keep_recording")
class KeepRecording(NamedTuple):
    """A recording that is where it stays, or was given up.

    Args:
        kept: JSON.
        details: Of the event that tells of it, JSON; '' = none does.
    """

    id: str
    campaign: str
    n: int
    no: int
    kept: str
    details: str


class KeptRecordings:
    """Reads and writes both."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._due = db.key("recordings_due")
        self._tries = db.key("recordings_tried")

    def due(self, *, most: int) -> list[AttemptId]:
        """Name the attempts whose recordings may be fetched now, those that waited longest first."""
        now = f"{self._db.now():.6f}"
        found = texts(self._db.client.zrangebyscore(self._due, "-inf", now, start=0, num=most))
        return [id_ for one in found if (id_ := AttemptId.parse(one))]

    def claim(self, *, most: int, for_s: float) -> list[AttemptId]:
        """Take attempts whose recordings are due; they are due again when nobody has kept them by then."""
        claimed = self.due(most=most)
        until = self._db.now() + for_s
        if claimed:
            self._db.client.zadd(self._due, {str(id_): until for id_ in claimed}, xx=True)
        return claimed

    def put_off(self, id_: AttemptId, *, until: float) -> None:
        """Try an attempt's again then, epoch s."""
        self._db.client.zadd(self._due, {str(id_): until}, xx=True)

    def failed(self, id_: AttemptId) -> int:
        """Count a try; gives how many there were."""
        return self._db.client.hincrby(self._tries, str(id_), 1)

    def drop(self, id_: AttemptId) -> None:
        """Fetch an attempt's no more."""
        with self._db.client.pipeline(transaction=True) as pipe:
            pipe.zrem(self._due, str(id_))
            pipe.hdel(self._tries, str(id_))
            pipe.execute()

    def keep(self, id_: AttemptId, kept: Kept) -> bool:
        """Write that a recording is where it stays, and tell of it in the same step, once."""
        told = {"name": kept.name, "bytes": kept.length, "media_type": kept.media_type}
        details = json.dumps({**told, "sha256": kept.sha256}) if kept.name else ""
        given = KeepRecording(
            str(id_), id_.campaign, id_.n, id_.no, json.dumps(asdict(kept)), details
        )
        return bool(self._db.run(given))

    def of(self, campaign: str, n: int, nos: Sequence[int]) -> dict[int, Kept]:
        """Read what was kept of a contact's attempts, by their numbers."""
        if not nos:
            return {}
        key = self._db.key("c", campaign, "recordings")
        stored = cast("list[bytes | None]", self._db.client.hmget(key, [f"{n}-{no}" for no in nos]))
        return {no: Kept(**json.loads(one)) for no, one in zip(nos, stored, strict=True) if one}

    def add(self, id_: AttemptId) -> None:
        """Let somebody look at an attempt's soon."""
        self._db.client.zadd(self._due, {str(id_): self._db.now()})

    def forget(self, id_: AttemptId) -> None:
        """Forget where an attempt's is."""
        key = self._db.key("c", id_.campaign, "recordings")
        self._db.client.hdel(key, f"{id_.n}-{id_.no}")

    def forget_all(self, campaign: str) -> None:
        """Forget where a campaign's are."""
        self._db.client.delete(self._db.key("c", campaign, "recordings"))
