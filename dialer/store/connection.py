"""Opens Redis: one server, whichever one the Sentinels name as master, or the master of a slot in a cluster.

    redis://[user:password@]host:port/db                              also rediss://, unix://
    redis+sentinel://[user:password@]host:port[,host:port…]/service[/db]      rediss+sentinel://
    redis+cluster://…                                                         see dialer/store/cluster.py

User and password are the data servers'. Sentinels that want some get `?sentinel_username=…` and
`?sentinel_password=…`; the other options are redis-py's own (`?ssl_ca_certs=…`).
"""

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import redis
import redis.asyncio.client
import redis.asyncio.sentinel
import redis.client
import redis.connection
import redis.sentinel
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import MasterDownError
from redis.retry import Retry

from dialer.addresses import split_servers
from dialer.store.cluster import (
    MOVED,
    ON_ITS_WAY,
    ClusterAddress,
    SlotOwner,
    async_connection_class,
    connection_class,
    is_cluster,
    node,
)

SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)

_SOCKET_TIMEOUT_S = 5.0  # a stalled Redis must not hold a thread for ever
_SENTINEL_TIMEOUT_S = 1.0  # one that is away is passed over, and the next is asked
_CHECK_IDLE_S = 15
_ASYNC_CONNECTIONS = 16  # a burst of callbacks queues for these instead of opening thousands
_SENTINEL_PORT = 26379

# redis-py does not type these
_Sentinel: Any = redis.sentinel.Sentinel
_AsyncSentinel: Any = redis.asyncio.sentinel.Sentinel
_parse_url: Any = redis.connection.parse_url


class IsCluster(redis.ConnectionError):
    """The server that was meant to have all keys is a node of a cluster."""

    def __init__(self) -> None:
        super().__init__(
            "REDIS_URL names a node of a cluster: write it as redis+cluster://host:port"
        )


def open_redis(url: str, *, account: str) -> "redis.Redis":
    """Make a client that repeats nothing by itself.

    A command whose answer was lost may have been done, so only scripts that are idempotent are
    run again, and only by those who know it.

    Args:
        account: Whose keys are meant; in a cluster each account has a node.
    """
    options = _options(retry=Retry(NoBackoff(), 0), health_check_interval=_CHECK_IDLE_S)
    if is_cluster(url):
        to = ClusterAddress.parse(url)
        pool = redis.ConnectionPool(
            connection_class=connection_class(to),
            owner=SlotOwner(to, account),
            **{**to.of_connections, **options},
        )
        return _Client.from_pool(pool)
    if not is_sentinel(url):
        return _Client.from_url(url, **options)
    address = SentinelAddress.parse(url)
    sentinel = _Sentinel(
        address.hosts, sentinel_kwargs=address.sentinel_options(retry=Retry(NoBackoff(), 0))
    )
    client: redis.Redis = sentinel.master_for(address.service, **address.options, **options)
    return client


def open_redis_async(url: str, *, account: str) -> AsyncRedis:
    """Make an asyncio client of the same server, for the web process.

    It tries once more and at once, for its commands may be done twice: behind a longer pause the
    provider would lose its patience before it heard that its callback was not stored.
    """
    options = _options(retry=AsyncRetry(NoBackoff(), 1), max_connections=_ASYNC_CONNECTIONS)
    if is_cluster(url):
        to = ClusterAddress.parse(url)
        pool = BlockingConnectionPool(
            connection_class=async_connection_class(to),
            owner=SlotOwner(to, account),
            **{**to.of_connections, **options},
        )
        return _AsyncClient.from_pool(pool)
    if not is_sentinel(url):
        return _AsyncClient.from_pool(BlockingConnectionPool.from_url(url, **options))
    address = SentinelAddress.parse(url)
    sentinel = _AsyncSentinel(
        address.hosts, sentinel_kwargs=address.sentinel_options(retry=AsyncRetry(NoBackoff(), 0))
    )
    client: AsyncRedis = sentinel.master_for(
        address.service,
        connection_pool_class=_BlockingSentinelPool,
        **address.options,
        **options,
    )
    return client


def owner_of(client: "redis.Redis") -> SlotOwner | None:
    """Give what tells a client of a cluster where its account is; None on a server alone."""
    owner: SlotOwner | None = client.connection_pool.connection_kwargs.get("owner")
    return owner


def is_sentinel(url: str) -> bool:
    """Tell whether an address names Sentinels instead of a server."""
    return split_servers(url).scheme.endswith("+sentinel")


@dataclass(frozen=True, slots=True)
class ServerSecurity:
    """What an address says of the way to the servers.

    Args:
        hosts: The servers' or Sentinels'; none for a socket of this machine.
    """

    hosts: tuple[str, ...]
    is_tls: bool
    has_password: bool


def server_security(url: str) -> ServerSecurity:
    """Read from an address what stands between the servers and others."""
    if is_sentinel(url):
        address = SentinelAddress.parse(url)
        hosts = tuple(host for host, _ in address.hosts)
        return ServerSecurity(
            hosts, "ssl" in address.options, bool(address.options.get("password"))
        )
    if is_cluster(url):
        nodes = ClusterAddress.parse(url)
        hosts = tuple(host for host, _ in nodes.nodes)
        return ServerSecurity(hosts, nodes.is_tls, bool(nodes.options.get("password")))
    options = _parse_url(url) if url else {}
    if not url or urlsplit(url).scheme == "unix":
        return ServerSecurity((), is_tls=False, has_password=bool(options.get("password")))
    return ServerSecurity(
        (options.get("host", "localhost"),),
        is_tls=urlsplit(url).scheme == "rediss",
        has_password=bool(options.get("password")),
    )


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Where Sentinels are, and which service they are asked for.

    Args:
        options: redis-py's, for the data servers.
        login: User name and password at the Sentinels.
    """

    hosts: tuple[tuple[str, int], ...]
    service: str
    options: dict[str, Any]
    login: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address.

        Raises:
            ValueError: It names no host or no service, or an option is wrong.
        """
        parts = split_servers(url)
        userinfo, at, hosts = parts.netloc.rpartition("@")
        service, _, db = parts.path.strip("/").partition("/")
        if not hosts or not service or not re.fullmatch(r"\d*", db):
            raise ValueError("must look like redis+sentinel://host:port,host:port/service/0")
        plain = parts.scheme.removesuffix("+sentinel")
        # redis-py reads user, password, database and options of a server that we do not know yet
        options = _parse_url(f"{plain}://{userinfo}{at}_/{db}?{parts.query}")
        del options["host"]
        options.pop("connection_class", None)
        if plain == "rediss":
            options["ssl"] = True
        login = {
            name.removeprefix("sentinel_"): options.pop(name)
            for name in ("sentinel_username", "sentinel_password")
            if name in options
        }
        at_nodes = tuple(node(one, _SENTINEL_PORT) for one in hosts.split(","))
        return cls(at_nodes, service, options, login)

    def sentinel_options(self, **more: Any) -> dict[str, Any]:
        """Give redis-py's options for the connections to the Sentinels."""
        security = {name: one for name, one in self.options.items() if name.startswith("ssl")}
        timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), _SENTINEL_TIMEOUT_S)
        return {**security, **timeouts, **self.login, **more}


_NOT_HERE = (redis.ReadOnlyError, *MOVED, *ON_ITS_WAY)


def _away(error: Exception, pool: Any) -> redis.ConnectionError:
    """Give what an answer of the wrong server comes to: ours is away, and may be found elsewhere."""
    owner: SlotOwner | None = pool.connection_kwargs.get("owner")
    is_replica = isinstance(error, redis.ReadOnlyError | MasterDownError)
    if is_replica and owner is None:
        return redis.ConnectionError("the server is a replica now")
    if owner is None:
        return IsCluster()
    owner.doubt()
    return redis.ConnectionError(
        f"the cluster is moving slot {owner.slot}, or has lost it: {error}"
    )


class _LeavesReplicas:
    """A server that says it is a replica, or has our slot no more, is not the one we want: connect anew.

    The name or socket of REDIS_URL may lead to another server by now. Clients of Sentinels do the
    same already.
    """

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        client: Any = super()
        try:
            return client.parse_response(connection, command_name, **options)
        except _NOT_HERE as error:
            connection.disconnect()
            pool: Any = self.connection_pool  # type: ignore[attr-defined]  # the client's
            pool.disconnect(inuse_connections=False)
            raise _away(error, pool) from error


class _LeavesReplicasAsync:
    """The same for asyncio."""

    async def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        client: Any = super()
        try:
            return await client.parse_response(connection, command_name, **options)
        except _NOT_HERE as error:
            await connection.disconnect()
            pool: Any = self.connection_pool  # type: ignore[attr-defined]  # the client's
            await pool.disconnect(inuse_connections=False)
            raise _away(error, pool) from error


class _Pipeline(_LeavesReplicas, redis.client.Pipeline):
    pass


class _AsyncPipeline(_LeavesReplicasAsync, redis.asyncio.client.Pipeline):  # type: ignore[misc]  # bases of redis-py disagree
    pass


class _Client(_LeavesReplicas, redis.Redis):
    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> _Pipeline:
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _AsyncClient(_LeavesReplicasAsync, AsyncRedis):  # type: ignore[misc]  # likewise
    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> _AsyncPipeline:
        return _AsyncPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


class _BlockingSentinelPool(redis.asyncio.sentinel.SentinelConnectionPool, BlockingConnectionPool):
    """Asks the Sentinels for the master, and makes a burst wait for a connection."""


def _options(**more: Any) -> dict[str, Any]:
    return {
        "socket_timeout": _SOCKET_TIMEOUT_S,
        "socket_connect_timeout": _SOCKET_TIMEOUT_S,
        **more,
    }
