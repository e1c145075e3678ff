"""The ASGI application: the provider's routes and the judge's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from dialer.simulator.admin import AdminApi
from dialer.simulator.exotel_api import ExotelApi
from dialer.simulator.options import SimulatorOptions
from dialer.simulator.world import Simulator


def create_app(options: SimulatorOptions) -> Starlette:
    """Build the simulator; `serve` runs it so that it can also break connections."""
    simulator = Simulator(options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await simulator.close()

    return Starlette(
        routes=[*ExotelApi(simulator).routes(), *AdminApi(simulator).routes()],
        lifespan=lifespan,
    )
