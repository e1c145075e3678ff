"""Tells receivers what happened, and keeps the outbox: `dramatiq workers.deliveries`.

A message names a webhook that has something to be told; it is a hint, as a message to dial is one. Who
delivers takes the webhook's lease, so a message may come twice or be lost. The messages of all accounts go
through the home's queue.
"""

import sys
import threading
from functools import partial

import dramatiq
from redis.exceptions import RedisError

from dialer import logs
from dialer.events.keeping import Keeping
from dialer.logger import get_logger
from dialer.private_files import keep_files_private
from dialer.settings import SettingsError, read_settings
from dialer.store.webhooks import Webhooks
from dialer.store.work import EVENTS_QUEUE
from dialer.webhooks.delivering import Delivering
from workers.broker import enqueue, make_events_broker
from workers.heartbeat import beating
from workers.wiring import Wiring, process_name, wire

ACTOR = "tell_receiver"

_LOOK_AGAIN_S = 1.0
_PAUSE_S = 0.2
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
        except (RedisError, OSError) as error:
            log.warning("outbox_not_kept", message=str(error))
        stop.wait(_LOOK_AGAIN_S)


def wake(wiring: Wiring, stop: threading.Event) -> None:
    """Send a message for each webhook that has something to be told."""
    webhooks, stream = Webhooks(wiring.db), wiring.outbox.stream
    asked: set[str] = set()
    while not stop.is_set():
        try:
            last = wiring.outbox.now()
            asked = {one for one in webhooks.have_work(last) if not webhooks.is_at_work(one)}
            enqueue(broker, [message(wiring, one) for one in asked])
            stop.wait(_PAUSE_S)
            stream.wait(last, within_s=_LOOK_AGAIN_S)
        except RedisError as error:
            log.warning("webhooks_not_woken", message=str(error))
            stop.wait(_AFTER_FAULT_S)


def message(wiring: Wiring, webhook: str) -> dramatiq.Message[None]:
    """Make the message that has a receiver told."""
    return dramatiq.Message(
        queue_name=EVENTS_QUEUE,
        actor_name=ACTOR,
        args=(wiring.name, webhook),
        kwargs={},
        options={},
    )


keep_files_private()
try:
    settings = read_settings()
    logs.set_up(
        log_format=settings.dialer_log_format, level=settings.dialer_log_level, role="events"
    )
    wirings = {one.name: one for one in wire(settings)}
    broker = make_events_broker(next(iter(wirings.values())), partial(keep_up, wirings))
except SettingsError as error:
    sys.stderr.write(f"dialer: {error}\n")
    raise SystemExit(2) from None  # as the commands say it: starting again will not help

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
