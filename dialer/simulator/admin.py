"""The judge's door, `/_simulator`: ask the ledger, order faults, begin anew. Never counted.

    GET  /_simulator/ledger     connects, calls, reads, callbacks; `?section=calls` for one of them
    GET  /_simulator/verdict    the judge's questions, answered
    POST /_simulator/faults     {"connect":  [{"fault": "500+placed", "times": 3, "number": "+91…"}],
                                 "read":     [{"fault": "504"}],
                                 "callback": [{"trouble": "lost", "times": 2}],
                                 "odds":     {"connect": {"reset": 0.1}, "callback": {"late": 0.5}},
                                 "scripts":  {"+91…": ["agent_busy", "connected"]},
                                 "clear":    true}
    POST /_simulator/reset

Each part of an order may be missing. `clear` forgets queued faults before the rest is queued;
`odds` replace those of a kind whole.
"""

import asyncio
import json
from collections.abc import AsyncIterator

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from dialer.simulator.fault_order import FaultOrder
from dialer.simulator.printout import SECTIONS, LedgerPrinter
from dialer.simulator.world import Simulator

ROWS_PER_CHUNK = 500
"""Rows printed before the event loop gets its turn: a few milliseconds."""


class AdminApi:
    """The routes of the judge."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/_simulator/ledger", self._ledger, methods=["GET"]),
            Route("/_simulator/verdict", self._verdict, methods=["GET"]),
            Route("/_simulator/faults", self._faults, methods=["POST"]),
            Route("/_simulator/reset", self._reset, methods=["POST"]),
        ]

    async def _ledger(self, request: Request) -> Response:
        section = request.query_params.get("section")
        if section is not None and section not in SECTIONS:
            return JSONResponse({"error": f"section is one of {', '.join(SECTIONS)}"}, 400)
        sections = SECTIONS if section is None else (section,)
        world = self._simulator.world
        printer = LedgerPrinter(world.ledger, world.clock)
        return StreamingResponse(_as_json(printer, sections), media_type="application/json")

    async def _verdict(self, _: Request) -> Response:
        world = self._simulator.world
        return JSONResponse(world.ledger.verdict(world.clock.now_s()))

    async def _faults(self, request: Request) -> Response:
        try:
            order = FaultOrder.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"errors": json.loads(error.json(include_url=False))}, 400)
        order.carry_out(self._simulator.world)
        return Response(status_code=204)

    async def _reset(self, _: Request) -> Response:
        await self._simulator.reset()
        return Response(status_code=204)


async def _as_json(printer: LedgerPrinter, sections: tuple[str, ...]) -> AsyncIterator[str]:
    """Print the ledger chunk by chunk, so that calls and callbacks go on meanwhile."""
    for position, section in enumerate(sections):
        yield f'{"," if position else "{"}"{section}":['
        chunk: list[str] = []
        separator = ""
        for row in printer.rows(section):
            chunk.append(json.dumps(row))
            if len(chunk) == ROWS_PER_CHUNK:
                yield separator + ",".join(chunk)
                chunk.clear()
                separator = ","
                await asyncio.sleep(0)
        if chunk:
            yield separator + ",".join(chunk)
        yield "]"
    yield "}"
