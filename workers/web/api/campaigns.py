"""Campaigns: load, list, steer, watch, report."""

import asyncio
import json
from contextlib import aclosing
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Header, Query, Request
from pydantic import Field
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.tags import LONGEST_TAG, MOST_TAGS, has_tags
from dialer.access.api_keys import Scope
from dialer.deeds import Did, tell
from dialer.reporting.files import Format
from dialer.reporting.tables import Kind
from dialer.steering.tagging import set_tags
from dialer.store import Campaign
from dialer.store.imports import Imports
from dialer.watching.explaining import explain
from workers.documents.loads import LoadDocument
from workers.web import jobs
from workers.web.access import Visitor
from workers.web.api.needs import (
    Onlooker,
    Operator,
    Reader,
    Router,
    TheCampaign,
    TheServices,
    Uploader,
)
from workers.web.api.shapes import (
    CampaignList,
    CampaignStatus,
    ImportDocument,
    ImportList,
    Open,
    Order,
    campaign_line,
)
from workers.web.api.upload_form import APPEND_FORM, LOAD_FORM
from workers.web.downloads import MEDIA_TYPES, rejected_csv, report_response
from workers.web.events import Events, event_stream
from workers.web.idempotency import once
from workers.web.lists import list_order, load_options
from workers.web.services import Services
from workers.web.uploads import received_upload
from workers.wiring import Wiring

router = Router("/campaigns", "campaigns")
one = Router("/campaigns/{campaign_id}", "campaigns")


class TagsOrder(Order):
    """The tags of a campaign."""

    tags: list[str] = Field(max_length=MOST_TAGS)


class Action(StrEnum):
    """What can be asked of a campaign."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class Steering(NamedTuple):
    """What an action is called by the audit trail, where it leads to, and from where."""

    does: Did
    to: CampaignState
    comes_from: tuple[CampaignState, ...]


_LOADED, _RUNNING, _PAUSED = CampaignState.LOADED, CampaignState.RUNNING, CampaignState.PAUSED
STEERING = {
    Action.START: Steering(Did.CAMPAIGN_STARTED, _RUNNING, (_LOADED,)),
    Action.PAUSE: Steering(Did.CAMPAIGN_PAUSED, _PAUSED, (_RUNNING,)),
    Action.RESUME: Steering(Did.CAMPAIGN_RESUMED, _RUNNING, (_PAUSED,)),
    Action.CANCEL: Steering(
        Did.CAMPAIGN_CANCELLED, CampaignState.CANCELLING, (_LOADED, _RUNNING, _PAUSED)
    ),
}
STEERS = {action: one.does for action, one in STEERING.items()}


def steer(wiring: Wiring, campaign: Campaign, action: Action, *, who: str) -> None:
    """Do what was asked of a campaign."""
    to = STEERING[action].to
    if to is CampaignState.RUNNING:
        wiring.starting.start(campaign, who=who)
    else:
        wiring.campaigns.move(campaign, to)


TextNumbers = Annotated[
    bool,
    Query(description="Numbers in CSV are texts, of which spreadsheet programs keep all digits."),
]
Bom = Annotated[
    bool,
    Query(description="CSV begins with a byte order mark, which Excel needs; without it not."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key and content within a day give the first answer again.",
    ),
]


@router.get("")
def list_campaigns(  # noqa: PLR0917 - what a request has
    _visitor: Onlooker,
    services: TheServices,
    state: Annotated[CampaignState | None, Query(description="Only those in this state.")] = None,
    tag: Annotated[
        list[Annotated[str, Field(max_length=LONGEST_TAG)]],
        Query(max_length=MOST_TAGS, description="Only those with it; of several, with all."),
    ] = [],  # noqa: B006 - FastAPI copies it
    archived: Annotated[bool, Query(description="Those archived, and no others.")] = False,
    first: Annotated[int, Query(ge=0, description="How many archived ones to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Of archived ones.")] = 100,
) -> CampaignList:
    """List campaigns, the newest first; those archived are asked for by themselves."""
    campaigns = services.wiring.campaigns
    if archived:
        found = campaigns.archived(first, limit)
    else:
        found = campaigns.counted(*([state] if state else ()))
    found = [one for one in found if has_tags(one[0].tags, filter(None, tag))]
    return CampaignList(items=[campaign_line(campaign, counts) for campaign, counts in found])


@router.post(
    "", Did.LIST_LOADED, status_code=201, response_model=LoadDocument, openapi_extra=LOAD_FORM
)
async def load_campaign(
    visitor: Uploader,
    request: Request,
    services: TheServices,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Load a list as a new campaign, or with `dry_run` only judge it.

    The same content under the same name is loaded once, whatever the key. To `start` it, or to give
    it a start time, takes the scope `operate` beside `upload`.
    """
    async with received_upload(request, services.uploads_dir) as upload:
        order = await asyncio.to_thread(list_order, services.wiring, upload.fields)
        if order.start:
            visitor.require(Scope.OPERATE)
        file = jobs.ListFile(upload.path, order.options)

        async def do() -> tuple[int, dict[str, Any]]:
            name = "" if order.dry_run else order.name
            loaded = await load_or_judge(services, visitor, file, order.rules, name)
            if order.dry_run:
                return 200, loaded
            if order.start:
                loaded["state"] = await asyncio.to_thread(
                    jobs.start, services.wiring, loaded["campaign_id"], who=visitor.id
                )
            return 201, loaded

        status, document = await once(
            services, visitor, idempotency_key, upload=upload, path=request.url.path, do=do
        )
    return JSONResponse(document, status)


async def load_or_judge(
    services: Services, visitor: Visitor, file: jobs.ListFile, rules: CampaignRules, name: str
) -> dict[str, Any]:
    """Load a file as a new campaign of this name; without one, judge it alone."""
    if not name:
        judged = await services.work(jobs.check_list, file, rules, jobs.NOWHERE)
        tell(what=Did.LIST_REVIEWED, after={"dry_run": True})
        return judged
    may_start = visitor.may(Scope.OPERATE)
    loaded = await services.work(jobs.load_list, file, rules, name, may_start=may_start)
    jobs.tell_loaded(loaded)
    return loaded


@one.get("")
def campaign_status(
    _visitor: Onlooker, services: TheServices, campaign: TheCampaign
) -> CampaignStatus:
    """Tell where a campaign stands, what binds it now, and when it will be done."""
    return status_of(services, campaign)


@one.post(
    "/contacts",
    Did.LIST_APPENDED,
    status_code=201,
    response_model=LoadDocument,
    openapi_extra=APPEND_FORM,
)
async def append_contacts(
    visitor: Uploader,
    request: Request,
    services: TheServices,
    campaign: TheCampaign,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Append a list to a campaign; what is there is never touched.

    To one that runs, or starts by itself, this takes the scope `operate` beside `upload`.
    """
    async with received_upload(request, services.uploads_dir) as upload:
        file = jobs.ListFile(upload.path, load_options(upload.fields))

        async def do() -> tuple[int, dict[str, Any]]:
            may_start = visitor.may(Scope.OPERATE)
            loaded = await services.work(jobs.append_list, file, campaign.id, may_start=may_start)
            jobs.tell_loaded(loaded)
            return 201, loaded

        status, document = await once(
            services, visitor, idempotency_key, upload=upload, path=request.url.path, do=do
        )
    return JSONResponse(document, status)


@one.post("/{action}", STEERS)
def steer_campaign(
    visitor: Operator, services: TheServices, campaign: TheCampaign, action: Action
) -> CampaignStatus:
    """Start, pause, resume or cancel; asking for what already is changes nothing.

    Paused: nothing new is dialled within a second, live calls end as usual. A large list starts once a
    second person, with another key, has started it too; the first is told so by
    `second_person_needed`.
    """
    steer(services.wiring, campaign, action, who=visitor.id)
    return status_of(services, campaign)


@one.put("/tags", Did.CAMPAIGN_TAGGED)
def put_tags(
    _visitor: Operator, services: TheServices, campaign: TheCampaign, order: TagsOrder
) -> CampaignStatus:
    """Give a campaign these tags and no others."""
    return status_of(services, set_tags(services.wiring.campaigns, campaign, order.tags))


@one.get("/why")
def campaign_why(_visitor: Onlooker, services: TheServices, campaign: TheCampaign) -> Open:
    """Tell what is in the way of a campaign, and how many contacts each thing holds up."""
    explanation = explain(services.wiring.db, services.wiring.statuses, campaign.id)
    return Open.model_validate(explanation.as_json())


@one.get("/imports")
def campaign_imports(
    _visitor: Onlooker, services: TheServices, campaign: TheCampaign
) -> ImportList:
    """List the files loaded into a campaign, in order."""
    found = Imports(services.wiring.db).history(campaign.id)
    return ImportList(items=[ImportDocument.model_validate(each) for each in found])


@one.get(
    "/rejected.csv",
    does=Did.REJECTED_TAKEN,
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "The rows, ready to be mended."}},
)
async def campaign_rejected(
    _visitor: Reader,
    services: TheServices,
    campaign: TheCampaign,
    text_numbers: TextNumbers = False,
    bom: Bom = False,
) -> Response:
    """Give the rows that were not taken, as uploaded, with line, code and reason."""
    return await rejected_csv(services, campaign, text_numbers=text_numbers, bom=bom)


@one.get(
    "/reports/{kind}.{format}",
    does=Did.REPORT_TAKEN,
    response_class=FileResponse,
    responses={
        200: {
            "content": {type_.partition(";")[0]: {} for type_ in MEDIA_TYPES.values()},
            "description": "The file.",
        }
    },
)
async def campaign_report(  # noqa: PLR0917 - what a request has
    visitor: Onlooker,
    services: TheServices,
    campaign: TheCampaign,
    kind: Kind | Literal["report"],
    format: Format,  # noqa: A002 - the path's own word
    text_numbers: TextNumbers = False,
    bom: Bom = False,
) -> Response:
    """Write a table of the campaign's report as it stands now, or the whole.

    `report.html` is the page, `report.xlsx` the workbook with a sheet for each table. To a key that may read masked alone only the tables of figures are open.
    """
    return await report_response(
        services, campaign, kind, format, visitor, text_numbers=text_numbers, bom=bom
    )


@one.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "`status` events."}},
)
async def campaign_events(
    visitor: Onlooker, request: Request, services: TheServices, campaign: TheCampaign
) -> Response:
    """Follow a campaign: its status about once a second, as server-sent events, until it ends."""

    async def events() -> Events:
        async with aclosing(services.watching.follow(campaign.id, who=visitor.id)) as readings:
            async for reading in readings:
                yield "status", json.dumps(reading.status.as_json())
                if reading.status.is_over:
                    return

    async def may_stay() -> bool:
        return await services.identifying.may_stay(request)

    return event_stream(request, events(), may_stay=may_stay)


def status_of(services: Services, campaign: Campaign) -> CampaignStatus:
    """Tell where a campaign stands."""
    return CampaignStatus.model_validate(services.wiring.statuses.of(campaign.id).as_json())
