"""Runs the simulator under uvicorn, on a thread or as a process, with connections it can break."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dialer.clock import boottime_s, sleep
from dialer.simulator.app import create_app
from dialer.simulator.misbehaviour import TRANSPORT
from dialer.simulator.options import SimulatorOptions

START_DEADLINE_S = 10.0
KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, or a reused one would be reset now and then."""
SHUTDOWN_GRACE_S = 1
"""What answers under way get at the end; a hanging one would hold the process for minutes."""

_BACKLOG = 2048  # as uvicorn's own


def serve(
    options: SimulatorOptions,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    on_listening: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, then exit with status 0.

    Raises:
        OSError: The port cannot be listened on.
    """
    # uvicorn raises the signal again once it has shut down
    signal.signal(signal.SIGTERM, _exit_cleanly)
    signal.signal(signal.SIGINT, _exit_cleanly)
    with socket.create_server((host, port), backlog=_BACKLOG) as listener:
        on_listening()
        uvicorn.Server(_config(options, host=host, port=port)).run(sockets=[listener])


@contextmanager
def running(options: SimulatorOptions) -> Iterator[str]:
    """Run the simulator on a thread, at a free port; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(_config(options, host="127.0.0.1", port=0))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


class BreakableProtocol(HttpToolsProtocol):
    """Hands each request its connection, so that an answer may reset or drop it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item] # ours


def _config(options: SimulatorOptions, *, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(options),
        host=host,
        port=port,
        http=BreakableProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
    )


def _exit_cleanly(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline_s = boottime_s() + START_DEADLINE_S
    while not server.started:
        if not thread.is_alive() or boottime_s() > deadline_s:
            raise RuntimeError("the simulator did not start")
        sleep(0.01)
