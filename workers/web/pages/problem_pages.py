"""Problems as pages: whoever asks for a page gets one, wherever on its way the request failed.

Most of what stands before the routes answers with problem details. Without Redis nobody even knows
who asks, so the page of that says what is known of each page, and looks again by itself.
"""

from contextlib import suppress
from typing import cast

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaigns.sentence import told
from workers.web.entrance import wants_page
from workers.web.pages.rendering import ADMIN_LINKS, PAGE_LINKS, Renderer
from workers.web.problems import Problem, problem_in, problem_response

NAMES = {
    **dict((*PAGE_LINKS, *ADMIN_LINKS)),
    "/suppression": told("Numbers never called"),
    "/templates": told("Templates"),
}
"""Pages by their path; others are about a campaign."""

_PROBLEM = "application/problem+json"
_AWAY = "redis_away"


async def problem_page(request: Request, problem: Problem) -> Response:
    """Show a problem to a person."""
    renderer = cast("Renderer", request.app.state.renderer)
    with suppress(Exception):  # an error page must not fail for what failed the page
        page = await renderer.page(
            request,
            "away.html" if problem.code == _AWAY else "error.html",
            status_code=problem.status,
            problem=problem,
            needs_redis=False,
            is_away=problem.code == _AWAY,
            name=NAMES.get(request.url.path, told("Campaign")),
            may_look_again=request.method == "GET",
        )
        page.headers.update(problem.headers or {})
        return page
    return problem_response(problem)


class ProblemPages:
    """Puts a page in the place of problem details that a person would see."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_page(Request(scope)):
            await self._app(scope, receive, send)
            return
        problem: Problem | None = None

        async def send_page(message: Message) -> None:
            nonlocal problem
            if message["type"] == "http.response.start":
                problem = problem_in(scope) if _is_problem(message) else None
            if problem is None:
                await send(message)
            elif not message.get("more_body", message["type"] == "http.response.start"):
                page = await problem_page(Request(scope), problem)
                await page(scope, receive, send)

        await self._app(scope, receive, send_page)


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(_PROBLEM)
