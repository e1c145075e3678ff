"""What a connection may take before its request is understood: bytes, time, and a place.

uvicorn keeps headers without end, waits for them without end, and takes every connection. Here a
request's headers are bounded in bytes, number and time, and connections in all and for each address.
Where there is no room the one that has waited longest without a whole request makes it, so that
whoever brings one, such as a callback, is served while somebody else only holds places.
"""

import asyncio
import http
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dialer.logger import get_logger
from workers.web.proxies import throttled_as

log = get_logger(__name__)

_LOOK_EVERY_S = 0.5
_MOST_CUT_AT_ONCE = 20
"""What came together takes too long together, and is there again as soon as it is cut: thousands at
once would hold up all others for as long."""
_BETWEEN_CUTS_S = 0.01
_TELL_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one request, one address and all together may take.

    Args:
        headers_bytes: Of a request line, its headers and its trailers together.
        headers: How many of them; each costs more in memory than on the wire.
        headers_s: From the connection's begin, or the request's first byte, to the last header; and
            for the rest of a body whose request is answered already.
        stalled_s: How long a client may leave an answer unread.
        most: Connections in all.
        most_of_address: Connections of one address, or of the network an IPv6 client chooses from.
    """

    headers_bytes: int = 64 * 1024
    headers: int = 100
    headers_s: float = 10.0
    stalled_s: float = 60.0
    most: int = 4_000
    most_of_address: int = 200


class Connections:
    """The connections of a web process.

    Args:
        is_proxy: Tells addresses that many people come from; they have no limit of their own.
    """

    def __init__(self, limits: ConnectionLimits, *, is_proxy: Callable[[str], bool]) -> None:
        self.limits = limits
        self._is_proxy = is_proxy
        self._all: dict[_Connection, None] = {}
        self._fresh: dict[_Connection, None] = {}  # without a whole request; the oldest first
        self._idle: dict[_Connection, None] = {}  # between two requests
        self._of_sender: Counter[str] = Counter()
        self._cut: Counter[str] = Counter()
        self._told_at_s = float("-inf")
        self._looking = False

    def admit(self, one: "_Connection") -> bool:
        """Give a connection a place, perhaps another's; False where there is none."""
        is_limited = not self._is_proxy(one.address)
        is_full = is_limited and self._of_sender[one.sender] >= self.limits.most_of_address
        if is_full and not self._make_room(lambda other: other.sender == one.sender):
            return False
        if len(self._all) >= self.limits.most and not self._make_room(lambda _: True):
            return False
        self._all[one] = self._fresh[one] = None
        self._of_sender[one.sender] += 1
        self._look_later(one.loop)
        return True

    def has_request(self, one: "_Connection") -> None:
        """Note that a connection has sent the headers of a request: it is not in anybody's way."""
        self._fresh.pop(one, None)
        self._idle.pop(one, None)

    def is_idle(self, one: "_Connection") -> None:
        """Note that a connection's request is answered."""
        if one in self._all:
            self._idle[one] = None

    def forget(self, one: "_Connection") -> None:
        """Note that a connection is closed."""
        if one not in self._all:
            return
        for some in (self._all, self._fresh, self._idle):
            some.pop(one, None)
        self._of_sender[one.sender] -= 1
        if not self._of_sender[one.sender]:
            del self._of_sender[one.sender]

    def cut(self, one: "_Connection", why: str) -> None:
        """Count a connection that was closed by us, and forget it."""
        self._cut[why] += 1
        self.forget(one)

    def _make_room(self, fits: Callable[["_Connection"], bool]) -> bool:
        for waiting in (self._fresh, self._idle):
            for other in waiting:
                if fits(other):
                    other.close_for("no_room")
                    return True
        self._cut["refused"] += 1
        return False

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._looking:
            self._looking = True
            loop.call_later(min(_LOOK_EVERY_S, self.limits.headers_s / 4), self._look, loop)

    def _look(
        self, loop: asyncio.AbstractEventLoop, left: "deque[_Connection] | None" = None
    ) -> None:
        """Close what takes too long, some at a time; once for all, or each request would cost a timer.

        Args:
            left: Who is still to be looked at this time; None: all are.
        """
        left = deque(self._all) if left is None else left
        now_s = loop.time()
        may_be_cut = _MOST_CUT_AT_ONCE
        while left and may_be_cut:
            one = left.popleft()
            may_be_cut -= one in self._all and one.look(now_s)
        if left:
            loop.call_later(_BETWEEN_CUTS_S, self._look, loop, left)
            return
        self._looking = False
        if self._cut and now_s - self._told_at_s >= _TELL_EVERY_S:
            log.warning("connections_cut", **self._cut, open=len(self._all))
            self._cut.clear()
            self._told_at_s = now_s
        if self._all:
            self._look_later(loop)


class _TooMuch(Exception):
    """The headers are beyond their limits."""


class _Connection(HttpToolsProtocol):
    """One connection, within its limits."""

    def __init__(self, all_: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._connections = all_
        self._limits = all_.limits
        self.address = self.sender = ""
        self._headers_since_s: float | None = None
        self._lingers_since_s: float | None = None  # answered, and its body still comes
        self._stalled_since_s: float | None = None
        self._is_whole = True  # the last request has come to its end
        self._has_sent = False
        self._is_too_much = False
        self._headers_bytes = self._headers_count = 0
        self._is_progress = False
        self._without_progress_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.sender = throttled_as({"client": self.client})
        self._headers_since_s = self.loop.time()
        if not self._connections.admit(self):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._has_sent = True
        if self._is_whole and self._headers_since_s is None:
            self._headers_since_s = self.loop.time()
        self._is_progress = False
        super().data_received(data)
        # a single header, or a chunk's, that does not end is kept by the parser, unseen
        self._without_progress_bytes = (
            0 if self._is_progress else self._without_progress_bytes + len(data)
        )
        if self._without_progress_bytes > self._limits.headers_bytes:
            self._close_with(431)

    def send_400_response(self, msg: str) -> None:
        if self._is_too_much:
            self._close_with(431)
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_whole = False
        self._headers_bytes = self._headers_count = 0
        if self._headers_since_s is None:
            self._headers_since_s = self.loop.time()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers_count += 1
        self._count(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_progress = True
        self._headers_since_s = None
        self._connections.has_request(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._is_progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_progress = self._is_whole = True
        self._lingers_since_s = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_whole:
            self._lingers_since_s = self.loop.time()
        if self.cycle.response_complete:
            self._connections.is_idle(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_since_s = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_since_s = None

    def look(self, now_s: float) -> bool:
        """Close the connection if it has taken too long over something; tells whether it had."""
        limits = self._limits
        if _is_over(self._headers_since_s, limits.headers_s, now_s):
            if self._has_sent and (self.cycle is None or self.cycle.response_complete):
                self._close_with(408)
            else:
                self.close_for("silent")
        elif _is_over(self._lingers_since_s, limits.headers_s, now_s):
            self.close_for("lingering")
        elif _is_over(self._stalled_since_s, limits.stalled_s, now_s):
            self.close_for("stalled")
        else:
            return False
        return True

    def close_for(self, why: str) -> None:
        """Close without a word."""
        self._connections.cut(self, why)
        self.transport.abort()

    def _count(self, some_bytes: int) -> None:
        self._is_progress = True
        self._headers_bytes += some_bytes
        limits = self._limits
        if self._headers_bytes > limits.headers_bytes or self._headers_count > limits.headers:
            self._is_too_much = True
            raise _TooMuch

    def _close_with(self, status: int) -> None:
        if self.transport.is_closing():
            return
        phrase = http.HTTPStatus(status).phrase
        if self.cycle is None or self.cycle.response_complete:
            head = f"HTTP/1.1 {status} {phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            self.transport.write(head.encode())
        self._connections.cut(self, "headers_too_slow" if status == 408 else "headers_too_large")
        self.transport.close()


def _is_over(since_s: float | None, most_s: float, now_s: float) -> bool:
    return since_s is not None and now_s - since_s > most_s


def protocol_of(connections: Connections) -> Any:
    """Give what uvicorn takes for its protocol's class."""
    return partial(_Connection, connections)
