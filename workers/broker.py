"""The Dramatiq broker and its middleware, in order, each with its reason.

What is left out matters as much: no retries (an exception after the POST must not dial again), no
time limit and no shutdown notice (both raise into a thread that may be inside a POST), no delayed
messages (they would wait in a worker's memory). A message is a hint; losing or repeating it is
harmless, because the gate asks Redis.
"""

import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Any, cast

import dramatiq
import structlog
from dramatiq.middleware import Middleware

from dialer.dialing.at_provider import MOST_AT_PROVIDER
from dialer.dialing.releasing import Released
from dialer.ids import ContactId
from dialer.pacing import Allowance
from dialer.parent_watch import end_with_parent
from dialer.store.work import DIAL_QUEUE, EVENTS_QUEUE
from workers import housekeeping
from workers.dial_queue import DialBroker, MessagesAtHand
from workers.roles import EVENT_THREADS
from workers.wiring import Wiring

QUEUE = DIAL_QUEUE
ACTOR = "dial_contact"

_LOOK_UP_MS = 60_000  # a thread without a message is called, for a message and for the end
_HEARTBEAT_MS = 60_000  # what a dead worker held is of no use after the ten seconds of a release
_MAINTENANCE_PER_MILLION = 100_000
_SLOWEST_USUAL_ANSWER_S = 5.0
_SPARE_THREADS = 8  # at least
_PARTIES_AHEAD = 6
_POST_OVER_MS = 75_000  # as the Procfile has it
_STOPS = (signal.SIGTERM, signal.SIGHUP)
_FETCHED_WITHIN_S = 0.03  # of a pace that leaves less between two requests, several are at hand


class Tuning(Middleware):
    """Fits a worker to the pace before it boots, and calls its threads when it ends.

    Args:
        fewest: Threads that the accounts of this process want together.
    """

    def __init__(self, fewest: int) -> None:
        self._fewest = fewest

    def before_worker_boot(self, _broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        worker.worker_threads = max(worker.worker_threads, self._fewest)
        worker.worker_timeout = _LOOK_UP_MS
        self._at_hand = worker.work_queue = MessagesAtHand()

    def before_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        self._at_hand.call_all()


class KeepUp(Middleware):
    """Runs a worker process's housekeeping beside its messages: recovery and heartbeat."""

    def __init__(self, housekeeping: Callable[[threading.Event], None]) -> None:
        self._housekeeping = housekeeping
        self._stop = threading.Event()

    def after_worker_boot(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        threading.Thread(
            target=self._housekeeping, args=(self._stop,), name="housekeeping", daemon=True
        ).start()

    def after_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        self._stop.set()


class StopOnce(Middleware):
    """Lets a worker process hear one SIGTERM or SIGHUP only.

    Dramatiq takes a second one as an order to drop what it is doing. Where a supervisor signals a
    whole group, the second is merely the master passing on what the worker has heard already.
    """

    def after_process_boot(self, _broker: dramatiq.Broker) -> None:
        stop = signal.getsignal(signal.SIGTERM)

        def stop_once(signum: int, frame: FrameType | None) -> None:
            for one in _STOPS:
                signal.signal(one, signal.SIG_IGN)
            if callable(stop):
                stop(signum, frame)

        for one in _STOPS:
            signal.signal(one, stop_once)


class DialNoMore(Middleware):
    """Keeps a stopping worker from dialling what it has fetched but not sent."""

    def __init__(self, stop_dialing: Callable[[], None]) -> None:
        self._stop_dialing = stop_dialing

    def before_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        self._stop_dialing()


class EndWithMaster(Middleware):
    """Ends a worker process whose master was killed; a POST under way is finished first.

    Not in Dramatiq's way: that begins once the worker has booted, which it tells its master, and whoever tells
    somebody that was killed while they waited for it waits for ever (`multiprocessing.Event.set`). All
    its threads would dial on, and nothing would ever end them.
    """

    def __init__(self) -> None:
        self._worker: dramatiq.Worker | None = None

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        master = _master_pid() or os.getppid()
        stop = signal.getsignal(signal.SIGTERM)

        def stop_or_end(signum: int, frame: FrameType | None) -> None:
            if os.getppid() != master:
                # beside the main thread, which may stand anywhere, with whatever lock
                threading.Thread(target=self._end, args=(broker,), name="end").start()
            elif callable(stop):
                stop(signum, frame)

        signal.signal(signal.SIGTERM, stop_or_end)
        end_with_parent(signal.SIGTERM, parent_pid=master)

    def before_worker_boot(self, _broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._worker = worker

    def _end(self, broker: dramatiq.Broker) -> None:
        try:
            if self._worker:
                self._worker.stop(timeout=_POST_OVER_MS)
                broker.close()
        finally:
            os._exit(0)  # the main thread may wait for the master


def _master_pid() -> int | None:
    """Tell who the master was when it made this process: it may have been killed since."""
    master = multiprocessing.parent_process()
    if master is None or multiprocessing.get_start_method() == "forkserver":
        return None  # the fork server is the parent, and ends with the master
    return master.pid


class LogContext(Middleware):
    """Puts the contact on every log line of its message."""

    def before_process_message(
        self, _broker: dramatiq.Broker, message: dramatiq.MessageProxy
    ) -> None:
        structlog.contextvars.bind_contextvars(contact_id=message.args[0] if message.args else None)

    def after_process_message(
        self,
        _broker: dramatiq.Broker,
        _message: dramatiq.MessageProxy,
        *,
        result: object = None,  # noqa: ARG002  # dramatiq passes it by name
        exception: BaseException | None = None,  # noqa: ARG002  # likewise
    ) -> None:
        structlog.contextvars.unbind_contextvars("contact_id")


def threads_for(allowance: Allowance) -> int:
    """Give how many threads an account wants.

    A thread spends its time waiting: for its turn at the gate and for the provider's answer. So
    there are as many as requests can be at the provider, and half as many for those that stand at
    the gate or write an answer down meanwhile.
    """
    could_be = math.ceil(_SLOWEST_USUAL_ANSWER_S / allowance.spacing_s)
    at_provider = min(MOST_AT_PROVIDER, could_be)
    return at_provider + max(_SPARE_THREADS, at_provider // 2)


def queue_of(wiring: Wiring) -> str:
    """Name an account's queue within a worker; in Redis each has one of the same name."""
    return f"{QUEUE}.{wiring.db.account}" if wiring.home else QUEUE


def dial_message(queue: str, contact: ContactId, token: str) -> dramatiq.Message[None]:
    """Make the message that wakes a worker for a released contact."""
    account = () if queue == QUEUE else (queue,)
    return dramatiq.Message(
        queue_name=queue,
        actor_name=ACTOR,
        args=(str(contact), token, *account),
        kwargs={},
        options={},
    )


def _ahead(together: int, spacing_s: float) -> int:
    """Give how many messages a process holds that are not past the gate.

    Where one contact passes at a time, as many as leave while the next are fetched: at Exotel's limit
    that is one. Where many pass together, enough are at hand that whoever is done finds the next, and
    that parties are full.
    """
    if together > 1:
        return _PARTIES_AHEAD * together
    return max(1, math.ceil(_FETCHED_WITHIN_S / spacing_s))


def send_all(broker: DialBroker, released: Sequence[Released]) -> None:
    """Wake workers for all these contacts in one round trip.

    It writes what Dramatiq's own `enqueue` would, in the format it documents for other languages.
    """
    if not released:
        return
    enqueue(broker, [dial_message(broker.queue, one.contact, one.token) for one in released])


def enqueue(broker: DialBroker, messages: Sequence[dramatiq.Message[None]]) -> None:
    """Write messages into a broker's queue, all in one round trip."""
    if not messages:
        return
    encoded: dict[Any, Any] = {
        message.message_id: message.copy(options={"redis_message_id": message.message_id}).encode()
        for message in messages
    }
    queue = f"{broker.namespace}:{broker.stored_as}"
    with broker.client.pipeline() as pipe:
        pipe.hset(f"{queue}.msgs", mapping=encoded)
        pipe.rpush(queue, *encoded)
        pipe.execute()


def queued(broker: DialBroker) -> int:
    """Tell how many messages wait for a worker."""
    return cast("int", broker.client.llen(f"{broker.namespace}:{QUEUE}"))


def make_broker(wiring: Wiring) -> DialBroker:
    """Make the broker of one account for who only sends; its keys carry the account's hash tag."""
    return DialBroker(
        ahead=0, under_way=lambda: 0, queue=queue_of(wiring), middleware=[], **_shared(wiring)
    )


def make_worker_broker(wirings: Sequence[Wiring]) -> DialBroker:
    """Make the broker of a worker process that serves these accounts."""
    middleware = [
        Tuning(sum(threads_for(one.allowance) for one in wirings)),  # before the worker boots
        StopOnce(),  # once per process, after the fork
        EndWithMaster(),  # likewise
        *(KeepUp(partial(housekeeping.run, one)) for one in wirings),
        *(DialNoMore(one.dialing.stop) for one in wirings),
        LogContext(),  # innermost: its context covers the actor alone
    ]
    first, *others = wirings
    broker = _broker_of(first, middleware, is_alone=not others)
    for other in others:
        broker.serve_too(_broker_of(other, [], is_alone=False))
    return broker


def make_events_broker(home: Wiring, keep_up: Callable[[threading.Event], None]) -> DialBroker:
    """Make the broker of a process that tells receivers what happened, on the home's keys.

    Each message holds a thread for as long as its receiver does, so there are more threads than webhooks
    of an account.
    """
    middleware = [Tuning(EVENT_THREADS), StopOnce(), EndWithMaster(), KeepUp(keep_up)]
    return DialBroker(
        ahead=EVENT_THREADS,
        under_way=lambda: 0,
        queue=EVENTS_QUEUE,
        stored_as=EVENTS_QUEUE,
        most=EVENT_THREADS,
        middleware=middleware,
        **_shared(home),
    )


def _broker_of(wiring: Wiring, middleware: Sequence[Middleware], *, is_alone: bool) -> DialBroker:
    dialing = wiring.dialing
    most: dict[str, Any] = {} if is_alone else {"most": threads_for(wiring.allowance)}
    return DialBroker(
        ahead=_ahead(dialing.most_together, wiring.allowance.spacing_s),
        under_way=dialing.under_way,
        may_take=lambda: wiring.agreeing.agrees() and dialing.way_out.is_open,
        queue=queue_of(wiring),
        middleware=list(middleware),
        **most,
        **_shared(wiring),
    )


def _shared(wiring: Wiring) -> dict[str, Any]:
    return {
        "client": wiring.redis,
        "namespace": f"{wiring.db.prefix}dramatiq",
        "heartbeat_timeout": _HEARTBEAT_MS,
        "maintenance_chance": _MAINTENANCE_PER_MILLION,
    }
