"""The watch for alerts: feeders and consumers of results look, one of an account's at a time.

So that a feeder that is missing is told of too. A mail server or chat that hangs holds up a thread that
does nothing else.
"""

import threading

import redis
import structlog

from dialer.alerting.watch import TICK_S
from dialer.logger import get_logger
from workers.wiring import Wiring

log = get_logger(__name__)


def watch_in_background(wiring: Wiring, stop: threading.Event) -> None:
    """Watch an account until the process stops."""
    name = f"alerts {wiring.name}"
    threading.Thread(target=_watch, args=(wiring, stop), name=name, daemon=True).start()


def _watch(wiring: Wiring, stop: threading.Event) -> None:
    with structlog.contextvars.bound_contextvars(account=wiring.name):
        while not stop.wait(TICK_S):
            try:
                wiring.alert_watch.tick()
            except redis.RedisError as error:
                log.warning("alerts_not_looked_for", message=str(error))
            except Exception:
                log.exception("alerts_not_looked_for")
