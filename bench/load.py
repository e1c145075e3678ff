"""Lists on their way in: read, validated, normalised, deduplicated and stored.

    ours     the product's own loading, as `dialer campaign load` does it
    floor    pandas reads the same files and the records go to Redis in plain pipelines: nothing is
             checked, nothing can be resumed
    .send()  one message a row, as a queue without campaigns would have it

Each runs in a process of its own, the next repeat in the opposite order; memory is its peak, bytes are
what Redis grew by, a row. Of messages 20,000 are sent: more of them take longer and tell the same.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import redis

from bench import ground, ours, peers
from bench.chart import Bar
from bench.forms import form
from bench.result import Plot, Result, Table, arguments, begin, publish

NOT_SHOWN = """
XLSX files, lists in which many rows are wrong, a Redis on another host. The floor keeps no promise: it
finds no duplicate, refuses no number and cannot go on where it stopped. Of Celery's memory nothing
is known here: its environment is not ours."""

MESSAGES = 20_000
PEERS = ("dramatiq .send()", "celery .delay()")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows look like.

    Args:
        columns: Of the list's own, beside the two numbers.
        agents: They take turns.
        skewed: Every other row belongs to the first agent.
        lists: The rows are spread evenly over so many files.
        name: What sets it apart.
    """

    columns: int
    agents: int
    skewed: bool
    lists: int

    name: str = ""


def main_shape(columns: int, agents: int) -> Shape:
    """Give the shape of the list that goals are judged by."""
    return Shape(columns, agents, False, 1, f"{columns} columns, {agents:,} agents in turns")


OTHERS = (
    Shape(3, 1_000, True, 1, "one agent has half the rows"),
    Shape(3, 100_000, False, 1, "100,000 agents"),
    Shape(3, 1_000, False, 300, "300 lists"),
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
    from dialer.loading.loading import LoadOptions

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


@dataclass(frozen=True, slots=True)
class Loaded:
    """One run."""

    rows_per_s: float
    peak_mb: float
    bytes_a_row: float


Runs = Mapping[str, Sequence[Loaded]]
"""Of everybody's."""


def measure(name: str, folder: Path, rows: int) -> Loaded:
    """Run one of them."""
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
        return Loaded(rows / told["took_s"], told["peak_mb"], grown / rows)


def measure_all(names: Sequence[str], shape: Shape, rows: int, repeats: int) -> Runs:
    """Load lists of one shape with everybody, one after the other."""
    found: dict[str, list[Loaded]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        write_lists(folder, rows, shape)
        for repeat in range(repeats):
            for name in reversed(names) if repeat % 2 else names:
                many = min(rows, MESSAGES) if name in PEERS else rows
                found[name].append(measure(name, folder, many))
                print(f"   {shape.name}: {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    return found


def _alone(name: str, redis_url: str, folder: str) -> None:
    from dialer import logs

    logs.set_up(level="warning")
    began = time.perf_counter()
    ALONE[name](Path(folder), redis_url)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"took_s": time.perf_counter() - began, "peak_mb": peak_mb}))


def _row(label: str, runs: Sequence[Loaded]) -> tuple[str, ...]:
    peak = median(one.peak_mb for one in runs)
    return (
        label,
        ground.spread([one.rows_per_s for one in runs]),
        f"{peak:.0f} MB" if peak else "",
        f"{median(one.bytes_a_row for one in runs):,.0f} B",
    )


def _others_table(found: Mapping[str, Runs]) -> Table:
    rows = (
        (*_row(name, runs["dialer"]), ground.spread([one.rows_per_s for one in runs["floor"]]))
        for name, runs in found.items()
    )
    return Table(("dialer, other lists", *_HEADER[1:], "floor, rows/s"), tuple(rows))


_HEADER = ("", "rows/s", "peak memory", "Redis, a row")


def _plot(found: Runs, others: Mapping[str, Runs]) -> Plot:
    everybody = {
        **found,
        **{f"dialer, {name}": runs["dialer"] for name, runs in others.items()},
    }
    rates = {name: median(one.rows_per_s for one in runs) for name, runs in everybody.items()}
    bars = (
        Bar(name, rate, f"{rate:,.0f}", is_ours=name.startswith("dialer"))
        for name, rate in rates.items()
    )
    return Plot("Rows a second", tuple(bars), goal=120_000)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--other-rows", type=int, default=0, help="also lists of other shapes")
    parser.add_argument("--columns", type=int, default=3, help="beside the two numbers")
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--only", nargs="*", help="leave the others out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        _alone(*args.alone)
        return
    run = begin(__doc__)
    names = [one for one in (*ALONE, "celery .delay()") if not args.only or one in args.only]
    shape = main_shape(args.columns, args.agents)
    found = measure_all(names, shape, args.rows, args.repeats)
    others = {
        one.name: measure_all(("dialer", "floor"), one, args.other_rows, 1)
        for one in (OTHERS if args.other_rows else ())
    }
    tables = [Table(_HEADER, tuple(_row(name, runs) for name, runs in found.items()))]
    setting = f"{args.rows:,} rows, {shape.name}, {ground.times(args.repeats)}."
    if others:
        tables.append(_others_table(others))
        setting += f" Other lists: {args.other_rows:,} rows each, one run."
    ours_runs = found.get("dialer", ())
    values = {
        field: median(getattr(one, field) for one in ours_runs)
        for field in ("rows_per_s", "peak_mb", "bytes_a_row")
        if ours_runs
    }
    result = Result(
        title="A list on its way in",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=setting,
        values=values,
        tables=tuple(tables),
        plots=(_plot(found, others),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
