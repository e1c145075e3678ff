"""Everything of one contact, and what whoever runs the desk may do about it."""

import asyncio
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.dispositions import LONGEST_NOTE, choices
from campaigns.sentence import told
from dialer import clock
from dialer.access.api_keys import Scope
from dialer.ids import ContactId
from dialer.recordings.finding import kept_of
from dialer.recordings.places import PlaceAway
from dialer.settling.disposing import NotDisposed, Said, dispose, may_be_corrected
from dialer.steering.calling_back import NoCallBack, call_back
from dialer.steering.noting import NotNoted, note
from dialer.store import Campaign
from dialer.store.agents import AgentStore
from dialer.store.recordings import Kept
from dialer.store.snapshot import ContactLine
from workers.web.choosing import services_of
from workers.web.contact_timeline import story_of
from workers.web.pages.rendering import plain_form, renderer_of, require, visitor_of
from workers.web.recordings import recording_answer
from workers.wiring import Wiring

_NONE_SUCH = told("The campaign has no such contact.")
_NOT_A_TIME = told("Write the time as a day and an hour, such as 2026-11-24 15:30.")


async def show(request: Request) -> Response:
    """Show one contact with all that happened to it."""
    return await _show(request)


async def call_contact_back(request: Request) -> Response:
    """Have a contact called again, at a time or as soon as it may be."""
    form = await plain_form(request, Scope.OPERATE)
    campaign, id_ = await _asked(request)
    only = form.get("who") == "agent"
    try:
        at = instant_of(form.get("at", ""), campaign.rules.zone) or clock.now()
        db = services_of(request).wiring.db
        await asyncio.to_thread(call_back, db, id_, at, reopen=True, only_agent=only)
    except (ValueError, NoCallBack) as error:
        return await _show(request, call_back_problem=str(error))
    return _back_to(id_)


async def give_disposition(request: Request) -> Response:
    """Say what came of a conversation in its agent's stead, or correct what was said."""
    form = await plain_form(request, Scope.OPERATE)
    campaign, id_ = await _asked(request)
    wiring, no = services_of(request).wiring, form.get("attempt", "")
    try:
        said = Said(
            form.get("disposition", ""),
            by=visitor_of(request).name,
            note=form.get("note", ""),
            call_back_at=instant_of(form.get("at", ""), campaign.rules.zone),
            only_agent=form.get("who") == "agent",
            no=int(no) if re.fullmatch("[1-9][0-9]{0,4}", no) else None,
        )
        await asyncio.to_thread(dispose, wiring.db, wiring.settling, id_, said)
    except (ValueError, NotDisposed) as error:
        return await _show(request, disposition_problem=str(error))
    return _back_to(id_)


async def note_on_contact(request: Request) -> Response:
    """Write a note on a contact."""
    form = await plain_form(request, Scope.OPERATE)
    _, id_ = await _asked(request)
    db, by = services_of(request).wiring.db, visitor_of(request).name
    try:
        await asyncio.to_thread(note, db, id_, form.get("note", ""), by=by)
    except NotNoted as error:
        return await _show(request, note_problem=str(error))
    return _back_to(id_)


async def recording(request: Request) -> Response:
    """Play an attempt's recording."""
    require(request, Scope.READ)
    wiring = services_of(request).wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    n, no = (request.path_params[name] for name in ("n", "no"))
    if not (re.fullmatch("[1-9][0-9]{0,9}", n) and re.fullmatch("[1-9][0-9]{0,4}", no)):
        raise HTTPException(404, told("The campaign has no such attempt."))
    asked = request.headers.get("range")
    return await asyncio.to_thread(recording_answer, wiring, campaign, int(n), int(no), asked)


async def _asked(request: Request) -> tuple[Campaign, ContactId]:
    """Read which contact a path names."""
    wiring = services_of(request).wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    n = request.path_params["n"]
    if not re.fullmatch("[1-9][0-9]{0,9}", n):
        raise HTTPException(404, _NONE_SUCH)
    return campaign, ContactId(campaign.id, int(n))


def instant_of(written: str, zone: ZoneInfo) -> datetime | None:
    """Read an instant in a campaign's time; None: nothing was written.

    Raises:
        ValueError: It is none; says what to write.
    """
    if not written.strip():
        return None
    try:
        at = datetime.fromisoformat(written.strip())
    except ValueError:
        raise ValueError(_NOT_A_TIME) from None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _back_to(id_: ContactId) -> Response:
    return RedirectResponse(f"/campaigns/{id_.campaign}/contacts/{id_.n}", status_code=303)


async def _show(
    request: Request,
    *,
    call_back_problem: str = "",
    disposition_problem: str = "",
    note_problem: str = "",
) -> Response:
    visitor = require(request, Scope.READ_MASKED)
    services = services_of(request)
    wiring = services.wiring
    campaign, id_ = await _asked(request)
    line = await asyncio.to_thread(services.finding.contact, campaign, id_.n)
    if line is None:
        raise HTTPException(404, _NONE_SUCH)
    now_s = await asyncio.to_thread(wiring.db.now)
    words = choices(campaign.rules.disposition)
    return await renderer_of(request).page(
        request,
        "contact.html",
        status_code=422 if call_back_problem or disposition_problem or note_problem else 200,
        note_problem=note_problem,
        call_back_problem=call_back_problem,
        disposition_problem=disposition_problem,
        campaign=campaign,
        zone=campaign.rules.zone,
        line=line,
        agent_names=await asyncio.to_thread(AgentStore(wiring.db).names, [line.planned, line.rung]),
        cells=[] if visitor.is_masked else _cells(campaign, line),
        story=story_of(line, masked=visitor.is_masked),
        kept=await asyncio.to_thread(_kept_of, wiring, campaign, line),
        words=words,
        longest_note=LONGEST_NOTE,
        correctable={
            one.attempt.no for one in line.attempts if may_be_corrected(one.attempt, words)
        },
        call_speed=wiring.settings.call_speed or 1.0,
        undecided=[one for one in line.attempts if one.attempt.may_be_decided(now_s=now_s)],
    )


def _kept_of(wiring: Wiring, campaign: Campaign, line: ContactLine) -> dict[int, Kept]:
    nos = [one.attempt.no for one in line.attempts]
    try:
        return kept_of(wiring.db, wiring.recordings_place, campaign, line.n, nos)
    except PlaceAway as error:
        return {no: Kept("", "", 0, "", 0.0, error=str(error)) for no in nos}


def _cells(campaign: Campaign, line: ContactLine) -> list[tuple[str, str]]:
    return list(zip(campaign.columns, line.row.cells, strict=False))


_PATH = "/campaigns/{campaign_id}/contacts/{n}"
routes = [
    Route(_PATH, show),
    Route(_PATH + "/attempts/{no}/recording", recording),
    Route(_PATH + "/call-back", call_contact_back, methods=["POST"]),
    Route(_PATH + "/note", note_on_contact, methods=["POST"]),
    Route(_PATH + "/disposition", give_disposition, methods=["POST"]),
]
