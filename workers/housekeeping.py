"""What a worker process does beside its messages: it tells that it lives, and keeps its journal."""

import threading

import redis
import structlog

from workers.heartbeat import beating
from workers.wiring import Wiring

log = structlog.get_logger(__name__)

_EVERY_S = 1.0


def run(wiring: Wiring, stop: threading.Event) -> None:
    """Keep house until the worker stops."""
    with beating(wiring, role="worker"):
        started = False
        while not stop.is_set():
            try:
                if not started:
                    wiring.host_recovery.start()
                    started = True
                wiring.host_recovery.tick()
                wiring.dialing.way_out.tick()
            except (redis.RedisError, OSError) as error:
                log.warning("housekeeping_failed", message=str(error))
            stop.wait(_EVERY_S)
