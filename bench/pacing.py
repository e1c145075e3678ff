"""Who keeps under 200 requests in any window, and who uses all of it.

An exact server counts requests in a log that slides, and answers 429 from the 201st in a window
on. The way there takes 2–15 ms, one request in fifty 50–500 ms longer: so requests arrive bunched,
though they left evenly. Everybody has three processes of six threads (BullMQ one of eighteen jobs),
as much work as they can do, and the same Redis without persistence. One runs after the other; each
repeat goes through them in the opposite order. Windows that begin empty are part of the count.

`used` is what got through, over what the limit could let through: 200·W/(W + hold) a window, hold
being the mean time from leaving to the answer.
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
from typing import Any
from urllib.parse import urlsplit

from bench import ground, ours, peers
from bench.chart import Bar, bar_chart
from bench.senders.limited import LIMIT, LIMITERS, THREADS

PROCESSES = 3
HOLD_S = 0.0085 + 0.02 * 0.275 + 0.003
"""The mean way there plus the mean answer, as the provider draws them."""

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
    python = sys.executable if name.startswith("dramatiq") else str(peers.python_of("limiters"))
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
    worker += ["--pool", "threads", "--concurrency", "9", "--loglevel", "critical"]
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
        "dialer": dialer,
        "dialer-killed-each-second": killed,
        **{name: library(name) for name in LIMITERS},
        "celery-rate-limit": celery,
        "bullmq": bullmq,
    }


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window-s", type=float, default=6.0, help="60 is the real one")
    parser.add_argument("--lasts-s", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="leave the others out")
    parser.add_argument("--svg", type=Path, help="draw the refusals here")
    args = parser.parse_args()
    chosen = {
        name: sender for name, sender in contestants().items() if not args.only or name in args.only
    }
    print(__doc__)
    print(ground.machine())
    print(f"{LIMIT} requests per {args.window_s:g} s, {args.lasts_s:g} s a run")
    found: dict[str, list[Verdict]] = {name: [] for name in chosen}
    for repeat in range(args.repeats):
        order = list(chosen)
        for name in reversed(order) if repeat % 2 else order:
            found[name].append(measure(chosen[name], window_s=args.window_s, lasts_s=args.lasts_s))
            print(f"   {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    print(f"{'':28}{'429s':>12}{'most in a window':>20}{'used':>10}")
    for name, verdicts in found.items():
        refused = ground.spread([one.refused for one in verdicts])
        peak = max(one.peak for one in verdicts)
        print(f"{name:28}{refused:>12}{peak:>20}{median(one.used for one in verdicts):>10.1%}")
    if args.svg:
        args.svg.write_text(_chart(found), encoding="utf-8")


def _chart(found: Mapping[str, Sequence[Verdict]]) -> str:
    bars = [
        Bar(
            name,
            median(one.refused for one in verdicts),
            f"{median(one.refused for one in verdicts):.0f} refused, "
            f"{median(one.used for one in verdicts):.0%} used",
            is_ours=name.startswith("dialer"),
        )
        for name, verdicts in found.items()
    ]
    return bar_chart("Requests refused with 429", bars)


if __name__ == "__main__":
    main()
