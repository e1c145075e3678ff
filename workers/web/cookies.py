"""Cookies that remember what somebody chose; they open nothing."""

from http.cookies import SimpleCookie
from typing import Any, Literal

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Send


def with_cookie(
    request: Request,
    send: Send,
    name: str,
    value: str,
    *,
    for_s: int,
    same_site: Literal["lax", "strict"],
) -> Send:
    """Make what sends an answer that sets a cookie, whoever makes the answer.

    Args:
        for_s: How long the browser keeps it.
    """
    morsel: Any = SimpleCookie({name: value})[name]
    morsel["max-age"], morsel["path"] = for_s, "/"
    morsel["httponly"], morsel["samesite"] = True, same_site
    morsel["secure"] = request.url.scheme == "https"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("Set-Cookie", morsel.OutputString())
        await send(message)

    return sending
