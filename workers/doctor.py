"""Looks whether everything is fit for dialling, without placing a call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import httpx
import redis

from dialer.access.exposure import exposures
from dialer.agreeing import dissenters, own_differences
from dialer.archiving.migrating import Migrating
from dialer.clock import now
from dialer.embedded.embedded import EmbeddedServerError
from dialer.errors import AccountRefused, ProviderError
from dialer.settings import SettingsError, require_dialling
from dialer.settling.lookups import Lookups, NoSlot
from dialer.store.connection import IsCluster, owner_of
from dialer.store.hosts import sick_hosts
from dialer.store.processes import ROLES
from dialer.store.replies import why_no_writes
from dialer.store.rights import Right, missing_rights
from dialer.terms import terms_of
from dialer.watching.health import (
    NEARLY_FULL,
    AccountStops,
    RedisHealth,
    account_stops,
    read_redis_health,
)
from dialer.watching.status import alive
from workers.web.loopback import MAKE_A_KEY, require_key_beyond_loopback
from workers.wiring import Wiring

_MOST_SKEW_S = 1.0
_REACH_WITHIN_S = 10.0
_SLOT_WITHIN_S = 10.0
_ASK_AGAIN = "run doctor again: the key and the token were not examined"
_OLDEST_REDIS = 7
_SOON = timedelta(days=30)
_ON_THE_PAGE_OF_KEYS = "make one on the page of keys"


class Verdict(StrEnum):
    """How an examination ended."""

    OK = "ok"
    WARN = "warn"  # it will dial, but a person should look
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was examined, how it is, and what to do about it.

    Args:
        on_page: What to do, for who reads it on a page, where the remedy names a command.
    """

    name: str
    verdict: Verdict
    says: str
    remedy: str = ""
    on_page: str = ""


def examine(wiring: Wiring) -> Iterator[Finding]:
    """Examine everything, one thing after the other."""
    yield from _settings(wiring)
    try:
        yield from _redis(wiring)
    except (redis.RedisError, EmbeddedServerError) as error:
        yield Finding("redis", Verdict.FAIL, f"does not answer: {error}", "check REDIS_URL")
    yield from _provider(wiring)
    yield from _callbacks(wiring)


def examine_account(wiring: Wiring) -> Iterator[Finding]:
    """Examine what is an account's own, where the installation has been examined already."""
    yield from _settings(wiring)
    try:
        if owner_of(wiring.redis):  # in a cluster each account has a server
            yield from _redis(wiring)
        else:
            yield _processes(wiring)
            yield from _account(wiring)
            yield from _sick_hosts(wiring)
            yield from _webhooks(wiring)
            yield from agreement(wiring)
    except redis.RedisError as error:
        yield Finding("redis", Verdict.FAIL, f"does not answer: {error}", "check REDIS_URL")
    yield from _provider(wiring)


def _settings(wiring: Wiring) -> Iterator[Finding]:
    lines: list[str] = []
    try:
        require_dialling(wiring.settings)
    except SettingsError as error:
        lines += str(error).splitlines()
    for line in lines:
        yield Finding("settings", Verdict.FAIL, line, "set it in .env or the environment")
    if not lines:
        yield Finding("settings", Verdict.OK, "complete")
    for open_ in exposures(wiring.settings):
        verdict = Verdict.FAIL if open_.is_grave else Verdict.WARN
        yield Finding(open_.name, verdict, open_.says, open_.remedy)


def _redis(wiring: Wiring) -> Iterator[Finding]:
    health = read_redis_health(wiring.redis)
    if not health.untold:
        yield _version(health.version)
    yield from _cluster(wiring, health)
    yield from _rights(missing_rights(wiring.db))
    yield _writes(wiring)
    skew_s = abs(wiring.db.now() - now().timestamp())
    yield Finding(
        "clock",
        Verdict.OK if skew_s <= _MOST_SKEW_S else Verdict.WARN,
        f"{skew_s:.1f} s between Redis and this host",
        "" if skew_s <= _MOST_SKEW_S else "run NTP on both; Redis' clock decides",
    )
    yield from _memory(wiring, health)
    yield from _durability(wiring, health)
    yield from _stored(wiring)
    yield _keys(wiring)
    yield _processes(wiring)
    yield from _account(wiring)
    yield from _sick_hosts(wiring)
    yield from _webhooks(wiring)
    yield from agreement(wiring)


def _stored(wiring: Wiring) -> Iterator[Finding]:
    """Tell what an earlier version stored in another form than this one does."""
    for says, count in Migrating(wiring.db, version="").pending().items():
        yield Finding(
            "stored",
            Verdict.WARN,
            f"{count:,} {says}",
            "when it suits: dialer migrate",
            "nothing waits for it; who runs this installation migrates it when it suits",
        )


def _cluster(wiring: Wiring, health: RedisHealth) -> Iterator[Finding]:
    """Tell where in a cluster the account is."""
    owner = owner_of(wiring.redis)
    if owner is None:
        if health.is_of_cluster:
            yield Finding("cluster", Verdict.FAIL, str(IsCluster()), "every process refuses it")
        return
    (host, port), *replicas = owner.nodes()
    yield Finding(
        "cluster",
        Verdict.OK if replicas else Verdict.WARN,
        f"the account is in slot {owner.slot}, at {host}:{port}; replicas: {len(replicas)}",
        "" if replicas else "give its master a replica: with the node all of the account is gone",
    )


def agreement(wiring: Wiring) -> Iterator[Finding]:
    """Examine what all processes of the account must have the same; who differs dials nothing."""
    own = own_differences(wiring.db, terms_of(wiring.settings))
    says = [
        f"{one.setting} is {one.here or 'not known'} here, {one.there or 'not known'} elsewhere"
        for one in own
    ] + [one.sentence for one in dissenters(wiring.db)]
    for line in says:
        yield Finding(
            "agreement", Verdict.FAIL, line, "set it the same everywhere, and restart who differs"
        )
    if not says:
        yield Finding("agreement", Verdict.OK, "all processes have the same limits and secret")


def _rights(refused: Sequence[Right]) -> Iterator[Finding]:
    for one in refused:
        verdict = Verdict.FAIL if one.is_needed else Verdict.WARN
        says = f"the user may not {one.name}: {one.consequence}"
        yield Finding("rights", verdict, says, f"allow it: {one.rule}")
    if not refused:
        yield Finding("rights", Verdict.OK, "the user may do all that is needed")


def _writes(wiring: Wiring) -> Finding:
    if why := why_no_writes(wiring.db):
        return Finding(
            "writes",
            Verdict.FAIL,
            f"Redis takes no writes, so nothing is dialled: {why}",
            "give it memory or disk, or name the master in REDIS_URL",
        )
    return Finding("writes", Verdict.OK, "Redis takes writes")


def _version(told: str) -> Finding:
    product, version = told.split(" ", maxsplit=1)
    is_fit = product == "Valkey" or int(version.split(".", maxsplit=1)[0]) >= _OLDEST_REDIS
    return Finding(
        "redis",
        Verdict.OK if is_fit else Verdict.FAIL,
        told,
        "" if is_fit else f"use Redis {_OLDEST_REDIS} or newer, or Valkey",
    )


def _memory(wiring: Wiring, health: RedisHealth) -> Iterator[Finding]:
    if health.fullness > NEARLY_FULL:
        yield Finding(
            "memory",
            Verdict.WARN,
            f"{health.fullness:.0%} of what Redis may use is used",
            "raise maxmemory; when it is full, nothing is dialled and no callback is taken",
        )
    policy = _config(wiring, "maxmemory-policy") or health.eviction
    if not policy:
        yield _untold("memory", "maxmemory-policy noeviction")
    elif policy == "noeviction":
        yield Finding("memory", Verdict.OK, "nothing is evicted")
    else:
        yield Finding(
            "memory",
            Verdict.FAIL,
            f"maxmemory-policy is {policy}: contacts would vanish",
            "set maxmemory-policy noeviction",
        )


def _durability(wiring: Wiring, health: RedisHealth) -> Iterator[Finding]:
    appendonly, fsync = _config(wiring, "appendonly"), _config(wiring, "appendfsync")
    if appendonly is None and not health.untold:
        appendonly = "yes" if health.appends else "no"
    if appendonly is None:
        yield _untold("durability", "appendonly yes and appendfsync always")
    elif appendonly != "yes":
        yield Finding(
            "durability",
            Verdict.WARN,
            "appendonly is off: a restart loses what was dialled",
            "set appendonly yes, appendfsync always",
        )
    elif fsync is None:
        yield _untold("durability", "appendfsync always")
    elif fsync != "always":
        yield Finding(
            "durability",
            Verdict.WARN,
            f"appendfsync is {fsync}: a power cut may lose a second of calls",
            "set appendfsync always; at this pace it costs nothing",
        )
    else:
        yield Finding("durability", Verdict.OK, "every write is on disk before it is answered")


def _config(wiring: Wiring, name: str) -> str | None:
    """Read a setting of the server; None where it does not tell, as managed ones often."""
    try:
        found = wiring.redis.config_get(name)
    except redis.ResponseError:
        return None
    return str(found[name]) if name in found else None


def _untold(name: str, wanted: str) -> Finding:
    return Finding(
        name, Verdict.WARN, "the server does not tell its settings", f"see to it: {wanted}"
    )


def _keys(wiring: Wiring) -> Finding:
    """Tell who could come in: an administrator who still can should hear of keys that end."""
    try:
        require_key_beyond_loopback(wiring)
    except SettingsError as error:
        says, _, remedy = str(error).partition("; ")
        return Finding("keys", Verdict.FAIL, says, remedy, _ON_THE_PAGE_OF_KEYS)
    keys = wiring.api_keys
    if not keys.were_made():
        return Finding("keys", Verdict.OK, "none yet: this machine alone is let in, without one")
    if not keys.any_in_force():
        return Finding(
            "keys",
            Verdict.WARN,
            "none is in force: nobody is let in",
            MAKE_A_KEY,
            _ON_THE_PAGE_OF_KEYS,
        )
    soon = now() + _SOON
    ending = [one.name for one in keys.all() if now() < one.expires_at < soon]
    if ending:
        says = f"within {_SOON.days} days these expire: {', '.join(ending)}"
        remedy = "make new ones: dialer key create"
        return Finding("keys", Verdict.WARN, says, remedy, _ON_THE_PAGE_OF_KEYS)
    return Finding("keys", Verdict.OK, "nobody is let in without one")


def _processes(wiring: Wiring) -> Finding:
    found = alive(wiring.db)
    missing = [role for role in ROLES if role not in found]
    return Finding(
        "processes",
        Verdict.WARN if missing else Verdict.OK,
        ", ".join(f"{role} {found.get(role, 0)}" for role in ROLES),
        f"start {', '.join(missing)}: dialer up" if missing else "",
        f"have {', '.join(missing)} started where this installation runs" if missing else "",
    )


def _account(wiring: Wiring) -> Iterator[Finding]:
    """Examine whether the account may dial: nothing else matters while it may not."""
    stops = account_stops(wiring.db)
    if stops.stopped:
        says = f"the provider refuses it: {stops.stopped}"
        yield Finding(
            "account",
            Verdict.FAIL,
            says,
            "mend that, then: dialer account resume",
            "mend that, then dial on by the button on the page of health",
        )
    if stops.hold:
        yield Finding(
            "account",
            Verdict.FAIL,
            f"on hold: {stops.hold}",
            "dialer hold show tells what it waits for",
            "the page of health tells what it waits for",
        )
    if stops.capped:
        yield Finding("account", Verdict.WARN, stops.capped, "raise it for today, or wait")
    if stops == AccountStops():
        yield Finding("account", Verdict.OK, "neither stopped nor held, and below its caps")


def _webhooks(wiring: Wiring) -> Iterator[Finding]:
    for one in wiring.receivers.all():
        if one.standing.paused or one.standing.failing_since:
            yield Finding(
                "webhooks",
                Verdict.WARN,
                f"{one.webhook.shown_url}: {one.state}; everything waits for it",
                f"mend the receiver, then: dialer webhook resume {one.webhook.id}",
                "mend the receiver, then resume it on its page",
            )


def _sick_hosts(wiring: Wiring) -> Iterator[Finding]:
    for one in sick_hosts(wiring.db):
        yield Finding(
            "hosts",
            Verdict.FAIL,
            f"{one.host} cannot send and takes no work: {one.why}",
            "mend that host's network, resolver or disk; it takes work again by itself",
        )


def _provider(wiring: Wiring) -> Iterator[Finding]:
    try:
        provider = wiring.provider
    except SettingsError:
        return  # told above
    host = wiring.settings.base_url
    lookups = Lookups(
        provider,
        wiring.pacing,
        sleep=wiring.sleep,
        patience_s=_SLOT_WITHIN_S,
        overdue_patience_s=_SLOT_WITHIN_S,
    )
    try:
        lookups.paced(provider.check_credentials, overdue=True)
    except (NoSlot, redis.RedisError, EmbeddedServerError) as error:
        # a request without a slot could be the one too many of the account's limit
        why = error if isinstance(error, NoSlot) else "only Redis knows whether one more may go"
        yield Finding("provider", Verdict.WARN, f"not asked: {why}", _ASK_AGAIN)
    except AccountRefused as error:
        # not every account offers the question; what it says of the key would have come before
        is_unasked = error.http_status == 404
        yield Finding(
            "provider",
            Verdict.WARN if is_unasked else Verdict.FAIL,
            str(error),
            "check EXOTEL_ACCOUNT_SID" if is_unasked else "check the key, the token and the region",
        )
    except ProviderError as error:
        yield Finding("provider", Verdict.WARN, str(error), f"try again; is {host} reachable?")
    else:
        yield Finding("provider", Verdict.OK, f"{host} accepts the credentials")


def _callbacks(wiring: Wiring) -> Iterator[Finding]:
    url = f"{wiring.settings.callback_base_url}/livez"
    try:
        status = httpx.get(url, timeout=_REACH_WITHIN_S).status_code
    except httpx.HTTPError as error:
        says = f"{url} cannot be reached from here: {error}"
    else:
        says = f"{url} answers {status}"
        if status == httpx.codes.OK:
            yield Finding("callbacks", Verdict.OK, says)
            return
    yield Finding(
        "callbacks",
        Verdict.WARN,
        says,
        "start the web process, and see that DIALER_PUBLIC_URL leads to it from outside",
    )
