"""Waiting contacts of an agent: how many there are, moved to another agent or to a group, and back."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from dialer.agents.moving import Destination, Moving
from dialer.deeds import Did
from workers.documents.moves import MoveDocument
from workers.web.api.agents import TheAgent
from workers.web.api.needs import Onlooker, Operator, Router, TheServices
from workers.web.api.shapes import Order
from workers.web.problems import invalid
from workers.web.services import Services

router = Router("/agents/moves", "agents")
of_one = Router("/agents/{agent_id}", "agents")


class WaitingInCampaign(BaseModel):
    """Contacts of a campaign that wait for an agent."""

    campaign_id: str
    name: str
    contacts: int


class WaitingContacts(BaseModel):
    """What waits for an agent, alone or with stand-ins, in campaigns that are not over."""

    contacts: int
    campaigns: list[WaitingInCampaign]


class MoveOrder(Order):
    """Who an agent's waiting contacts are to wait for."""

    to_agent_id: str = Field("", max_length=10, description="An agent; or a group.")
    to_group: str = Field("", max_length=64)
    campaign_id: str = Field(
        "", max_length=8, description="Those of this campaign; empty: of all that are not over."
    )


class MoveList(BaseModel):
    """The moves of the last seven days, the newest first."""

    items: list[MoveDocument]


@of_one.get("/waiting")
def count_waiting(_visitor: Onlooker, services: TheServices, agent: TheAgent) -> WaitingContacts:
    """Count what waits for an agent, which is what a move would move."""
    found = Moving(services.wiring.db).waiting(agent)
    return WaitingContacts(
        contacts=sum(one.count for one in found),
        campaigns=[
            WaitingInCampaign(
                campaign_id=one.campaign.id, name=one.campaign.name, contacts=one.count
            )
            for one in found
        ],
    )


@of_one.post("/move", Did.CONTACTS_MOVED)
def move_contacts(
    _visitor: Operator, services: TheServices, agent: TheAgent, order: MoveOrder
) -> MoveDocument:
    """Let an agent's waiting contacts wait for another agent, or a group; those on a call stay."""
    moving = Moving(services.wiring.db)
    to = destination(services, moving, order.to_agent_id, order.to_group)
    campaign = services.wiring.campaigns.find(order.campaign_id) if order.campaign_id else None
    return MoveDocument.of(moving.move(agent, to, moving.waiting(agent, campaign=campaign)))


@router.get("")
def list_moves(_visitor: Onlooker, services: TheServices) -> MoveList:
    """List the last moves."""
    return MoveList(items=[MoveDocument.of(one) for one in Moving(services.wiring.db).recent()])


@router.post("/{move_id}/undo", Did.MOVE_UNDONE)
def undo_move(
    _visitor: Operator,
    services: TheServices,
    move_id: Annotated[str, Path(pattern=r"^[0-9a-z]{10}$")],
) -> MoveDocument:
    """Give back the contacts of a move that still wait."""
    return MoveDocument.of(Moving(services.wiring.db).undo(move_id))


def destination(services: Services, moving: Moving, agent_id: str, group: str) -> Destination:
    """Read who contacts are to wait for.

    Raises:
        Problem: Neither or both are named.
    """
    if bool(agent_id) == bool(group):
        raise invalid("Name an agent or a group that the contacts are to wait for.")
    if group:
        return moving.to_group(group)
    return moving.to_agent(services.wiring.registry.by_id(agent_id))
