"""Agents: where each is since when, their day, and links to their own pages."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.agents.agent import BY_HAND, Agent, Presence
from campaigns.lists.agents_list import AgentColumn
from campaigns.sentence import told
from dialer.access.agent_links import LONGEST_DAYS, USUAL_DAYS, AgentLink, AgentLinks
from dialer.access.api_keys import Scope
from dialer.store.agent_desk import LONGEST_NOTICE, DeskStore, Figures
from dialer.store.agents import Whereabouts
from dialer.watching.overview import AgentNow, AgentState, agent_states, busy_agents
from dialer.watching.today import AWAY
from workers.web.api.agent_links import put_notice, url_of
from workers.web.choosing import services_of
from workers.web.pages.rendering import (
    plain_form,
    renderer_of,
    require,
    visitor_of,
    whole_form,
)
from workers.web.problems import Problem
from workers.web.services import Services

_MOST_SHOWN = 1_000
_NOTHING = Figures()


@dataclass(frozen=True, slots=True)
class _Line:
    """An agent on the page; without an id nobody registered them."""

    agent: Agent
    now: AgentNow
    at: Whereabouts
    today: Figures


async def show(request: Request) -> Response:
    """Show the agents that are registered, and whoever else is doing something."""
    require(request, Scope.READ_MASKED)
    services = services_of(request)
    lines, as_of = await asyncio.to_thread(_lines, services)
    called_for = {one.now.attempt.campaign for one in lines if one.now.attempt}
    campaigns = await asyncio.to_thread(services.wiring.campaigns.readable, sorted(called_for))
    counted = Counter(one.now.state for one in lines)
    doing = request.query_params.get("doing", "")
    if wanted := AWAY if doing == "away" else {doing} & set(AgentState):
        lines = [one for one in lines if one.now.state in wanted]
    return await renderer_of(request).page(
        request,
        "agents.html",
        lines=lines[:_MOST_SHOWN],
        is_part=bool(wanted),
        left_out=max(0, len(lines) - _MOST_SHOWN),
        as_of=as_of,
        campaigns={one.id: one.name for one in campaigns},
        counts={state: counted[state] for state in AgentState if counted[state]},
        registered=sum(1 for one in lines if one.agent.id),
        notice=await asyncio.to_thread(DeskStore(services.wiring.db).notice),
        longest_notice=LONGEST_NOTICE,
    )


async def set_presence(request: Request) -> Response:
    """Say where one agent is, or several."""
    form = await whole_form(request, Scope.OPERATE, most=_MOST_SHOWN + 10)
    state, minutes = ("".join(form.get(name, [])[-1:]) for name in ("state", "minutes"))
    if state not in BY_HAND or not form.get("agent") or (minutes and not minutes.isdecimal()):
        raise Problem(422, "invalid", told("Tick the agents, and say where they are."))
    wiring = services_of(request).wiring

    def change() -> None:
        agents = [wiring.registry.by_id(id_) for id_ in form["agent"]]
        is_timed = bool(minutes) and state != Presence.ON
        until_s = wiring.db.now() + 60 * int(minutes[:6]) if is_timed else None
        reason = "" if state == Presence.ON else "".join(form.get("reason", [])[-1:])
        by = visitor_of(request).name
        wiring.presences.set(agents, Presence(state), reason=reason, until_s=until_s, by=by)

    await asyncio.to_thread(change)
    return RedirectResponse("/agents", status_code=303)


async def add(request: Request) -> Response:
    """Register one agent, or change what is known of one; what is left empty stays."""
    form = await plain_form(request, Scope.OPERATE)
    cells = {one.value: form[one].strip() for one in AgentColumn if form.get(one, "").strip()}
    if AgentColumn.NUMBER not in cells:
        raise Problem(422, "invalid", told("An agent is known by a phone number: write it."))
    await asyncio.to_thread(services_of(request).wiring.registry.add, cells)
    return RedirectResponse("/agents", status_code=303)


async def remove(request: Request) -> Response:
    """Remove an agent: nobody rings them any more."""
    await plain_form(request, Scope.OPERATE)
    agent = await asyncio.to_thread(_agent, request)
    await asyncio.to_thread(services_of(request).wiring.registry.remove, [agent])
    return RedirectResponse("/agents", status_code=303)


async def set_notice(request: Request) -> Response:
    """Show a line on all agents' pages, or take it away."""
    form = await plain_form(request, Scope.OPERATE)
    await asyncio.to_thread(put_notice, services_of(request), form.get("text", ""), hours=24)
    return RedirectResponse("/agents", status_code=303)


async def show_links(request: Request) -> Response:
    """Show the links to an agent's page."""
    require(request, Scope.OPERATE)
    return await _links(request, new="")


async def make_link(request: Request) -> Response:
    """Make a link, and show it this once, with a code that a phone reads."""
    form = await plain_form(request, Scope.OPERATE)
    days = form.get("days", "")
    if not days.isdecimal() or not 1 <= int(days[:6]) <= LONGEST_DAYS:
        raise Problem(
            422,
            "invalid",
            told("A link is in force for 1 to {most} days.", most=LONGEST_DAYS),
        )
    services, by = services_of(request), visitor_of(request).name
    agent = await asyncio.to_thread(_agent, request)
    links = AgentLinks(services.wiring.db)
    _, text = await asyncio.to_thread(links.make, agent.id, days=int(days), by=by)
    return await _links(request, new=url_of(services, text))


async def revoke_links(request: Request) -> Response:
    """End one link, or all of an agent."""
    form = await plain_form(request, Scope.OPERATE)
    agent = await asyncio.to_thread(_agent, request)
    links = AgentLinks(services_of(request).wiring.db)
    wanted = [form["link"]] if form.get("link") else None
    await asyncio.to_thread(links.revoke, agent.id, wanted)
    return RedirectResponse(f"/agents/{agent.id}/links", status_code=303)


async def _links(request: Request, *, new: str) -> Response:
    agent = await asyncio.to_thread(_agent, request)
    found: list[AgentLink] = await asyncio.to_thread(
        AgentLinks(services_of(request).wiring.db).of, agent.id
    )
    return await renderer_of(request).page(
        request,
        "agent_links.html",
        agent=agent,
        links=found,
        new=new,
        code=segno.make(new).svg_data_uri(scale=6, border=3) if new else "",
        usual_days=USUAL_DAYS,
        most_days=LONGEST_DAYS,
    )


def _agent(request: Request) -> Agent:
    return services_of(request).wiring.registry.by_id(request.path_params["agent_id"])


def _lines(services: Services) -> tuple[list[_Line], float]:
    wiring = services.wiring
    registered = {one.number: one for one in wiring.registry.all()}
    others = {number: Agent(number) for number in busy_agents(wiring.db)}
    agents = sorted((others | registered).values(), key=lambda one: (one.name or "~", one.number))
    states = agent_states(wiring.db, [one.number for one in agents])
    presences = wiring.presences.of(agents)
    as_of = wiring.db.now()
    zone = ZoneInfo(wiring.settings.dialer_timezone)
    day = datetime.fromtimestamp(as_of, UTC).astimezone(zone).date().isoformat()
    today = DeskStore(wiring.db).figures(day)
    lines = [
        _Line(agent, states[agent.number], at, today.get(agent.number[1:], _NOTHING))
        for agent, at in zip(agents, presences, strict=True)
    ]
    return lines, as_of


routes = [
    Route("/agents", show),
    Route("/agents/presence", set_presence, methods=["POST"]),
    Route("/agents/notice", set_notice, methods=["POST"]),
    Route("/agents/add", add, methods=["POST"]),
    Route("/agents/{agent_id}/remove", remove, methods=["POST"]),
    Route("/agents/{agent_id}/links", show_links, methods=["GET"]),
    Route("/agents/{agent_id}/links", make_link, methods=["POST"]),
    Route("/agents/{agent_id}/links/revoke", revoke_links, methods=["POST"]),
]
