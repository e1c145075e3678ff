"""Who did what, as the audit trail has it, of a request and of what goes on after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Scope

from dialer.audit import Audit
from dialer.deeds import OF_INSTALLATION, Actor, ActorKind, Deed, Did, Outcome, under_way
from workers.web.access import Visitor
from workers.web.problems import as_problem


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


def outcome_of(status: int) -> Outcome:
    """Tell how a request ended by the status of its answer."""
    if status < 400:
        return Outcome.DONE
    return Outcome.REFUSED if status < 500 else Outcome.FAILED


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
        await asyncio.to_thread(audit.end, deed, Outcome.DONE)
