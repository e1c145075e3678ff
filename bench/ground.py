"""What every benchmark stands on: a server for the queue, a provider, and processes that end with it."""

import contextlib
import hashlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import redis

from dialer.embedded.supervisor import SERVER_ENVIRONMENT, server_program
from dialer.parent_watch import end_with_parent
from dialer.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def until(condition: Callable[[], Any], *, within_s: float, every_s: float = 0.01) -> Any:
    """Wait for a condition and give its value."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(every_s)
    raise TimeoutError(f"nothing within {within_s:g} s")


@contextlib.contextmanager
def process(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    log: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program for the block; it ends with this process, however that ends."""
    with (log or Path(os.devnull)).open("ab") as out:
        child = subprocess.Popen(
            command,
            env={**os.environ, **(env or {})},
            cwd=folder or ROOT,
            stdout=out,
            stderr=out,
            preexec_fn=partial(end_with_parent, signal.SIGKILL),  # noqa: PLW1509  # threads of ours hold no lock it takes
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def redis_server(*, appendonly: bool = False) -> Iterator[str]:
    """Run a server of our own for the block; gives its address.

    Args:
        appendonly: Every write on disk before it is answered; else nothing is kept.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        command = [
            *(server_program(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder),
            *("--save", "", "--hash-max-listpack-entries", "512"),
            *("--hash-max-listpack-value", "512"),
            *(("--appendonly", "yes", "--appendfsync", "always") if appendonly else ()),
        ]
        with process(command, env=SERVER_ENVIRONMENT, log=Path(folder, "log")):
            url = f"redis://127.0.0.1:{port}/0"
            client = redis.Redis.from_url(url)
            until(lambda: _answers(client), within_s=10)
            yield url


@contextlib.contextmanager
def provider(*options: str) -> Iterator[str]:
    """Run the provider for the block; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "bench.provider", "--port", str(port), *options]
    with process(command):
        until(lambda: listens(port), within_s=10)
        yield f"http://127.0.0.1:{port}"


def ask(url: str, *, method: str = "GET") -> bytes:
    """Ask the provider something about its books."""
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def descendants() -> set[int]:
    """Name all processes this one has started, and theirs, that live."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(stat.parent.name)] = int(_fields(stat)[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def cpu_s(pid: int) -> float:
    """Tell the CPU time of a process, s."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Tell the memory of a process, MB; what it shares with others counts in part."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(next(one for one in rollup.splitlines() if one.startswith("Pss:")).split()[1]) / 1024


def cpu_s_of_descendants() -> float:
    """Add up the CPU time of all processes this one has started, and theirs, so far."""
    found = 0.0
    for pid in descendants():
        with contextlib.suppress(OSError):  # it has just ended
            found += cpu_s(pid)
    return found


def _fields(stat: Path) -> list[str]:
    # the name, in brackets, may hold anything
    return stat.read_text().rpartition(")")[2].split()


def redis_work(client: "redis.Redis") -> tuple[int, int]:
    """Give what a server has done so far: requests read from connections, and commands.

    A pipeline is one read; commands that scripts call are counted too. So is this question.
    """
    stats = client.info("stats")
    return int(stats["total_reads_processed"]), int(stats["total_commands_processed"])


def machine() -> str:
    """Describe where a run takes place, in one line."""
    load = os.getloadavg()[0]
    release = platform.release().split(".")
    names = ("redis", "dramatiq", "httpx")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{os.cpu_count()} cores, {platform.system()} {'.'.join(release[:2])}, "
        f"Python {platform.python_version()}, {versions}; load before the run {load:.1f}"
    )


def commit() -> str:
    """Name what is checked out, with a + where files differ from it; "" outside a checkout."""
    found = _git("rev-parse", "--short=8", "HEAD")
    others = ("--", ".", ":!docs/benchmarks*")  # what runs before this one have left is no change
    return f"{found}+" if found and _git("status", "--porcelain", "-uno", *others) else found


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def speed() -> float:
    """Measure the machine itself: rounds of a fixed piece of work, a hundred a second being 1.

    The work is what ours is made of: Python's loops, JSON and a hash. It is the best of forty rounds,
    so another process beside it weighs little.
    """
    cells = {f"column {place}": "9" * place for place in range(50)}
    best = min(_seconds_of_work(cells) for _ in range(40))
    return 0.01 / best


def _seconds_of_work(cells: Mapping[str, str]) -> float:
    began = time.perf_counter()
    for _ in range(150):
        text = json.dumps(cells)
        hashlib.sha256(text.encode()).hexdigest()
        sum(len(cell) for cell in json.loads(text).values())
    return time.perf_counter() - began


def quantile(values: Sequence[float], q: float) -> float:
    """Give the q-quantile, the nearest value below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def spread(values: Sequence[float]) -> str:
    """Write a median with its range, if there is one."""
    if len(values) == 1:
        return f"{values[0]:,.0f}"
    return f"{median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def times(repeats: int) -> str:
    """Say how often something was measured."""
    return "one run" if repeats == 1 else f"{repeats} runs"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Give the median of the ratios of runs that lay next to each other."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
