"""The Dramatiq broker and its middleware, in order, each with its reason.

What is left out matters as much: no retries (an exception after the POST must not dial again), no
time limit and no shutdown notice (both raise into a thread that may be inside a POST), no delayed
messages (they would wait in a worker's memory). A message is a hint; losing or repeating it is
harmless, because the gate asks Redis.
"""

import math
import multiprocessing
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, cast

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware

from dialer.dialing.dialing import Dialing
from dialer.dialing.releasing import Released
from dialer.ids import ContactId
from dialer.pacing import Allowance
from dialer.parent_watch import end_with_parent
from dialer.store.work import DIAL_QUEUE
from workers.dial_queue import DialBroker

QUEUE = DIAL_QUEUE
ACTOR = "dial_contact"

_LOOK_UP_MS = 1_000  # how often a thread without a message looks whether it should end
_HEARTBEAT_MS = 60_000  # what a dead worker held is of no use after the ten seconds of a release
_MAINTENANCE_PER_MILLION = 100_000
_SLOWEST_USUAL_ANSWER_S = 5.0
_SPARE_THREADS = 8
_MOST_THREADS = 32
_PARTIES_AHEAD = 6
_FETCHED_WITHIN_S = 0.03  # of a pace that leaves less between two requests, several are at hand


class Tuning(Middleware):
    """Fits a worker to the pace before it boots.

    A thread spends its time waiting: for its turn at the gate and for the provider's answer. So
    there are at least as many as requests can be under way.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._fewest = min(
            _MOST_THREADS,
            _SPARE_THREADS + math.ceil(_SLOWEST_USUAL_ANSWER_S / allowance.spacing_s),
        )

    def before_worker_boot(self, _broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        worker.worker_threads = max(worker.worker_threads, self._fewest)
        worker.worker_timeout = _LOOK_UP_MS


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
    """Lets a worker process hear one SIGTERM only.

    Dramatiq takes a second one as an order to drop what it is doing. Where a supervisor signals a
    whole group, the second is merely the master passing on what the worker has heard already.
    """

    def after_process_boot(self, _broker: dramatiq.Broker) -> None:
        stop = signal.getsignal(signal.SIGTERM)

        def stop_once(signum: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if callable(stop):
                stop(signum, frame)

        signal.signal(signal.SIGTERM, stop_once)


class DialNoMore(Middleware):
    """Keeps a stopping worker from dialling what it has fetched but not sent."""

    def __init__(self, stop_dialing: Callable[[], None]) -> None:
        self._stop_dialing = stop_dialing

    def before_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        self._stop_dialing()


class EndWithMaster(Middleware):
    """Ends a worker process whose master was killed; a POST under way is finished first."""

    def after_process_boot(self, _broker: dramatiq.Broker) -> None:
        end_with_parent(signal.SIGTERM, parent_pid=_master_pid())


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


def dial_message(contact: ContactId, token: str) -> dramatiq.Message[None]:
    """Make the message that wakes a worker for a released contact."""
    return dramatiq.Message(
        queue_name=QUEUE, actor_name=ACTOR, args=(str(contact), token), kwargs={}, options={}
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


def send_all(broker: RedisBroker, released: Sequence[Released]) -> None:
    """Wake workers for all these contacts in one round trip.

    It writes what `enqueue` would, in the format Dramatiq documents for other languages.
    """
    if not released:
        return
    messages = (dial_message(one.contact, one.token) for one in released)
    encoded: dict[Any, Any] = {
        message.message_id: message.copy(options={"redis_message_id": message.message_id}).encode()
        for message in messages
    }
    queue = f"{broker.namespace}:{QUEUE}"
    with broker.client.pipeline() as pipe:
        pipe.hset(f"{queue}.msgs", mapping=encoded)
        pipe.rpush(queue, *encoded)
        pipe.execute()


def queued(broker: RedisBroker) -> int:
    """Tell how many messages wait for a worker."""
    return cast("int", broker.client.llen(f"{broker.namespace}:{QUEUE}"))


def make_broker(
    client: "redis.Redis",
    *,
    prefix: str,
    allowance: Allowance,
    housekeeping: Callable[[threading.Event], None] | None = None,
    dialing: Dialing | None = None,
    may_take: Callable[[], bool] = lambda: True,
) -> DialBroker:
    """Make the broker of one account; its keys carry the account's hash tag.

    Args:
        housekeeping: What a worker process runs beside its messages until the event is set.
        dialing: What its messages are for; None where none are consumed.
        may_take: Tells whether this process may take messages; others take them meanwhile.
    """
    return DialBroker(
        ahead=_ahead(dialing.most_together, allowance.spacing_s) if dialing else 0,
        under_way=dialing.under_way if dialing else lambda: 0,
        may_take=(lambda: may_take() and dialing.way_out.is_open) if dialing else may_take,
        client=client,
        namespace=f"{prefix}dramatiq",
        heartbeat_timeout=_HEARTBEAT_MS,
        maintenance_chance=_MAINTENANCE_PER_MILLION,
        middleware=[
            Tuning(allowance),  # before the worker boots
            StopOnce(),  # once per process, after the fork
            EndWithMaster(),  # likewise
            *([KeepUp(housekeeping)] if housekeeping else []),
            *([DialNoMore(dialing.stop)] if dialing else []),
            LogContext(),  # innermost: its context covers the actor alone
        ],
    )
