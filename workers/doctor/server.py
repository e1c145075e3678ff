"""Redis, as far as it is the same for all accounts: what it is, may do, keeps and has stored."""

from collections.abc import Iterator, Sequence

import redis

from campaigns.sentence import told
from dialer.archiving.migrating import Migrating
from dialer.clock import now
from dialer.store.connection import IsCluster, owner_of
from dialer.store.replies import why_no_writes
from dialer.store.rights import Right, missing_rights
from dialer.store.server_clock import last_step
from dialer.watching.health import NEARLY_FULL, RedisHealth, read_redis_health
from workers.doctor.findings import Finding, Verdict, fail, judged, ok, warn
from workers.instants import instant
from workers.wiring import Wiring

_MOST_SKEW_S = 1.0
_A_DAY_S = 86_400.0
_OLDEST_REDIS = 7


def examine_server(wiring: Wiring) -> Iterator[Finding]:
    """Examine the server that all accounts share, but what is an account's own there."""
    health = read_redis_health(wiring.redis)
    if not health.untold:
        yield _version(health.version)
    yield from _cluster(wiring, health)
    yield from _rights(missing_rights(wiring.db))
    yield _writes(wiring)
    skew_s = abs(wiring.db.now() - now().timestamp())
    yield judged(
        skew_s <= _MOST_SKEW_S,
        told("clock"),
        told("{skew_s:.1f} s between Redis and this host", skew_s=skew_s),
        told("run NTP on both; Redis' clock decides"),
    )
    yield from _clock_set(wiring)
    yield from _memory(wiring, health)
    yield from _durability(wiring, health)
    yield from _stored(wiring)


def _clock_set(wiring: Wiring) -> Iterator[Finding]:
    step = last_step(wiring.db)
    if step and wiring.db.now() - step.at < _A_DAY_S:
        yield warn(
            told("clock set"),
            told(
                "Redis' clock was set by {by_s:+,.0f} s at {at}; dialling stopped for two minutes at most",
                by_s=step.by_s,
                at=f"{instant(step.at).astimezone(wiring.zone):%d %b, %H:%M}",
            ),
            told("have NTP slew it; nothing ended early, but hours and days go by the new time"),
        )


def _stored(wiring: Wiring) -> Iterator[Finding]:
    """Tell what an earlier version stored in another form than this one does."""
    for says, count in Migrating(wiring.db, version="").pending().items():
        yield warn(
            told("stored"),
            told("{count:,} {says}", count=count, says=says),
            "when it suits: dialer migrate",
            told("nothing waits for it; who runs this installation migrates it when it suits"),
        )


def _cluster(wiring: Wiring, health: RedisHealth) -> Iterator[Finding]:
    """Tell where in a cluster the account is."""
    owner = owner_of(wiring.redis)
    if owner is None:
        if health.is_of_cluster:
            yield fail(told("cluster"), str(IsCluster()), told("every process refuses it"))
        return
    (host, port), *replicas = owner.nodes()
    yield judged(
        bool(replicas),
        told("cluster"),
        told(
            "the account is in slot {slot}, at {host}:{port}; replicas: {count}",
            slot=owner.slot,
            host=host,
            port=port,
            count=len(replicas),
        ),
        told("give its master a replica: with the node all of the account is gone"),
    )


def _rights(refused: Sequence[Right]) -> Iterator[Finding]:
    for one in refused:
        verdict = Verdict.FAIL if one.is_needed else Verdict.WARN
        says = told(
            "the user may not {name}: {consequence}", name=one.name, consequence=one.consequence
        )
        yield Finding(told("rights"), verdict, says, told("allow it: {rule}", rule=one.rule))
    if not refused:
        yield ok(told("rights"), told("the user may do all that is needed"))


def _writes(wiring: Wiring) -> Finding:
    if refusal := why_no_writes(wiring.db):
        says = told("Redis takes no writes, so nothing is dialled: {why}", why=refusal.why)
        return fail(told("writes"), says, refusal.remedy)
    return ok(told("writes"), told("Redis takes writes"))


def _version(server: str) -> Finding:
    product, version = server.split(" ", maxsplit=1)
    is_fit = product == "Valkey" or int(version.split(".", maxsplit=1)[0]) >= _OLDEST_REDIS
    remedy = told("use Redis {version} or newer, or Valkey", version=_OLDEST_REDIS)
    return judged(is_fit, "redis", server, remedy, otherwise=Verdict.FAIL)


def _memory(wiring: Wiring, health: RedisHealth) -> Iterator[Finding]:
    if health.fullness > NEARLY_FULL:
        yield warn(
            told("memory"),
            told("{share:.0%} of what Redis may use is used", share=health.fullness)
            if health.fullness < 1
            else told("Redis uses all the memory it may, and takes no more"),
            told("raise maxmemory; when it is full, nothing is dialled and no callback is taken"),
        )
    policy = _config(wiring, "maxmemory-policy") or health.eviction
    if not policy:
        yield _untold(told("memory"), "maxmemory-policy noeviction")
    elif policy == "noeviction":
        yield ok(told("memory"), told("nothing is evicted"))
    else:
        yield fail(
            told("memory"),
            told("maxmemory-policy is {policy}: contacts would vanish", policy=policy),
            told("set maxmemory-policy noeviction"),
        )


def _durability(wiring: Wiring, health: RedisHealth) -> Iterator[Finding]:
    appendonly, fsync = _config(wiring, "appendonly"), _config(wiring, "appendfsync")
    if appendonly is None and not health.untold:
        appendonly = "yes" if health.appends else "no"
    if appendonly is None:
        yield _untold(told("durability"), told("appendonly yes and appendfsync always"))
    elif appendonly != "yes":
        yield warn(
            told("durability"),
            told("appendonly is off: a restart loses what was dialled"),
            told("set appendonly yes, appendfsync always"),
        )
    elif fsync is None:
        yield _untold(told("durability"), "appendfsync always")
    elif fsync != "always":
        yield warn(
            told("durability"),
            told("appendfsync is {fsync}: a power cut may lose a second of calls", fsync=fsync),
            told("set appendfsync always; at this pace it costs nothing"),
        )
    else:
        yield ok(told("durability"), told("every write is on disk before it is answered"))


def _config(wiring: Wiring, name: str) -> str | None:
    """Read a setting of the server; None where it does not tell, as managed ones often."""
    try:
        found = wiring.redis.config_get(name)
    except redis.ResponseError:
        return None
    return str(found[name]) if name in found else None


def _untold(name: str, wanted: str) -> Finding:
    return warn(
        name,
        told("the server does not tell its settings"),
        told("see to it: {wanted}", wanted=wanted),
    )
