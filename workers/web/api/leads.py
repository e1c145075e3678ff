"""Contacts that come one at a time; outside they are called leads, here they are contacts."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from starlette.responses import JSONResponse, Response

from campaigns.campaign import CampaignState
from campaigns.lists.external_ids import LONGEST_EXTERNAL_ID
from campaigns.lists.judged_rows import Rejected
from campaigns.lists.one_at_a_time import MOST_AT_ONCE, GivenContact, not_taken
from campaigns.lists.row_faults import RowFault
from campaigns.lists.sieve import Dedupe
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.loading.adding import Addition, Took
from workers.documents.leads import LeadDocument
from workers.web.api.needs import Router, TheCampaign, TheServices, Uploader
from workers.web.problems import Problem, invalid

router = Router("/campaigns/{campaign_id}", "campaigns")


_TextOrNumber = Annotated[str, WithJsonSchema({"type": ["string", "integer"]})]


class Lead(BaseModel):
    """A contact to be added; each field is read as the cell of a list would be."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    agent: _TextOrNumber = Field("", description="Who is rung first; empty where a group is.")
    customer: _TextOrNumber = Field(description="Who is rung then.")
    external_id: _TextOrNumber = Field(
        "",
        description="What your own system calls it: sent again it is not added again. At most "
        f"{LONGEST_EXTERNAL_ID} printable characters.",
    )
    priority: _TextOrNumber = Field(
        "", description="-99 to 99; above 0 it goes before what waits.", examples=["5"]
    )
    not_before: str = Field("", description="Not called before, such as 2026-11-23 10:00.")
    expires_at: str = Field("", description="Not called from then on.")
    timezone: str = Field("", description="The customer's own, for calling hours.")
    custom_field: str = Field("", description="Travels with the call.")
    agent_group: str = Field("", description="Instead of an agent: whoever of it is free.")
    backup: _TextOrNumber = Field(
        "", description="Rung while the agent is away; several parted by semicolons."
    )
    agent_language: str = Field("", description="Of a group, who speaks one of these.")
    agent_skills: str = Field("", description="Of a group, who has all of these.")
    row: dict[str, str] = Field({}, description="Cells of the campaign's own columns, by name.")


class LeadsDocument(BaseModel):
    """What became of the leads of a request, in their order."""

    campaign_id: str
    state: CampaignState = Field(description="Of the campaign; only one that runs calls them.")
    added: int
    known: int
    not_taken: int
    items: list[LeadDocument]


_LEAD = Lead.model_json_schema()
_LEADS = {"type": "array", "items": _LEAD, "minItems": 1, "maxItems": MOST_AT_ONCE}
_UNDER_LEADS = {
    "type": "object",
    "required": ["leads"],
    "additionalProperties": False,
    "properties": {"leads": _LEADS},
}
_SCHEMA = {"anyOf": [_LEAD, _LEADS, _UNDER_LEADS]}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}


@router.post(
    "/leads",
    Did.CONTACT_ADDED,
    response_model=LeadsDocument | LeadDocument,
    openapi_extra=_BODY,
    responses={201: {"model": LeadDocument, "description": "The one lead was added."}},
)
async def add_leads(
    visitor: Uploader,
    request: Request,
    services: TheServices,
    campaign: TheCampaign,
    dedupe: Annotated[
        Dedupe,
        Query(description="Where a customer must not be listed already; `active`: nor elsewhere."),
    ] = Dedupe.ACTIVE,
) -> Response:
    """Add contacts one at a time: one lead, or up to a thousand in a list or under `leads`.

    Each is judged as a row of a list is, and added once by its `external_id`. One lead is answered with
    its own status; several with 200 and the status of each. It takes the scope `upload`, and `operate`
    beside it where the campaign runs, or starts by itself. A campaign that has been completed goes on
    with them where the key has `operate`; else it waits to be started.
    """
    told = _parsed(await request.body())
    given = [_read(one, number) for number, one in enumerate(_several(told), 1)]
    answers = await asyncio.to_thread(
        services.wiring.adding.add,
        campaign,
        given,
        dedupe=dedupe,
        may_start=visitor.may(Scope.OPERATE),
    )
    if isinstance(told, dict) and "leads" not in told:
        return _answer_to_one(answers[0])
    state = await asyncio.to_thread(services.wiring.campaigns.states, [campaign.id])
    return JSONResponse(_document(campaign.id, state[0], answers).model_dump(mode="json"))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("body: it is no JSON.") from None


def _several(told: Any) -> list[Any]:
    if isinstance(told, dict) and set(told) == {"leads"}:
        told = told["leads"]
    if isinstance(told, dict):
        return [told]
    if not isinstance(told, list) or not 1 <= len(told) <= MOST_AT_ONCE:
        raise invalid(f"body: one lead, or a list of 1 to {MOST_AT_ONCE:,}, is needed.")
    return told


def _read(told: Any, number: int) -> GivenContact | Rejected:
    """Read one lead, or turn it down by itself: a bad one among many must not keep the others out."""
    try:
        lead = Lead.model_validate(_without_nulls(told))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        message = f"Contact {number}{f', {where}' if where else ''}: {fault['msg']}."
        return not_taken(number, RowFault.NOT_UNDERSTOOD, where or None, message)
    return GivenContact(**dict(lead))


def _without_nulls(told: Any) -> Any:
    """Leave out what is null: it is an empty cell."""
    if not isinstance(told, dict):
        return told
    return {name: _without_nulls(value) for name, value in told.items() if value is not None}


def _answer_to_one(answer: Addition) -> Response:
    document = LeadDocument.of(answer)
    if answer.took in {Took.ADDED, Took.KNOWN}:
        return JSONResponse(document.model_dump(mode="json"), document.status)
    raise Problem(
        document.status,
        answer.code,
        answer.message,
        result=answer.took,
        contact_id=document.contact_id,
        external_id=answer.external_id,
        field=answer.column,
    )


def _document(
    campaign: str, state: CampaignState | None, answers: Sequence[Addition]
) -> LeadsDocument:
    added, known = (sum(one.took is took for one in answers) for took in (Took.ADDED, Took.KNOWN))
    return LeadsDocument(
        campaign_id=campaign,
        state=state or CampaignState.CANCELLED,
        added=added,
        known=known,
        not_taken=len(answers) - added - known,
        items=[LeadDocument.of(one) for one in answers],
    )
