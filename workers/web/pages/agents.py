"""Agents: where each is since when, their day, and links to their own pages."""

from collections import Counter
from dataclasses import dataclass

import segno

from campaigns.agents.agent import BY_HAND, Agent, Presence
from campaigns.lists.agents_list import AgentColumn
from campaigns.sentence import told
from dialer.access.agent_links import LONGEST_DAYS, USUAL_DAYS, AgentLinks
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.store.agent_desk import LONGEST_NOTICE, AgentDay, DeskStore
from dialer.store.agents import Whereabouts
from dialer.watching.overview import AWAY, AgentNow, AgentState, agent_states
from workers.instants import instant
from workers.web.api.agent_links import put_notice, url_of
from workers.web.api.agents import everybody
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import invalid
from workers.web.services import Services

pages = Pages()

_MOST_SHOWN = 1_000
_NOTHING = AgentDay()


@dataclass(frozen=True, slots=True)
class _Line:
    """An agent on the page; without an id nobody registered them."""

    agent: Agent
    now: AgentNow
    at: Whereabouts
    today: AgentDay


@pages.get("/agents", Scope.READ_MASKED)
def show(asked: Asked) -> Answer:
    """Show the agents that are registered, and whoever else is doing something."""
    wiring = asked.wiring
    lines, as_of = _lines(asked.services)
    called_for = {one.now.attempt.campaign for one in lines if one.now.attempt}
    counted = Counter(one.now.state for one in lines)
    doing = asked.query("doing")
    if wanted := AWAY if doing == "away" else {doing} & set(AgentState):
        lines = [one for one in lines if one.now.state in wanted]
    return page(
        "agents.html",
        lines=lines[:_MOST_SHOWN],
        is_part=bool(wanted),
        left_out=max(0, len(lines) - _MOST_SHOWN),
        as_of=as_of,
        campaigns={one.id: one.name for one in wiring.campaigns.readable(sorted(called_for))},
        counts={state: counted[state] for state in AgentState if counted[state]},
        registered=sum(1 for one in lines if one.agent.id),
        notice=DeskStore(wiring.db).notice(),
        longest_notice=LONGEST_NOTICE,
    )


@pages.post("/agents/presence", Scope.OPERATE, does=Did.PRESENCE_SET, most=_MOST_SHOWN + 10)
def set_presence(asked: Asked) -> Answer:
    """Say where one agent is, or several."""
    form, wiring, named = asked.form, asked.wiring, asked.fields.get("agent")
    state, minutes = form.get("state", ""), form.get("minutes", "")
    if state not in BY_HAND or not named or (minutes and not minutes.isdecimal()):
        raise invalid(told("Tick the agents, and say where they are."))
    agents = [wiring.registry.by_id(id_) for id_ in named]
    is_away = state != Presence.ON
    until_s = wiring.db.now() + 60 * int(minutes[:6]) if minutes and is_away else None
    reason = form.get("reason", "") if is_away else ""
    by = asked.visitor.name
    wiring.presences.set(agents, Presence(state), reason=reason, until_s=until_s, by=by)
    return to("/agents")


@pages.post("/agents/notice", Scope.OPERATE, does=Did.NOTICE_SET)
def set_notice(asked: Asked) -> Answer:
    """Show a line on all agents' pages, or take it away."""
    put_notice(asked.services, asked.form.get("text", ""), hours=24)
    return to("/agents")


@pages.post("/agents/add", Scope.OPERATE, does=Did.AGENTS_LOADED)
def add(asked: Asked) -> Answer:
    """Register one agent, or change what is known of one; what is left empty stays."""
    form = asked.form
    cells = {one.value: form[one].strip() for one in AgentColumn if form.get(one, "").strip()}
    if AgentColumn.NUMBER not in cells:
        raise invalid(told("An agent is known by a phone number: write it."))
    asked.wiring.registry.add(cells)
    return to("/agents")


@pages.post("/agents/{agent_id}/remove", Scope.OPERATE, does=Did.AGENTS_REMOVED)
def remove(asked: Asked) -> Answer:
    """Remove an agent: nobody rings them any more."""
    asked.wiring.registry.remove([_agent(asked)])
    return to("/agents")


@pages.get("/agents/{agent_id}/links", Scope.OPERATE)
def show_links(asked: Asked) -> Answer:
    """Show the links to an agent's page."""
    return _links(asked, new="")


@pages.post("/agents/{agent_id}/links", Scope.OPERATE, does=Did.AGENT_LINK_MADE)
def make_link(asked: Asked) -> Answer:
    """Make a link, and show it this once, with a code that a phone reads."""
    days = asked.form.get("days", "")
    if not days.isdecimal() or not 1 <= int(days[:6]) <= LONGEST_DAYS:
        raise invalid(told("A link is in force for 1 to {most} days.", most=LONGEST_DAYS))
    links = AgentLinks(asked.wiring.db)
    _, text = links.make(_agent(asked).id, days=int(days), by=asked.visitor.name)
    return _links(asked, new=url_of(asked.services, text))


@pages.post("/agents/{agent_id}/links/revoke", Scope.OPERATE, does=Did.AGENT_LINK_REVOKED)
def revoke_links(asked: Asked) -> Answer:
    """End one link, or all of an agent."""
    agent, link = _agent(asked), asked.form.get("link")
    AgentLinks(asked.wiring.db).revoke(agent.id, [link] if link else None)
    return to(f"/agents/{agent.id}/links")


def _links(asked: Asked, *, new: str) -> Answer:
    agent = _agent(asked)
    return page(
        "agent_links.html",
        agent=agent,
        links=AgentLinks(asked.wiring.db).of(agent.id),
        new=new,
        code=segno.make(new).svg_data_uri(scale=6, border=3) if new else "",
        usual_days=USUAL_DAYS,
        most_days=LONGEST_DAYS,
    )


def _agent(asked: Asked) -> Agent:
    return asked.wiring.registry.by_id(asked.named("agent_id"))


def _lines(services: Services) -> tuple[list[_Line], float]:
    wiring = services.wiring
    agents = sorted(everybody(wiring), key=lambda one: (one.name or "~", one.number))
    states = agent_states(wiring.db, [one.number for one in agents])
    presences = wiring.presences.of(agents)
    as_of = wiring.db.now()
    day = instant(as_of).astimezone(wiring.zone).date().isoformat()
    today = DeskStore(wiring.db).figures(day)
    lines = [
        _Line(agent, states[agent.number], at, today.get(agent.number[1:], _NOTHING))
        for agent, at in zip(agents, presences, strict=True)
    ]
    return lines, as_of
