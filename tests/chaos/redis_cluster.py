"""A Redis Cluster of processes: masters, each with a replica, that can be killed and resharded."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis.crc import key_slot

from dialer.ports import free_port
from dialer.store import keys
from tests.chaos.replicated_redis import _SERVER, Server, _run
from tests.patience import until

SLOTS = 16384
_CLUSTER = {"cluster-enabled": "yes", "cluster-node-timeout": "1500"}


@dataclass
class RedisCluster:
    """Its nodes; which of them are masters changes."""

    masters: list[Server]
    replicas: list[Server]

    @property
    def url(self) -> str:
        """The address for REDIS_URL: one of the nodes is enough, another is there in its absence."""
        named = (self.masters[0], self.masters[-1])
        return f"redis+cluster://{','.join(f'127.0.0.1:{one.port}' for one in named)}"

    @property
    def nodes(self) -> list[Server]:
        return [*self.masters, *self.replicas]

    def owner(self, account: str, *, asked: Server | None = None) -> Server:
        """Tell who has the slot of an account."""
        slot = slot_of(account)
        ranges = tell(asked or self._a_living_one(), "CLUSTER", "SLOTS")
        (port,) = [told[2][1] for told in ranges if told[0] <= slot <= told[1]]
        return next(one for one in self.nodes if one.port == port)

    def move(self, account: str, *, on_the_way=lambda: None) -> Server:
        """Move an account's slot to another master, key by key; gives the new owner.

        Args:
            on_the_way: Called once the move has begun, and half of the keys are there.
        """
        slot, source = slot_of(account), self.owner(account)
        target = next(one for one in self.masters if one is not source)
        giver, taker = (tell(one, "CLUSTER", "MYID").decode() for one in (source, target))
        tell(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", giver)
        tell(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", taker)
        moved = tell(source, "CLUSTER", "COUNTKEYSINSLOT", slot)
        _migrate(source, target, slot, moved // 2)
        on_the_way()
        while tell(source, "CLUSTER", "COUNTKEYSINSLOT", slot):
            _migrate(source, target, slot, 100)
        for one in (target, source, *self.masters):
            tell(one, "CLUSTER", "SETSLOT", slot, "NODE", taker)
        return target

    def _a_living_one(self) -> Server:
        return next(one for one in self.nodes if one.process and one.process.poll() is None)


def slot_of(account: str) -> int:
    return key_slot(keys.prefix(account).encode())


def tell(node: Server, *command: str | int):
    with node.client() as client:
        return client.execute_command(*command)


@contextmanager
def redis_cluster(
    folder: Path, *, masters: int = 3, replicas: bool = True
) -> Iterator[RedisCluster]:
    """Run masters that share the slots evenly, each with a replica in step."""
    with ExitStack() as undo:
        kinds = ["master"] * masters + ["replica"] * (masters if replicas else 0)
        ports = [free_port() for _ in range(2 * len(kinds))]
        nodes = [
            _node(folder / f"{kind}-{n}", ports[2 * n : 2 * n + 2], undo)
            for n, kind in enumerate(kinds)
        ]
        cluster = RedisCluster(nodes[:masters], nodes[masters:])
        share = SLOTS // masters
        for n, one in enumerate(cluster.masters):
            last = SLOTS - 1 if n == masters - 1 else (n + 1) * share - 1
            tell(one, "CLUSTER", "ADDSLOTSRANGE", n * share, last)
            tell(one, "CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        for one in nodes[1:]:
            tell(one, "CLUSTER", "MEET", "127.0.0.1", nodes[0].port, _bus_of(nodes[0]))
        until(lambda: all(_knows(one, len(nodes)) for one in nodes), what="the cluster")
        for copy, master in zip(cluster.replicas, cluster.masters, strict=False):
            tell(copy, "CLUSTER", "REPLICATE", tell(master, "CLUSTER", "MYID").decode())
        for copy in cluster.replicas:
            until(copy.is_in_step, what="the replica")
        copies = len(cluster.replicas)
        until(lambda: all(_is_whole(one, copies) for one in nodes), what="the whole")
        yield cluster


def _node(folder: Path, ports: list[int], undo: ExitStack) -> Server:
    port, bus = ports
    node = Server(folder, {**_SERVER, **_CLUSTER, "cluster-port": str(bus)}, port)
    _run(node, undo)
    return node


def _bus_of(node: Server) -> int:
    return int(node.options["cluster-port"])


def _knows(node: Server, nodes: int) -> bool:
    told = tell(node, "CLUSTER", "NODES")
    return told.count(b"\n") == nodes and b"handshake" not in told


def _is_whole(node: Server, replicas: int) -> bool:
    known = tell(node, "CLUSTER", "NODES").count(b"slave ")
    return known == replicas and b"cluster_state:ok" in tell(node, "CLUSTER", "INFO")


def _migrate(source: Server, target: Server, slot: int, most: int) -> None:
    names = tell(source, "CLUSTER", "GETKEYSINSLOT", slot, most)
    if names:
        tell(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "REPLACE", "KEYS", *names)
