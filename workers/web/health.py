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
from workers.web.access import Visitor
from workers.web.entrance import ask_for_key
from workers.web.problems import Problem, as_problem, problem_response
from workers.web.proxies import Forwarded
from workers.web.services import Services

_READY_WITHIN_S = 0.5
_DIFFERS = "its settings are not the account's; dialer doctor and the health page name them"


def health_routes(services: Services) -> Sequence[Route]:
    """Make the routes of a process' health; figures are for those with a key, as far as it goes."""
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

    def figures(visitor: Visitor, asked: str) -> bytes:
        accounts = services.accounts
        found = [accounts.named(visitor, asked)] if asked else accounts.open_to(visitor)
        wirings = [one.wiring for one in found]
        return generate_latest(registry_of(Accounts(wirings, with_redis=visitor.reaches_all)))

    async def metrics(request: Request) -> Response:
        try:
            visitor = await services.identifying.by_header(request)
            if visitor is None:
                return ask_for_key(request)
            body = await asyncio.to_thread(
                figures, visitor, request.query_params.get("account", "")
            )
        except (Problem, RedisError) as error:
            return problem_response(as_problem(error))
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return (
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", Forwarded(request_response(metrics), trusted=services.trusted)),
    )
