"""Cookies: no script reads them, and over TLS they come back by it alone."""

from typing import Literal

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Send


def keep_cookie(
    request: Request,
    answer: Response,
    name: str,
    value: str,
    *,
    for_s: int,
    same_site: Literal["lax", "strict"] = "strict",
) -> None:
    """Have the browser keep a cookie for so long."""
    answer.set_cookie(
        name,
        value,
        max_age=for_s,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite=same_site,
    )


def with_cookie(request: Request, send: Send, name: str, value: str, *, for_s: int) -> Send:
    """Make what sends an answer that keeps a cookie, whoever makes the answer."""
    answer = Response()
    keep_cookie(request, answer, name, value, for_s=for_s)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            cookie = answer.headers["set-cookie"]
            MutableHeaders(scope=message).append("Set-Cookie", cookie)
        await send(message)

    return sending
