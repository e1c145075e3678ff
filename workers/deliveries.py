"""Tells receivers what happened, and keeps the outbox: `dramatiq workers.deliveries`.

A message names a webhook that has something to be told; it is a hint, as a message to dial is one. Who
delivers takes the webhook's lease, so a message may come twice or be lost. The messages of all accounts go
through the home's queue.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import dramatiq
from redis.exceptions import RedisError

from dialer.events.keeping import Keeping
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.store.recordings import KeptRecordings
from dialer.store.webhooks import Webhooks
from dialer.store.work import EVENTS_QUEUE
from dialer.webhooks.delivering import Delivering
from workers.broker import enqueue, make_events_broker
from workers.heartbeat import beating
from workers.under_dramatiq import starting
from workers.wiring import Wiring, process_name, wire

ACTOR = "tell_receiver"
KEEPER = "keep_recording"

RECORDINGS_AT_ONCE = 6
"""In a process: receivers need its other threads."""

_LOOK_AGAIN_S = 1.0
_IDLE_S = (
    3.0  # nothing happens, or nobody is to be told; a process that stops waits as long at most
)
_PAUSE_S = 0.2
_NOTHING_DUE_S = 5.0
_HELD_S = 20.0
_AFTER_FAULT_S = 1.0

log = get_logger(__name__)


def keep_up(wirings: dict[str, Wiring], stop: threading.Event) -> None:
    """Do what goes beside the messages, until the process stops."""
    with beating(list(wirings.values()), role="events"):
        threads = [
            threading.Thread(target=partial(work, one, stop), name=f"{work.__name__} {one.name}")
            for one in wirings.values()
            if one.settings.dialer_events_days
            for work in (keep_outbox, wake)
        ]
        threads += [
            threading.Thread(
                target=wake_recordings, args=(one, stop), name=f"recordings {one.name}"
            )
            for one in wirings.values()
            if one.settings.dialer_recordings_to
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join()


def keep_outbox(wiring: Wiring, stop: threading.Event) -> None:
    """Write every event into a file, and drop what is old."""
    days = wiring.settings.dialer_events_days
    keeping = Keeping(wiring.db, wiring.outbox, days=days, holder=process_name())
    while not stop.is_set():
        try:
            if keeping.tick():
                continue
            keeping.wait(within_s=_IDLE_S)
        except (RedisError, OSError) as error:
            log.warning("outbox_not_kept", message=str(error))
        stop.wait(_LOOK_AGAIN_S)  # what comes together is written together


def wake(wiring: Wiring, stop: threading.Event) -> None:
    """Send a message for each webhook that has something to be told."""
    webhooks, stream = Webhooks(wiring.db), wiring.outbox.stream
    asked: set[str] = set()
    while not stop.is_set():
        try:
            if not webhooks.all():
                stop.wait(_IDLE_S)
                continue
            last = wiring.outbox.now()
            asked = {one for one in webhooks.have_work(last) if not webhooks.is_at_work(one)}
            enqueue(broker, [message(wiring, one) for one in asked])
            stop.wait(_PAUSE_S)
            stream.wait(last, within_s=_LOOK_AGAIN_S)
        except RedisError as error:
            log.warning("webhooks_not_woken", message=str(error))
            stop.wait(_AFTER_FAULT_S)


def wake_recordings(wiring: Wiring, stop: threading.Event) -> None:
    """Send a message for each recording that is due, and hold on to those that are being fetched here.

    One that nobody holds on to is due again: whoever fetched it died, or its message was lost.
    """
    recordings = KeptRecordings(wiring.db)
    while not stop.is_set():
        claimed: list[AttemptId] = []
        try:
            until = wiring.db.now() + _HELD_S
            for id_ in at_work.of(wiring.name):
                recordings.put_off(id_, until=until)
            claimed = recordings.claim(most=RECORDINGS_AT_ONCE, for_s=_HELD_S)
            enqueue(broker, [message(wiring, str(one), actor=KEEPER) for one in claimed])
        except RedisError as error:
            log.warning("recordings_not_woken", message=str(error))
        stop.wait(_LOOK_AGAIN_S if claimed else _NOTHING_DUE_S)


def message(wiring: Wiring, about: str, *, actor: str = ACTOR) -> dramatiq.Message[None]:
    """Make the message that has a receiver told, by its id, or a recording kept, by its attempt's."""
    return dramatiq.Message(
        queue_name=EVENTS_QUEUE,
        actor_name=actor,
        args=(wiring.name, about),
        kwargs={},
        options={},
    )


class AtWork:
    """Which recordings this process fetches; a few at a time, each once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: dict[AttemptId, str] = {}

    def of(self, account: str) -> list[AttemptId]:
        """Name those of an account."""
        with self._lock:
            return [id_ for id_, whose in self._ids.items() if whose == account]

    @contextmanager
    def fetching(self, account: str, id_: AttemptId) -> Iterator[bool]:
        """Note that one is fetched while the block runs; False where enough are, or it is already."""
        with self._lock:
            may_fetch = len(self._ids) < RECORDINGS_AT_ONCE and id_ not in self._ids
            if may_fetch:
                self._ids[id_] = account
        try:
            yield may_fetch
        finally:
            if may_fetch:
                with self._lock:
                    del self._ids[id_]


at_work = AtWork()

with starting("events") as settings:
    wirings = {one.name: one for one in wire(settings)}
    broker = make_events_broker(next(iter(wirings.values())), partial(keep_up, wirings))

dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=EVENTS_QUEUE, actor_name=ACTOR)
def tell_receiver(account: str, webhook: str) -> None:
    """Deliver what waits for a webhook, until it has all, or for some seconds."""
    wiring = wirings.get(account)
    if wiring is None:
        return  # another installation's file of accounts; who serves it is asked again
    try:
        Delivering(wiring.db, wiring.outbox, wiring.sender).deliver(webhook)
    except (RedisError, OSError) as error:
        log.warning("delivery_put_off", webhook=webhook, message=str(error))


@dramatiq.actor(queue_name=EVENTS_QUEUE, actor_name=KEEPER)
def keep_recording(account: str, attempt: str) -> None:
    """Fetch an attempt's recording and put it where it stays; later, where enough are on their way."""
    wiring, id_ = wirings.get(account), AttemptId.parse(attempt)
    keeping = wiring.keeping_recordings if wiring else None
    if wiring is None or keeping is None or id_ is None:
        return
    try:
        with at_work.fetching(account, id_) as may_fetch:
            if may_fetch:
                keeping.keep(id_)
    except RedisError as error:
        log.warning("recording_not_kept", attempt_id=attempt, message=str(error))
