"""The languages of the pages: which one a request is answered in."""

import re
from contextvars import ContextVar
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from workers.web.cookies import keep_cookie
from workers.web.texts import ENGLISH

LANGUAGES = {ENGLISH: "English", "hi": "हिन्दी"}
"""By code, each in its own word."""

_COOKIE = "language"  # and the word in addresses
_FOR_S = 400 * 86400
_ASKED = re.compile(r"\s*([a-z]{2,3})\b[^,;]*(?:;\s*q=([0-9.]+))?", re.IGNORECASE)
_NOW: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language() -> str:
    """Give the language of the request that is being answered."""
    return _NOW.get()


class Languages:
    """Notes the language of each request: what was chosen, else the setting's, else the browser's.

    A page asked for with `?language=` is what everything is shown in from then on, by a cookie.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        asked = request.query_params.get(_COOKIE, "")
        if asked in LANGUAGES and request.method == "GET":
            answer = RedirectResponse(_address(request), 303)
            keep_cookie(request, answer, _COOKIE, asked, for_s=_FOR_S, same_site="lax")
            await answer(scope, receive, send)
            return
        # a request is a task with a context of its own, so nothing has to be set back
        usual = request.app.state.services.wiring.settings.dialer_language
        _NOW.set(_chosen(request) or usual or _of_browser(request) or ENGLISH)
        await self._app(scope, receive, send)


def _chosen(request: Request) -> str:
    code = request.cookies.get(_COOKIE, "")
    return code if code in LANGUAGES else ""


def _of_browser(request: Request) -> str:
    """Give the language of ours that the browser would rather have than the others."""
    asked: dict[str, float] = {}
    for one in request.headers.get("accept-language", "").split(","):
        if (found := _ASKED.match(one)) and found[1].lower() in LANGUAGES:
            weight = float(found[2]) if re.fullmatch(r"[01](\.\d{0,3})?", found[2] or "") else 1.0
            if weight:
                asked.setdefault(found[1].lower(), weight)
    return max(asked, key=lambda code: asked[code], default="")


def language_links(request: Request) -> list[tuple[str, str, str]]:
    """Give (code, its own word, address of this page in it) for each language but the present one."""
    return [
        (code, name, _address(request, language=code))
        for code, name in LANGUAGES.items()
        if code != language()
    ]


def _address(request: Request, **more: str) -> str:
    """Give the address of a page on this server; one that was sent by a form cannot be asked for."""
    if request.method != "GET":
        return f"/?{urlencode(more)}"
    path = "/" + quote(request.scope["path"].lstrip("/\\"))  # two slashes would lead elsewhere
    asked = [one for one in request.query_params.multi_items() if one[0] != _COOKIE]
    query = urlencode([*asked, *more.items()])
    return f"{path}?{query}" if query else path
