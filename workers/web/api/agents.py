"""Agents: what they do, who they are, and whether they are here or away; named by ids, never by numbers."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import AwareDatetime, BaseModel, Field

from campaigns.agents.agent import Agent, Presence
from campaigns.hours.local_day import zone_named
from campaigns.plain_text import LONGEST_REASON
from dialer.deeds import Did
from dialer.watching.overview import AgentState, agent_states, busy_agents
from workers.documents.agents import AgentsLoadedDocument
from workers.instants import instant_or_none
from workers.web import jobs
from workers.web.api.needs import Onlooker, Operator, Router, TheServices
from workers.web.api.shapes import Order
from workers.web.api.upload_form import AGENTS_FORM
from workers.web.lists import reading_choice
from workers.web.problems import invalid
from workers.web.services import Services
from workers.web.uploads import received_upload
from workers.wiring import Wiring

AGENT_ID = r"^[0-9a-z]{10}$"
MOST_AT_ONCE = 1_000

router = Router("/agents", "agents")
one = Router("/agents/{agent_id}", "agents")


class RegisteredAgent(BaseModel):
    """An agent, and what they are doing."""

    agent_id: str | None = Field(description="null: not registered, but on a call or at rest.")
    agent: str
    name: str = Field(description="Empty for a key that reads masked alone.")
    state: AgentState
    since: datetime | None
    until: datetime | None
    attempt_id: str | None
    presence: Presence = Field(description="Where they are, whatever call is going on.")
    reason: str = Field(description="Why they are away; empty for a key that reads masked alone.")
    groups: list[str]
    languages: list[str]
    skills: list[str]
    shift: str | None
    timezone: str | None = Field(description="Of the shift.")
    most_calls_a_day: int | None


class RegisteredAgents(BaseModel):
    """Agents by number: the registered ones, and whoever else is on a call, resting or parked."""

    items: list[RegisteredAgent]


class PresenceOrder(Order):
    """Where an agent is from now on."""

    state: Presence = Field(description="`on`, `break` or `off`; the others come by themselves.")
    reason: str = Field("", max_length=LONGEST_REASON)
    until: AwareDatetime | None = Field(
        None, description="Back by themselves then; null: when somebody says so."
    )


class PresencesOrder(PresenceOrder):
    """Where several agents are from now on."""

    agent_ids: list[Annotated[str, Field(pattern=AGENT_ID)]] = Field(
        min_length=1, max_length=MOST_AT_ONCE
    )


class ShiftOrder(Order):
    """The hours an agent is at work."""

    hours: str = Field(
        max_length=1000, description="Such as `mon-fri 09:00-18:00; not IN`; empty: at any time."
    )
    timezone: str | None = Field(None, max_length=64, description="IANA; null: as before.")


def find_agent(
    agent_id: Annotated[str, Path(pattern=AGENT_ID, description="The agent's id, 10 characters.")],
    services: TheServices,
) -> Agent:
    """Read the agent a path names."""
    return services.wiring.registry.by_id(agent_id)


TheAgent = Annotated[Agent, Depends(find_agent)]


@router.get("")
def list_agents(visitor: Onlooker, services: TheServices) -> RegisteredAgents:
    """Tell who the agents are and what they are doing, of all campaigns."""
    agents = sorted(everybody(services.wiring), key=lambda one: one.number)
    return RegisteredAgents(items=_documents(services, agents, masked=visitor.is_masked))


@one.get("")
def show_agent(visitor: Onlooker, services: TheServices, agent: TheAgent) -> RegisteredAgent:
    """Tell who an agent is and what they are doing."""
    return _documents(services, [agent], masked=visitor.is_masked)[0]


@router.put("/presence", Did.PRESENCE_SET)
def set_presences(
    visitor: Operator, services: TheServices, order: PresencesOrder
) -> RegisteredAgents:
    """Say where several agents are; where one id is unknown, nobody's presence is changed."""
    agents = [services.wiring.registry.by_id(one) for one in dict.fromkeys(order.agent_ids)]
    _set(services, agents, order, by=visitor.name)
    return RegisteredAgents(items=_documents(services, agents, masked=visitor.is_masked))


@one.delete("", Did.AGENTS_REMOVED, status_code=204)
def remove_agent(_visitor: Operator, services: TheServices, agent: TheAgent) -> None:
    """Remove an agent: nobody rings them any more, their links open nothing; reports keep what they did."""
    services.wiring.registry.remove([agent])


@one.put("/presence", Did.PRESENCE_SET)
def set_presence(
    visitor: Operator, services: TheServices, agent: TheAgent, order: PresenceOrder
) -> RegisteredAgent:
    """Say where an agent is; it counts with the next call, and one in progress goes on."""
    _set(services, [agent], order, by=visitor.name)
    return _documents(services, [agent], masked=visitor.is_masked)[0]


@one.put("/shift", Did.SHIFT_SET)
def set_shift(
    visitor: Operator, services: TheServices, agent: TheAgent, order: ShiftOrder
) -> RegisteredAgent:
    """Give an agent other hours; they count at once."""
    try:
        zone = zone_named(order.timezone) if order.timezone else None
        changed = services.wiring.registry.set_shift(agent, order.hours, zone=zone)
    except ValueError as error:
        raise invalid(f"{error}.") from None
    return _documents(services, [changed], masked=visitor.is_masked)[0]


@router.post("", Did.AGENTS_LOADED, openapi_extra=AGENTS_FORM)
async def load_agents(
    _visitor: Operator, request: Request, services: TheServices
) -> AgentsLoadedDocument:
    """Take a list of agents: who is known is changed, who is not is added, the others stay."""
    async with received_upload(request, services.uploads_dir) as upload:
        loaded = await services.work(
            jobs.load_agents, upload.path, reading=reading_choice(upload.fields)
        )
    return AgentsLoadedDocument(**loaded)


def everybody(wiring: Wiring) -> list[Agent]:
    """Give the registered agents, and without an id whoever else is on a call, resting or parked."""
    registered = {one.number: one for one in wiring.registry.all()}
    others = {number: Agent(number) for number in busy_agents(wiring.db)}
    return list((others | registered).values())


def _set(services: Services, agents: list[Agent], order: PresenceOrder, *, by: str) -> None:
    until_s = order.until.timestamp() if order.until else None
    services.wiring.presences.set(agents, order.state, reason=order.reason, until_s=until_s, by=by)


def _documents(services: Services, agents: list[Agent], *, masked: bool) -> list[RegisteredAgent]:
    now = agent_states(services.wiring.db, [one.number for one in agents])
    where = services.wiring.presences.of(agents)
    return [
        RegisteredAgent(
            agent_id=agent.id or None,
            agent=agent.number,
            name="" if masked else agent.name,
            state=now[agent.number].state,
            since=instant_or_none(now[agent.number].since),
            until=instant_or_none(now[agent.number].until),
            attempt_id=str(now[agent.number].attempt or "") or None,
            presence=at.state,
            reason="" if masked else at.reason,
            groups=list(agent.groups),
            languages=list(agent.languages),
            skills=list(agent.skills),
            shift=str(agent.shift) if agent.shift else None,
            timezone=agent.shift.zone.key if agent.shift else None,
            most_calls_a_day=agent.most_calls_a_day or None,
        )
        for agent, at in zip(agents, where, strict=True)
    ]
