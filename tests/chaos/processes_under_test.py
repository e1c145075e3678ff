"""What the dialer stands on, as processes of our own that can be killed: Redis and the provider."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dialer.embedded.supervisor import server_program
from dialer.ports import free_port
from dialer.simulator import SimulatorOptions, serve
from tests.acceptance.rig import end_with_tests
from tests.patience import until

_UP_WITHIN_S = 90.0

# As the product runs its own: what is acknowledged is on disk.
DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory-policy": "noeviction",
    "hash-max-listpack-value": "512",
}


@dataclass
class RedisProcess:
    """A server on a Unix socket; it keeps its data through `kill` and `start`."""

    folder: Path
    options: Mapping[str, str] = field(default_factory=lambda: DURABLE)
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def client(self, *, waits_s: float = 30) -> "redis.Redis":
        """Make a client that repeats nothing by itself, as the product's own.

        Args:
            waits_s: For an answer: a disk that all tests write to may keep a server that syncs waiting.
        """
        return redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=waits_s, retry=Retry(NoBackoff(), 0)
        )

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        own = {"port": "0", "unixsocket": str(self.socket), "dir": str(self.folder)}
        words = [
            word for name, value in {**own, **self.options}.items() for word in (f"--{name}", value)
        ]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [server_program(), *words],
                stdout=log,
                stderr=log,
                preexec_fn=end_with_tests,  # noqa: PLW1509  # threads of ours hold no lock it takes
            )
        until(self._answers, within_s=_UP_WITHIN_S, what="Redis")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)

    def pause(self) -> None:
        """Let it stand still, its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """Lose everything it kept; to be called while it is down."""
        for file in self.folder.rglob("*"):
            if file.is_file() and file.suffix in {".aof", ".rdb", ".manifest"}:
                file.unlink()

    def block_snapshots(self) -> None:
        """Let snapshots fail as on a full disk: a folder stands where the file belongs."""
        (self.folder / "dump.rdb").mkdir()
        (self.folder / "dump.rdb" / "full").touch()

    def unblock_snapshots(self) -> None:
        shutil.rmtree(self.folder / "dump.rdb", ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with self.client(waits_s=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()


class ProviderProcess:
    """The simulator in a process of its own, and the judge's door to it."""

    def __init__(self, options: SimulatorOptions, *, host: str = "127.0.0.1") -> None:
        self._options = options
        self._host = host
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._authenticator = httpx.Client(
            base_url=f"{self.url}/_simulator", timeout=240, verify=False
        )
        self._pid = 0

    def order(self, **order: Any) -> None:
        """Order faults; see `dialer.simulator.admin`."""
        self._authenticator.post("/faults", json=order).raise_for_status()

    def reset(self) -> None:
        """Begin anew: an empty ledger, no faults ordered."""
        self._authenticator.post("/reset").raise_for_status()

    def verdict(self) -> dict[str, Any]:
        return self._ask("verdict")

    def ledger(self, section: str) -> list[dict[str, Any]]:
        return self._ask(f"ledger?section={section}")[section]

    def __enter__(self) -> Self:
        self._pid = os.fork()
        if not self._pid:
            try:
                end_with_tests()
                serve(self._options, host=self._host, port=self.port)
            finally:
                os._exit(1)
        until(self._answers, within_s=_UP_WITHIN_S, what="the simulator")
        return self

    def __exit__(self, *_: object) -> None:
        self._authenticator.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _ask(self, what: str) -> Any:
        return self._authenticator.get(f"/{what}").json()

    def _answers(self) -> bool:
        try:
            return self.verdict() is not None
        except httpx.HTTPError:
            return False
