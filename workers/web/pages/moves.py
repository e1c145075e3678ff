"""An agent's waiting contacts: how many there are, moved to somebody else, and moved back."""

from typing import Any

from campaigns.agents.agent import Agent
from dialer.access.api_keys import Scope
from dialer.agents.moving import Moving
from dialer.deeds import Did
from workers.web.api.moves import destination
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.services import Services

pages = Pages()

_GROUP = "group:"
"""Before the name of a group in the choice of who contacts are to wait for."""


@pages.get("/agents/{agent_id}/contacts", Scope.OPERATE)
def show(asked: Asked) -> Answer:
    """Show what waits for an agent, and the moves that concern them."""
    return page("agent_contacts.html", **_shown(asked.services, asked.named("agent_id")))


@pages.post("/agents/{agent_id}/contacts/move", Scope.OPERATE, does=Did.CONTACTS_MOVED)
def move(asked: Asked) -> Answer:
    """Move what waits for an agent."""
    wiring, moving = asked.wiring, Moving(asked.wiring.db)
    agent = wiring.registry.by_id(asked.named("agent_id"))
    whom, wanted = asked.form.get("to", ""), asked.form.get("campaign", "")
    group = whom.removeprefix(_GROUP) if whom.startswith(_GROUP) else ""
    goes_to = destination(asked.services, moving, "" if group else whom, group)
    campaign = wiring.campaigns.find(wanted) if wanted else None
    moving.move(agent, goes_to, moving.waiting(agent, campaign=campaign))
    return to(f"/agents/{agent.id}/contacts")


@pages.post("/agents/moves/{move_id}/undo", Scope.OPERATE, does=Did.MOVE_UNDONE)
def undo(asked: Asked) -> Answer:
    """Move back those of a move that still wait."""
    undone = Moving(asked.wiring.db).undo(asked.named("move_id"))
    return to(f"/agents/{undone.agent_id}/contacts" if undone.agent_id else "/agents")


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
