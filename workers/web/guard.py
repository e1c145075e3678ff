"""What every request to the API and the pages passes first; callbacks pass none of it.

One concern a class, plain ASGI: a stream of events is not buffered on its way.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import redis
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaigns.lists.source import ListLimits
from campaigns.sentence import told
from workers.web.deeds import SAFE_METHODS, takes_file
from workers.web.problems import Problem, as_problem, problem_response

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors "
    "'none'; "
    "base-uri 'none'"
)
_OUR_OWN = frozenset({"same-origin", "none"})  # none: the address bar, a bookmark
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$", re.IGNORECASE)

BODY_DEADLINE_S = 15.0
_COUNT = re.compile(r"[0-9]{1,18}")
MAX_BODY_BYTES = 64 * 1024
MAX_CONTACTS_BYTES = 4_000_000  # a thousand contacts, each with as many cells as a list has
MAX_UPLOAD_BYTES = ListLimits().max_bytes + 1_000_000  # and the form around it
_UPLOAD_PIECE_DEADLINE_S = 30.0
_UPLOAD_GRACE_S = 60.0
_UPLOAD_LEAST_BYTES_PER_S = 2_000  # on the whole; whoever is slower only holds a place


class SecurityHeaders:
    """Tells browsers what a page of ours may do, unless the answer knows better.

    Over TLS it also tells them to use nothing else.

    Args:
        instead: Headers that differ from the usual ones.
    """

    def __init__(self, app: ASGIApp, instead: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._headers = {**_HEADERS, **(instead or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_tls = scope.get("scheme") == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if is_tls:
                    headers.setdefault("Strict-Transport-Security", _TLS_FOR_A_YEAR)
            await send(message)

        await self._app(scope, receive, send_with_headers)


_TLS_FOR_A_YEAR = "max-age=31536000"
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # no-referrer would make browsers send forms of ours with Origin: null
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class SameOrigin:
    """Refuses what another site made a browser send, and names that are not ours.

    Args:
        is_open: Asked whether no key is needed. Then the name in Host must be loopback's own, or a
            page of another site could reach us under its name (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, *, is_open: Callable[[], Awaitable[bool]]) -> None:
        self._app = app
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (problem := await self._problem(scope)):
            await problem_response(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if scope["method"] not in SAFE_METHODS and not _is_from_us(headers, host):
            return Problem(403, "cross_site", told("The request came from another site."))
        try:
            if _LOOPBACK.match(host) or not await self._is_open():
                return None
        except redis.RedisError as error:
            return as_problem(error)  # it cannot be known, so it is not let in
        return Problem(
            421,
            "wrong_host",
            told(
                "Without a key the server answers to localhost alone; make one there first, on "
                "the page Keys."
            ),
        )


def _is_from_us(headers: Headers, host: str) -> bool:
    """Tell by what browsers say and pages cannot forge; programs say neither."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site in _OUR_OWN
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:  # such as http://[
        return False


class BodyLimit:
    """Ends bodies that are too large or too slow, before anything keeps them.

    A route that takes a file says so; its deadline is another, and for each piece.

    Args:
        contacts: Paths that take many contacts in a body; None: none does.
        deadline_s: For the whole body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        contacts: "re.Pattern[str] | None" = None,
        deadline_s: float,
    ) -> None:
        self._app = app
        self._contacts = contacts
        self._deadline_s = deadline_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        is_upload = takes_file(scope["path"])
        limit_bytes = MAX_UPLOAD_BYTES if is_upload else MAX_BODY_BYTES
        if self._contacts and self._contacts.fullmatch(scope["path"]):
            limit_bytes = MAX_CONTACTS_BYTES
        declared = Headers(scope=scope).get("content-length", "")
        if _COUNT.fullmatch(declared) and int(declared) > limit_bytes:
            await problem_response(_too_large(limit_bytes))(scope, receive, send)
            return
        deadline_s = None if is_upload else self._deadline_s
        body = _LimitedBody(receive, limit_bytes=limit_bytes, deadline_s=deadline_s)
        answer = _Answer(body, scope, receive, send)
        await self._app(scope, body.receive, answer.send)


class _LimitedBody:
    """A body on its way in; once it breaks a limit, `problem` says which.

    Args:
        deadline_s: For the whole of it; None: it is an upload, each piece of which has its own.
    """

    def __init__(self, receive: Receive, *, limit_bytes: int, deadline_s: float | None) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._clock_s = asyncio.get_running_loop().time
        self._began_at_s = self._clock_s()
        self._ends_at_s = None if deadline_s is None else self._began_at_s + deadline_s
        self._received_bytes = 0
        self._is_whole = False
        self.problem: Problem | None = None

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()  # waiting for the client to leave has no deadline
        try:
            async with asyncio.timeout(self._left_s()):
                message = await self._receive()
        except TimeoutError:
            raise self._refuse(Problem(408, "too_slow", told("The body took too long."))) from None
        self._received_bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._received_bytes > self._limit_bytes:
            raise self._refuse(_too_large(self._limit_bytes))
        return message

    def _left_s(self) -> float:
        now_s = self._clock_s()
        if self._ends_at_s is None:
            earned_s = _UPLOAD_GRACE_S + self._received_bytes / _UPLOAD_LEAST_BYTES_PER_S
            return min(_UPLOAD_PIECE_DEADLINE_S, self._began_at_s + earned_s - now_s)
        return self._ends_at_s - now_s

    def _refuse(self, problem: Problem) -> Problem:
        self.problem = problem
        return problem


class _Answer:
    """An answer on its way out. Frameworks have an answer of their own to a body that fails, so
    ours takes its place.
    """

    def __init__(self, body: _LimitedBody, scope: Scope, receive: Receive, send: Send) -> None:
        self._body = body
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_replaced = False

    async def send(self, message: Message) -> None:
        if self._is_replaced:
            return
        if message["type"] == "http.response.start" and self._body.problem:
            self._is_replaced = True
            response = problem_response(self._body.problem)
            await response(self._scope, self._receive, self._send)
            return
        await self._send(message)


def _too_large(limit_bytes: int) -> Problem:
    return Problem(413, "too_large", told("At most {most:,} bytes are taken.", most=limit_bytes))
