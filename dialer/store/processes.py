"""Processes of the account that live: each tells it every few seconds."""

import json
from typing import Any, NamedTuple, cast

import redis

from dialer.store.database import Database, text

ROLES = ("web", "feeder", "results", "worker", "events")
"""What an installation runs: one process or more of each."""

SILENT_S = 20.0
"""Who has not told for so long is taken to be gone."""


class Process(NamedTuple):
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


_TOLD = ("role", "since", "trouble", "version")


class Pulse:
    """What a process tells of itself with each beat; `trouble`: why it cannot do its work, or ''."""

    trouble = ""

    def failed(self, error: redis.RedisError) -> None:
        """Note that Redis refuses what the work needs; one that is away cannot be told either."""
        if isinstance(error, redis.ResponseError):
            self.trouble = str(error)


def record_of(process: Process) -> str:
    """Write down what a process tells of itself; agree.lua keeps it, and when it was told last."""
    return json.dumps({one: getattr(process, one) for one in _TOLD})


def living(db: Database) -> list[Process]:
    """Read the processes that live, by role and name."""
    seen_after = db.now() - SILENT_S
    with db.client.pipeline(transaction=False) as pipe:
        pipe.zrangebyscore(db.key("terms_seen"), seen_after, "+inf")
        pipe.hgetall(db.key("processes"))
        seen, told = cast("tuple[list[bytes], dict[bytes, bytes]]", pipe.execute())
    found = (_process(one, json.loads(told[one])) for one in seen if one in told)
    return sorted(found, key=lambda one: (one.role, one.name))


def living_names(db: Database) -> dict[str, list[str]]:
    """Name the processes that live, by role."""
    found: dict[str, list[str]] = {}
    for one in living(db):
        found.setdefault(one.role, []).append(one.name)
    return found


def living_of_others(db: Database, version: str) -> list[Process]:
    """Read the processes that live of another version, which may not read what this one writes."""
    return [one for one in [*living(db), *_living_of_old(db)] if one.version != version]


def _living_of_old(db: Database) -> list[Process]:
    """Read the processes that live of versions up to 0.2.0: each has a key of its own."""
    keys = sorted(db.client.scan_iter(match=db.key("heartbeat", "*"), count=1000))
    found = ((one, cast("bytes | None", db.client.get(one))) for one in keys)
    return [_old_process(db, key, json.loads(value)) for key, value in found if value is not None]


def _process(member: bytes, told: dict[str, Any]) -> Process:
    name = text(member).rpartition("#")[0]
    return Process(name=name, **{one: told[one] for one in _TOLD})


def _old_process(db: Database, key: bytes, told: dict[str, Any]) -> Process:
    role, _, name = text(key)[len(db.key("heartbeat", "")) :].partition(":")
    return Process(role, name, told.get("since"), version=told.get("version", ""))
