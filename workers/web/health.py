"""Whether this process lives, whether it can do its work, and the figures a monitor reads."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, request_response

from dialer.store.replies import write_something
from workers.metrics import Accounts, registry_of
from workers.web.entrance import ask_for_key
from workers.web.problems import Problem, as_problem, problem_response
from workers.web.proxies import Forwarded
from workers.web.services import Services
from workers.wiring import Wiring

_READY_WITHIN_S = 0.5
_DIFFERS = "its settings are not the account's; dialer doctor and the health page name them"


def health_routes(services: Services, wirings: Sequence[Wiring]) -> Sequence[Route]:
    """Make the routes of a process' health; figures are for those with a key, where there is one."""
    registry = registry_of(Accounts(wirings))
    client = services.wiring.redis_async

    async def livez(_: Request) -> Response:
        """The event loop turns. Redis is left out, or its outage would become restarts."""
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                await write_something(client, services.wiring.db)
        except (RedisError, TimeoutError):
            return JSONResponse({"status": "redis does not take writes"}, status_code=503)
        if services.wiring.agreeing.says:  # which settings is for those with a key
            return JSONResponse({"status": _DIFFERS}, status_code=503)
        return JSONResponse({"status": "ready"})

    async def metrics(request: Request) -> Response:
        try:
            if await services.identifying.by_header(request) is None:
                return ask_for_key(request)
            body = await asyncio.to_thread(generate_latest, registry)
        except (Problem, RedisError) as error:
            return problem_response(as_problem(error))
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return (
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", Forwarded(request_response(metrics), trusted=services.trusted)),
    )
