"""What of the web's server leaves no traceback: who is in the way of its end, and who leaves at a wrong moment."""

import asyncio
import logging
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from tests.patience import until
from workers.web.connections import ConnectionLimits
from workers.web.serving import Server, server_config

RESET = struct.pack("ii", 1, 0)


def asked(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Running:
    """A server of ours whose requests end when a test lets them."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.lost = asyncio.Event()
        routes = [
            *(Route(f"/{one.__name__}", one) for one in (self.deaf, self.download, self.late)),
        ]
        self.listener = socket.create_server(("127.0.0.1", 0))
        config = server_config(Starlette(routes=routes), ConnectionLimits(), shutdown_grace_s=0)
        self.server = Server(config)

    async def deaf(self, _: Request) -> PlainTextResponse:
        """Hear of no end of the connection."""
        self.begun += 1
        await asyncio.Event().wait()
        raise AssertionError

    async def download(self, _: Request) -> StreamingResponse:
        """Send without end."""
        self.begun += 1

        async def pieces():
            while True:
                yield bytes(65_536)
                await asyncio.sleep(0)

        return StreamingResponse(pieces())

    async def late(self, request: Request) -> PlainTextResponse:
        """Answer once the connection is lost."""
        await request.body()  # and read on, to hear of the connection's end
        self.begun += 1
        await self.lost.wait()
        self.ended += 1
        return PlainTextResponse("x")

    def connected(self) -> socket.socket:
        return socket.create_connection(self.listener.getsockname(), timeout=240)


@contextmanager
def running() -> Iterator[Running]:
    """Run it for the block, which is over once it has stopped."""
    one = Running()
    with closing(one.listener):
        thread = threading.Thread(target=one.server.run, args=([one.listener],), daemon=True)
        thread.start()
        until(lambda: one.server.started, what="the web server")
        try:
            yield one
        finally:
            one.server.handle_exit(signal.SIGTERM, None)
            thread.join()


def tracebacks(logged: list[logging.LogRecord]) -> list[logging.LogRecord]:
    return [one for one in logged if one.exc_info]


def test_what_goes_on_after_the_grace_is_cut_and_told_in_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with capture_logs() as logs, ExitStack() as stack:
        web = stack.enter_context(running())
        for path in ("/deaf", "/download"):
            connection = stack.enter_context(closing(web.connected()))
            connection.sendall(asked(path))
        until(lambda: web.begun == 2, what="both requests")

    assert not tracebacks(caplog.records)
    assert [one["event"] for one in logs].count("request_given_up") == 1


def test_who_leaves_before_several_requests_of_theirs_are_answered_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running() as web:
        with closing(web.connected()) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.sendall(3 * asked("/late"))
            until(lambda: web.begun, what="the first")
        until(lambda: not web.server.server_state.connections, what="the end of the connection")
        (task,) = web.server.server_state.tasks
        task.get_loop().call_soon_threadsafe(web.lost.set)
        until(lambda: not web.server.server_state.tasks, what="the first one's end")

    assert web.ended == 1
    assert not tracebacks(caplog.records)
