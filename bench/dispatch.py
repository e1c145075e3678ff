"""Dials a second with the limit lifted, from a queue full of work.

The provider answers at once, which compares what a request costs in CPU, or after `--answer-ms`,
as a real one does that dials inside the request: then it is waiting that has to overlap, and
everybody gets as many requests at a time as the dialer gives itself, 64.

    ours    contacts wait in a campaign; feeder and worker run, with every promise kept: gate,
            intent on disk, finish, one log line a call
    theirs  the queue is filled before; a task is one POST and nothing else: no state, no limit

Everybody has two worker processes, the same form, the same Redis without persistence and the same
provider. The rate is read off the provider's books, over the middle eight tenths of the run, so
that starting and ending are left out. CPU is that of all processes together, Redis and provider
included: on a busy machine it is the steadier figure.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import ground, ours, peers
from bench.chart import Bar, bar_chart

Runner = Callable[[str, str, int], "contextlib.AbstractContextManager[None]"]


@dataclass(frozen=True, slots=True)
class Pace:
    """One run: POSTs a second, and CPU of all processes a POST, ms."""

    posts_per_s: float
    cpu_ms: float


@contextlib.contextmanager
def dialer(redis_url: str, provider_url: str, jobs: int) -> Iterator[None]:
    """Load a campaign, start it, run feeder and worker."""
    with tempfile.TemporaryDirectory() as folder:
        env = ours.environment(redis_url, provider_url, Path(folder), ours.UNPACED)
        wired = ours.wiring(env)
        ours.start(wired, ours.load(wired, jobs))
        with ours.running(env, ("feeder", "worker"), Path(folder)):
            yield


def peer(environment: str, module: str, *worker: str) -> Runner:
    """Make the runner of a peer.

    Args:
        environment: Its interpreter's; '' for ours.
        module: Fills the queue when it is run.
        worker: The module and arguments that run its workers.
    """

    @contextlib.contextmanager
    def run(redis_url: str, provider_url: str, jobs: int) -> Iterator[None]:
        python = str(peers.python_of(environment)) if environment else sys.executable
        env = {
            "BENCH_REDIS": redis_url,
            "BENCH_PROVIDER": provider_url,
            "BENCH_JOBS": str(jobs),
        }
        subprocess.run(
            [python, "-m", module], env={**os.environ, **env}, cwd=ground.ROOT, check=True
        )
        with ground.process([python, "-m", *worker], env=env):
            yield

    return run


BARE = "bare Dramatiq + httpx"
_SLOTS_WAITING = 32  # a process; ours has as many threads when nothing limits it


def bare(threads: int) -> Runner:
    """Make the runner of Dramatiq and httpx alone, on two processes."""
    return peer(
        *("", "bench.senders.on_dramatiq", "dramatiq", "bench.senders.on_dramatiq"),
        *("--processes", "2", "--threads", str(threads), "--skip-logging"),
    )


def celery(pool: str, slots: int) -> Runner:
    """Make the runner of one Celery worker with so many processes or threads."""
    return peer(
        *("celery", "bench.senders.on_celery", "celery", "-A", "bench.senders.on_celery", "worker"),
        *("--loglevel", "critical", "--pool", pool, "--concurrency", str(slots)),
    )


def arq(slots: int) -> Runner:
    """Make the runner of two arq workers with so many jobs at a time each."""
    return peer("arq", "bench.senders.on_arq", "bench.senders.two_arqs", str(slots))


def taskiq(slots: int) -> Runner:
    """Make the runner of two taskiq workers with so many tasks at a time each."""
    return peer(
        *("taskiq", "bench.senders.on_taskiq", "taskiq", "worker"),
        *("bench.senders.on_taskiq:broker", "--workers", "2", "--log-level", "CRITICAL"),
        *("--max-async-tasks", str(slots)),
    )


CONTESTANTS: dict[str, Runner] = {
    "dialer": dialer,
    BARE: bare(8),
    "Celery prefork 2": celery("prefork", 2),
    "arq 2 × 16": arq(16),
    "taskiq 2 × 100": taskiq(100),
}
CONTESTANTS_WAITING: dict[str, Runner] = {
    "dialer": dialer,
    BARE: bare(_SLOTS_WAITING),
    "Celery threads 64": celery("threads", 2 * _SLOTS_WAITING),
    "arq 2 × 32": arq(_SLOTS_WAITING),
    "taskiq 2 × 32": taskiq(_SLOTS_WAITING),
}


def measure(runner: Runner, jobs: int, *, answer_s: float) -> Pace:
    """Let one of them send everything."""
    with (
        ground.redis_server() as redis_url,
        ground.provider("--answer-s", str(answer_s), str(answer_s)) as provider_url,
        runner(redis_url, provider_url, jobs),
    ):
        _wait_for(provider_url, jobs // 10)
        cpu_before = ground.cpu_s_of_descendants()
        _wait_for(provider_url, jobs * 9 // 10)
        cpu_s = ground.cpu_s_of_descendants() - cpu_before
        arrivals = json.loads(ground.ask(f"{provider_url}/books"))["arrivals"]
    first, last = jobs // 10, jobs * 9 // 10 - 1
    rate = (last - first) / (arrivals[last] - arrivals[first])
    return Pace(rate, 1000 * cpu_s / (last - first))


def _wait_for(provider_url: str, requests: int) -> None:
    def have_come() -> bool:
        return int(ground.ask(f"{provider_url}/count")) >= requests

    ground.until(have_come, within_s=180, every_s=0.05)


def _print(paces: Mapping[str, Sequence[Pace]]) -> None:
    base = [one.posts_per_s for one in paces[BARE]]
    base_cpu = [one.cpu_ms for one in paces[BARE]]
    print(f"{'':28}{'POSTs/s':>24}{'ratio':>8}{'CPU a POST, ms':>16}{'ratio':>8}")
    for name, runs in paces.items():
        rates, cpus = [one.posts_per_s for one in runs], [one.cpu_ms for one in runs]
        print(
            f"{name:28}{ground.spread(rates):>24}{ground.ratio(rates, base):>8.2f}"
            f"{median(cpus):>16.2f}{ground.ratio(cpus, base_cpu):>8.2f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=6_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--answer-ms", type=float, default=0.0, help="how long the provider takes")
    parser.add_argument("--only", nargs="*", help="leave others out; bare Dramatiq always runs")
    parser.add_argument("--svg", type=Path, help="draw the rates here")
    args = parser.parse_args()
    chosen = {
        name: runner
        for name, runner in (CONTESTANTS_WAITING if args.answer_ms else CONTESTANTS).items()
        if not args.only or name in args.only or name == BARE
    }
    print(__doc__)
    print(ground.machine())
    paces: dict[str, list[Pace]] = {name: [] for name in chosen}
    for repeat in range(args.repeats):
        order = list(chosen)
        for name in reversed(order) if repeat % 2 else order:
            paces[name].append(measure(chosen[name], args.jobs, answer_s=args.answer_ms / 1000))
            print(f"   {name}: {paces[name][-1]}", file=sys.stderr, flush=True)
            time.sleep(0.5)
    _print(paces)
    if args.svg:
        rates = {name: median(one.posts_per_s for one in runs) for name, runs in paces.items()}
        bars = [
            Bar(name, rate, f"{rate:,.0f}", is_ours=name == "dialer")
            for name, rate in rates.items()
        ]
        args.svg.write_text(bar_chart("POSTs a second", bars), encoding="utf-8")


if __name__ == "__main__":
    main()
