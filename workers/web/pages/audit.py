"""The page of who did what."""

import asyncio
from datetime import datetime
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialer.access.api_keys import Scope
from dialer.audit import actions, by, faults_of
from workers.web.access import Visitor
from workers.web.choosing import services_of
from workers.web.deeds import hidden_from
from workers.web.pages.rendering import renderer_of, require
from workers.web.services import Services

_MOST_SHOWN = 200


async def show(request: Request) -> Response:
    """Show the newest actions, of everybody or of one."""
    visitor = require(request, Scope.ADMIN)
    who = request.query_params.get("who", "").strip()[:100]
    is_checked = "check" in request.query_params
    found, faults = await asyncio.to_thread(
        _read, services_of(request), visitor, who, is_checked=is_checked
    )
    return await renderer_of(request).page(
        request,
        "audit.html",
        actions=found[:_MOST_SHOWN],
        is_whole=len(found) <= _MOST_SHOWN,
        who=who,
        is_checked=is_checked,
        faults=faults,
    )


def _read(
    services: Services, visitor: Visitor, who: str, *, is_checked: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    trail = services.audit.trail
    found = list(
        islice(actions(by(trail.newest(), who, without=hidden_from(visitor))), _MOST_SHOWN + 1)
    )
    for one in found:
        one["at_s"] = datetime.fromisoformat(one["at"]).timestamp()
    faults = list(faults_of(trail.lines(), trail.ends())) if is_checked else []
    return found, faults


routes = [Route("/audit", show)]
