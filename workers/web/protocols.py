"""How bytes on a connection become requests, within the limits of `workers.web.connections`.

A connection begins as one that arrives: a buffer, and nothing else. Only once its first request is
whole does it become one of uvicorn's, with a parser and all that an application needs. Thousands that
never bring a whole one so cost next to nothing, however often they come back; a callback comes in a
packet or two.
"""

import asyncio
import http
import re
from collections import deque
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from workers.web.connections import Connections, Waits
from workers.web.proxies import throttled_as

_HEADERS_END = re.compile(rb"\n\r?\n")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r?\n", re.IGNORECASE)
_ASKS_FIRST = re.compile(rb"\nexpect:", re.IGNORECASE)
"""Who sends the body only once the application wants it."""


class Turns:
    """Who goes on when: callbacks at once, of others one each time round the loop.

    So a thousand who ask for something at one moment do not come before a callback that arrives then.
    """

    def __init__(self) -> None:
        self._left: deque[Arriving] = deque()
        self._is_going_round = False

    def take(self, one: "Arriving", *, is_urgent: bool) -> None:
        """Let one go on, now or as soon as it is its turn."""
        if is_urgent:
            one.go_on()
            return
        self._left.append(one)
        if not self._is_going_round:
            self._go_round(one.loop)

    def _go_round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_going_round = bool(self._left)
        if self._left:
            loop.call_soon(self._go_round, loop)
            self._left.popleft().go_on()


class Arriving(asyncio.Protocol):
    """A connection until its first request is whole. What is odd about that is for the parser to say."""

    def __init__(
        self, all_: Connections, turns: Turns, *, server_state: ServerState, **given: Any
    ) -> None:
        self.loop = given.get("_loop") or asyncio.get_running_loop()
        self._turns = turns
        self.address = self.sender = ""
        self._connections = all_
        self._state = server_state
        self._serving = partial(Serving, all_, server_state=server_state, **given)
        self._got = bytearray()
        self._needed_bytes: int | None = None  # as soon as the headers tell it
        self._is_whole = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        client = transport.get_extra_info("peername")
        self.address = client[0] if client else ""
        self.sender = throttled_as({"client": client})
        self._state.connections.add(self)  # type: ignore[arg-type]  # who is to be shut down
        if not self._connections.admit(self):
            transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._connections.forget(self)

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        looked_at = max(0, len(self._got) - 2)
        self._got += data
        if self._is_whole:  # and it is not its turn yet
            self._transport.pause_reading()
            return
        if self._needed_bytes is None:
            self._needed_bytes = self._whole_bytes(looked_at)
        if self._needed_bytes is None or len(self._got) < self._needed_bytes:
            return
        self._is_whole = True
        self._turns.take(self, is_urgent=self._got.startswith(b"POST /callbacks/"))

    def shutdown(self) -> None:
        """Close, as the server does."""
        self._transport.close()

    def close_for(self, why: str) -> None:
        """Close without a word."""
        self._connections.cut(self, why)
        self._transport.abort()

    def time_is_up(self, _waits: Waits) -> None:
        """Close, having waited too long for the request."""
        if not self._got:
            self.close_for("silent")
            return
        self._transport.write(_refusal(http.HTTPStatus.REQUEST_TIMEOUT))
        self._connections.cut(self, "headers_too_slow")
        self._transport.close()

    def _whole_bytes(self, looked_at: int) -> int | None:
        """Tell how many bytes a request has whose headers are there, and its body, if it is small."""
        limits = self._connections.limits
        end = _HEADERS_END.search(self._got, looked_at)
        if not end:
            return 0 if len(self._got) > limits.headers_bytes else None
        headers = self._got[: end.end()]
        length = _LENGTH.search(headers)
        if not length or _ASKS_FIRST.search(headers):
            return len(headers)
        body_bytes = int(length[1])
        return len(headers) + (body_bytes if body_bytes <= limits.small_body_bytes else 0)

    def go_on(self) -> None:
        """Become one that is served."""
        if self._transport.is_closing():
            return
        self._state.connections.discard(self)
        serving = self._serving(address=self.address, sender=self.sender)
        self._connections.take_over(self, serving)
        self._transport.set_protocol(serving)
        self._transport.resume_reading()
        serving.connection_made(self._transport)
        serving.data_received(bytes(self._got))


class _TooMuch(Exception):
    """The headers are beyond their limits."""


class Serving(HttpToolsProtocol):
    """A connection that has brought a whole request."""

    def __init__(self, all_: Connections, *, address: str, sender: str, **given: Any) -> None:
        super().__init__(**given)
        self.address, self.sender = address, sender
        self._connections = all_
        self._limits = all_.limits
        self._in_headers = False
        self._is_whole = True  # the last request has come to its end
        self._is_stalled = False
        self._is_too_much = False
        self._headers_bytes = self._headers_count = 0
        self._is_progress = False
        self._without_progress_bytes = 0
        self._answered: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.forget(self)
        if (answered := self._answered) and not answered.response_complete:
            # uvicorn tells the last request alone, though an earlier one of several may be answered
            answered.disconnected = True
            answered.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._in_headers |= self._is_whole
        self._is_progress = False
        super().data_received(data)
        # a single header, or a chunk's, that does not end is kept by the parser, unseen
        self._without_progress_bytes = (
            0 if self._is_progress else self._without_progress_bytes + len(data)
        )
        if self._without_progress_bytes > self._limits.headers_bytes:
            self._close_with(http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")
        self._tell_what_is_waited_for()

    def send_400_response(self, msg: str) -> None:
        if self._is_too_much:
            self._close_with(http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers, self._is_whole = True, False
        self._headers_bytes = self._headers_count = 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers_count += 1
        self._count(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_progress = True
        self._in_headers = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._is_progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_progress = self._is_whole = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._tell_what_is_waited_for()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_stalled = True
        self._tell_what_is_waited_for()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_stalled = False
        self._tell_what_is_waited_for()

    def close_for(self, why: str) -> None:
        """Close without a word."""
        self._connections.cut(self, why)
        self.transport.abort()

    def time_is_up(self, waits: Waits) -> None:
        """Close, having waited too long."""
        if waits is Waits.REQUEST:
            self._close_with(http.HTTPStatus.REQUEST_TIMEOUT, "headers_too_slow")
        else:
            self.close_for("stalled" if waits is Waits.READER else "lingering")

    def _tell_what_is_waited_for(self) -> None:
        self._connections.put(self, self._waits())

    def _waits(self) -> Waits | None:
        is_answered = self.cycle is None or self.cycle.response_complete
        if self._is_stalled:
            return Waits.READER
        if not is_answered:
            return None if self._is_whole else Waits.BODY
        if self._in_headers:
            return Waits.REQUEST
        return Waits.NEXT if self._is_whole else Waits.REST

    def _count(self, some_bytes: int) -> None:
        self._is_progress = True
        self._headers_bytes += some_bytes
        limits = self._limits
        if self._headers_bytes > limits.headers_bytes or self._headers_count > limits.headers:
            self._is_too_much = True
            raise _TooMuch

    def _close_with(self, status: http.HTTPStatus, why: str) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_refusal(status))
        self._connections.cut(self, why)
        self.transport.close()


def _refusal(status: http.HTTPStatus) -> bytes:
    head = f"HTTP/1.1 {status} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    return head.encode()


def protocol_of(connections: Connections) -> Any:
    """Give what uvicorn takes for its protocol's class."""
    return partial(Arriving, connections, Turns())
