"""Message in, one use case, answer out: `dramatiq workers.actors`.

Dramatiq starts a worker by importing this module, so it reads the settings and connects.
"""

import gc

import dramatiq
from redis.exceptions import RedisError

from dialer import failpoints
from dialer.dialing.entrance import FOR_OTHERS, OTHER_SETTINGS
from dialer.dialing.releasing import Released
from dialer.ids import ContactId
from dialer.logger import get_logger
from workers.broker import ACTOR, QUEUE, make_worker_broker, queue_of, send_all
from workers.redis_fitness import require_fit_redis, tell_exposures
from workers.under_dramatiq import starting
from workers.wiring import wire_served

log = get_logger(__name__)

with starting("worker") as settings:
    served = wire_served(settings)
    wirings = {queue_of(one): one for one in served}
    for client in {one.redis for one in served}:
        require_fit_redis(client)
    tell_exposures(settings)
    broker = make_worker_broker(served)

dramatiq.set_broker(broker)
gc.freeze()  # what is there now stays: the collector need not look through it again and again


@dramatiq.actor(queue_name=broker.queue, actor_name=ACTOR)
def dial_contact(contact_id: str, token: str, queue: str = QUEUE) -> None:
    """Dial one released contact of the account that has this queue."""
    contact = ContactId.parse(contact_id)
    wiring = wirings.get(queue)
    if contact is None or wiring is None:
        log.error("message_unreadable", contact_id=contact_id)
        return
    try:
        dialled = wiring.dialing.dial(contact, token)
        if dialled in FOR_OTHERS:
            send_all(broker.of(queue), [Released(contact, token)])
        elif dialled == OTHER_SETTINGS:
            wiring.agreeing.doubt()
    except RedisError as error:
        # nothing is lost with the message: a release ends, and what was sent is in the journal
        log.warning("message_dropped", message=f"Redis: {error}")
    failpoints.reach("dialled")
