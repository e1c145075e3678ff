"""Looks whether everything is fit for dialling, without placing a call."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from http import HTTPStatus

import httpx
import redis

from campaigns.sentence import told
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
_ASK_AGAIN = told("run doctor again: the key and the token were not examined")
_OLDEST_REDIS = 7
_SOON = timedelta(days=30)
_ON_THE_PAGE_OF_KEYS = told("make one on the page of keys")


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


def _ok(name: str, says: str) -> Finding:
    return Finding(name, Verdict.OK, says)


def _warn(name: str, says: str, remedy: str, on_page: str = "") -> Finding:
    return Finding(name, Verdict.WARN, says, remedy, on_page)


def _fail(name: str, says: str, remedy: str, on_page: str = "") -> Finding:
    return Finding(name, Verdict.FAIL, says, remedy, on_page)


def examine(wiring: Wiring) -> Iterator[Finding]:
    """Examine everything, one thing after the other."""
    yield from _settings(wiring)
    yield from _unless_away(_redis(wiring))
    yield from _provider(wiring)
    yield from _callbacks(wiring)


def examine_account(wiring: Wiring) -> Iterator[Finding]:
    """Examine what is an account's own, where the installation has been examined already."""
    yield from _settings(wiring)
    yield from _unless_away(_shared_or_own(wiring))
    yield from _provider(wiring)


def _shared_or_own(wiring: Wiring) -> Iterator[Finding]:
    # in a cluster each account has a server
    yield from _redis(wiring) if owner_of(wiring.redis) else _own(wiring)


def _unless_away(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Go on with what Redis tells, until it does not answer."""
    try:
        yield from findings
    except EmbeddedServerError as error:
        yield _fail("redis", str(error), told("mend that, and run doctor again"))
    except redis.RedisError as error:
        says = told("does not answer: {error}", error=str(error))
        yield _fail("redis", says, told("check REDIS_URL"))


def _settings(wiring: Wiring) -> Iterator[Finding]:
    lines: list[str] = []
    try:
        require_dialling(wiring.settings)
    except SettingsError as error:
        lines += str(error).splitlines()
    for line in lines:
        yield _fail(told("settings"), line, told("set it in .env or the environment"))
    if not lines:
        yield _ok(told("settings"), told("complete"))
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
        told("clock"),
        Verdict.OK if skew_s <= _MOST_SKEW_S else Verdict.WARN,
        told("{skew_s:.1f} s between Redis and this host", skew_s=skew_s),
        "" if skew_s <= _MOST_SKEW_S else told("run NTP on both; Redis' clock decides"),
    )
    yield from _memory(wiring, health)
    yield from _durability(wiring, health)
    yield from _stored(wiring)
    yield _keys(wiring)
    yield from _own(wiring)


def _own(wiring: Wiring) -> Iterator[Finding]:
    """Examine what is the account's own in Redis."""
    yield _processes(wiring)
    yield from _account(wiring)
    yield from _sick_hosts(wiring)
    yield from _webhooks(wiring)
    yield from agreement(wiring)


def _stored(wiring: Wiring) -> Iterator[Finding]:
    """Tell what an earlier version stored in another form than this one does."""
    for says, count in Migrating(wiring.db, version="").pending().items():
        yield _warn(
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
            yield _fail(told("cluster"), str(IsCluster()), told("every process refuses it"))
        return
    (host, port), *replicas = owner.nodes()
    yield Finding(
        told("cluster"),
        Verdict.OK if replicas else Verdict.WARN,
        told(
            "the account is in slot {slot}, at {host}:{port}; replicas: {count}",
            slot=owner.slot,
            host=host,
            port=port,
            count=len(replicas),
        ),
        ""
        if replicas
        else told("give its master a replica: with the node all of the account is gone"),
    )


def agreement(wiring: Wiring) -> Iterator[Finding]:
    """Examine what all processes of the account must have the same; who differs dials nothing."""
    own = own_differences(wiring.db, terms_of(wiring.settings))
    says = [
        told(
            "{setting} is {here} here, {there} elsewhere",
            setting=one.setting,
            here=one.here or told("not known"),
            there=one.there or told("not known"),
        )
        for one in own
    ] + [one.sentence for one in dissenters(wiring.db)]
    for line in says:
        yield _fail(
            told("agreement"),
            line,
            told("set it the same everywhere, and restart who differs"),
        )
    if not says:
        yield _ok(told("agreement"), told("all processes have the same limits and secret"))


def _rights(refused: Sequence[Right]) -> Iterator[Finding]:
    for one in refused:
        verdict = Verdict.FAIL if one.is_needed else Verdict.WARN
        says = told(
            "the user may not {name}: {consequence}", name=one.name, consequence=one.consequence
        )
        yield Finding(told("rights"), verdict, says, told("allow it: {rule}", rule=one.rule))
    if not refused:
        yield _ok(told("rights"), told("the user may do all that is needed"))


def _writes(wiring: Wiring) -> Finding:
    if why := why_no_writes(wiring.db):
        return _fail(
            told("writes"),
            told("Redis takes no writes, so nothing is dialled: {why}", why=why),
            told("give it memory or disk, or name the master in REDIS_URL"),
        )
    return _ok(told("writes"), told("Redis takes writes"))


def _version(server: str) -> Finding:
    product, version = server.split(" ", maxsplit=1)
    is_fit = product == "Valkey" or int(version.split(".", maxsplit=1)[0]) >= _OLDEST_REDIS
    return Finding(
        "redis",
        Verdict.OK if is_fit else Verdict.FAIL,
        server,
        "" if is_fit else told("use Redis {version} or newer, or Valkey", version=_OLDEST_REDIS),
    )


def _memory(wiring: Wiring, health: RedisHealth) -> Iterator[Finding]:
    if health.fullness > NEARLY_FULL:
        yield _warn(
            told("memory"),
            told("{share:.0%} of what Redis may use is used", share=health.fullness),
            told("raise maxmemory; when it is full, nothing is dialled and no callback is taken"),
        )
    policy = _config(wiring, "maxmemory-policy") or health.eviction
    if not policy:
        yield _untold(told("memory"), "maxmemory-policy noeviction")
    elif policy == "noeviction":
        yield _ok(told("memory"), told("nothing is evicted"))
    else:
        yield _fail(
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
        yield _warn(
            told("durability"),
            told("appendonly is off: a restart loses what was dialled"),
            told("set appendonly yes, appendfsync always"),
        )
    elif fsync is None:
        yield _untold(told("durability"), "appendfsync always")
    elif fsync != "always":
        yield _warn(
            told("durability"),
            told("appendfsync is {fsync}: a power cut may lose a second of calls", fsync=fsync),
            told("set appendfsync always; at this pace it costs nothing"),
        )
    else:
        yield _ok(told("durability"), told("every write is on disk before it is answered"))


def _config(wiring: Wiring, name: str) -> str | None:
    """Read a setting of the server; None where it does not tell, as managed ones often."""
    try:
        found = wiring.redis.config_get(name)
    except redis.ResponseError:
        return None
    return str(found[name]) if name in found else None


def _untold(name: str, wanted: str) -> Finding:
    return _warn(
        name,
        told("the server does not tell its settings"),
        told("see to it: {wanted}", wanted=wanted),
    )


def _keys(wiring: Wiring) -> Finding:
    """Tell who could come in: an administrator who still can should hear of keys that end."""
    try:
        require_key_beyond_loopback(wiring)
    except SettingsError as error:
        says, _, remedy = str(error).partition("; ")
        return _fail(told("keys"), says, remedy, _ON_THE_PAGE_OF_KEYS)
    keys = wiring.api_keys
    if not keys.were_made():
        return _ok(told("keys"), told("none yet: this machine alone is let in, without one"))
    if not keys.any_in_force():
        return _warn(
            told("keys"),
            told("none is in force: nobody is let in"),
            MAKE_A_KEY,
            _ON_THE_PAGE_OF_KEYS,
        )
    soon = now() + _SOON
    ending = [one.name for one in keys.all() if now() < one.expires_at < soon]
    if ending:
        says = told(
            "within {days} days these expire: {ending}", days=_SOON.days, ending=", ".join(ending)
        )
        remedy = "make new ones: dialer key create"
        return _warn(told("keys"), says, remedy, _ON_THE_PAGE_OF_KEYS)
    return _ok(told("keys"), told("nobody is let in without one"))


def _processes(wiring: Wiring) -> Finding:
    found = alive(wiring.db)
    missing = [role for role in ROLES if role not in found]
    return Finding(
        told("processes"),
        Verdict.WARN if missing else Verdict.OK,
        ", ".join(f"{role} {found.get(role, 0)}" for role in ROLES),
        f"start {', '.join(missing)}: dialer up" if missing else "",
        told("have {missing} started where this installation runs", missing=", ".join(missing))
        if missing
        else "",
    )


def _account(wiring: Wiring) -> Iterator[Finding]:
    """Examine whether the account may dial: nothing else matters while it may not."""
    stops = account_stops(wiring.db)
    if stops.stopped:
        says = told("the provider refuses it: {stopped}", stopped=stops.stopped)
        yield _fail(
            told("account"),
            says,
            "mend that, then: dialer account resume",
            told("mend that, then dial on by the button on the page of health"),
        )
    if stops.hold:
        yield _fail(
            told("account"),
            told("on hold: {hold}", hold=stops.hold),
            "dialer hold show tells what it waits for",
            told("the page of health tells what it waits for"),
        )
    if stops.capped:
        yield _warn(told("account"), stops.capped, told("raise it for today, or wait"))
    if stops == AccountStops():
        yield _ok(told("account"), told("neither stopped nor held, and below its caps"))


def _webhooks(wiring: Wiring) -> Iterator[Finding]:
    for one in wiring.receivers.all():
        if one.standing.paused or one.standing.failing_since:
            yield _warn(
                told("webhooks"),
                told(
                    "{shown_url}: {state}; everything waits for it",
                    shown_url=one.webhook.shown_url,
                    state=one.state,
                ),
                f"mend the receiver, then: dialer webhook resume {one.webhook.id}",
                told("mend the receiver, then resume it on its page"),
            )


def _sick_hosts(wiring: Wiring) -> Iterator[Finding]:
    for one in sick_hosts(wiring.db):
        yield _fail(
            told("hosts"),
            told("{host} cannot send and takes no work: {why}", host=one.host, why=one.why),
            told("mend that host's network, resolver or disk; it takes work again by itself"),
        )


def ask_about_credentials(wiring: Wiring) -> None:
    """Ask the provider whether it takes the account's key and token, in the account's own pace.

    Raises:
        NoSlot: No request may leave now.
        ProviderError: It does not take them, or does not answer.
    """
    provider, at = wiring.provider, now()
    lookups = Lookups(
        provider,
        wiring.pacing,
        sleep=wiring.sleep,
        patience_s=_SLOT_WITHIN_S,
        overdue_patience_s=_SLOT_WITHIN_S,
    )
    try:
        lookups.paced(provider.check_credentials, overdue=True)
    except AccountRefused as error:
        if error.http_status != HTTPStatus.NOT_FOUND:
            raise
        # not every account has a balance to ask for; calls each of them has
        calls = partial(provider.search_calls, created_from=at, created_until=at)
        lookups.paced(calls, overdue=True)


def _provider(wiring: Wiring) -> Iterator[Finding]:
    try:
        require_dialling(wiring.settings)
    except SettingsError:
        return  # told above
    host = wiring.settings.base_url
    try:
        ask_about_credentials(wiring)
    except (NoSlot, redis.RedisError, EmbeddedServerError) as error:
        # a request without a slot could be the one too many of the account's limit
        why = (
            str(error)
            if isinstance(error, NoSlot)
            else told("only Redis knows whether one more may go")
        )
        yield _warn(told("provider"), told("not asked: {why}", why=why), _ASK_AGAIN)
    except AccountRefused as error:
        yield Finding(
            told("provider"),
            Verdict.FAIL,
            str(error),
            told("check EXOTEL_ACCOUNT_SID")
            if error.http_status == HTTPStatus.NOT_FOUND
            else told("check the key, the token and the region"),
        )
    except ProviderError as error:
        yield _warn(
            told("provider"),
            str(error),
            told("try again; is {host} reachable?", host=host),
        )
    else:
        yield _ok(told("provider"), told("{host} accepts the credentials", host=host))


def _callbacks(wiring: Wiring) -> Iterator[Finding]:
    url = f"{wiring.settings.callback_base_url}/livez"
    try:
        status = httpx.get(url, timeout=_REACH_WITHIN_S).status_code
    except httpx.HTTPError as error:
        says = told("{url} cannot be reached from here: {error}", url=url, error=str(error))
    else:
        says = told("{url} answers {status}", url=url, status=status)
        if status == httpx.codes.OK:
            yield _ok(told("callbacks"), says)
            return
    yield _warn(
        told("callbacks"),
        says,
        told("start the web process, and see that DIALER_PUBLIC_URL leads to it from outside"),
    )
