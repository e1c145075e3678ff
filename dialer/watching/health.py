"""Use case: how the account, its processes and its Redis are."""

from dataclasses import dataclass
from typing import Any, cast

import redis

from campaigns.caps import cap_in_words
from campaigns.sentence import told
from dialer.agreeing import Dissenter, dissenters
from dialer.store import Database, Hold, Holds
from dialer.store.account import read_closed
from dialer.store.hosts import SickHost, sick_hosts
from dialer.store.processes import Process, living
from dialer.store.rights import WITHOUT_INFO
from dialer.store.work import AccountWork, account_work

NEARLY_FULL = 0.7
"""Of the memory that Redis may use."""


@dataclass(frozen=True, slots=True)
class RedisHealth:
    """What the server says of itself.

    Args:
        max_memory_bytes: 0 = no limit.
        eviction: The policy; anything but noeviction loses contacts when memory is full.
        appends: Every write goes to a log file.
        untold: Why the server says nothing of itself; '' = it does.
        fsync: When that log reaches the disk: `always`, `everysec`, `no`; '' when not told.
        last_write_ok: The last try to write to disk succeeded.
        is_of_cluster: It has a part of a cluster's keys.
    """

    version: str
    uptime_s: int
    memory_bytes: int
    max_memory_bytes: int
    eviction: str
    appends: bool
    fsync: str
    last_write_ok: bool
    clients: int
    untold: str = ""
    is_of_cluster: bool = False

    @property
    def fullness(self) -> float:
        """How much of the memory it may use is used, 0 to 1; 0 where that is not told."""
        return self.memory_bytes / self.max_memory_bytes if self.max_memory_bytes else 0.0

    @property
    def evicts(self) -> bool:
        """Whether it throws keys away when its memory is full."""
        return self.eviction not in {"noeviction", ""}

    @property
    def concerns(self) -> list[str]:
        """What a person should look at."""
        if self.untold:
            return [
                told(
                    "Redis does not tell how it is ({why}): {hint}",
                    why=self.untold,
                    hint=WITHOUT_INFO,
                )
            ]
        found: list[str] = []
        if self.evicts:
            found.append(
                told(
                    "maxmemory-policy is {policy}: set noeviction, or contacts get lost",
                    policy=self.eviction,
                )
            )
        if not self.appends:
            found.append(told("appendonly is off: a restart of Redis loses what was dialled"))
        elif self.fsync not in {"always", ""}:
            found.append(
                told("appendfsync is {fsync}: a power cut loses the last second", fsync=self.fsync)
            )
        if not self.last_write_ok:
            found.append(told("Redis could not write to its disk"))
        if self.fullness > NEARLY_FULL:
            found.append(told("Redis uses more than 70 % of the memory it may"))
        return found


@dataclass(frozen=True, slots=True)
class Health:
    """The account and its processes at one instant.

    Args:
        as_of: Epoch s of Redis' clock, as are all instants.
        hold: Why nothing is dialled until a person says so, or the records are complete; None =
            nothing holds.
        sick_hosts: Worker hosts that cannot send.
        dissenters: Processes that dial nothing, since their settings are not the account's.
    """

    as_of: float
    processes: tuple[Process, ...]
    redis: RedisHealth
    hold: Hold | None
    work: AccountWork
    sick_hosts: tuple[SickHost, ...] = ()
    dissenters: tuple[Dissenter, ...] = ()

    @property
    def oldest_callback_s(self) -> float:
        """Age of the oldest callback that is not settled."""
        return max(0.0, self.as_of - (self.work.oldest_callback_at or self.as_of))


def read_health(db: Database) -> Health:
    """Read everything."""
    now = db.now()
    return Health(
        as_of=now,
        processes=tuple(living(db)),
        redis=read_redis_health(db.client),
        hold=Holds(db).read(),
        work=account_work(db, now_s=now),
        sick_hosts=tuple(sick_hosts(db)),
        dissenters=dissenters(db),
    )


@dataclass(frozen=True, slots=True)
class AccountStops:
    """Why the whole account dials nothing; '' where it may.

    Args:
        hold: Its records may be incomplete, or a person stopped everything.
        stopped: The provider refuses it.
        capped: A cap of its day is reached.
    """

    hold: str = ""
    stopped: str = ""
    capped: str = ""


def account_stops(db: Database) -> AccountStops:
    """Tell what stops the account."""
    closed = read_closed(db)
    capped = (
        cap_in_words(closed.capped_by, closed.capped_until, db.now()) if closed.capped_by else ""
    )
    return AccountStops(closed.hold, closed.stopped, capped)


def read_redis_health(client: "redis.Redis") -> RedisHealth:
    """Read what the server says of itself."""
    try:
        info, untold = client.info(), ""
    except redis.ResponseError as error:  # a user of few rights
        info, untold = {}, str(error)
    return RedisHealth(
        untold=untold,
        version=f"{_server(info)} {info.get('valkey_version') or info.get('redis_version', '?')}",
        uptime_s=int(info.get("uptime_in_seconds", 0)),
        memory_bytes=int(info.get("used_memory", 0)),
        max_memory_bytes=int(info.get("maxmemory", 0)),
        eviction=str(info.get("maxmemory_policy", "")),
        appends=bool(info.get("aof_enabled")),
        is_of_cluster=bool(info.get("cluster_enabled")),
        fsync=_fsync(client),
        last_write_ok=info.get("aof_last_write_status", "ok") == "ok",
        clients=int(info.get("connected_clients", 0)),
    )


def _server(info: dict[str, Any]) -> str:
    return "Valkey" if "valkey_version" in info else "Redis"


def _fsync(client: "redis.Redis") -> str:
    """Ask for the setting; managed servers often do not tell."""
    try:
        return str(cast("dict[str, str]", client.config_get("appendfsync")).get("appendfsync", ""))
    except redis.ResponseError:
        return ""
