"""Who did what, as the audit trail has it, of a request and of what goes on after it."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from starlette.types import Scope

from dialer.audit import Audit
from dialer.deeds import OF_INSTALLATION, Actor, ActorKind, Deed, DeedOutcome, Did, under_way
from workers.web.access import Visitor
from workers.web.problems import as_problem

What = Did | Mapping[Any, Did]
"""A word of the trail; or some, by the last part of the address, where that says what is done."""


class Deeds(NamedTuple):
    """What a route does; each declares it where it declares its address."""

    method: str
    path: str
    pattern: "re.Pattern[str]"
    what: What
    takes_file: bool


DECLARED: list[Deeds] = []

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_CALLED = {"n": "contact", "no": "attempt", "rule_id": "alert", "kind": "file"}


def say_what_is_done(method: str, path: str, what: What, *, takes_file: bool = False) -> None:
    """Declare what a route does, and whether a file is sent to it."""
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
    DECLARED.append(Deeds(method, path, re.compile(pattern), what, takes_file))


def what_is_done(method: str, path: str) -> tuple[Did | None, str]:
    """Tell what a request asks for and on what; None when it only reads."""
    for one in DECLARED:
        if one.method != method or not one.pattern.fullmatch(path):
            continue
        if isinstance(one.what, Did):
            return one.what, _named(one.path, path)
        above, _, last = path.rpartition("/")
        if last in one.what:
            return one.what[last], _named(one.path.rpartition("/")[0], above)
    return (None, "") if method in SAFE_METHODS else (Did.OTHER, path)


def takes_file(path: str) -> bool:
    """Tell whether files are sent to an address."""
    return any(one.takes_file and one.pattern.fullmatch(path) for one in DECLARED)


def _named(declared: str, path: str) -> str:
    """Name what an address is about, such as `campaign k3x9p0k3 contact 7`."""
    parts = zip(declared.split("/"), path.split("/"), strict=True)
    places = ((re.match(r"{(\w+)}", place), one) for place, one in parts)
    return " ".join(
        f"{_CALLED.get(found[1], found[1].removesuffix('_id'))} {one}"
        for found, one in places
        if found
    )


def hidden_from(visitor: Visitor) -> frozenset[Did]:
    """Tell which deeds are not shown: keys and sign-ins of all accounts stand in the home's trail."""
    return frozenset() if visitor.reaches_all else OF_INSTALLATION


def actor_of(scope: Scope) -> Actor:
    """Tell who sent a request: the holder of a key, or nothing but an address."""
    address = (scope.get("client") or ("",))[0]
    visitor: Visitor | None = scope.get("state", {}).get("visitor")
    return actor_named(visitor, address)


def actor_named(visitor: Visitor | None, address: str) -> Actor:
    """Tell who a visitor is."""
    if visitor is None:
        return Actor.stranger(address)
    return Actor(ActorKind.KEY, visitor.id, visitor.name, address)


def outcome_of(status: int) -> DeedOutcome:
    """Tell how a request ended by the status of its answer."""
    if status < 400:
        return DeedOutcome.DONE
    return DeedOutcome.REFUSED if status < 500 else DeedOutcome.FAILED


@asynccontextmanager
async def recorded(audit: Audit, deed: Deed) -> AsyncIterator[None]:
    """Record what goes on after its request was answered."""
    await asyncio.to_thread(audit.begin, deed)
    try:
        with under_way(deed):
            yield
    except Exception as error:
        await asyncio.to_thread(
            audit.end, deed, outcome_of(as_problem(error).status), why=str(error)
        )
        raise
    else:
        await asyncio.to_thread(audit.end, deed, DeedOutcome.DONE)
