"""The API put together: who may enter, its routes, and one shape for errors."""

import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from workers.web.api import (
    account,
    again,
    agent_links,
    agents,
    alerts,
    audit,
    campaigns,
    contacts,
    dispositions,
    events,
    keys,
    leads,
    moves,
    numbers,
    rehearsals,
    rules,
    suppressions,
    templates,
    webhooks,
)
from workers.web.api.needs import ERRORS, ROOT
from workers.web.choosing import Choosing
from workers.web.entrance import Entrance, ask_for_key
from workers.web.guard import BODY_DEADLINE_S, BodyLimit, SameOrigin, SecurityHeaders
from workers.web.masking import Masking
from workers.web.problems import answer_with_problems
from workers.web.recorded import Recorded, RecordsTurnedAway
from workers.web.services import Services

LEADS = re.compile(r"/api/v1/campaigns/[^/]+/leads")

_ABOUT = """\
Campaigns, their contacts and attempts. Instants are ISO 8601, durations seconds (`_s`), phone
numbers E.164. Every request carries a key: `Authorization: Bearer KEY`; keys have the scopes
`read_masked`, `read`, `operate`, `upload` and `admin`. Errors are problem details (RFC 9457) with a fixed `code`.
"""


def api_app(
    services: Services,
    is_open: Callable[[], Awaitable[bool]],
    *,
    body_deadline_s: float = BODY_DEADLINE_S,
) -> FastAPI:
    """Make the API."""
    app = _Api(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # served with the pages, which know sessions too
        routes=_described().routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(RecordsTurnedAway, audit=services.wiring.audit),
            Middleware(SameOrigin, is_open=is_open),
            Middleware(Entrance, identify=services.identifying.by_header, turn_away=ask_for_key),
            Middleware(Choosing, accounts=services.accounts),
            Middleware(Masking),
            Middleware(Recorded, home=services),
            Middleware(BodyLimit, contacts=LEADS, deadline_s=body_deadline_s),
        ],
    )
    app.state.services = services
    answer_with_problems(app)
    return app


class _Api(FastAPI):
    """Serves an installation; what it does is described once for all."""

    def openapi(self) -> dict[str, Any]:
        return _described().openapi()


@cache
def _described() -> FastAPI:
    """Make what is the same in every app, whatever it serves: its routes take a tenth of a second."""
    app = FastAPI(
        title="dialer",
        version="1",
        summary="Queue-driven outbound campaigns",
        description=_ABOUT,
        responses=ERRORS,
        openapi_url=None,
    )
    v1 = APIRouter(prefix=ROOT)
    for router in (
        campaigns.router,
        leads.router,
        again.router,
        campaigns.one,
        rules.router,
        contacts.router,
        dispositions.router,
        numbers.router,
        account.router,
        agent_links.router,
        moves.router,
        agents.router,
        agent_links.of_one,
        moves.of_one,
        agents.one,
        alerts.router,
        suppressions.router,
        templates.router,
        rehearsals.router,
        rehearsals.single,
        keys.router,
        audit.router,
        events.router,
        webhooks.router,
        webhooks.one,
    ):
        v1.include_router(router)
    app.include_router(v1)
    events.tell_of_webhooks(app)
    return app
