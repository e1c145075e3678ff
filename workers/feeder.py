"""Releases due contacts a little ahead of the pace; sweeping and recovery have threads of their own."""

import threading
from collections.abc import Callable, Sequence

import redis
import structlog

from dialer.clock import boottime_s, sleeper
from dialer.dialing.releasing import OTHER_SETTINGS, Tick
from dialer.logger import get_logger
from dialer.settling.lookups import NoSlot
from dialer.store.work import CalledFor
from workers.alerting import watch_in_background
from workers.broker import make_broker, queued, send_all
from workers.heartbeat import beating
from workers.redis_fitness import tell_concerns, tell_exposures
from workers.retention import keep_daily
from workers.stopping import stop_on_signals
from workers.wiring import Wiring

log = get_logger(__name__)

_TICK_S = 0.1
_SCHEDULES_EVERY_S = 1.0
_WATCH_EVERY_S = 60.0
_TELL_EVERY_S = 600.0
_IDLE_S = 3.0  # nobody called: only hours that open and times of start are looked for
_SWEEP_EVERY_S = 1.0
_NOTHING_TO_SWEEP_S = 5.0
_RECOVER_EVERY_S = 1.0
_NOTHING_TO_RECOVER_S = 3.0
_AFTER_FAULT_S = 0.5
_SWEEPER_STOP_S = 2.0


def run(wirings: Sequence[Wiring]) -> int:
    """Feed until a signal says stop; each account by threads of its own, so that none waits for another."""
    tell_exposures(wirings[0].settings)
    stop = stop_on_signals()
    with beating(wirings, role="feeder"):
        sweepers = [_in_background(_sweep, one, stop) for one in wirings]
        # apart: a sweep may wait minutes for the provider, and a hold must not wait for a sweep
        for beside in (_recover, keep_daily):
            for wiring in wirings:
                _in_background(beside, wiring, stop)
        for wiring in wirings:
            watch_in_background(wiring, stop)
        feeders = [_in_background(_feed, one, stop) for one in wirings]
        for thread in feeders:
            thread.join()
        # a look-up may take long, and abandoning one loses nothing: its slot frees itself
        for sweeper in sweepers:
            sweeper.join(timeout=_SWEEPER_STOP_S)
    return 0


def _in_background(
    work: Callable[[Wiring, threading.Event], None], wiring: Wiring, stop: threading.Event
) -> threading.Thread:
    name = f"{work.__name__.strip('_')} {wiring.name}"
    thread = threading.Thread(target=_on_account, args=(work, wiring, stop), name=name, daemon=True)
    thread.start()
    return thread


def _on_account(
    work: Callable[[Wiring, threading.Event], None], wiring: Wiring, stop: threading.Event
) -> None:
    with structlog.contextvars.bound_contextvars(account=wiring.name):
        work(wiring, stop)


def _feed(wiring: Wiring, stop: threading.Event) -> None:
    feeding = wiring.feeding
    broker = make_broker(wiring)
    look_at_s = watch_at_s = float("-inf")
    tell_at_s = boottime_s() + _TELL_EVERY_S  # whoever started us has told
    burst = False
    while not stop.is_set():
        try:
            if boottime_s() >= look_at_s:
                feeding.keep_schedules()
                look_at_s = boottime_s() + _SCHEDULES_EVERY_S
            if boottime_s() >= watch_at_s:
                burst = _watch_day(wiring, burst)
                watch_at_s = boottime_s() + _WATCH_EVERY_S
            if boottime_s() >= tell_at_s:
                tell_concerns(wiring.redis)
                tell_at_s = boottime_s() + _TELL_EVERY_S
            fed = feeding.tick(queued=queued(broker))
            send_all(broker, fed.released)
            _say(fed)
            wiring.pulse.trouble = ""
            if _wait(wiring, fed, stop):
                look_at_s = float("-inf")  # a campaign was started, perhaps, or cancelled
        except redis.RedisError as error:
            # nothing is lost: what was released and not sent is taken back when its lease ends
            log.warning("feeding_failed", message=str(error))
            wiring.pulse.failed(error)
            stop.wait(_AFTER_FAULT_S)
        except Exception:
            log.exception("feeding_failed")  # the next tick tries again
            stop.wait(_AFTER_FAULT_S)


def _say(fed: Tick) -> None:
    """Name the contacts; an attempt's id begins with its contact's."""
    if fed.released:
        log.info("released", contacts=[str(one.contact) for one in fed.released])
    if fed.damaged:
        log.error("data_damaged", message=fed.damaged)


def _watch_day(wiring: Wiring, was_burst: bool) -> bool:
    """Say once that far more calls go out than usual; tell whether they do."""
    burst = wiring.account_day.read().burst
    if burst and not was_burst:
        log.error("burst", calls=burst.calls, usual=round(burst.usual))
    return burst is not None


def _wait(wiring: Wiring, fed: Tick, stop: threading.Event) -> bool:
    """Wait for the next tick; tell whether campaigns are to be looked at in it.

    Not for each agent who becomes free: all that are not over are read then.
    """
    if fed.is_closing:
        return False
    if fed.held_by == OTHER_SETTINGS:
        wiring.agreeing.doubt()
        stop.wait(_SCHEDULES_EVERY_S)
        wiring.agreeing.agrees()  # the last process with the old ones may have gone
    elif fed.idle_s > _TICK_S:
        heard = wiring.feeding.wait_for_call(within_s=min(fed.idle_s, _IDLE_S))
        return heard is CalledFor.LOOK
    else:
        stop.wait(_TICK_S)
    return False


def _sweep(wiring: Wiring, stop: threading.Event) -> None:
    wait = sleeper(stop)
    while not stop.is_set():
        pause_s = _SWEEP_EVERY_S
        try:
            if not wiring.sweeping.sweep().looked_at:
                pause_s = _NOTHING_TO_SWEEP_S
        except redis.RedisError as error:
            log.warning("sweep_failed", message=str(error))
        except Exception:
            log.exception("sweep_failed")  # the next sweep looks at the same attempts again
        wait(pause_s)


def _recover(wiring: Wiring, stop: threading.Event) -> None:
    while not stop.is_set():
        pause_s = _RECOVER_EVERY_S
        try:
            if not wiring.account_recovery.tick():
                pause_s = _NOTHING_TO_RECOVER_S
        except redis.RedisError as error:
            log.warning("recovery_failed", message=str(error))
        except NoSlot:
            log.debug("lookup_put_off")  # the hold stands until the provider's list is read
        except Exception:
            log.exception("recovery_failed")  # the hold stands, and the next tick tries again
        stop.wait(pause_s)
