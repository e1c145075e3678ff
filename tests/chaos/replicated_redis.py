"""A master, its replicas and three Sentinels, as processes that can be killed and frozen."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from dialer.embedded.supervisor import server_program
from dialer.ports import free_port
from tests.patience import until

SERVICE = "dialer"
_SERVER = {
    "bind": "127.0.0.1",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "repl-diskless-sync-delay": "0",
}


@dataclass
class Server:
    """One server on a TCP port."""

    folder: Path
    options: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, socket_timeout=2)

    def start(self, *first: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {"port": str(self.port), "dir": str(self.folder), **self.options}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self.folder / "server.log").open("ab") as log:
            command = [server_program(), *first, *words]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers, what=f"the server on port {self.port}")

    def send(self, signum: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(signum)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def is_in_step(self) -> bool:
        with self.client() as client:
            return client.info("replication").get("master_link_status") == "up"

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@dataclass
class ReplicatedRedis:
    """The servers, the first of which begins as master."""

    servers: list[Server]
    sentinels: list[Server]
    address: str

    @property
    def url(self) -> str:
        """The address for REDIS_URL."""
        hosts = ",".join(f"{self.address}:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    @property
    def master(self) -> Server:
        return self.servers[0]

    def elected(self) -> Server:
        """Ask a Sentinel who is master now."""
        with self.sentinels[0].client() as client:
            _, port = client.sentinel_get_master_addr_by_name(SERVICE)
        return next(one for one in self.servers if one.port == port)

    @property
    def replicas(self) -> list[Server]:
        return self.servers[1:]


@contextmanager
def replicated_redis(
    folder: Path,
    *,
    replicas: int,
    sentinels: int = 0,
    address: str = "127.0.0.1",
    **options: str,
) -> Iterator[ReplicatedRedis]:
    """Run a master with replicas in step, and Sentinels that know them.

    Args:
        address: By which they know each other, and clients know them.
    """
    if address != "127.0.0.1":
        options |= {"bind": f"127.0.0.1 {address}", "protected-mode": "no"}
    with ExitStack() as undo:
        master = Server(folder / "master", _SERVER | options)
        _run(master, undo)
        copies = []
        for n in range(replicas):
            following = {"replicaof": f"{address} {master.port}"}
            copy = Server(folder / f"replica-{n}", _SERVER | options | following)
            _run(copy, undo)
            copies.append(copy)
        for copy in copies:
            until(copy.is_in_step, what="the replica")
        watchers = []
        for n in range(sentinels):
            watcher = Server(folder / f"sentinel-{n}", {})
            _run_sentinel(watcher, master, address, undo)
            watchers.append(watcher)
        for watcher in watchers:
            until(
                lambda watcher=watcher: _knows(watcher, replicas, sentinels),
                what="a Sentinel that knows everybody",
            )
        yield ReplicatedRedis([master, *copies], watchers, address)


def _run(server: Server, undo: ExitStack, *first: str) -> None:
    undo.callback(_end, server)
    server.start(*first)


def _run_sentinel(watcher: Server, master: Server, address: str, undo: ExitStack) -> None:
    watcher.folder.mkdir(parents=True)
    conf = watcher.folder / "sentinel.conf"  # it writes into it what it learns
    conf.write_text(
        f"sentinel monitor {SERVICE} {address} {master.port} 2\n"
        f"sentinel announce-ip {address}\nprotected-mode no\n"
        f"sentinel down-after-milliseconds {SERVICE} 1000\n"
        f"sentinel failover-timeout {SERVICE} 5000\n"
    )
    _run(watcher, undo, str(conf), "--sentinel")


def _knows(watcher: Server, replicas: int, sentinels: int) -> bool:
    with watcher.client() as client:
        state = client.sentinel_master(SERVICE)
    return state["num-slaves"] == replicas and state["num-other-sentinels"] == sentinels - 1


def _end(server: Server) -> None:
    if server.process is not None and server.process.poll() is None:
        server.kill()
