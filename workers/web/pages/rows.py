"""The rows behind the numbers: contacts, attempts, and everything of one contact."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState, NotDialled
from campaigns.lists.external_ids import LONGEST_EXTERNAL_ID
from dialer import clock
from dialer.access.api_keys import Scope
from dialer.ids import ContactId
from dialer.recordings.finding import kept_of
from dialer.recordings.places import PlaceAway
from dialer.steering.calling_back import NoCallBack, call_back
from dialer.store import Campaign, OpenAttempt
from dialer.store.recordings import Kept
from dialer.store.snapshot import ContactLine
from dialer.watching.browsing import (
    AGENT_REACHED,
    IN_FLIGHT,
    NO_OUTCOME,
    NOT_TRIED,
    RETRY,
    Filter,
    attempts_page,
    contacts_page,
    names_of,
)
from dialer.watching.overview import RETRIES_DUE
from workers.web.choosing import services_of
from workers.web.contact_timeline import story_of
from workers.web.pages.rendering import digits_in, plain_form, renderer_of, require
from workers.web.recordings import recording_answer
from workers.wiring import Wiring

_ROWS = 100
_CONTACT_STATES = (*ContactState, IN_FLIGHT, RETRY, NOT_TRIED)
_ATTEMPT_STATES = (*AttemptState, IN_FLIGHT)
_ENDS = (*Outcome, *NotDialled)
_OUTCOMES = (AGENT_REACHED, *Outcome, NO_OUTCOME)
_LONGEST_ERROR = 80


async def contacts(request: Request) -> Response:
    """List contacts by filters."""
    return await _list(request, "contacts.html", contacts_page, _CONTACT_STATES, _ENDS)


async def attempts(request: Request) -> Response:
    """List attempts by filters."""
    return await _list(request, "attempts.html", attempts_page, _ATTEMPT_STATES, _OUTCOMES)


async def search_contacts(request: Request) -> Response:
    """List contacts by a number, which stands in the body: addresses stand in logs."""
    form = await plain_form(request, Scope.READ)
    return await _list(request, "contacts.html", contacts_page, _CONTACT_STATES, _ENDS, search=form)


async def search_attempts(request: Request) -> Response:
    """List attempts by a number."""
    form = await plain_form(request, Scope.READ)
    return await _list(
        request, "attempts.html", attempts_page, _ATTEMPT_STATES, _OUTCOMES, search=form
    )


async def contact(request: Request) -> Response:
    """Show one contact with all that happened to it."""
    return await _contact(request)


async def call_contact_back(request: Request) -> Response:
    """Have a contact called again, at a time or as soon as it may be."""
    form = await plain_form(request, Scope.OPERATE)
    wiring = services_of(request).wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    n = request.path_params["n"]
    if not re.fullmatch("[1-9][0-9]{0,9}", n):
        raise HTTPException(404, "The campaign has no such contact.")
    id_ = ContactId(campaign.id, int(n))
    try:
        at = _instant(form.get("at", ""), campaign.rules.zone)
        only = form.get("who") == "agent"
        await asyncio.to_thread(call_back, wiring.db, id_, at, reopen=True, only_agent=only)
    except (ValueError, NoCallBack) as error:
        return await _contact(request, call_back_problem=str(error))
    return RedirectResponse(f"/campaigns/{campaign.id}/contacts/{n}", status_code=303)


def _instant(written: str, zone: ZoneInfo) -> datetime:
    """Read an instant in a campaign's time; empty means now."""
    if not written.strip():
        return clock.now()
    at = datetime.fromisoformat(written.strip())
    return at if at.tzinfo else at.replace(tzinfo=zone)


async def _contact(request: Request, *, call_back_problem: str = "") -> Response:
    visitor = require(request, Scope.READ_MASKED)
    services = services_of(request)
    wiring = services.wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    n = request.path_params["n"]
    is_one = re.fullmatch("[1-9][0-9]{0,9}", n)
    line = await asyncio.to_thread(services.finding.contact, campaign, int(n)) if is_one else None
    if line is None:
        raise HTTPException(404, "The campaign has no such contact.")
    now_s = await asyncio.to_thread(wiring.db.now)
    return await renderer_of(request).page(
        request,
        "contact.html",
        status_code=422 if call_back_problem else 200,
        call_back_problem=call_back_problem,
        campaign=campaign,
        zone=campaign.rules.zone,
        line=line,
        cells=[] if visitor.is_masked else _cells(campaign, line),
        story=story_of(line),
        kept=await asyncio.to_thread(_kept_of, wiring, campaign, line),
        call_speed=wiring.settings.call_speed or 1.0,
        undecided=[one for one in line.attempts if one.attempt.may_be_decided(now_s=now_s)],
    )


async def recording(request: Request) -> Response:
    """Play an attempt's recording."""
    require(request, Scope.READ)
    wiring = services_of(request).wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    n, no = (request.path_params[name] for name in ("n", "no"))
    if not (re.fullmatch("[1-9][0-9]{0,9}", n) and re.fullmatch("[1-9][0-9]{0,4}", no)):
        raise HTTPException(404, "The campaign has no such attempt.")
    asked = request.headers.get("range")
    return await asyncio.to_thread(recording_answer, wiring, campaign, int(n), int(no), asked)


def _kept_of(wiring: Wiring, campaign: Campaign, line: ContactLine) -> dict[int, Kept]:
    nos = [one.attempt.no for one in line.attempts]
    try:
        return kept_of(wiring.db, wiring.recordings_place, campaign, line.n, nos)
    except PlaceAway as error:
        return {no: Kept("", "", 0, "", 0.0, error=str(error)) for no in nos}


def _cells(campaign: Campaign, line: ContactLine) -> list[tuple[str, str]]:
    return list(zip(campaign.columns, line.row.cells, strict=False))


async def _list(
    request: Request,
    template: str,
    read: Callable[..., Any],
    states: tuple[str, ...],
    ends: tuple[str, ...],
    *,
    search: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """List rows.

    Args:
        search: The form that looks for a number.
    """
    require(request, Scope.READ_MASKED)
    wiring = services_of(request).wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    asked = {
        "state": _known(request, "state", states),
        "outcome": _known(request, "outcome", ends),
        "due": _known(request, "due", tuple(RETRIES_DUE)),
        "error": request.query_params.get("error", "")[:_LONGEST_ERROR],
    }
    searched = {name: _digits(wiring, search.get(name, "")) for name in ("number", "agent")}
    searched["external_id"] = search.get("external_id", "").strip()[:LONGEST_EXTERNAL_ID]
    told: dict[str, Any] = {name: value or None for name, value in (asked | searched).items()}
    wanted = Filter(**told, due_at=await asyncio.to_thread(wiring.db.now))
    cursor = digits_in(search.get("cursor", request.query_params.get("cursor", "")))
    page = await asyncio.to_thread(
        read, wiring.db, campaign, wanted, cursor=int(cursor or 0), most=_ROWS
    )
    ids = {one.id.n for one in page.items if isinstance(one, OpenAttempt)}
    names = await asyncio.to_thread(names_of, wiring.db, campaign, ids) if ids else {}
    kept = {name: value for name, value in asked.items() if value}
    more = f"?{urlencode({**kept, 'cursor': page.next_cursor})}" if page.next_cursor else ""
    return await renderer_of(request).page(
        request,
        template,
        campaign=campaign,
        zone=campaign.rules.zone,
        page=page,
        names=names,
        asked=asked,
        searched=searched,
        next_cursor=page.next_cursor,
        states=states,
        ends=ends,
        dues=tuple(RETRIES_DUE),
        more=more,
        is_first=not cursor,
    )


def _digits(wiring: Wiring, written: str) -> str:
    """Give the digits that somebody looks for: all of a number in any spelling, or some of one."""
    number = wiring.suppressing.read_number(written)
    return number[1:] if number else digits_in(written)


def _known(request: Request, name: str, words: tuple[str, ...]) -> str:
    value = request.query_params.get(name, "")
    return value if value in words else ""


routes = [
    Route("/campaigns/{campaign_id}/contacts", contacts),
    Route("/campaigns/{campaign_id}/contacts/search", search_contacts, methods=["POST"]),
    Route("/campaigns/{campaign_id}/attempts", attempts),
    Route("/campaigns/{campaign_id}/attempts/search", search_attempts, methods=["POST"]),
    Route("/campaigns/{campaign_id}/contacts/{n}", contact),
    Route("/campaigns/{campaign_id}/contacts/{n}/attempts/{no}/recording", recording),
    Route("/campaigns/{campaign_id}/contacts/{n}/call-back", call_contact_back, methods=["POST"]),
]
