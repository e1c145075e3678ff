"""A list on its way in: read, validated, normalised, deduplicated and stored.

    ours     the product's own loading, as `dialer campaign load` does it
    floor    pandas reads the same file and the records go to Redis in plain pipelines: nothing is
             checked, nothing can be resumed
    .send()  one message a row, as a queue without campaigns would have it

Each runs in a process of its own; memory is its peak, bytes are what Redis grew by, per row.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import redis

from bench import ground, ours, peers
from bench.forms import form

AGENTS = 1_000


def write_list(path: Path, rows: int, columns: int) -> None:
    """Write a list with so many columns of its own beside the two numbers."""
    own = [f"column {n}" for n in range(columns)]
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(["agent", "customer", *own]) + "\n")
        for n in range(rows):
            cells = [f"value {(n * 7 + column) % 997}" for column in range(columns)]
            file.write(f"+9198765{n % AGENTS:05d},+9190{n:08d},{','.join(cells)}\n")


def dialer(path: Path, redis_url: str) -> None:
    """Load it with the product."""
    from dialer.loading import LoadOptions

    wired = ours.wiring(ours.environment(redis_url, "http://127.0.0.1:9", path.parent, {}))
    with path.open("rb") as file:
        wired.loading.load(file, name="bench", rules=ours.rules(), options=LoadOptions())


def floor(path: Path, redis_url: str) -> None:
    """Read it with pandas and store each row as one field, a thousand a pipeline."""
    import pandas as pd

    client = redis.Redis.from_url(redis_url)
    for frame in pd.read_csv(path, dtype=str, chunksize=1_000):
        with client.pipeline(transaction=False) as pipe:
            for n, row in enumerate(frame.to_numpy().tolist(), int(frame.index[0])):
                pipe.hset(f"rows:{n // 100}", str(n), json.dumps(row))
            pipe.execute()


def dramatiq_send(path: Path, redis_url: str) -> None:
    """Send a message a row."""
    del path
    os.environ["BENCH_REDIS"] = redis_url
    from bench.senders.on_dramatiq import post

    for n in range(int(os.environ["BENCH_JOBS"])):
        post.send(form(n))


ALONE = {"dialer": dialer, "floor": floor, "dramatiq .send()": dramatiq_send}


def measure(name: str, path: Path, rows: int) -> tuple[float, float, float]:
    """Run one; gives rows a second, peak memory in MB, bytes a row in Redis."""
    with ground.redis_server() as redis_url:
        client = redis.Redis.from_url(redis_url)
        before = client.info("memory")["used_memory"]
        env = {"BENCH_JOBS": str(rows), "BENCH_REDIS": redis_url}
        python, module = sys.executable, ["bench.load", "--alone", name, redis_url, str(path)]
        if name == "celery .delay()":
            python, module = str(peers.python_of("celery")), ["bench.senders.on_celery"]
        began = time.perf_counter()
        done = subprocess.run(
            [python, "-m", *module],
            env={**os.environ, **env},
            cwd=ground.ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        took_s = time.perf_counter() - began
        # the child tells its own time, without starting Python and importing
        told = json.loads(done.stdout) if done.stdout else {"took_s": took_s, "peak_mb": 0.0}
        grown = client.info("memory")["used_memory"] - before
        return rows / told["took_s"], told["peak_mb"], grown / rows


def _alone(name: str, redis_url: str, path: str) -> None:
    from dialer import logs

    logs.set_up(level="warning")
    began = time.perf_counter()
    ALONE[name](Path(path), redis_url)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"took_s": time.perf_counter() - began, "peak_mb": peak_mb}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=3, help="beside the two numbers")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        _alone(*args.alone)
        return
    print(__doc__)
    print(ground.machine())
    names = [*ALONE, "celery .delay()"]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        write_list(path, args.rows, args.columns)
        for repeat in range(args.repeats):
            for name in reversed(names) if repeat % 2 else names:
                # a message a row is slow: fewer rows tell the same
                rows = args.rows if name in {"dialer", "floor"} else min(args.rows, 20_000)
                found[name].append(measure(name, path, rows))
    print(f"{args.rows:,} rows, {args.columns} columns of their own, {AGENTS:,} agents")
    for name, runs in found.items():
        rates, peaks, sizes = zip(*runs, strict=True)
        peak = f"{median(peaks):4.0f} MB" if any(peaks) else "   –"
        print(f"{name:18}{ground.spread(rates):>28} rows/s  {peak}  {median(sizes):6.0f} B a row")


if __name__ == "__main__":
    main()
