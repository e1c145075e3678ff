"""A process starts only on a Redis that keeps what it is given, and tells what is open to others."""

import redis

from dialer.access.exposure import exposures
from dialer.logger import get_logger
from dialer.settings import Settings, SettingsError
from dialer.store.connection import IsCluster, owner_of
from dialer.watching.health import RedisHealth, read_redis_health

log = get_logger(__name__)


def tell_exposures(settings: Settings) -> None:
    """Say what the settings leave open to others."""
    for one in exposures(settings):
        say = log.error if one.is_grave else log.warning
        say("open_to_others", what=one.says, do=one.remedy)


def require_fit_redis(client: "redis.Redis") -> None:
    """Refuse a server that evicts, and say of a weak one what it may lose.

    One that is away is not examined: processes wait for it.

    Raises:
        SettingsError: Contacts would vanish from it, or it has a part of the keys alone.
    """
    try:
        health = read_redis_health(client)
    except redis.RedisError as error:
        log.warning("redis_not_examined", message=str(error))
        return
    if health.evicts:
        raise SettingsError(
            f"REDIS_URL leads to a server whose maxmemory-policy is {health.eviction}: contacts "
            "would vanish when its memory is full; set maxmemory-policy noeviction there"
        )
    if health.is_of_cluster and owner_of(client) is None:
        raise SettingsError(str(IsCluster()))
    _tell(health)


def tell_concerns(client: "redis.Redis") -> None:
    """Say again, all the while it is so, what a weak or nearly full server may lose.

    Raises:
        redis.RedisError: It is away.
    """
    _tell(read_redis_health(client))


def _tell(health: RedisHealth) -> None:
    for concern in health.concerns:
        log.error("redis_may_lose_data", why=concern)
