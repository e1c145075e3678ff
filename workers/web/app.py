"""One ASGI app made of its parts: callback receiver, health, API, pages.

Callbacks and health come first and pass nothing on their way; what guards people's requests
stands before the API and the pages alone.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialer.logger import get_logger
from workers.web.agent_page import agent_app
from workers.web.api import api_app
from workers.web.callbacks import Reception, callback_route
from workers.web.guard import BODY_DEADLINE_S
from workers.web.health import health_routes
from workers.web.pages import pages_app
from workers.web.problems import as_problem, problem_response
from workers.web.proxies import Forwarded
from workers.web.rehearsals import REHEARSE
from workers.web.services import AllAccounts, Services
from workers.web.uploads import remove_leavings
from workers.wiring import Wiring

log = get_logger(__name__)

_LEAVINGS_AFTER_S = 86_400.0
_PARTIAL_AFTER_S = 7_200.0  # nothing was added for so long: whoever received it is dead
_TIDY_EVERY_S = 3_600.0


def create_app(
    wiring: Wiring,
    *others: Wiring,
    rehearse: Sequence[str] = REHEARSE,
    body_deadline_s: float = BODY_DEADLINE_S,
    tidy_every_s: float = _TIDY_EVERY_S,
) -> Starlette:
    """Make the app of an installation.

    Args:
        wiring: Of its home.
        others: Of its further accounts.
        rehearse: The command of a rehearsal.
        body_deadline_s: For a whole body that is no upload.
        tidy_every_s: How often what uploads left behind is looked for.
    """
    services = Services(wiring, rehearse, others)

    async def is_open() -> bool:
        return await asyncio.to_thread(services.authenticator.is_open)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(_tidy, services.accounts)
        services.apart.warm_up()
        tidying = asyncio.create_task(_tidy_again(services.accounts, tidy_every_s))
        yield
        tidying.cancel()
        for one in services.accounts.all:
            await one.rehearsals.close()
        for client in {one.wiring.redis_async for one in services.accounts.all}:
            await client.aclose(close_connection_pool=True)

    api = api_app(services, is_open, body_deadline_s=body_deadline_s)
    pages = pages_app(services, is_open, api, body_deadline_s=body_deadline_s)
    agents = agent_app(services, body_deadline_s=body_deadline_s)
    return Starlette(
        lifespan=lifespan,
        exception_handlers={HTTPException: _not_ours},
        routes=[
            *_callback_routes([wiring, *others]),
            *health_routes(services),
            Route("/a/{rest:path}", Forwarded(agents, trusted=services.trusted)),
            Route("/api/v1/{rest:path}", Forwarded(api, trusted=services.trusted)),
            Route("/{rest:path}", Forwarded(pages, trusted=services.trusted)),
        ],
    )


def _callback_routes(wirings: Sequence[Wiring]) -> list[Route]:
    """Make the receiver; without a secret no callback is genuine, and lists are loaded before it."""
    receptions = [
        Reception(one.paths, one.callback_inbox, one.redis_async)
        for one in wirings
        if one.settings.dialer_callback_secret.get_secret_value()
    ]
    return [callback_route(receptions)] if receptions else []


async def _not_ours(_: Request, error: Exception) -> Response:
    """Answer what no part takes, such as a path with a line break in it."""
    return problem_response(as_problem(error))


def _tidy(accounts: AllAccounts) -> None:
    """Remove what a process that died has left on the disk."""
    for services in accounts.all:
        services.rehearsals.tidy()
        services.tasks.tidy()
    try:
        now_s = accounts.all[0].wiring.db.now()
    except RedisError:
        return  # it can wait for the next start; serving must not wait for Redis
    for services in accounts.all:
        remove_leavings(services.uploads_dir, older_than_s=_PARTIAL_AFTER_S, now_s=now_s)
        for folder in (services.reviews.folder, services.reports_dir):
            remove_leavings(folder, older_than_s=_LEAVINGS_AFTER_S, now_s=now_s)


async def _tidy_again(accounts: AllAccounts, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(_tidy, accounts)
        except OSError as error:
            log.warning("tidying_failed", message=str(error))
