"""Who keeps under 200 requests in any window, and who uses all of it.

An exact server counts requests in a log that slides, and answers 429 from the 201st in a window
on. The way there takes 2–15 ms, one request in fifty 50–500 ms longer: so requests arrive bunched,
though they left evenly. Everybody has three processes of six threads (BullMQ one of eighteen jobs,
Celery two workers as they come), as much work as they can do, and the same Redis without
persistence. One runs after the other; each repeat goes through them in the opposite order; who
draws ten 429s in the first run has shown what there is to show, and runs once. Windows that begin
empty are part of the count.

*Used* is what got through, over what the limit could let through: 200·W/(W + hold) a window, hold
being the mean time from leaving to the answer.
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
from typing import Any
from urllib.parse import urlsplit

from bench import ground, ours, peers
from bench.chart import Bar
from bench.result import Plot, Result, Table, arguments, begin, publish
from bench.senders.limited import LIMIT, LIMITERS, THREADS

NOT_SHOWN = """
Providers that count otherwise (even spacing is for them), several hosts, a limit that others use
too. A window of a few seconds costs more than the real one: our margin is 0.05 s of 6 s and 0.1 s of
60 s, and waking up late by a millisecond weighs ten times as much. A killed process is away for part
of each second, and the slots it held stay taken while its requests may travel, 15 s (30 s when
these figures were taken). Celery's limit
is each worker's own. It falls to about a task a second: each task that has to wait starts a timer of
its own, and after ten timers the event loop sleeps for up to a second
([celery issue 5927](https://github.com/celery/celery/issues/5927))."""

PROCESSES = 3
HOPELESS = 10
"""429s in one run, from which on no more of them are needed."""
HOLD_S = 0.0085 + 0.02 * 0.275 + 0.003
"""The mean way there plus the mean answer, as the provider draws them."""

OURS, KILLED = "dialer", "dialer-killed-each-second"
Sender = Callable[[str, str, float, float], "contextlib.AbstractContextManager[None]"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the provider saw of one run, from its first window's start to the run's end."""

    requests: int
    refused: int
    peak: int
    used: float


@contextlib.contextmanager
def limited(name: str, redis_url: str, provider_url: str, window_s: float) -> Iterator[None]:
    """Run somebody's limiter in three processes."""
    environment = _environment(name)
    python = str(peers.python_of(environment)) if environment else sys.executable
    command = [python, "-m", "bench.senders.limited", name, redis_url, provider_url, str(window_s)]
    with contextlib.ExitStack() as stack:
        for _ in range(PROCESSES):
            stack.enter_context(ground.process(command))
        yield


@contextlib.contextmanager
def dialer(
    redis_url: str, provider_url: str, window_s: float, lasts_s: float, *, kill_every_s: float = 0
) -> Iterator[None]:
    """Run ours: feeder, workers, a campaign that lasts."""
    with tempfile.TemporaryDirectory() as folder:
        more = {
            "EXOTEL_RATE_LIMIT": str(LIMIT),
            "EXOTEL_RATE_WINDOW_S": str(window_s),
            "DIALER_LOOKUP_AFTER_S": "86400",  # nobody calls back here, and look-ups are not asked
        }
        env = ours.environment(redis_url, provider_url, Path(folder), more)
        wired = ours.wiring(env)
        ours.start(wired, ours.load(wired, int(2 * LIMIT * (lasts_s / window_s + 2))))
        workers = [sys.executable, "-m", "bench.senders.dialers"]
        workers += [str(PROCESSES), str(THREADS), str(kill_every_s)]
        log = Path(folder, "workers.log")
        with (
            ground.process(workers, env=env, log=log),
            ours.running(env, ["feeder"], Path(folder)),
        ):
            yield


@contextlib.contextmanager
def bullmq(redis_url: str, provider_url: str, window_s: float, lasts_s: float) -> Iterator[None]:
    """Run BullMQ's limiter."""
    jobs = int(2 * LIMIT * (lasts_s / window_s + 2))
    script = ground.ROOT / "bench" / "senders" / "bullmq.mjs"
    command = ["node", str(script), str(urlsplit(redis_url).port), provider_url]
    env = {"BENCH_NODE_MODULES": str(peers.node_modules())}
    with ground.process([*command, f"{window_s:g}", str(jobs)], env=env):
        yield


@contextlib.contextmanager
def celery(redis_url: str, provider_url: str, window_s: float, lasts_s: float) -> Iterator[None]:
    """Run Celery's rate_limit: it is each worker's own, so two workers get half of it each."""
    python = peers.python_of("celery")
    env = {
        "BENCH_REDIS": redis_url,
        "BENCH_PROVIDER": provider_url,
        "BENCH_RATE": f"{LIMIT * 60 / window_s / 2:g}/m",
        "BENCH_JOBS": str(int(2 * LIMIT * (lasts_s / window_s + 2))),
    }
    fill = [str(python), "-m", "bench.senders.on_celery"]
    subprocess.run(fill, env={**os.environ, **env}, cwd=ground.ROOT, check=True)
    worker = [*(str(python), "-m", "celery", "-A", "bench.senders.on_celery", "worker")]
    worker += ["--loglevel", "critical"]  # pool, processes and prefetching as they come
    with contextlib.ExitStack() as stack:
        for name in ("one", "two"):
            stack.enter_context(ground.process([*worker, "-n", f"{name}@localhost"], env=env))
        yield


def contestants() -> dict[str, Sender]:
    """Name everybody, ours first."""

    def library(name: str) -> Sender:
        return lambda redis_url, url, window_s, _: limited(name, redis_url, url, window_s)

    def killed(
        redis_url: str, url: str, window_s: float, lasts_s: float
    ) -> "contextlib.AbstractContextManager[None]":
        return dialer(redis_url, url, window_s, lasts_s, kill_every_s=1.0)

    return {
        OURS: dialer,
        KILLED: killed,
        **{name: library(name) for name in LIMITERS},
        "celery-rate-limit": celery,
        "bullmq": bullmq,
    }


def _environment(name: str) -> str:
    """Tell whose environment somebody runs in; '' for ours."""
    if name in {OURS, KILLED} or name.startswith("dramatiq"):
        return ""
    return {"celery-rate-limit": "celery", "bullmq": peers.BULLMQ}.get(name, "limiters")


def measure(sender: Sender, *, window_s: float, lasts_s: float) -> Verdict:
    """Let one of them send for a while, from its first request on."""
    with (
        ground.redis_server() as redis_url,
        ground.provider("--limit", str(LIMIT), "--window-s", str(window_s), "--jitter") as url,
        sender(redis_url, url, window_s, lasts_s),
    ):
        ground.until(lambda: _books(url)["requests"], within_s=60, every_s=0.05)
        time.sleep(lasts_s)
        books = _books(url)
    return verdict(books, window_s=window_s, lasts_s=lasts_s)


def verdict(books: dict[str, Any], *, window_s: float, lasts_s: float) -> Verdict:
    """Judge by the books, leaving out what came after the time was up."""
    begins = books["arrivals"][0]
    requests = sum(1 for at in books["arrivals"] if at < begins + lasts_s)
    through = requests - books["refused"]
    best = LIMIT * lasts_s / (window_s + HOLD_S)
    return Verdict(requests, books["refused"], books["peak"], through / best)


def _books(url: str) -> dict[str, Any]:
    books: dict[str, Any] = json.loads(ground.ask(f"{url}/books"))
    return books


def measure_all(
    chosen: Mapping[str, Sender], *, window_s: float, lasts_s: float, repeats: int
) -> dict[str, list[Verdict]]:
    """Let them send one after the other, and again whoever it is worth while with."""
    found: dict[str, list[Verdict]] = {name: [] for name in chosen}
    for repeat in range(repeats):
        order = [name for name in chosen if not repeat or found[name][0].refused < HOPELESS]
        for name in reversed(order) if repeat % 2 else order:
            found[name].append(measure(chosen[name], window_s=window_s, lasts_s=lasts_s))
            print(f"   {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    return found


def values(found: Mapping[str, Sequence[Verdict]]) -> dict[str, float]:
    """Give what goals are judged by: of 429s the most in any run, of use the median."""
    told: dict[str, float] = {}
    for name, prefix in ((OURS, ""), (KILLED, "killed_")):
        if runs := found.get(name):
            told[f"{prefix}refused"] = max(one.refused for one in runs)
            told[f"{prefix}used"] = median(one.used for one in runs)
    others = [runs for name, runs in found.items() if name not in {OURS, KILLED}]
    if others:
        told["others_as_good"] = sum(
            not any(one.refused for one in runs) and median(one.used for one in runs) >= 0.99
            for runs in others
        )
    return told


def _table(found: Mapping[str, Sequence[Verdict]]) -> Table:
    rows = (
        (
            name,
            ground.spread([one.refused for one in runs]),
            str(max(one.peak for one in runs)),
            f"{median(one.used for one in runs):.1%}",
            str(len(runs)),
        )
        for name, runs in found.items()
    )
    return Table(("", "429s", "most in a window", "used", "runs"), tuple(rows))


def _plots(found: Mapping[str, Sequence[Verdict]]) -> tuple[Plot, ...]:
    refused = {name: median(one.refused for one in runs) for name, runs in found.items()}
    used = {name: median(one.used for one in runs) for name, runs in found.items()}
    return (
        Plot(
            "Requests refused with 429",
            tuple(
                Bar(name, value, f"{value:.0f}", is_ours=name in {OURS, KILLED})
                for name, value in refused.items()
            ),
        ),
        Plot(
            "Used of what the limit lets through",
            tuple(
                Bar(name, value, f"{value:.1%}", is_ours=name in {OURS, KILLED})
                for name, value in used.items()
            ),
            goal=0.99,
        ),
    )


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--window-s", type=float, default=6.0, help="60 is the real one")
    parser.add_argument("--lasts-s", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="leave the others out")
    args = parser.parse_args()
    chosen = {
        name: sender for name, sender in contestants().items() if not args.only or name in args.only
    }
    run = begin(__doc__)
    found = measure_all(chosen, window_s=args.window_s, lasts_s=args.lasts_s, repeats=args.repeats)
    setting = f"{LIMIT} requests in any {args.window_s:g} s, {args.lasts_s:g} s a run."
    if environments := sorted({peer for name in chosen if (peer := _environment(name))}):
        setting += f" Beside: {peers.versions(environments)}."
    result = Result(
        title=f"A window of {args.window_s:g} s",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=setting,
        values=values(found),
        tables=(_table(found),),
        plots=_plots(found),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
