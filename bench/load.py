"""Lists on their way in: read, validated, normalised, deduplicated and stored.

    ours     the product's own loading, as `dialer campaign load` does it
    floor    pandas reads the same files and the records go to Redis in plain pipelines: nothing is
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
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import redis

from bench import ground, ours, peers
from bench.forms import form


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows look like.

    Args:
        columns: Of the list's own, beside the two numbers.
        agents: They take turns.
        skewed: Every other row belongs to the first agent.
        lists: The rows are spread evenly over so many files.
    """

    columns: int
    agents: int
    skewed: bool
    lists: int

    def __str__(self) -> str:
        turns = "half the rows one's" if self.skewed else "in turns"
        return (
            f"{self.columns} columns of their own, {self.agents:,} agents, {turns}; {self.lists:,}"
            f" {'list' if self.lists == 1 else 'lists'}"
        )


def write_lists(folder: Path, rows: int, shape: Shape) -> None:
    """Write the lists."""
    header = ",".join(["agent", "customer", *(f"column {n}" for n in range(shape.columns))])
    each = rows // shape.lists
    for number in range(shape.lists):
        with (folder / f"{number}.csv").open("w", encoding="utf-8") as file:
            file.write(f"{header}\n")
            for n in range(number * each, (number + 1) * each):
                agent = 0 if shape.skewed and n % 2 else n % shape.agents
                cells = [f"value {(n * 7 + column) % 997}" for column in range(shape.columns)]
                file.write(f"+9198765{agent:05d},+9190{n:08d},{','.join(cells)}\n")


def dialer(folder: Path, redis_url: str) -> None:
    """Load them with the product."""
    from dialer.loading import LoadOptions

    wired = ours.wiring(ours.environment(redis_url, "http://127.0.0.1:9", folder, {}))
    for path in folder.glob("*.csv"):
        with path.open("rb") as file:
            wired.loading.load(file, name=path.stem, rules=ours.rules(), options=LoadOptions())


def floor(folder: Path, redis_url: str) -> None:
    """Read them with pandas and store each row as one field, a thousand a pipeline."""
    import pandas as pd

    client = redis.Redis.from_url(redis_url)
    for path in folder.glob("*.csv"):
        for frame in pd.read_csv(path, dtype=str, chunksize=1_000):
            with client.pipeline(transaction=False) as pipe:
                for n, row in enumerate(frame.to_numpy().tolist(), int(frame.index[0])):
                    pipe.hset(f"{path.stem}:{n // 100}", str(n), json.dumps(row))
                pipe.execute()


def dramatiq_send(_folder: Path, redis_url: str) -> None:
    """Send a message a row."""
    os.environ["BENCH_REDIS"] = redis_url
    from bench.senders.on_dramatiq import post

    for n in range(int(os.environ["BENCH_JOBS"])):
        post.send(form(n))


ALONE = {"dialer": dialer, "floor": floor, "dramatiq .send()": dramatiq_send}


def measure(name: str, folder: Path, rows: int) -> tuple[float, float, float]:
    """Run one; gives rows a second, peak memory in MB, bytes a row in Redis."""
    with ground.redis_server() as redis_url:
        client = redis.Redis.from_url(redis_url)
        before = client.info("memory")["used_memory"]
        env = {"BENCH_JOBS": str(rows), "BENCH_REDIS": redis_url}
        python, module = sys.executable, ["bench.load", "--alone", name, redis_url, str(folder)]
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


def _alone(name: str, redis_url: str, folder: str) -> None:
    from dialer import logs

    logs.set_up(level="warning")
    began = time.perf_counter()
    ALONE[name](Path(folder), redis_url)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"took_s": time.perf_counter() - began, "peak_mb": peak_mb}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=3, help="beside the two numbers")
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--skewed", action="store_true", help="half the rows belong to one agent")
    parser.add_argument("--lists", type=int, default=1, help="spread the rows over so many")
    parser.add_argument("--only", nargs="*", help="leave the others out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        _alone(*args.alone)
        return
    print(__doc__)
    print(ground.machine())
    shape = Shape(args.columns, args.agents, args.skewed, args.lists)
    names = [one for one in (*ALONE, "celery .delay()") if not args.only or one in args.only]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        write_lists(Path(folder), args.rows, shape)
        for repeat in range(args.repeats):
            for name in reversed(names) if repeat % 2 else names:
                # a message a row is slow: fewer rows tell the same
                rows = args.rows if name in {"dialer", "floor"} else min(args.rows, 20_000)
                found[name].append(measure(name, Path(folder), rows))
    print(f"{args.rows:,} rows, {shape}")
    for name, runs in found.items():
        rates, peaks, sizes = zip(*runs, strict=True)
        peak = f"{median(peaks):4.0f} MB" if any(peaks) else "   –"
        print(f"{name:18}{ground.spread(rates):>28} rows/s  {peak}  {median(sizes):6.0f} B a row")


if __name__ == "__main__":
    main()
