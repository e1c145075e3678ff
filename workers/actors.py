"""Message in, one use case, answer out: `dramatiq workers.actors`.

Dramatiq starts a worker by importing this module, so it reads the settings and connects.
"""

import sys

import dramatiq
import structlog
from redis.exceptions import RedisError

from dialer import failpoints, logs
from dialer.dialing.dialing import FOR_OTHERS, OTHER_SETTINGS
from dialer.ids import ContactId
from dialer.private_files import keep_files_private
from dialer.settings import SettingsError, read_settings
from workers import housekeeping
from workers.broker import ACTOR, QUEUE, dial_message, make_broker
from workers.redis_fitness import require_fit_redis, tell_exposures
from workers.wiring import Wiring

log = structlog.get_logger(__name__)

keep_files_private()
try:
    settings = read_settings()
    logs.set_up(
        log_format=settings.dialer_log_format, level=settings.dialer_log_level, role="worker"
    )
    wiring = Wiring(settings)
    require_fit_redis(wiring.redis)
    tell_exposures(settings)
    dialing = wiring.dialing
except SettingsError as error:
    sys.stderr.write(f"dialer: {error}\n")
    raise SystemExit(2) from None  # as the commands say it: starting again will not help

broker = make_broker(
    wiring.redis,
    prefix=wiring.db.prefix,
    allowance=wiring.allowance,
    housekeeping=lambda stop: housekeeping.run(wiring, stop),
    dialing=dialing,
    may_take=wiring.agreeing.agrees,
)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=QUEUE, actor_name=ACTOR)
def dial_contact(contact_id: str, token: str) -> None:
    """Dial one released contact."""
    contact = ContactId.parse(contact_id)
    if contact is None:
        log.error("message_unreadable", contact_id=contact_id)
        return
    try:
        dialled = dialing.dial(contact, token)
        if dialled in FOR_OTHERS:
            broker.enqueue(dial_message(contact, token))
        elif dialled == OTHER_SETTINGS:
            wiring.agreeing.doubt()
    except RedisError as error:
        # nothing is lost with the message: a release ends, and what was sent is in the journal
        log.warning("message_dropped", message=f"Redis: {error}")
    failpoints.reach("dialled")
