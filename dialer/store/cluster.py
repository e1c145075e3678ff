"""A Redis Cluster: all keys of an account stand in one slot, so its clients go to the master of that slot.

    redis+cluster://[user:password@]host:port[,host:port…]      rediss+cluster://

Any of the nodes that are named tells who has the slot. A client that is sent elsewhere asks again
when it connects next. That a slot is being moved key by key (`ASK`) is never followed: a script that
ran where half of an account's keys are would take the others for lost. The account waits until its
slot has arrived, as it waits for a Redis that is away; see docs/decisions.
"""

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from typing import Any, Self, cast

import redis
import redis.connection
from redis.asyncio.connection import Connection as AsyncConnection
from redis.asyncio.connection import SSLConnection as AsyncSSLConnection
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    TryAgainError,
)
from redis.retry import Retry

from dialer.addresses import split_servers
from dialer.store import keys

_PORT = 6379
_TOLD_WITHIN_S = 1.0  # a node that is away is passed over, and the next is asked

MOVED = (MovedError, ClusterDownError, MasterDownError)
"""Another node has the slot, or none: leave this one."""
ON_ITS_WAY = (AskError, TryAgainError)
"""The slot is being moved: wait. redis-py makes a MovedError one of these."""

Node = tuple[str, int]


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Nodes of a cluster.

    Args:
        options: redis-py's, for every node.
    """

    nodes: tuple[Node, ...]
    options: dict[str, Any]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address.

        Raises:
            ValueError: It names no node, or a database, or an option is wrong.
        """
        parts = split_servers(url)
        userinfo, at, hosts = parts.netloc.rpartition("@")
        if not hosts or parts.path.strip("/") not in {"", "0"}:
            raise ValueError(
                "must look like redis+cluster://host:port,host:port; a cluster has no database "
                "but 0"
            )
        plain = parts.scheme.removesuffix("+cluster")
        parse_url: Any = redis.connection.parse_url
        options = parse_url(f"{plain}://{userinfo}{at}_/0?{parts.query}")
        for name in ("host", "db", "connection_class"):
            options.pop(name, None)
        if plain == "rediss":
            options["ssl"] = True
        return cls(tuple(node(one, _PORT) for one in hosts.split(",")), options)

    @property
    def is_tls(self) -> bool:
        """Whether nodes are spoken to with TLS."""
        return "ssl" in self.options

    @property
    def of_connections(self) -> dict[str, Any]:
        """The options as connections take them: their class says whether they speak TLS."""
        return {name: one for name, one in self.options.items() if name != "ssl"}


class SlotOwner:
    """Tells which master has the slot of an account."""

    def __init__(self, address: ClusterAddress, account: str) -> None:
        self._address = address
        self._nodes = deque(address.nodes)
        self.slot = key_slot(keys.prefix(account).encode())

    def find(self) -> Node:
        """Tell where the slot's master is.

        Raises:
            redis.ConnectionError: No node answers, or nobody has the slot.
        """
        return self.nodes()[0]

    def nodes(self) -> list[Node]:
        """Tell where the slot's master is, and its replicas; one node after the other is asked.

        Raises:
            redis.ConnectionError: As `find` does.
        """
        why: object = "nobody has it"
        for _ in range(len(self._nodes)):
            try:
                if found := self._told_by(*self._nodes[0]):
                    return found
            except redis.RedisError as error:
                why = error
            self.doubt()
        raise redis.ConnectionError(f"the cluster does not say where slot {self.slot} is: {why}")

    def doubt(self) -> None:
        """Ask another node first the next time: what this one told was wrong, or no more so."""
        self._nodes.rotate(-1)

    def _told_by(self, host: str, port: int) -> list[Node]:
        timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), _TOLD_WITHIN_S)
        options = {**self._address.options, **timeouts, "retry": Retry(NoBackoff(), 0)}
        with redis.Redis(host=host, port=port, **options) as client:
            ranges = cast("list[list[Any]]", client.execute_command("CLUSTER", "SLOTS"))
        found: list[Node] = []
        for first, last, *told in ranges:
            # a node that was given no name is told by the one that it was reached by
            nodes = [(one[0].decode() if one[0] else host, int(one[1])) for one in told]
            self._nodes.extend(one for one in nodes if one not in self._nodes)
            if first <= self.slot <= last:
                found = nodes
        return found


class _AtOwner:
    """A connection that asks who has the slot each time it is made."""

    def __init__(self, *, owner: SlotOwner, **options: Any) -> None:
        self._owner = owner
        super().__init__(**options)

    def _connect(self) -> Any:
        self.host, self.port = self._owner.find()
        connection: Any = super()
        return connection._connect()  # noqa: SLF001 - as redis-py's connections to Sentinels do


class _AtOwnerAsync(_AtOwner):
    async def _connect(self) -> None:
        self.host, self.port = await asyncio.to_thread(self._owner.find)
        connection: Any = super(_AtOwner, self)
        await connection._connect()  # noqa: SLF001 - likewise


class _Connection(_AtOwner, redis.connection.Connection):
    pass


class _TlsConnection(_AtOwner, redis.connection.SSLConnection):
    pass


class _AsyncConnection(_AtOwnerAsync, AsyncConnection):
    pass


class _AsyncTlsConnection(_AtOwnerAsync, AsyncSSLConnection):
    pass


def connection_class(address: ClusterAddress) -> type[redis.connection.Connection]:
    """Give the connections of a client that follows the slot."""
    return _TlsConnection if address.is_tls else _Connection


def async_connection_class(address: ClusterAddress) -> type[AsyncConnection]:
    """Give the same for asyncio."""
    return _AsyncTlsConnection if address.is_tls else _AsyncConnection


def is_cluster(url: str) -> bool:
    """Tell whether an address names a cluster instead of a server."""
    return split_servers(url).scheme.endswith("+cluster")


def node(text: str, port: int) -> Node:
    """Read `host:port`; the port may be left out.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+)(?::(\d{1,5}))?", text)
    if not found:
        raise ValueError(f"{text!r} is no host:port")
    return found[1].strip("[]"), int(found[2] or port)
