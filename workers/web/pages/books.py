"""A campaign's books, and what else takes a while: compared, archived, forgotten, looked at as a whole."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse

from campaigns.sentence import told
from dialer import clock
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.masking import mask_text
from dialer.store import Campaign
from workers.web import book_jobs
from workers.web.api.contacts import ENDS
from workers.web.deeds import actor_of
from workers.web.downloads import MEDIA_TYPES
from workers.web.pages.contact import instant_of
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import Problem, invalid, not_found
from workers.web.tasks import DEEDS, SCOPES, Kind, Task

pages = Pages()

_LONGEST_DAYS = 36_500

_OF_CAMPAIGNS: dict[Kind, Callable[..., dict[str, Any]]] = {
    Kind.COMPARE: book_jobs.compare,
    Kind.KEEP_RECORDINGS: book_jobs.keep_recordings,
    Kind.ARCHIVE: book_jobs.archive,
    Kind.DELETE: book_jobs.delete,
}


@pages.get("/campaigns/{campaign_id}/books", Scope.READ_MASKED)
def show(asked: Asked) -> Answer:
    """Show what can be done with a campaign's books, and what was."""
    services, campaign = asked.services, asked.campaign
    tasks = services.tasks.all(*_OF_CAMPAIGNS, Kind.CALL_BACK, campaign=campaign.id)
    return page(
        "books.html",
        campaign=campaign,
        kept_at=services.wiring.settings.dialer_recordings_to,
        tasks=[one for one in tasks if asked.visitor.may(one.scope)],
    )


@pages.post(
    "/campaigns/{campaign_id}/books/{book}",
    Scope.OPERATE,
    does={one: DEEDS[one] for one in _OF_CAMPAIGNS},
)
async def begin(asked: Asked) -> Answer:
    """Compare, archive, delete, or have recordings kept."""
    if asked.named("book") not in set(_OF_CAMPAIGNS):
        raise HTTPException(404)
    kind, campaign, more = Kind(asked.named("book")), asked.campaign, dict[str, Any]()
    asked.visitor.require(SCOPES.get(kind, Scope.ADMIN))
    if kind is Kind.ARCHIVE:
        more = {"force": asked.form.get("force") == "yes"}
    if kind is Kind.DELETE and asked.form.get("name", "").strip() != campaign.name:
        raise invalid(told("Write the campaign's name, {name}, to delete it.", name=campaign.name))
    if kind is Kind.KEEP_RECORDINGS:
        _check_may_keep(asked)
    return _begun(asked, kind, _OF_CAMPAIGNS[kind], more, campaign=campaign)


def _check_may_keep(asked: Asked) -> None:
    if not asked.wiring.settings.dialer_recordings_to:
        raise Problem(
            409, "no_place", told("No place for recordings is set: DIALER_RECORDINGS_TO.")
        )
    if asked.campaign.archived_at is not None:
        raise Problem(
            409, "archived", told("It is archived: its recordings were kept before, or never.")
        )


@pages.get("/campaigns/{campaign_id}/call-back", Scope.OPERATE)
def ask_call_back(asked: Asked) -> Answer:
    """Ask before everybody who ended in one way is called again, and count them."""
    campaign, outcome = asked.campaign, _end(asked.query("outcome"))
    return page(
        "call_back.html",
        campaign=campaign,
        zone=campaign.rules.zone,
        outcome=outcome,
        count_of=asked.wiring.campaigns.counts(campaign.id).outcomes.get(outcome, 0),
    )


@pages.post("/campaigns/{campaign_id}/call-back", Scope.OPERATE, does=Did.CONTACT_CALLED_BACK)
async def call_back(asked: Asked) -> Answer:
    """Have them called again."""
    campaign, outcome = asked.campaign, _end(asked.form.get("outcome", ""))
    try:
        at = instant_of(asked.form.get("at", ""), campaign.rules.zone) or clock.now()
    except ValueError as error:
        raise invalid(str(error)) from None
    more = {"outcome": outcome, "at": at}
    return _begun(asked, Kind.CALL_BACK, book_jobs.call_back_all, more, campaign=campaign)


@pages.get("/purge", Scope.ADMIN)
def purges(asked: Asked) -> Answer:
    """Show who can be forgotten, and the certificates of the last day."""
    return page(
        "purges.html",
        tasks=asked.services.tasks.all(Kind.PURGE, Kind.LOOK),
        campaign_id=asked.query("campaign")[:8],
        campaigns=[one for one in asked.wiring.campaigns.rolls() if one.state.is_over],
        keep_days=asked.wiring.settings.dialer_keep_days,
    )


@pages.post("/purge", Scope.ADMIN, does=Did.NUMBER_SEARCHED)
async def look(asked: Asked) -> Answer:
    """Tell what a purge would remove; nothing is removed."""
    whom, of = await asyncio.to_thread(_who, asked)
    return _begun(asked, Kind.LOOK, book_jobs.purge, whom | {"dry_run": True}, of=of)


@pages.post("/purge/{task_id}", Scope.ADMIN, does=Did.DATA_PURGED)
async def purge(asked: Asked) -> Answer:
    """Forget whom somebody has looked at and written once more."""
    seen = _task(asked)
    whom, of = await asyncio.to_thread(_who, asked)
    if seen.kind is not Kind.LOOK or of != seen.of:
        raise invalid(told("Write the same once more, {of}, to forget it.", of=seen.of))
    return _begun(asked, Kind.PURGE, book_jobs.purge, whom | {"dry_run": False}, of=of)


def _who(asked: Asked) -> tuple[dict[str, Any], str]:
    """Read who is to be forgotten, as the work is asked and as it is told, with numbers masked."""
    what, value = asked.form.get("what", ""), asked.form.get("value", "").strip()
    wiring = asked.wiring
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
    raise invalid(told("Write a phone number, choose a campaign, or write whole days."))


@pages.get("/checks", Scope.ADMIN)
def checks(asked: Asked) -> Answer:
    """Show the last checks, and the button for another."""
    return page("checks.html", tasks=asked.services.tasks.all(Kind.CHECK))


@pages.post("/checks", Scope.ADMIN, does=Did.ACCOUNT_CHECKED)
async def check(asked: Asked) -> Answer:
    """Look whether all is fit for dialling; no call is placed."""
    is_whole = asked.visitor.reaches_all and asked.services.home is None
    return _begun(asked, Kind.CHECK, book_jobs.check, {"whole": is_whole}, of=told("everything"))


@pages.get("/tasks/{task_id}", Scope.READ_MASKED)
def task(asked: Asked) -> Answer:
    """Show what is being done, or what came of it."""
    found = _task(asked)
    share, files = asked.services.tasks.share_done(found), sorted(_files(asked, found))
    return page("task.html", task=found, share_done=share, files=files)


@pages.get("/tasks/{task_id}/progress", Scope.READ_MASKED)
def progress(asked: Asked) -> Answer:
    """Tell the page how far it is."""
    found = _task(asked)
    share = asked.services.tasks.share_done(found)
    return JSONResponse({"stage": found.state, "share_done": share})


@pages.get("/tasks/{task_id}/files/{name}", Scope.READ_MASKED)
def file(asked: Asked) -> Answer:
    """Send a file that was written."""
    path = _files(asked, _task(asked)).get(asked.named("name"))
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], filename=path.name)


def _files(asked: Asked, task_: Task) -> dict[str, Path]:
    folder = asked.services.tasks.files_dir(task_)
    return {one.name: one for one in folder.iterdir()} if folder.is_dir() else {}


def _begun(
    asked: Asked,
    kind: Kind,
    work: Callable[..., dict[str, Any]],
    more: dict[str, Any],
    *,
    of: str = "",
    campaign: Campaign | None = None,
) -> Answer:
    services = asked.services
    if campaign:
        of = told("campaign {name} {id}", name=campaign.name, id=campaign.id)
        more = more | {"campaign_id": campaign.id}
    begun = services.tasks.begin(
        kind,
        work,
        {"settings": services.wiring.settings_apart, "account": services.wiring.name, **more},
        of=of,
        campaign=campaign.id if campaign else "",
        by=actor_of(asked.request.scope),
    )
    return to(f"/tasks/{begun.id}")


def _task(asked: Asked) -> Task:
    found = asked.services.tasks.find(asked.named("task_id"))
    if found is None:
        raise not_found(told("There is no such task, or no longer: they go after a day."))
    asked.visitor.require(found.scope)
    return found


def _end(word: str) -> str:
    if word not in ENDS:
        raise invalid(told("Choose an outcome first."))
    return word
