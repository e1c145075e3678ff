"""A link that goes wrong: an asyncio proxy between a client and a server, TCP or Unix socket.

The test holds `Faults` and changes them while connections run; each piece of bytes asks them anew.

    with FaultProxy(upstream) as proxy:
        proxy.faults.up.cut_after = 100        # client → server: the 101st byte never arrives
        proxy.faults.down.latency_s = 0.2      # server → client
        proxy.faults.refuse = True             # new connections are closed at once
        proxy.stall()                          # nothing moves, in either way, until `resume()`
        proxy.reset_all()                      # RST for every open connection
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_PIECE_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: closing sends RST
_START_S = 10.0

Upstream = tuple[str, int] | Path
"""Where the true server is: host and port, or a Unix socket."""


@dataclass
class Direction:
    """What happens to bytes of one direction.

    Args:
        latency_s: Before each piece is passed on.
        piece_bytes: Largest piece; 1 sends byte by byte.
        cut_after: Bytes of a connection that still pass; then it is closed. None: no cut.
        reset_at_cut: Close by RST instead of FIN.
        cut_each_after: For each new connection in turn, its own `cut_after`; used up first.
    """

    latency_s: float = 0.0
    piece_bytes: int = _PIECE_BYTES
    cut_after: int | None = None
    reset_at_cut: bool = False
    cut_each_after: list[int] = field(default_factory=list)

    def next_cut(self) -> int | None:
        """How many bytes the next connection may pass."""
        return self.cut_each_after.pop(0) if self.cut_each_after else self.cut_after


@dataclass
class Faults:
    """All that may be wrong with the link."""

    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    refuse: bool = False


class FaultProxy:
    """Runs in a thread of its own.

    Args:
        listen: A Unix socket to listen on; None: a free TCP port on loopback.
        tls: What clients of the TCP port are met with.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        listen: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.faults = Faults()
        self.connections = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self._upstream = upstream
        self._listen = listen
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._started = threading.Event()
        self._links: set[_Link] = set()
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """The same for an HTTP client."""
        return f"http://127.0.0.1:{self._port}"

    def stall(self) -> None:
        """Let nothing pass from now on; connections stay open."""
        self._call(self._moving.clear)

    def resume(self) -> None:
        """Let everything pass that waited."""
        self._call(self._moving.set)

    def reset_all(self) -> None:
        """Break every open connection with a RST."""
        self._call(lambda: [link.break_off(reset=True) for link in list(self._links)])

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(_START_S), "the proxy did not start"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._started.set()
        self._loop.run_forever()

    async def _serve(self) -> None:
        self._moving = asyncio.Event()
        self._moving.set()
        if self._listen:
            self._server = await asyncio.start_unix_server(self._accept, str(self._listen))
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        links = list(self._links)
        for link in links:
            link.break_off(reset=False)
        await asyncio.gather(*(link.ended.wait() for link in links))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.faults.refuse:
            writer.transport.abort()
            return
        try:
            upstream = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, (reader, writer), upstream)
        self._links.add(link)
        try:
            await link.carry()
        finally:
            self._links.discard(link)
            link.ended.set()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, Path):
            return await asyncio.open_unix_connection(str(self._upstream))
        return await asyncio.open_connection(*self._upstream)

    async def moving(self) -> None:
        """Wait while the link is stalled."""
        await self._moving.wait()

    def _call(self, work: Callable[[], Any]) -> None:
        async def do() -> None:
            work()

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(_START_S)


End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection, both ways."""

    def __init__(self, proxy: FaultProxy, client: End, server: End) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self.ended = asyncio.Event()

    async def carry(self) -> None:
        faults = self._proxy.faults
        ways = [
            self._carry(self._client[0], self._server[1], faults.up, is_up=True),
            self._carry(self._server[0], self._client[1], faults.down, is_up=False),
        ]
        await _first_ends(ways)
        self.break_off(reset=False)

    def break_off(self, *, reset: bool) -> None:
        for _, writer in (self._client, self._server):
            connection = writer.get_extra_info("socket")
            if reset and connection is not None and connection.family == socket.AF_INET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                writer.transport.abort()
            writer.close()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: Direction,
        *,
        is_up: bool,
    ) -> None:
        left = direction.next_cut()
        while piece := await reader.read(_PIECE_BYTES):
            passed = piece if left is None else piece[:left]
            for at in range(0, len(passed), direction.piece_bytes):
                if direction.latency_s:
                    await asyncio.sleep(direction.latency_s)
                await self._proxy.moving()
                writer.write(passed[at : at + direction.piece_bytes])
                await writer.drain()
            self._count(len(passed), is_up=is_up)
            if left is not None:
                left -= len(passed)
                if left <= 0:
                    if direction.reset_at_cut:
                        self.break_off(reset=True)
                    return

    def _count(self, size: int, *, is_up: bool) -> None:
        if is_up:
            self._proxy.bytes_up += size
        else:
            self._proxy.bytes_down += size


async def _first_ends(ways: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
