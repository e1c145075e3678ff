"""Links to agents' pages, and the notice that all of these show."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from campaigns.plain_text import plain_line
from campaigns.sentence import told
from dialer.access.agent_links import LONGEST_DAYS, USUAL_DAYS, AgentLinks
from dialer.deeds import Did, tell
from dialer.store.agent_desk import LONGEST_NOTICE, DeskStore
from workers.documents.agents import LinkDocument
from workers.web.api.agents import TheAgent
from workers.web.api.needs import Onlooker, Operator, Router, TheServices
from workers.web.api.shapes import Order, Whole
from workers.web.problems import not_found
from workers.web.services import Services

router = Router("/agents", "agents")
of_one = Router("/agents/{agent_id}/links", "agents")


class LinkOrder(Order):
    """A link to an agent's page."""

    days: Whole = Field(USUAL_DAYS, ge=1, le=LONGEST_DAYS, description="How long it is in force.")


class NewLinkDocument(LinkDocument):
    """A link that was made."""

    url: str = Field(description="Told this once: whoever has it is the agent.")


class LinkList(BaseModel):
    """An agent's links in force, the oldest first."""

    items: list[LinkDocument]


class Notice(Order):
    """A line that all agents' pages show."""

    text: str = Field(max_length=LONGEST_NOTICE, description="Empty: none.")
    hours: Whole = Field(24, ge=1, le=168, description="For how long.")


class NoticeNow(BaseModel):
    """The line that all agents' pages show."""

    text: str


@router.get("/notice")
def show_notice(_visitor: Onlooker, services: TheServices) -> NoticeNow:
    """Tell what all agents' pages show above everything else."""
    return NoticeNow(text=DeskStore(services.wiring.db).notice())


@router.put("/notice", Did.NOTICE_SET)
def set_notice(_visitor: Operator, services: TheServices, order: Notice) -> NoticeNow:
    """Show a line on all agents' pages, or take it away."""
    return NoticeNow(text=put_notice(services, order.text, hours=order.hours))


@of_one.get("")
def list_links(_visitor: Operator, services: TheServices, agent: TheAgent) -> LinkList:
    """List the links to an agent's page."""
    found = AgentLinks(services.wiring.db).of(agent.id)
    return LinkList(items=list(map(LinkDocument.of, found)))


@of_one.post("", Did.AGENT_LINK_MADE, status_code=201)
def make_link(
    visitor: Operator, services: TheServices, agent: TheAgent, order: LinkOrder
) -> NewLinkDocument:
    """Make a link to an agent's page; whoever has it is the agent."""
    links = AgentLinks(services.wiring.db)
    link, text = links.make(agent.id, days=order.days, by=visitor.name)
    return NewLinkDocument(**dict(LinkDocument.of(link)), url=url_of(services, text))


@of_one.delete("/{link_id}", Did.AGENT_LINK_REVOKED, status_code=204)
def revoke_link(
    _visitor: Operator,
    services: TheServices,
    agent: TheAgent,
    link_id: Annotated[str, Path(pattern=r"^[0-9a-z]{10}$")],
) -> None:
    """Revoke a link: its page is shown to nobody any more."""
    if not AgentLinks(services.wiring.db).revoke(agent.id, [link_id]):
        raise not_found(told("The agent has no such link."))


def url_of(services: Services, link: str) -> str:
    """Write a link as people open it."""
    settings = services.at_home.wiring.settings
    base = settings.dialer_public_url or f"http://localhost:{settings.port}"
    return f"{base.rstrip('/')}/a/{link}"


def put_notice(services: Services, text: str, *, hours: int) -> str:
    """Show a line on all agents' pages for so long; gives it as it is shown."""
    store = DeskStore(services.wiring.db)
    before, line = store.notice(), plain_line(text, told("the notice"), most=LONGEST_NOTICE)
    store.set_notice(line, for_s=hours * 3600)
    tell(on="agents' pages", before={"notice": before}, after={"notice": line})
    return line
