"""Dials a second with the limit lifted, from a queue full of work.

The provider answers at once, which compares what a request costs in CPU, or after `--answer-ms`,
as a real one does that dials inside the request: then it is waiting that has to overlap, and
everybody gets as many requests at a time as the dialer gives itself, 64; "most at once" is what the
provider saw of that.

    ours    contacts wait in a campaign; feeder and worker run, with every promise kept: gate,
            intent on disk, finish, one log line a call
    theirs  the queue is filled before; a task is one POST and nothing else: no state, no limit

Everybody has two worker processes, the same form, the same Redis without persistence and the same
provider; each repeat goes through them in the opposite order. The rate is read off the provider's books, over the middle eight tenths of the run, so
that starting and ending are left out. CPU is that of all processes together, Redis and provider
included: on a busy machine it is the steadier figure. Round trips are what Redis counted as reads
from its connections, a pipeline being one; commands include those inside scripts.
"""

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

import redis

from bench import ground, ours, peers
from bench.chart import Bar
from bench.result import Plot, Result, Table, arguments, begin, publish
from dialer.dialing.at_provider import MOST_AT_PROVIDER

NOT_SHOWN = """
Peers keep no promise at all: no limit, no state, no second look at a contact, nothing that survives
a crash but the message. An account of 200 requests a minute sends 3.3 a second, which all of them
can. Provider and clients share the cores, so nobody is measured on a machine of its own."""

Runner = Callable[[str, str, int], "contextlib.AbstractContextManager[None]"]


@dataclass(frozen=True, slots=True)
class Pace:
    """One run: POSTs a second; CPU of all processes, ms, and work of Redis, a POST; most at once."""

    posts_per_s: float
    cpu_ms: float
    round_trips: float
    commands: float
    at_once: int


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


OURS, BARE = "dialer", "bare Dramatiq + httpx"
_SLOTS_WAITING = MOST_AT_PROVIDER  # a process


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
    OURS: dialer,
    BARE: bare(8),
    "Celery prefork 2": celery("prefork", 2),
    "arq 2 × 16": arq(16),
    "taskiq 2 × 100": taskiq(100),
}
CONTESTANTS_WAITING: dict[str, Runner] = {
    OURS: dialer,
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
        client = redis.Redis.from_url(redis_url)
        _wait_for(provider_url, jobs // 10)
        before = _done_so_far(provider_url, client)
        _wait_for(provider_url, jobs * 9 // 10)
        after = _done_so_far(provider_url, client)
        books = json.loads(ground.ask(f"{provider_url}/books"))
    arrivals = books["arrivals"]
    first, last = jobs // 10, jobs * 9 // 10 - 1
    rate = (last - first) / (arrivals[last] - arrivals[first])
    posts, cpu_s, reads, commands = (now - then for now, then in zip(after, before, strict=True))
    work = (1000 * cpu_s / posts, reads / posts, commands / posts)
    return Pace(rate, *work, at_once=books["most_under_way"])


def _done_so_far(provider_url: str, client: "redis.Redis") -> tuple[float, ...]:
    """Give POSTs, CPU of all processes and work of Redis, as near to one instant as may be."""
    return _count(provider_url), ground.cpu_s_of_descendants(), *ground.redis_work(client)


def _count(provider_url: str) -> int:
    return int(ground.ask(f"{provider_url}/count"))


def _wait_for(provider_url: str, requests: int) -> None:
    ground.until(lambda: _count(provider_url) >= requests, within_s=180, every_s=0.05)


Paces = Mapping[str, Sequence[Pace]]
_PEERS = ("Celery", "arq", "taskiq")


def values(paces: Paces) -> dict[str, float]:
    """Give what goals are judged by."""
    rates = {name: [one.posts_per_s for one in runs] for name, runs in paces.items()}
    if OURS not in rates:
        return {}
    told = {
        "posts_per_s": median(rates[OURS]),
        "of_bare": ground.ratio(rates[OURS], rates[BARE]),
        "round_trips": median(one.round_trips for one in paces[OURS]),
    }
    peers_rates = [runs for name, runs in rates.items() if name.startswith(_PEERS)]
    if peers_rates:
        told["of_best_peer"] = min(ground.ratio(rates[OURS], runs) for runs in peers_rates)
    return told


def _table(paces: Paces) -> Table:
    base = [one.posts_per_s for one in paces[BARE]]
    rows = (
        (
            name,
            ground.spread([one.posts_per_s for one in runs]),
            f"{ground.ratio([one.posts_per_s for one in runs], base):.2f}",
            f"{median(one.cpu_ms for one in runs):.2f}",
            f"{median(one.round_trips for one in runs):.1f}",
            f"{median(one.commands for one in runs):.1f}",
            f"{max(one.at_once for one in runs)}",
        )
        for name, runs in paces.items()
    )
    header = ("a POST", "POSTs/s", "ratio", "CPU, ms", "Redis round trips", "Redis commands")
    return Table((*header, "most at once"), tuple(rows))


def _plot(paces: Paces, answer_ms: float) -> Plot:
    rates = {name: median(one.posts_per_s for one in runs) for name, runs in paces.items()}
    when = f"after {answer_ms:g} ms" if answer_ms else "at once"
    bars = (Bar(name, rate, f"{rate:,.0f}", is_ours=name == OURS) for name, rate in rates.items())
    return Plot(f"POSTs a second, answered {when}", tuple(bars), goal=0.8 * rates[BARE])


def measure_all(
    chosen: Mapping[str, Runner], jobs: int, *, answer_s: float, repeats: int
) -> dict[str, list[Pace]]:
    """Let everybody send, one after the other, each time in the opposite order."""
    paces: dict[str, list[Pace]] = {name: [] for name in chosen}
    for repeat in range(repeats):
        order = list(chosen)
        for name in reversed(order) if repeat % 2 else order:
            paces[name].append(measure(chosen[name], jobs, answer_s=answer_s))
            print(f"   {name}: {paces[name][-1]}", file=sys.stderr, flush=True)
            time.sleep(0.5)
    return paces


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=6_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--answer-ms", type=float, default=0.0, help="how long the provider takes")
    parser.add_argument("--only", nargs="*", help="leave others out; bare Dramatiq always runs")
    args = parser.parse_args()
    chosen = {
        name: runner
        for name, runner in (CONTESTANTS_WAITING if args.answer_ms else CONTESTANTS).items()
        if args.only is None or name in args.only or name == BARE
    }
    run = begin(__doc__)
    paces = measure_all(chosen, args.jobs, answer_s=args.answer_ms / 1000, repeats=args.repeats)
    setting = f"{args.jobs:,} jobs, {ground.times(args.repeats)}."
    environments = [one.lower() for one in _PEERS if any(name.startswith(one) for name in chosen)]
    if environments:
        setting += f" Beside: {peers.versions(environments)}."
    when = f"after {args.answer_ms:g} ms" if args.answer_ms else "at once"
    result = Result(
        title=f"Dispatch, limit lifted, a provider that answers {when}",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=setting,
        values=values(paces),
        tables=(_table(paces),),
        plots=(_plot(paces, args.answer_ms),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
