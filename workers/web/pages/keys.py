"""The page of keys: which there are, a new one, and an end to one; each as far as one's own key goes."""

import asyncio

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.sentence import told
from dialer.access.api_keys import LONGEST_DAYS, Scope
from workers.web.api.keys import KeyOrder, NewKey, create_key, list_keys, revoke_key
from workers.web.choosing import services_of
from workers.web.pages.rendering import (
    plain_form,
    renderer_of,
    require,
    visitor_of,
    whole_form,
)
from workers.web.problems import Problem

_MOST_FIELDS = 1_100  # each account is one
_DAY_S = 86_400


async def show(request: Request) -> Response:
    """List keys."""
    return await _page(request, made=None)


async def create(request: Request) -> Response:
    """Make a key, and show it this once."""
    fields = await whole_form(request, Scope.ADMIN, most=_MOST_FIELDS)
    days = "".join(fields.get("days", []))
    try:
        order = KeyOrder(
            name="".join(fields.get("name", [])),
            scopes={Scope(one) for one in fields.get("scope", [])},
            expires_s=int(days) * _DAY_S,
            accounts=fields.get("account"),
        )
    except (ValidationError, ValueError):
        raise Problem(
            422,
            "invalid",
            told(
                "Write a name, choose a scope, and 1 to {most} days.",
                most=LONGEST_DAYS,
            ),
        ) from None
    made = await asyncio.to_thread(create_key, visitor_of(request), services_of(request), order)
    return await _page(request, made=made)


async def revoke(request: Request) -> Response:
    """End a key and those it made."""
    await plain_form(request, Scope.ADMIN)
    await asyncio.to_thread(
        revoke_key, visitor_of(request), services_of(request), request.path_params["key_id"]
    )
    return RedirectResponse("/keys", status_code=303)


async def _page(request: Request, *, made: NewKey | None) -> Response:
    visitor = require(request, Scope.ADMIN)
    found = await asyncio.to_thread(list_keys, visitor, services_of(request))
    return await renderer_of(request).page(
        request,
        "keys.html",
        keys=found.items,
        made=made,
        scopes=list(Scope),
        most_days=LONGEST_DAYS,
    )


routes = [
    Route("/keys", show),
    Route("/keys", create, methods=["POST"]),
    Route("/keys/{key_id}/revoke", revoke, methods=["POST"]),
]
