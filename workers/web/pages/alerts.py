"""The page of alerts: what stands, who is told of what, a test, and an end to it."""

import asyncio
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.alert_rules import Way
from campaigns.alerts import AlertKind, Limits
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from workers.web.api.alerts import (
    AlertOrder,
    AlertTest,
    add_alert,
    list_alerts,
    remove_alert,
    try_alert,
)
from workers.web.choosing import services_of
from workers.web.pages.rendering import plain_form, renderer_of, require, visitor_of, whole_form
from workers.web.problems import Problem

_NUMBERS = ("idle_min", "unresolved", "connect_rate", "balance")


async def show(request: Request) -> Response:
    """Show what stands and who is told."""
    return await _page(request)


async def add(request: Request) -> Response:
    """Tell somebody from now on."""
    fields = await whole_form(request, Scope.ADMIN)
    await asyncio.to_thread(add_alert, visitor_of(request), services_of(request), _order_of(fields))
    return RedirectResponse("/alerts", status_code=303)


async def test(request: Request) -> Response:
    """Tell them now that this is a test, and show what came of it."""
    await plain_form(request, Scope.ADMIN)
    tried = await asyncio.to_thread(
        try_alert, visitor_of(request), services_of(request), request.path_params["rule_id"]
    )
    return await _page(request, tried=tried)


async def remove(request: Request) -> Response:
    """Tell them no more."""
    await plain_form(request, Scope.ADMIN)
    await asyncio.to_thread(
        remove_alert, visitor_of(request), services_of(request), request.path_params["rule_id"]
    )
    return RedirectResponse("/alerts", status_code=303)


def _order_of(fields: Mapping[str, list[str]]) -> AlertOrder:
    def one(name: str) -> str:
        return "".join(fields.get(name, [])).strip()

    try:
        numbers = {name: int(one(name)) for name in _NUMBERS if one(name)}
        return AlertOrder(
            way=Way(one("way")),
            to=one("to"),
            kinds={AlertKind(kind) for kind in fields.get("kind", [])},
            quiet=one("quiet"),
            **numbers,
        )
    except (ValidationError, ValueError):
        raise Problem(
            422, "invalid", told("Choose a way, write where to, and whole numbers for the limits.")
        ) from None


async def _page(request: Request, *, tried: AlertTest | None = None) -> Response:
    visitor = require(request, Scope.ADMIN)
    found = await asyncio.to_thread(list_alerts, visitor, services_of(request))
    return await renderer_of(request).page(
        request,
        "alerts.html",
        found=found,
        tried=tried,
        ways=_WAYS,
        kinds=_KINDS,
        usual=Limits(),
    )


_WAYS = {
    Way.EMAIL: told("by e-mail"),
    Way.SLACK: "Slack",
    Way.TEAMS: "Teams",
    Way.EVENTS: told("as events, for webhooks"),
}
_KINDS = {
    AlertKind.COMPLETED: told("a campaign is completed"),
    AlertKind.PAUSED: told("a campaign pauses by itself"),
    AlertKind.NOTHING_DIALLED: told("nothing is dialled although contacts are due"),
    AlertKind.STOPPED: told("the provider refuses the account"),
    AlertKind.HELD: told("the account is on hold"),
    AlertKind.CAPPED: told("a cap of the day is reached"),
    AlertKind.BALANCE: told("the balance at the provider is low"),
    AlertKind.UNRESOLVED: told("many attempts are unresolved"),
    AlertKind.CONNECT_RATE: told("few calls connect"),
    AlertKind.PROCESS_MISSING: told("a process is missing"),
}

routes = [
    Route("/alerts", show),
    Route("/alerts", add, methods=["POST"]),
    Route("/alerts/{rule_id}/test", test, methods=["POST"]),
    Route("/alerts/{rule_id}/remove", remove, methods=["POST"]),
]
