"""The rows behind the numbers: contacts and attempts, by filters."""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState, NotDialled
from campaigns.lists.external_ids import LONGEST_EXTERNAL_ID
from dialer.access.api_keys import Scope
from dialer.store import OpenAttempt
from dialer.store.agents import AgentStore
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
from workers.web.pages.rendering import digits_in, plain_form, renderer_of, require
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
    agents = AgentStore(wiring.db).names
    rung = {one.attempt.agent if isinstance(one, OpenAttempt) else one.agent for one in page.items}
    kept = {name: value for name, value in asked.items() if value}
    more = f"?{urlencode({**kept, 'cursor': page.next_cursor})}" if page.next_cursor else ""
    return await renderer_of(request).page(
        request,
        template,
        campaign=campaign,
        zone=campaign.rules.zone,
        page=page,
        names=names,
        agent_names=await asyncio.to_thread(agents, rung),
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
]
