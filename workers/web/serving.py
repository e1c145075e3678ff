"""Runs the web process under uvicorn."""

import asyncio
import gc
import resource
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import NoReturn, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from dialer.addresses import is_loopback, parse_address
from dialer.logger import get_logger
from dialer.settings import Settings, SettingsError, require_dialling
from workers.heartbeat import beating
from workers.redis_fitness import tell_exposures
from workers.stopping import hear
from workers.web.app import create_app
from workers.web.connections import Connection, ConnectionLimits, Connections
from workers.web.events import STREAMS, Streams
from workers.web.loopback import require_key_beyond_loopback
from workers.web.protocols import protocol_of
from workers.web.proxies import TrustedProxies
from workers.wiring import Wiring

log = get_logger(__name__)

_TICK_S = 1.0
_KEEP_ALIVE_S = 75  # longer than a proxy in front keeps its connections
_SHUTDOWN_GRACE_S = 5
_CUT_GRACE_S = 1  # for those to hear of it who do
_OTHER_FILES = 256  # for Redis, uploads, reports and children
_LOOP_WAITS_S = (
    0.0005  # for a page's thread to let it go on; Python's own 5 ms are a callback's whole time
)
_BACKLOG = 2048  # a burst of callbacks waits here, not in an error


def serve(wirings: Sequence[Wiring]) -> int:
    """Serve until a signal says stop.

    Raises:
        SettingsError: It would be open to strangers, its port is taken, or something that
            callbacks need is not set.
    """
    home = wirings[0]
    settings = home.settings
    require_dialling(settings)
    require_key_beyond_loopback(home)
    tell_exposures(settings)
    # uvicorn raises the signal again once it has shut down
    hear(_exit_cleanly)
    with _listen(settings) as listener, beating(wirings, role="web"):
        limits = ConnectionLimits()
        most = min(limits.most, _room_for_connections(limits.most))
        trusted = TrustedProxies.of(settings)
        config = server_config(
            create_app(*wirings),
            replace(limits, most=most),
            is_proxy=lambda address: trusted.trust(parse_address(address)),
        )
        log.info(
            "web_listening",
            url=f"http://{settings.dialer_host}:{settings.port}",
            loopback_only=is_loopback(settings.dialer_host),
        )
        server = Server(config)
        hear(server.handle_exit)  # of a hangup it would not hear by itself
        sys.setswitchinterval(_LOOP_WAITS_S)
        gc.collect()
        gc.freeze()  # what is there now stays: each look through it would hold up callbacks for 50 ms
        server.run(sockets=[listener])
    return 0


def server_config(
    app: ASGIApp,
    limits: ConnectionLimits,
    *,
    is_proxy: Callable[[str], bool] = is_loopback,
    shutdown_grace_s: int = _SHUTDOWN_GRACE_S,
) -> uvicorn.Config:
    """Say how uvicorn serves an app of ours.

    Args:
        is_proxy: Tells addresses that many people come from.
    """
    return uvicorn.Config(
        _given_up_quietly(app),
        http=protocol_of(Connections(limits, is_proxy=is_proxy)),
        ws="none",  # it would take a connection over, past its limits
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # `workers.web.proxies` knows whom to believe
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=shutdown_grace_s + _CUT_GRACE_S,
    )


class Server(uvicorn.Server):
    """Ends streams of events as soon as it is told to stop, and cuts what goes on after the grace.

    It hears of that at once, and uvicorn's own looks, ten a second, are one: for the date of answers.
    """

    _told: Callable[[], object] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._told is not None:
            self._told()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state[STREAMS] = Streams()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        told = asyncio.Event()
        self._told = partial(asyncio.get_running_loop().call_soon_threadsafe, told.set)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), _TICK_S)
        self._told = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state[STREAMS].ending.set()
        grace_s = (self.config.timeout_graceful_shutdown or 0) - _CUT_GRACE_S
        cutting = asyncio.get_running_loop().call_later(grace_s, self._cut)
        await super().shutdown(sockets)
        cutting.cancel()

    def _cut(self) -> None:
        """Close what is left: a download, or whoever reads no answer; who waits for them is told so."""
        for one in list(self.server_state.connections):
            cast("Connection", one).close_for("stopping")


def _given_up_quietly(app: ASGIApp) -> ASGIApp:
    """Have a request that the server gave up, when it stopped, leave a line and no traceback."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            log.warning("request_given_up")  # an agent's link stands in no log

    return run


def _room_for_connections(wanted: int) -> int:
    """Raise the limit of open files as far as it is wanted; give how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(soft - _OTHER_FILES, 50)


def _listen(settings: Settings) -> socket.socket:
    host = settings.dialer_host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"{host}:{settings.port} cannot be listened on ({error.strerror}): set PORT to a free"
            " port, or DIALER_HOST to an address of this machine"
        ) from None


def _exit_cleanly(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
