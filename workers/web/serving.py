"""Runs the web process under uvicorn."""

import signal
import socket
from types import FrameType
from typing import NoReturn

import structlog
import uvicorn

from dialer.addresses import is_loopback
from dialer.settings import Settings, SettingsError, require_dialling
from workers.heartbeat import beating
from workers.redis_fitness import tell_exposures
from workers.web.app import create_app
from workers.web.loopback import require_key_beyond_loopback
from workers.wiring import Wiring

log = structlog.get_logger(__name__)

_KEEP_ALIVE_S = 75  # longer than a proxy in front keeps its connections
_SHUTDOWN_GRACE_S = 5
_BACKLOG = 2048  # a burst of callbacks waits here, not in an error


def serve(wiring: Wiring) -> int:
    """Serve until a signal says stop.

    Raises:
        SettingsError: It would be open to strangers, its port is taken, or something that
            callbacks need is not set.
    """
    settings = wiring.settings
    require_dialling(settings)
    require_key_beyond_loopback(wiring)
    tell_exposures(settings)
    # uvicorn raises the signal again once it has shut down
    signal.signal(signal.SIGTERM, _exit_cleanly)
    signal.signal(signal.SIGINT, _exit_cleanly)
    with _listen(settings) as listener, beating(wiring, role="web"):
        config = uvicorn.Config(
            create_app(wiring),
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # `workers.web.proxies` knows whom to believe
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_GRACE_S,
        )
        log.info(
            "web_listening",
            url=f"http://{settings.dialer_host}:{settings.port}",
            loopback_only=is_loopback(settings.dialer_host),
        )
        uvicorn.Server(config).run(sockets=[listener])
    return 0


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
