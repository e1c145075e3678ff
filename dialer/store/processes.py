"""Processes of the account that live: each tells it every few seconds."""

import json
from typing import Any, NamedTuple

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
        version: Of its code; '' = it does not tell, as those up to 0.2.0.
    """

    role: str
    name: str
    since: float | None
    trouble: str = ""
    version: str = ""


_TOLD = ("role", "since", "trouble", "version")
_TOLD_NOTHING = {"role": "", "since": None, "trouble": "", "version": ""}


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
    return [one for one in _seen(db) if one.role]


def living_of_others(db: Database, version: str) -> list[Process]:
    """Read the processes that live of another version, which may not read what this one writes."""
    return [one for one in _seen(db) if one.version != version]


def _seen(db: Database) -> list[Process]:
    """Read who told the account their terms lately; of versions up to 0.2.0 there is nothing else."""
    seen_after = db.now() - SILENT_S
    with db.client.pipeline(transaction=False) as pipe:
        pipe.zrangebyscore(db.key("terms_seen"), seen_after, "+inf")
        pipe.hgetall(db.key("processes"))
        seen, told = pipe.execute()
    found = (_process(one, told.get(one)) for one in seen)
    return sorted(found, key=lambda one: (one.role, one.name))


def _process(member: bytes, record: bytes | None) -> Process:
    told: dict[str, Any] = json.loads(record) if record else _TOLD_NOTHING
    return Process(name=text(member).rpartition("#")[0], **{one: told[one] for one in _TOLD})
