"""Exotel's callbacks: check the path, store the fact, answer 200. Nothing is decided here."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import redis.asyncio
from redis.exceptions import RedisError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from dialer.callback_paths import CallbackPaths
from dialer.logger import get_logger
from dialer.store import CallbackInbox
from workers.web.appending import Appending
from workers.web.entrance import Throttle

log = get_logger(__name__)

MAX_BODY_BYTES = 64 * 1024
BODY_DEADLINE_S = 10.0

# Of one attempt. The longest genuine ones come to some kilobytes, and they are sent thrice at most;
# a path that leaked would fill Redis otherwise.
_BURST_BYTES = 2_000_000
_BYTES_PER_S = 1_000
_ENTRY_BYTES = 200  # what an entry costs beside its body

_STORED = Response(status_code=200)
_NOT_GENUINE = Response(status_code=404)  # nothing tells a prober which part was wrong
_TOO_LARGE = Response(status_code=413)
_TOO_SLOW = Response(status_code=408)
_UNAVAILABLE = Response(status_code=503, headers={"Retry-After": "5"})


class Reception(NamedTuple):
    """Where one account's callbacks come to, and are kept."""

    paths: CallbackPaths
    inbox: CallbackInbox
    client: "redis.asyncio.Redis"


def callback_route(
    receptions: Sequence[Reception],
    *,
    body_deadline_s: float = BODY_DEADLINE_S,
) -> Route:
    """Make the receiver's route.

    Args:
        receptions: Of the accounts; a path is genuine for one of them at most.
        body_deadline_s: How long a body may take to arrive.
    """
    streams = [(one, Appending(one.client, one.inbox.key)) for one in receptions]
    throttle = Throttle(per_s=_BYTES_PER_S, burst=_BURST_BYTES)

    async def receive(request: Request) -> Response:
        where = request.path_params
        path = (where["key_id"], where["attempt_id"], where["mac"])
        found = [one for one in streams if one[0].paths.is_genuine(*path)]
        if not found:
            return _NOT_GENUINE
        reception, stream = found[0]
        try:
            async with asyncio.timeout(body_deadline_s):
                body = await _read(request)
        except (TimeoutError, ClientDisconnect):
            return _TOO_SLOW
        if body is None:
            return _TOO_LARGE
        if wait_s := throttle.wait_s(where["attempt_id"], len(body) + _ENTRY_BYTES):
            log.warning("callbacks_too_many", attempt_id=where["attempt_id"])
            return Response(status_code=429, headers={"Retry-After": str(int(wait_s) + 1)})
        fields = reception.inbox.fields(
            attempt_id=where["attempt_id"],
            content_type=request.headers.get("content-type", "")[:200],
            body=body,
        )
        try:
            await stream.append(fields)
        except RedisError as error:
            log.warning("callback_not_stored", attempt_id=where["attempt_id"], message=str(error))
            return _UNAVAILABLE  # the provider sends it again, and the sweeper asks anyway
        log.info("callback_stored", attempt_id=where["attempt_id"])
        return _STORED

    return Route("/callbacks/exotel/{key_id}/{attempt_id}/{mac}", receive, methods=["POST"])


async def _read(request: Request) -> bytes | None:
    """Read the body; None as soon as it is too large."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 19 and int(declared) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
