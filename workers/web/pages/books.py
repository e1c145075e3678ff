"""A campaign's books, and what else takes a while: compared, archived, forgotten, looked at as a whole."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from campaigns.attempt import Outcome
from campaigns.contact_state import NotDialled
from campaigns.sentence import told
from dialer import clock
from dialer.access.api_keys import Scope
from dialer.masking import mask_text
from dialer.store import Campaign
from workers.web import book_jobs
from workers.web.choosing import services_of
from workers.web.deeds import actor_of
from workers.web.downloads import MEDIA_TYPES
from workers.web.pages.contact import instant_of
from workers.web.pages.rendering import plain_form, renderer_of, require, visitor_of
from workers.web.problems import Problem
from workers.web.tasks import SCOPES, Kind, Task

_LONGEST_DAYS = 36_500

_OF_CAMPAIGNS: dict[Kind, Callable[..., dict[str, Any]]] = {
    Kind.COMPARE: book_jobs.compare,
    Kind.KEEP_RECORDINGS: book_jobs.keep_recordings,
    Kind.ARCHIVE: book_jobs.archive,
    Kind.DELETE: book_jobs.delete,
}


async def show(request: Request) -> Response:
    """Show what can be done with a campaign's books, and what was."""
    require(request, Scope.READ_MASKED)
    services, campaign = services_of(request), await _campaign(request)
    kinds = (*_OF_CAMPAIGNS, Kind.CALL_BACK)
    tasks = await asyncio.to_thread(services.tasks.all, *kinds, campaign=campaign.id)
    return await renderer_of(request).page(
        request,
        "books.html",
        campaign=campaign,
        kept_at=services.wiring.settings.dialer_recordings_to,
        tasks=[one for one in tasks if visitor_of(request).may(one.scope)],
    )


async def begin(request: Request) -> Response:
    """Compare, archive, delete, or have recordings kept."""
    name = request.path_params["book"]
    if name not in set(_OF_CAMPAIGNS):
        raise HTTPException(404)
    kind = Kind(name)
    form = await plain_form(request, SCOPES.get(kind, Scope.ADMIN))
    campaign, more = await _campaign(request), dict[str, Any]()
    if kind is Kind.ARCHIVE:
        more = {"force": form.get("force") == "yes"}
    if kind is Kind.DELETE and form.get("name", "").strip() != campaign.name:
        raise Problem(
            422,
            "invalid",
            told("Write the campaign's name, {name}, to delete it.", name=campaign.name),
        )
    if kind is Kind.KEEP_RECORDINGS:
        _check_may_keep(request, campaign)
    asked = {"campaign_id": campaign.id, **more}
    return _begun(request, kind, _OF_CAMPAIGNS[kind], asked, campaign=campaign)


def _check_may_keep(request: Request, campaign: Campaign) -> None:
    if not services_of(request).wiring.settings.dialer_recordings_to:
        raise Problem(
            409, "no_place", told("No place for recordings is set: DIALER_RECORDINGS_TO.")
        )
    if campaign.archived_at is not None:
        raise Problem(
            409, "archived", told("It is archived: its recordings were kept before, or never.")
        )


async def ask_call_back(request: Request) -> Response:
    """Ask before everybody who ended in one way is called again, and count them."""
    require(request, Scope.OPERATE)
    campaign, outcome = await _campaign(request), _end(request.query_params.get("outcome", ""))
    counts = await asyncio.to_thread(services_of(request).wiring.campaigns.counts, campaign.id)
    return await renderer_of(request).page(
        request,
        "call_back.html",
        campaign=campaign,
        zone=campaign.rules.zone,
        outcome=outcome,
        count_of=counts.outcomes.get(outcome, 0),
    )


async def call_back(request: Request) -> Response:
    """Have them called again."""
    form = await plain_form(request, Scope.OPERATE)
    campaign, outcome = await _campaign(request), _end(form.get("outcome", ""))
    try:
        at = instant_of(form.get("at", ""), campaign.rules.zone) or clock.now()
    except ValueError as error:
        raise Problem(422, "invalid", str(error)) from None
    asked = {"campaign_id": campaign.id, "outcome": outcome, "at": at}
    return _begun(request, Kind.CALL_BACK, book_jobs.call_back_all, asked, campaign=campaign)


async def purges(request: Request) -> Response:
    """Show who can be forgotten, and the certificates of the last day."""
    require(request, Scope.ADMIN)
    services = services_of(request)
    return await renderer_of(request).page(
        request,
        "purges.html",
        tasks=await asyncio.to_thread(services.tasks.all, Kind.PURGE, Kind.LOOK),
        campaign_id=request.query_params.get("campaign", "")[:8],
        campaigns=[
            one
            for one in await asyncio.to_thread(services.wiring.campaigns.rolls)
            if one.state.is_over
        ],
        keep_days=services.wiring.settings.dialer_keep_days,
    )


async def look(request: Request) -> Response:
    """Tell what a purge would remove; nothing is removed."""
    form = await plain_form(request, Scope.ADMIN)
    asked, of = await asyncio.to_thread(_who, request, form)
    return _begun(request, Kind.LOOK, book_jobs.purge, asked | {"dry_run": True}, of=of)


async def purge(request: Request) -> Response:
    """Forget whom somebody has looked at and written once more."""
    form = await plain_form(request, Scope.ADMIN)
    seen = _task(request)
    asked, of = await asyncio.to_thread(_who, request, form)
    if seen.kind is not Kind.LOOK or of != seen.of:
        raise Problem(
            422, "invalid", told("Write the same once more, {of}, to forget it.", of=seen.of)
        )
    return _begun(request, Kind.PURGE, book_jobs.purge, asked | {"dry_run": False}, of=of)


def _who(request: Request, form: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Read who is to be forgotten, as the work is asked and as it is told, with numbers masked."""
    what, value = form.get("what", ""), form.get("value", "").strip()
    wiring = services_of(request).wiring
    if what == "number" and (number := wiring.suppressing.read_number(value)):
        return {"what": what, "value": number}, told("number {number}", number=mask_text(number))
    if what == "campaign":
        campaign = wiring.campaigns.find(value)
        return {"what": what, "value": campaign.id}, told(
            "campaign {name} {id}", name=campaign.name, id=campaign.id
        )
    if what == "days" and value.isdecimal() and 0 < int(value[:6]) <= _LONGEST_DAYS:
        return {"what": what, "value": str(int(value))}, told(
            "what ended {days} days ago", days=int(value)
        )
    raise Problem(
        422, "invalid", told("Write a phone number, choose a campaign, or write whole days.")
    )


async def checks(request: Request) -> Response:
    """Show the last checks, and the button for another."""
    require(request, Scope.ADMIN)
    tasks = await asyncio.to_thread(services_of(request).tasks.all, Kind.CHECK)
    return await renderer_of(request).page(request, "checks.html", tasks=tasks)


async def check(request: Request) -> Response:
    """Look whether all is fit for dialling; no call is placed."""
    await plain_form(request, Scope.ADMIN)
    is_whole = visitor_of(request).reaches_all and services_of(request).home is None
    return _begun(request, Kind.CHECK, book_jobs.check, {"whole": is_whole}, of=told("everything"))


async def task(request: Request) -> Response:
    """Show what is being done, or what came of it."""
    found = _task(request)
    services = services_of(request)
    folder = services.tasks.files_dir(found)
    return await renderer_of(request).page(
        request,
        "task.html",
        task=found,
        share_done=services.tasks.share_done(found),
        files=sorted(one.name for one in folder.iterdir()) if folder.is_dir() else [],
    )


async def progress(request: Request) -> Response:
    """Tell the page how far it is."""
    found = _task(request)
    share = services_of(request).tasks.share_done(found)
    return JSONResponse({"stage": found.state, "share_done": share})


async def file(request: Request) -> Response:
    """Send a file that was written."""
    found = _task(request)
    folder = services_of(request).tasks.files_dir(found)
    known = {one.name: one for one in folder.iterdir()} if folder.is_dir() else {}
    path = known.get(request.path_params["name"])
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], filename=path.name)


def _begun(
    request: Request,
    kind: Kind,
    work: Callable[..., dict[str, Any]],
    asked: dict[str, Any],
    *,
    of: str = "",
    campaign: Campaign | None = None,
) -> Response:
    services = services_of(request)
    begun = services.tasks.begin(
        kind,
        work,
        {"settings": services.settings_apart, "account": services.wiring.name, **asked},
        of=of
        or (told("campaign {name} {id}", name=campaign.name, id=campaign.id) if campaign else ""),
        campaign=campaign.id if campaign else "",
        by=actor_of(request.scope),
    )
    return RedirectResponse(f"/tasks/{begun.id}", status_code=303)


def _task(request: Request) -> Task:
    require(request, Scope.READ_MASKED)
    found = services_of(request).tasks.find(request.path_params["task_id"])
    if found is None:
        raise Problem(
            404, "not_found", told("There is no such task, or no longer: they go after a day.")
        )
    require(request, found.scope)
    return found


async def _campaign(request: Request) -> Campaign:
    wiring = services_of(request).wiring
    return await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])


def _end(word: str) -> str:
    if word not in {*Outcome, *NotDialled}:
        raise Problem(422, "invalid", told("Choose an outcome first."))
    return word


routes = [
    Route("/campaigns/{campaign_id}/books", show),
    Route("/campaigns/{campaign_id}/books/{book}", begin, methods=["POST"]),
    Route("/campaigns/{campaign_id}/call-back", ask_call_back),
    Route("/campaigns/{campaign_id}/call-back", call_back, methods=["POST"]),
    Route("/purge", purges),
    Route("/purge", look, methods=["POST"]),
    Route("/purge/{task_id}", purge, methods=["POST"]),
    Route("/checks", checks),
    Route("/checks", check, methods=["POST"]),
    Route("/tasks/{task_id}", task),
    Route("/tasks/{task_id}/progress", progress),
    Route("/tasks/{task_id}/files/{name}", file),
]
