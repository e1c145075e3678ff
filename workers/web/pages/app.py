"""The pages put together: who may enter, their routes, static files, errors as pages."""

from collections.abc import Awaitable, Callable
from itertools import chain

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from dialer.logger import get_logger
from workers.web.choosing import Choosing
from workers.web.entrance import Entrance, ask_to_sign_in, wants_page
from workers.web.guard import BODY_DEADLINE_S, BodyLimit, SameOrigin, SecurityHeaders
from workers.web.languages import Languages
from workers.web.masking import Masking
from workers.web.pages import (
    account,
    accounts,
    adding,
    again,
    agents,
    alerts,
    audit,
    books,
    campaign,
    campaigns,
    comparing,
    contact,
    design,
    imports,
    keys,
    moves,
    rows,
    rules,
    search,
    signing,
    start,
    templates,
    today,
    webhooks,
)
from workers.web.pages.manual import manual_routes
from workers.web.pages.problem_pages import ProblemPages, problem_page
from workers.web.pages.rendering import Renderer
from workers.web.pages.static import static_routes
from workers.web.problems import EXPECTED_ERRORS, problem_of, problem_response
from workers.web.recorded import Recorded, RecordsTurnedAway
from workers.web.services import Services

log = get_logger(__name__)

_IN_ORDER = (
    *(signing, today, comparing, campaigns, imports, adding, start, books, again, accounts),
    *(templates, rules, campaign, rows, contact, search, design, account, agents, moves),
    *(alerts, audit, keys, webhooks),
)
"""Of two addresses that fit a request the one that is declared first is meant."""


def pages_app(
    services: Services,
    is_open: Callable[[], Awaitable[bool]],
    api: FastAPI,
    *,
    body_deadline_s: float = BODY_DEADLINE_S,
) -> Starlette:
    """Make the pages.

    Args:
        api: Described on a page of its own.
    """
    app = Starlette(
        routes=[
            *static_routes(),
            *chain.from_iterable(one.pages.routes for one in _IN_ORDER),
            *manual_routes(api),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Languages),
            Middleware(ProblemPages),
            Middleware(RecordsTurnedAway, audit=services.wiring.audit),
            Middleware(SameOrigin, is_open=is_open),
            Middleware(
                Entrance,
                identify=services.identifying.by_either,
                turn_away=ask_to_sign_in,
                is_public=_is_public,
            ),
            Middleware(Choosing, accounts=services.accounts, remembers=True),
            Middleware(Masking),
            Middleware(Recorded, home=services),
            Middleware(BodyLimit, deadline_s=body_deadline_s),
        ],
        exception_handlers=dict.fromkeys((*EXPECTED_ERRORS, Exception), _error_page),
    )
    app.state.services = services
    app.state.renderer = Renderer()
    return app


def _is_public(path: str) -> bool:
    return path == "/sign-in" or path.startswith("/static/")


async def _error_page(request: Request, error: Exception) -> Response:
    problem = problem_of(request, error)
    if problem.status >= 500:
        log.error("page_failed", path=request.url.path, code=problem.code, exc_info=error)
    return (
        await problem_page(request, problem) if wants_page(request) else problem_response(problem)
    )
