"""Processes of the account that live: each tells it every few seconds."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.client import Pipeline

from dialer.store.database import Database, text

ROLES = ("web", "feeder", "results", "worker", "events")
"""What an installation runs: one process or more of each."""

_KEPT_S = 20


@dataclass(frozen=True, slots=True)
class Process:
    """A process that gave a sign of life in the last seconds.

    Args:
        since: Epoch s.
        trouble: Why it lives and cannot do its work; '' = it can, as far as it knows.
        version: Of its code; '' = it does not tell, as those before 0.2.0.
    """

    role: str
    name: str
    since: float | None
    trouble: str = ""
    version: str = ""


class Pulse:
    """What a process tells of itself with each beat; `trouble`: why it cannot do its work, or ''."""

    trouble = ""

    def failed(self, error: redis.RedisError) -> None:
        """Note that Redis refuses what the work needs; one that is away cannot be told either."""
        if isinstance(error, redis.ResponseError):
            self.trouble = str(error)


def note_alive(db: Database, pipeline: "Pipeline", process: Process) -> None:
    """Tell that a process lives, with a pipeline's other commands."""
    told = ("role", "since", "trouble", "version")
    record = json.dumps({one: getattr(process, one) for one in told})
    pipeline.set(_key(db, process.role, process.name), record, ex=_KEPT_S)


def note_ended(db: Database, *, role: str, name: str) -> None:
    """Tell that a process has ended."""
    db.client.delete(_key(db, role, name))


def living_names(db: Database) -> dict[str, list[str]]:
    """Name the processes that live, by role."""
    found: dict[str, list[str]] = {}
    for key in _keys(db):
        role, name = _told_by(db, key)
        found.setdefault(role, []).append(name)
    return found


def living(db: Database) -> list[Process]:
    """Read the processes that live, by role and name."""
    keys = sorted(_keys(db))
    values = cast("list[bytes | None]", db.client.mget(keys)) if keys else []
    return [
        _process(*_told_by(db, key), json.loads(value))
        for key, value in zip(keys, values, strict=True)
        if value is not None
    ]


def _process(role: str, name: str, told: dict[str, Any]) -> Process:
    plain = (told.get(one, "") for one in ("trouble", "version"))
    return Process(role, name, told.get("since"), *plain)


def _key(db: Database, role: str, name: str) -> str:
    return db.key("heartbeat", role, name)


def _keys(db: Database) -> Iterator[bytes]:
    return cast("Iterator[bytes]", db.client.scan_iter(match=db.key("heartbeat", "*"), count=1000))


def _told_by(db: Database, key: bytes) -> tuple[str, str]:
    role, _, name = text(key)[len(db.key("heartbeat", "")) :].partition(":")
    return role, name
