"""What a worker process does beside its messages: it tells that it lives, and keeps its journal."""

import threading

import redis

from dialer.logger import get_logger
from workers.heartbeat import beating
from workers.wiring import Wiring

log = get_logger(__name__)

_EVERY_S = 1.0
_AT_REST_S = 3.0
_DIALS_NO_MORE_S = 15.0


def run(wiring: Wiring, stop: threading.Event) -> None:
    """Keep house until the worker stops."""
    with beating([wiring], role="worker"):
        started = False
        while not stop.is_set():
            pause_s = _EVERY_S
            try:
                if not started:
                    wiring.host_recovery.start()
                    started = True
                wiring.host_recovery.tick()
                wiring.dialing.way_out.tick()
                if _is_at_rest(wiring):
                    pause_s = _AT_REST_S
            except (redis.RedisError, OSError) as error:
                log.warning("housekeeping_failed", message=str(error))
            stop.wait(pause_s)


def _is_at_rest(wiring: Wiring) -> bool:
    """Tell whether nothing is sent from here, and nobody waits to hear of what was."""
    return (
        wiring.dialing.quiet_s >= _DIALS_NO_MORE_S
        and wiring.dialing.way_out.is_open
        and wiring.host_recovery.has_nothing_to_tell
    )
