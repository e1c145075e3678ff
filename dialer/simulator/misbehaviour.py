"""Answers that a client should never trust: silence, halves, drips, bombs and nonsense."""

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from dialer.simulator.answers import Style, written
from dialer.simulator.bodies import Json
from dialer.simulator.faults import Trouble

TRANSPORT = "dialer.simulator.transport"
"""Scope extension in which our server hands over the connection, so that it can be broken."""

HUGE_BYTES = 10_000_000
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends RST."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What an honest answer would have said.

    Args:
        body: None when no call was placed.
        known_sid: A Sid that was given out before.
        hang_s: How long a hanging request is held, real seconds.
        drip_interval_s: Real seconds between two bytes of a drip.
    """

    body: Json | None
    known_sid: str
    hang_s: float
    drip_interval_s: float

    @property
    def status(self) -> int:
        return 200 if self.body else 500

    @property
    def content(self) -> bytes:
        return json.dumps(self.body or {"error": "Internal Server Error"}).encode()


def misbehaving(trouble: Trouble, truth: Truth) -> Response:
    """The answer that this trouble makes of the truth."""
    if trouble in _TWISTED:
        return _TWISTED[trouble](truth)
    return Response("<h1>Try again later</h1>", int(trouble.value[:3]), media_type="text/html")


def _with_known_sid(truth: Truth) -> Response:
    call = (truth.body or {}).get("Call", {"Status": "in-progress"})
    return written({"Call": call | {"Sid": truth.known_sid}}, Style.JSON)


def _gzipped(truth: Truth) -> Response:
    return _json(_gzip_bomb(), truth.status, {"Content-Encoding": "gzip"})


def _redirect(status: int) -> Callable[[Truth], Response]:
    return lambda _: RedirectResponse("/elsewhere", status_code=status)


def _json(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status, headers, media_type="application/json")


class Silence(Response):
    """No answer: the connection is held, then dropped without a word.

    Args:
        hold_s: Real seconds before it is dropped; less when the client goes first.
        reset: Drop it with a TCP reset.
    """

    def __init__(self, *, hold_s: float, reset: bool = False) -> None:
        super().__init__()
        self._hold_s = hold_s
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        try:
            async with asyncio.timeout(self._hold_s):
                await _disconnected(receive)
        except TimeoutError:
            await _break_off(scope, receive, reset=self._reset)


class HalfAnswer(Response):
    """Head and half of the body, then the end of the connection."""

    def __init__(self, content: bytes, status: int) -> None:
        super().__init__(content, status, media_type="application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(_head(self))
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _break_off(scope, receive, reset=False)


class Drip(Response):
    """The whole answer, byte by byte, each just soon enough to keep a read timeout quiet."""

    def __init__(self, content: bytes, status: int, *, interval_s: float) -> None:
        super().__init__(content, status, media_type="application/json")
        self._interval_s = interval_s

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await send(_head(self))
            for position in range(len(self.body)):
                byte = bytes(self.body)[position : position + 1]
                await send({"type": "http.response.body", "body": byte, "more_body": True})
                if (await asyncio.wait({leaving}, timeout=self._interval_s))[0]:
                    return
            await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()


def _head(response: Response) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _break_off(scope: Scope, receive: Receive, *, reset: bool) -> None:
    """End the connection; a server that gave us no transport closes it on the exception."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError("the simulator broke off")
    if reset and not transport.is_closing():
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()
    await _disconnected(receive)


@cache
def _gzip_bomb() -> bytes:
    """About 100 kB that grow to 100 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()


_TWISTED: Mapping[Trouble, Callable[[Truth], Response]] = {
    Trouble.MOVED: _redirect(301),
    Trouble.REDIRECTED: _redirect(307),
    Trouble.HANG: lambda truth: Silence(hold_s=truth.hang_s),
    Trouble.CLOSE: lambda _: Silence(hold_s=0),
    Trouble.RESET: lambda _: Silence(hold_s=0, reset=True),
    Trouble.CUT: lambda truth: HalfAnswer(truth.content, truth.status),
    Trouble.HTML: lambda _: Response("<h1>It works!</h1>", media_type="text/html"),
    Trouble.BAD_JSON: lambda truth: _json(truth.content[:-2]),
    Trouble.EMPTY: lambda _: _json(b""),
    Trouble.NO_SID: lambda _: written({"Call": {"Status": "queued"}}, Style.JSON),
    Trouble.KNOWN_SID: _with_known_sid,
    Trouble.DRIP: lambda truth: Drip(truth.content, truth.status, interval_s=truth.drip_interval_s),
    Trouble.HUGE: lambda truth: _json(truth.content.ljust(HUGE_BYTES), truth.status),
    Trouble.GZIP_BOMB: _gzipped,
}
