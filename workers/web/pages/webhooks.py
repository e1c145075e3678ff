"""The pages of webhooks: which there are, where each stands, its last deliveries, and what to do about it."""

import asyncio
from collections.abc import Callable, Sequence

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.events import EventKind
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.store import Campaign
from dialer.store.webhooks import Webhook
from dialer.webhooks.receivers import MOST_A_BATCH, Receivers
from dialer.webhooks.sending import Reply
from workers.web.api.webhooks import WebhookOrder, add_webhook, find_webhook
from workers.web.choosing import services_of
from workers.web.pages.rendering import (
    plain_form,
    renderer_of,
    require,
    visitor_of,
    whole_form,
)
from workers.web.problems import Problem

_MOST_FIELDS = 100
_SHOWN = 30


async def show_all(request: Request) -> Response:
    """List the receivers."""
    return await _list(request)


async def add(request: Request) -> Response:
    """Register a receiver, and show its secret this once."""
    fields = await whole_form(request, Scope.ADMIN, most=_MOST_FIELDS)
    try:
        order = WebhookOrder(
            url="".join(fields.get("url", [])).strip(),
            events=[EventKind(one) for one in fields.get("event", [])],
            campaign_id="".join(fields.get("campaign", [])),
            batch=int("".join(fields.get("batch", [])) or 1),
        )
    except (ValidationError, ValueError):
        raise Problem(
            422,
            "invalid",
            told(
                "Write a URL, and how many events a delivery has, 1 to {most}.",
                most=MOST_A_BATCH,
            ),
        ) from None
    made = await asyncio.to_thread(add_webhook, visitor_of(request), services_of(request), order)
    return await _list(request, secret=made.secret, of=made.webhook_id)


async def show(request: Request) -> Response:
    """Show one, its last deliveries and what was given up."""
    return await _one(request)


async def do(request: Request) -> Response:
    """Do to one what a button says."""
    await plain_form(request, Scope.ADMIN)
    webhook, receivers = await _found(request), services_of(request).wiring.receivers
    deed = request.url.path.rpartition("/")[2]
    if deed == "test":
        reply = await asyncio.to_thread(receivers.test, webhook)
        return await _one(request, reply=reply)
    if deed == "rotate":
        return await _one(request, secret=await asyncio.to_thread(receivers.rotate, webhook))
    await asyncio.to_thread(_DEEDS[deed], receivers, webhook)
    to = "/webhooks" if deed == "remove" else f"/webhooks/{webhook.id}"
    return RedirectResponse(to, status_code=303)


_DEEDS: dict[str, Callable[[Receivers, Webhook], object]] = {
    "pause": Receivers.pause,
    "resume": Receivers.resume,
    "replay": Receivers.replay,
    "remove": Receivers.remove,
}


async def _found(request: Request) -> Webhook:
    return await asyncio.to_thread(
        find_webhook, request.path_params["webhook_id"], services_of(request)
    )


async def _list(request: Request, *, secret: str = "", of: str = "") -> Response:
    require(request, Scope.ADMIN)
    wiring = services_of(request).wiring
    lines = await asyncio.to_thread(wiring.receivers.all)
    campaigns: Sequence[Campaign] = await asyncio.to_thread(wiring.campaigns.unarchived)
    return await renderer_of(request).page(
        request,
        "webhooks.html",
        lines=lines,
        campaigns=campaigns,
        names={one.id: one.name for one in campaigns},
        kinds=list(EventKind),
        most_a_batch=MOST_A_BATCH,
        secret=secret,
        of=of,
    )


async def _one(request: Request, *, secret: str = "", reply: Reply | None = None) -> Response:
    require(request, Scope.ADMIN)
    webhook, receivers = await _found(request), services_of(request).wiring.receivers
    line = await asyncio.to_thread(receivers.line, webhook)
    return await renderer_of(request).page(
        request,
        "webhook.html",
        line=line,
        deliveries=(await asyncio.to_thread(receivers.deliveries, webhook))[:_SHOWN],
        dead=(await asyncio.to_thread(receivers.dead, webhook))[:_SHOWN],
        secret=secret,
        reply=reply,
    )


routes = [
    Route("/webhooks", show_all),
    Route("/webhooks", add, methods=["POST"]),
    Route("/webhooks/{webhook_id}", show),
    *(
        Route(f"/webhooks/{{webhook_id}}/{deed}", do, methods=["POST"])
        for deed in ("test", "rotate", *_DEEDS)
    ),
]
