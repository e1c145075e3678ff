"""Lets requests in: the API by key, the pages by session; and not more of them than one may send."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

import redis
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from campaigns.sentence import told
from dialer.clock import boottime_s
from dialer.logger import get_logger
from workers.web.access import Authenticator, Visitor
from workers.web.problems import Problem, as_problem, problem_response
from workers.web.proxies import came_directly, peer_of, throttled_as

log = get_logger(__name__)

REQUESTS_PER_S = 50.0  # of one key; a page with its files takes five
BURST = 200
_WRONG_KEYS_PER_S = 0.2  # of one address
_WRONG_KEYS_BURST = 10
_TOGETHER = 2  # times as much for all whom one connection's other end names
_MOST_KNOWN = 10_000  # addresses; the longest unseen is forgotten


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Throttle:
    """Lets each name do so much: a bucket that fills again.

    It counts in this process alone: it protects the process, not a quota.
    """

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, name: str, amount: float = 1) -> float:
        """Take so much; return 0, or the seconds after which there is enough."""
        now_s = boottime_s()
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now_s))
        self._buckets.move_to_end(name)
        if len(self._buckets) > _MOST_KNOWN:
            self._buckets.popitem(last=False)
        bucket.left = min(self._burst, bucket.left + (now_s - bucket.at_s) * self._per_s)
        bucket.at_s = now_s
        if bucket.left < amount:
            return (amount - bucket.left) / self._per_s
        bucket.left -= amount
        return 0.0


Identify = Callable[[Request], Awaitable[Visitor | None]]


class Entrance:
    """Asks every request who sends it, and keeps the answer as `request.state.visitor`.

    Args:
        turn_away: Answers those who may not enter.
        is_public: Paths that anybody may see.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        identify: Identify,
        turn_away: Callable[[Request], Response],
        is_public: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._app = app
        self._identify = identify
        self._turn_away = turn_away
        self._is_public = is_public
        self._throttle = Throttle(per_s=REQUESTS_PER_S, burst=BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            visitor = await self._identify(request)
        except (Problem, redis.RedisError) as error:
            await problem_response(as_problem(error))(scope, receive, send)
            return
        if visitor is None:
            await self._turn_away(request)(scope, receive, send)
            return
        if wait_s := self._throttle.wait_s(visitor.id):
            await problem_response(too_many(wait_s))(scope, receive, send)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        await self._app(scope, receive, send)


class Identifying:
    """Tells visitors by what they show."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._wrong_keys = Throttle(per_s=_WRONG_KEYS_PER_S, burst=_WRONG_KEYS_BURST)
        # a proxy that passes on what its clients write, or somebody beside it, names a new one each time
        self._wrong_by_peer = Throttle(
            per_s=_TOGETHER * _WRONG_KEYS_PER_S, burst=_TOGETHER * _WRONG_KEYS_BURST
        )

    async def by_header(self, request: Request) -> Visitor | None:
        """Tell the holder of a Bearer key.

        Raises:
            Problem: This address has shown too many wrong keys.
        """
        scheme, _, key = Headers(scope=request.scope).get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and key.strip():
            return await self.by_key(request, key.strip())
        return await self._nobody(request)

    async def by_key(self, request: Request, key: str) -> Visitor | None:
        """Tell the holder of a key; who shows wrong ones has to wait.

        Raises:
            Problem: This address has shown too many wrong keys.
        """
        visitor = await asyncio.to_thread(self._authenticator.by_key, key)
        if visitor is None:
            log.warning("key_refused", client=address_of(request), path=request.url.path)
            if wait_s := self.wait_for_wrong_s(request):
                raise too_many(wait_s)
        return visitor

    def wait_for_wrong_s(self, request: Request) -> float:
        """Count a wrong key, for whoever is said to show it and for whoever says so."""
        client = self._wrong_keys.wait_s(throttled_as(request.scope))
        return max(client, self._wrong_by_peer.wait_s(peer_of(request.scope)))

    async def by_cookie(self, request: Request) -> Visitor | None:
        """Tell somebody who signed in."""
        if session := request.cookies.get(cookie_name(request)):
            visitor = await asyncio.to_thread(self._authenticator.by_session, session)
            if visitor:
                return visitor
        return await self._nobody(request)

    async def by_either(self, request: Request) -> Visitor | None:
        """Tell a visitor by key or session, for what both programs and people read."""
        if "authorization" in request.headers:
            return await self.by_header(request)
        return await self.by_cookie(request)

    async def may_stay(self, request: Request) -> bool:
        """Tell whether somebody who was let in still would be."""
        return await asyncio.to_thread(self._authenticator.may_stay, request.state.visitor)

    async def _nobody(self, request: Request) -> Visitor | None:
        if not came_directly(request.scope):
            return None
        return await asyncio.to_thread(self._authenticator.nobody)


def address_of(request: Request) -> str:
    """Tell where a request came from, as far as trusted proxies say."""
    return request.client.host if request.client else ""


def cookie_name(request: Request) -> str:
    """Name the session's cookie. Browsers refuse `__Host-` without TLS, so HTTP has a plain one."""
    return "__Host-dialer" if request.url.scheme == "https" else "dialer"


def wants_page(request: Request) -> bool:
    """Tell whether a person asks, by a browser."""
    return "text/html" in request.headers.get("accept", "")


def ask_for_key(_: Request) -> Response:
    """Tell a program that it needs a key."""
    problem = Problem(
        401,
        "key_needed",
        "Send a key that is in force: Authorization: Bearer KEY.",
        headers={"WWW-Authenticate": 'Bearer realm="dialer"'},
    )
    return problem_response(problem)


def ask_to_sign_in(request: Request) -> Response:
    """Send people to the sign-in page, and scripts of ours an answer they understand."""
    if request.method != "GET" or not wants_page(request):
        return ask_for_key(request)
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(where, safe='')}", status_code=303)


def too_many(wait_s: float) -> Problem:
    """Say when to come again."""
    return Problem(
        429,
        "too_many_requests",
        told("Too many requests; again in {wait_s:.1f} s.", wait_s=wait_s),
        headers={"Retry-After": str(int(wait_s) + 1)},
    )
