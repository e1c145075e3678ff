"""A campaign's contacts, attempts and agents, and the decisions on unresolved attempts."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState, NotDialled
from campaigns.sentence import told
from dialer.deeds import Did
from dialer.ids import AttemptId
from dialer.settling.deciding import Decision, decide
from dialer.store import Campaign, OpenAttempt
from dialer.watching.browsing import (
    IN_FLIGHT,
    NOT_TRIED,
    RETRY,
    Filter,
    Item,
    Page,
    attempts_page,
    contacts_page,
    names_of,
    undecided,
)
from workers.web.api.needs import Onlooker, Operator, Reader, Router, TheCampaign, TheServices
from workers.web.api.shapes import (
    AgentList,
    AttemptDocument,
    AttemptList,
    AttemptPage,
    ContactDetail,
    ContactPage,
    Order,
    agent_document,
    attempt_document,
    attempt_documents,
    contact_detail,
    contact_document,
)
from workers.web.problems import not_found
from workers.web.recordings import recording_answer
from workers.web.services import Services

router = Router("/campaigns/{campaign_id}", "contacts")

CONTACT_STATES = (*ContactState, IN_FLIGHT, RETRY, NOT_TRIED)
ATTEMPT_STATES = (*AttemptState, IN_FLIGHT)
ENDS = (*Outcome, *NotDialled)
_MOST_UNDECIDED = 200
_MOST_N = 4_294_967_295


def _one_of(words: tuple[str, ...]) -> str:
    """Write the pattern of a word that is one of these."""
    return f"^({'|'.join(words)})$"


class Selection(BaseModel):
    """Which contacts or attempts, and how many at once; by a number: `POST /numbers/search`."""

    outcome: str | None = Field(
        None, pattern=_one_of(ENDS), description="Or why a contact was closed without one."
    )
    error: str | None = Field(
        None, min_length=1, max_length=80, description="As `error` of an attempt."
    )
    cursor: int = Field(0, ge=0, le=_MOST_N, description="`next_cursor` of the page before.")
    limit: int = Field(100, ge=1, le=1000, description="About so many items.")

    def read(
        self,
        page_of: Callable[..., Page[Item]],
        services: Services,
        campaign: Campaign,
        state: str | None,
    ) -> Page[Item]:
        """Read a page of them."""
        filter_ = Filter(state=state, outcome=self.outcome, error=self.error)
        db = services.wiring.db
        return page_of(db, campaign, filter_, cursor=self.cursor, most=self.limit)


class ContactSelection(Selection):
    """Which contacts."""

    state: str | None = Field(None, pattern=_one_of(CONTACT_STATES))


class AttemptSelection(Selection):
    """Which attempts."""

    state: str | None = Field(None, pattern=_one_of(ATTEMPT_STATES))


class DecisionOrder(Order):
    """What the operator knows of an attempt."""

    decision: Decision


@router.get("/contacts")
def list_contacts(
    visitor: Onlooker,
    services: TheServices,
    campaign: TheCampaign,
    wanted: Annotated[ContactSelection, Query()],
) -> ContactPage:
    """List contacts in the file's order. A page may be short and yet not the last."""
    page = wanted.read(contacts_page, services, campaign, wanted.state)
    return ContactPage(
        items=[contact_document(campaign, line, masked=visitor.is_masked) for line in page.items],
        next_cursor=page.next_cursor,
    )


@router.get("/contacts/{n}")
def show_contact(
    visitor: Onlooker,
    services: TheServices,
    campaign: TheCampaign,
    n: Annotated[int, Path(ge=1, le=_MOST_N, description="Its number, from 1.")],
) -> ContactDetail:
    """Tell all that is known of one contact, also of an archived campaign, and what happened to it in order of time."""
    line = services.finding.contact(campaign, n)
    if line is None:
        raise not_found(told("The campaign has no such contact."))
    return contact_detail(campaign, line, masked=visitor.is_masked)


@router.get(
    "/contacts/{n}/attempts/{no}/recording",
    does=Did.RECORDING_PLAYED,
    response_class=StreamingResponse,
    responses={200: {"content": {"audio/*": {}}}, 206: {"description": "A part of it."}},
)
def play_recording(
    _visitor: Reader,
    request: Request,
    services: TheServices,
    campaign: TheCampaign,
    n: Annotated[int, Path(ge=1, le=_MOST_N, description="The contact's number, from 1.")],
    no: Annotated[int, Path(ge=1, le=99_999, description="The attempt's, from 1.")],
) -> Response:
    """Play an attempt's recording, where recordings are kept; `Range` asks for a part of it."""
    return recording_answer(services.wiring, campaign, n, no, request.headers.get("range"))


@router.get("/attempts")
def list_attempts(
    visitor: Onlooker,
    services: TheServices,
    campaign: TheCampaign,
    wanted: Annotated[AttemptSelection, Query()],
) -> AttemptPage:
    """List attempts, contact by contact. A page may be short and yet not the last."""
    page = wanted.read(attempts_page, services, campaign, wanted.state)
    return AttemptPage(
        items=attempt_documents(
            page.items,
            _names(services, campaign, page.items),
            masked=visitor.is_masked,
        ),
        next_cursor=page.next_cursor,
    )


@router.get("/agents")
async def list_agents(
    _visitor: Onlooker, services: TheServices, campaign: TheCampaign
) -> AgentList:
    """Tell what the campaign's agents with open contacts are doing, at most 500 of them."""
    reading = await services.watching.read(campaign.id)
    return AgentList(items=[agent_document(*one) for one in sorted(reading.agents.items())])


@router.get("/unresolved")
def list_unresolved(visitor: Onlooker, services: TheServices, campaign: TheCampaign) -> AttemptList:
    """List attempts of unknown fate, and those whose call should long be over, at most 200."""
    db = services.wiring.db
    found = list(islice(undecided(db, campaign, now_s=db.now()), _MOST_UNDECIDED))
    names = _names(services, campaign, found)
    return AttemptList(items=attempt_documents(found, names, masked=visitor.is_masked))


def _names(
    services: Services, campaign: Campaign, attempts: Sequence[OpenAttempt]
) -> dict[int, str]:
    return names_of(services.wiring.db, campaign, {one.id.n for one in attempts})


@router.post("/unresolved/{attempt_id}", Did.ATTEMPT_DECIDED)
def decide_unresolved(
    visitor: Operator,
    services: TheServices,
    campaign: TheCampaign,
    attempt_id: Annotated[str, Path(max_length=40)],
    order: DecisionOrder,
) -> AttemptDocument:
    """Decide an unresolved attempt: `connected`, `not_placed` (dial again), `give_up`."""
    id_ = attempt_of(campaign, attempt_id)
    after = decide(
        services.wiring.db, services.wiring.settling, id_, order.decision, who=visitor.id
    )
    return attempt_document(id_, after)


def attempt_of(campaign: Campaign, attempt_id: str) -> AttemptId:
    """Read the id of one of a campaign's attempts.

    Raises:
        Problem: It is none.
    """
    id_ = AttemptId.parse(attempt_id)
    if id_ is None or id_.campaign != campaign.id:
        raise not_found(told("The campaign has no such attempt."))
    return id_
