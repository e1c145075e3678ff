"""One ASGI app made of its parts: callback receiver, health, API, pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from workers.web.callbacks import callback_route
from workers.web.health import health_routes
from workers.wiring import Wiring


def create_app(wiring: Wiring) -> FastAPI:
    """Make the app of one account."""
    client = wiring.redis_async

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await client.aclose()

    app = FastAPI(
        title="dialer", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.router.routes.append(callback_route(paths=wiring.paths, facts=wiring.facts, client=client))
    app.router.routes.extend(health_routes(wiring, client))
    return app
