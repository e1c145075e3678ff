"""An agent's waiting contacts: how many there are, moved to somebody else, and moved back."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.agents.agent import Agent
from dialer.access.api_keys import Scope
from dialer.agents.moving import Moving
from workers.web.api.moves import destination
from workers.web.choosing import services_of
from workers.web.pages.rendering import plain_form, renderer_of, require
from workers.web.services import Services

_GROUP = "group:"
"""Before the name of a group in the choice of who contacts are to wait for."""


async def show(request: Request) -> Response:
    """Show what waits for an agent, and the moves that concern them."""
    require(request, Scope.OPERATE)
    shown = await asyncio.to_thread(_shown, services_of(request), _agent_id(request))
    return await renderer_of(request).page(request, "agent_contacts.html", **shown)


async def move(request: Request) -> Response:
    """Move what waits for an agent."""
    form = await plain_form(request, Scope.OPERATE)
    services, agent_id = services_of(request), _agent_id(request)

    def change() -> None:
        agent, moving = services.wiring.registry.by_id(agent_id), Moving(services.wiring.db)
        to, wanted = form.get("to", ""), form.get("campaign", "")
        group = to.removeprefix(_GROUP) if to.startswith(_GROUP) else ""
        goes_to = destination(services, moving, "" if group else to, group)
        campaign = services.wiring.campaigns.find(wanted) if wanted else None
        moving.move(agent, goes_to, moving.waiting(agent, campaign=campaign))

    await asyncio.to_thread(change)
    return RedirectResponse(f"/agents/{agent_id}/contacts", status_code=303)


async def undo(request: Request) -> Response:
    """Move back those of a move that still wait."""
    await plain_form(request, Scope.OPERATE)
    moving = Moving(services_of(request).wiring.db)
    undone = await asyncio.to_thread(moving.undo, request.path_params["move_id"])
    where = f"/agents/{undone.agent_id}/contacts" if undone.agent_id else "/agents"
    return RedirectResponse(where, status_code=303)


def _agent_id(request: Request) -> str:
    return str(request.path_params["agent_id"])


def _shown(services: Services, agent_id: str) -> dict[str, Any]:
    wiring, moving = services.wiring, Moving(services.wiring.db)
    agent, everybody = wiring.registry.by_id(agent_id), wiring.registry.all()
    waiting = moving.waiting(agent)
    return {
        "agent": agent,
        "waiting": waiting,
        "count": sum(one.count for one in waiting),
        "others": sorted((one for one in everybody if one.id != agent_id), key=_by_name),
        "groups": sorted({group for one in everybody for group in one.groups}),
        "moves": [one for one in moving.recent() if agent_id in {one.agent_id, one.to}],
        "names": {one.id: one.name or one.number for one in everybody},
        "of_group": _GROUP,
    }


def _by_name(agent: Agent) -> tuple[str, str]:
    return agent.name or "~", agent.number


routes = [
    Route("/agents/{agent_id}/contacts", show),
    Route("/agents/{agent_id}/contacts/move", move, methods=["POST"]),
    Route("/agents/moves/{move_id}/undo", undo, methods=["POST"]),
]
