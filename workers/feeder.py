"""Releases due contacts a little ahead of the pace; sweeping and recovery have threads of their own."""

import threading

import redis
import structlog

from dialer.clock import sleeper
from dialer.lookups import NoSlot
from workers.broker import make_broker, queued, send_all
from workers.heartbeat import beating
from workers.redis_fitness import tell_exposures
from workers.stopping import stop_on_signals
from workers.wiring import Wiring

log = structlog.get_logger(__name__)

_TICK_S = 0.1
_SCHEDULES_EVERY_S = 1.0
_WATCH_EVERY_S = 60.0
_SWEEP_EVERY_S = 1.0
_RECOVER_EVERY_S = 1.0
_AFTER_FAULT_S = 0.5
_SWEEPER_STOP_S = 2.0


def run(wiring: Wiring) -> int:
    """Feed until a signal says stop."""
    tell_exposures(wiring.settings)
    stop = stop_on_signals()
    with beating(wiring, role="feeder"):
        sweeper = threading.Thread(target=_sweep, args=(wiring, stop), name="sweeper", daemon=True)
        sweeper.start()
        # apart: a sweep may wait minutes for the provider, and a hold must not wait for a sweep
        threading.Thread(target=_recover, args=(wiring, stop), name="recovery", daemon=True).start()
        _feed(wiring, stop)
        # a look-up may take long, and abandoning one loses nothing: its slot frees itself
        sweeper.join(timeout=_SWEEPER_STOP_S)
    return 0


def _feed(wiring: Wiring, stop: threading.Event) -> None:
    broker = make_broker(wiring.redis, prefix=wiring.db.prefix, allowance=wiring.allowance)
    ticks_a_schedule = round(_SCHEDULES_EVERY_S / _TICK_S)
    ticks_a_watch = round(_WATCH_EVERY_S / _TICK_S)
    tick = 0
    burst = False
    while not stop.is_set():
        try:
            if tick % ticks_a_schedule == 0:
                wiring.feeding.keep_schedules()
                while wiring.feeding.cancel_some() and not stop.is_set():
                    pass
            if tick % ticks_a_watch == 0:
                burst = _watch_day(wiring, burst)
            send_all(broker, wiring.feeding.tick(queued=queued(broker)).released)
            tick += 1
            stop.wait(_TICK_S)
        except redis.RedisError as error:
            # nothing is lost: what was released and not sent is taken back when its lease ends
            log.warning("feeding_failed", message=str(error))
            stop.wait(_AFTER_FAULT_S)


def _watch_day(wiring: Wiring, was_burst: bool) -> bool:
    """Say once that far more calls go out than usual; tell whether they do."""
    burst = wiring.account_day.read().burst
    if burst and not was_burst:
        log.error("burst", calls=burst.calls, usual=round(burst.usual))
    return burst is not None


def _sweep(wiring: Wiring, stop: threading.Event) -> None:
    wait = sleeper(stop)
    while not stop.is_set():
        try:
            wiring.sweeping.sweep()
        except redis.RedisError as error:
            log.warning("sweep_failed", message=str(error))
        except Exception:
            log.exception("sweep_failed")  # the next sweep looks at the same attempts again
        wait(_SWEEP_EVERY_S)


def _recover(wiring: Wiring, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            wiring.account_recovery.tick()
        except redis.RedisError as error:
            log.warning("recovery_failed", message=str(error))
        except NoSlot:
            log.debug("lookup_put_off")  # the hold stands until the provider's list is read
        except Exception:
            log.exception("recovery_failed")  # the hold stands, and the next tick tries again
        stop.wait(_RECOVER_EVERY_S)
