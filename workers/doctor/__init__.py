"""Looks whether everything is fit for dialling, without placing a call."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import redis

from campaigns.sentence import told
from dialer.access.exposure import exposures
from dialer.agreeing import dissenters, own_differences
from dialer.clock import now
from dialer.embedded.embedded import EmbeddedServerError
from dialer.settings import SettingsError, require_dialling
from dialer.store.connection import owner_of
from dialer.store.damage import damage
from dialer.store.hosts import sick_hosts
from dialer.store.processes import ROLES
from dialer.store.refusals import refusal_of
from dialer.terms import terms_of
from dialer.watching.health import AccountStops, account_stops
from dialer.watching.living import who_lives
from workers.doctor.findings import Finding, Verdict, fail, judged, ok, warn
from workers.doctor.provider import examine_callbacks, examine_provider
from workers.doctor.server import examine_server
from workers.web.loopback import MAKE_A_KEY, require_key_beyond_loopback
from workers.wiring import Wiring

__all__ = ["Finding", "Verdict", "agreement", "examine", "examine_account"]

_SOON = timedelta(days=30)
_ON_THE_PAGE_OF_KEYS = told("make one on the page of keys")


def examine(wiring: Wiring) -> Iterator[Finding]:
    """Examine everything, one thing after the other."""
    yield from _settings(wiring)
    yield from _unless_away(_redis(wiring))
    yield from examine_provider(wiring)
    yield from examine_callbacks(wiring)


def examine_account(wiring: Wiring) -> Iterator[Finding]:
    """Examine what is an account's own, where the installation has been examined already."""
    yield from _settings(wiring)
    yield from _unless_away(_shared_or_own(wiring))
    yield from examine_provider(wiring)


def _shared_or_own(wiring: Wiring) -> Iterator[Finding]:
    # in a cluster each account has a server
    yield from _redis(wiring) if owner_of(wiring.redis) else _own(wiring)


def _redis(wiring: Wiring) -> Iterator[Finding]:
    yield from examine_server(wiring)
    yield _keys(wiring)
    yield from _own(wiring)


def _unless_away(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Go on with what Redis tells, until it does not answer."""
    try:
        yield from findings
    except EmbeddedServerError as error:
        yield fail("redis", str(error), told("mend that, and run doctor again"))
    except redis.RedisError as error:
        away = told("does not answer: {error}", error=str(error))
        yield fail("redis", *(refusal_of(error) or (away, told("check REDIS_URL"))))


def _settings(wiring: Wiring) -> Iterator[Finding]:
    try:
        require_dialling(wiring.settings)
    except SettingsError as error:
        for line in str(error).splitlines():
            yield fail(told("settings"), line, told("set it in .env or the environment"))
    else:
        yield ok(told("settings"), told("complete"))
    for open_ in exposures(wiring.settings):
        verdict = Verdict.FAIL if open_.is_grave else Verdict.WARN
        yield Finding(open_.name, verdict, open_.says, open_.remedy)


def _own(wiring: Wiring) -> Iterator[Finding]:
    """Examine what is the account's own in Redis."""
    yield _processes(wiring)
    yield from _account(wiring)
    yield from _sick_hosts(wiring)
    yield from _webhooks(wiring)
    yield from _data(wiring)
    yield from agreement(wiring)


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
        yield fail(
            told("agreement"), line, told("set it the same everywhere, and restart who differs")
        )
    if not says:
        yield ok(told("agreement"), told("all processes have the same limits and secret"))


def _keys(wiring: Wiring) -> Finding:
    """Tell who could come in: an administrator who still can should hear of keys that end."""
    try:
        require_key_beyond_loopback(wiring)
    except SettingsError as error:
        says, _, remedy = str(error).partition("; ")
        return fail(told("keys"), says, remedy, _ON_THE_PAGE_OF_KEYS)
    keys = wiring.api_keys
    if not keys.were_made():
        return ok(told("keys"), told("none yet: this machine alone is let in, without one"))
    if not keys.any_in_force():
        return warn(
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
        return warn(told("keys"), says, remedy, _ON_THE_PAGE_OF_KEYS)
    return ok(told("keys"), told("nobody is let in without one"))


def _processes(wiring: Wiring) -> Finding:
    found = who_lives(wiring.db)
    if found.untold:
        return warn(
            told("processes"),
            told("not known who lives: {why}", why=found.untold),
            told("mend that, and run doctor again"),
        )
    missing = found.missing
    names = ", ".join(missing)
    return judged(
        not missing,
        told("processes"),
        ", ".join(f"{role} {found.by_role.get(role, 0)}" for role in ROLES),
        f"start {names}: dialer up",
        told("have {missing} started where this installation runs", missing=names),
    )


def _account(wiring: Wiring) -> Iterator[Finding]:
    """Examine whether the account may dial: nothing else matters while it may not."""
    stops = account_stops(wiring.db)
    if stops.stopped:
        says = told("the provider refuses it: {stopped}", stopped=stops.stopped)
        yield fail(
            told("account"),
            says,
            "mend that, then: dialer account resume",
            told("mend that, then dial on by the button on the page of health"),
        )
    if stops.hold:
        yield fail(
            told("account"),
            told("on hold: {hold}", hold=stops.hold),
            "dialer hold show tells what it waits for",
            told("the page of health tells what it waits for"),
        )
    if stops.capped:
        yield warn(told("account"), stops.capped, told("raise it for today, or wait"))
    if stops == AccountStops():
        yield ok(told("account"), told("neither stopped nor held, and below its caps"))


def _webhooks(wiring: Wiring) -> Iterator[Finding]:
    for one in wiring.receivers.all():
        if one.standing.paused or one.standing.failing_since:
            yield warn(
                told("webhooks"),
                told(
                    "{shown_url}: {state}; everything waits for it",
                    shown_url=one.webhook.shown_url,
                    state=one.state,
                ),
                f"mend the receiver, then: dialer webhook resume {one.webhook.id}",
                told("mend the receiver, then resume it on its page"),
            )


def _data(wiring: Wiring) -> Iterator[Finding]:
    """Name campaigns of which Redis has what nobody wrote for us; the others are dialled."""
    for campaign, what in damage(wiring.db).items():
        yield fail(
            told("data"),
            told("campaign {campaign} is damaged in Redis: {what}", campaign=campaign, what=what),
            told("restore it from a backup, then resume it; the other campaigns go on without it"),
        )


def _sick_hosts(wiring: Wiring) -> Iterator[Finding]:
    for one in sick_hosts(wiring.db):
        yield fail(
            told("hosts"),
            told("{host} cannot send and takes no work: {why}", host=one.host, why=one.why),
            told("mend that host's network, resolver or disk; it takes work again by itself"),
        )
