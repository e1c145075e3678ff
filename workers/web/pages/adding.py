"""The form that adds one contact to a campaign."""

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.lists.one_at_a_time import GivenContact
from dialer.access.api_keys import Scope
from dialer.loading.adding import Answer, Took
from workers.web.choosing import services_of
from workers.web.pages.rendering import plain_form, renderer_of, require

_MOST_OWN = 30  # a form has forty fields at most
_OWN = "cell "
"""Stands before the name of a column of the campaign's own."""


async def form(request: Request) -> Response:
    """Show the empty form."""
    require(request, Scope.UPLOAD)
    return await _page(request, {}, None)


async def add(request: Request) -> Response:
    """Add what the form says, and show the contact, or the form again with the reason."""
    fields = await plain_form(request, Scope.UPLOAD)
    wiring = services_of(request).wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    own = {name.removeprefix(_OWN): text for name, text in fields.items() if name.startswith(_OWN)}
    told = {name: fields.get(name, "") for name in GIVEN}
    (answer,) = await asyncio.to_thread(
        wiring.adding.add,
        campaign,
        [GivenContact(**told, row=own)],
        may_start=request.state.visitor.may(Scope.OPERATE),
    )
    if answer.took in {Took.ADDED, Took.KNOWN} and answer.contact:
        page = f"/campaigns/{campaign.id}/contacts/{answer.contact.n}"
        return RedirectResponse(page, status_code=303)
    return await _page(request, fields, answer)


GIVEN = (
    *("agent", "agent_group", "backup", "customer", "external_id"),
    *("priority", "not_before", "expires_at", "timezone"),
)


async def _page(request: Request, fields: dict[str, str], answer: Answer | None) -> Response:
    wiring = services_of(request).wiring
    campaign = await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])
    return await renderer_of(request).page(
        request,
        "add_contact.html",
        status_code=422 if answer else 200,
        campaign=campaign,
        fields=fields,
        answer=answer,
        own=[
            (_OWN + name, name)
            for name in wiring.adding.judge_of(campaign).own_columns()[:_MOST_OWN]
        ],
    )


routes = [
    Route("/campaigns/{campaign_id}/add", form),
    Route("/campaigns/{campaign_id}/add", add, methods=["POST"]),
]
