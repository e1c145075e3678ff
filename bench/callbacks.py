"""Callbacks taken a second: our web process beside one Starlette route that appends to a stream.

Both are one uvicorn process on the same Redis without persistence. Thirty-two kept-alive
connections send one callback after the other, JSON or multipart; the sender is a raw asyncio
client. Ours also checks the path's HMAC, bounds size and time of the body, and runs in the whole
web application with its middleware. Both answer only after the append; each repeat goes through
them in the opposite order.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from urllib.parse import urlsplit

from bench import ground, ours
from bench.chart import Bar
from bench.result import Plot, Result, Table, arguments, begin, publish
from dialer.ports import free_port

NOT_SHOWN = """
TLS, a proxy in front, senders that open a connection for each callback, an append that waits for a
disk. Sender, receiver and Redis share the cores. An account that dials 200 times a minute is called
back some ten times a second."""

CONNECTIONS = 32


def json_body() -> tuple[str, bytes]:
    """Write a terminal callback as JSON."""
    return "application/json", ours.callbacks("7f3kq2xa-42-1-k3x9p0k3x9", "f" * 32)[-1]


def multipart_body() -> tuple[str, bytes]:
    """Write the same as multipart, nested fields flattened as Exotel does."""
    fields = json.loads(json_body()[1])
    legs = fields.pop("Legs")
    flat = {
        **fields,
        **{
            f"Legs[{n}][{name}]": value for n, leg in enumerate(legs) for name, value in leg.items()
        },
    }
    parts = (
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in flat.items()
    )
    return "multipart/form-data; boundary=edge", ("".join(parts) + "--edge--\r\n").encode()


def request(path: str, content_type: str, body: bytes) -> bytes:
    """Write one HTTP request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answered(reader: asyncio.StreamReader) -> None:
    """Read an answer to its end; anything but 200 is an error."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode().splitlines()[0])
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    await reader.readexactly(int(length or 0))


async def _one_connection(
    port: int, messages: Iterator[bytes], until_s: float, took_s: list[float]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        is_first = True  # however busy the machine is, somebody's time is taken
        while (began := time.perf_counter()) < until_s or is_first:
            is_first = False
            writer.write(next(messages))
            await answered(reader)
            took_s.append(time.perf_counter() - began)
    finally:
        writer.close()


async def _send(port: int, messages: Iterator[bytes], lasts_s: float) -> list[float]:
    took_s: list[float] = []
    until_s = time.perf_counter() + lasts_s
    await asyncio.gather(
        *(_one_connection(port, messages, until_s, took_s) for _ in range(CONNECTIONS))
    )
    return took_s


@contextlib.contextmanager
def bare() -> Iterator[tuple[int, list[str]]]:
    """Run the bare route; gives port and path."""
    port = free_port()
    with (
        ground.redis_server() as redis_url,
        ground.process([sys.executable, "-m", "bench.senders.bare_receiver", str(port), redis_url]),
    ):
        ground.until(lambda: ground.listens(port), within_s=20)
        yield port, ["/callbacks/exotel/0a1b2c3d/7f3kq2xa-42-1-k3x9p0k3x9/" + "m" * 43]


@contextlib.contextmanager
def dialer() -> Iterator[tuple[int, list[str]]]:
    """Run our web process; gives port and a genuine path."""
    with ours.installed() as here, ours.running(here.env, ["web"], here.folder):
        ground.until(lambda: ground.listens(here.port), within_s=30)
        # of many attempts: what one may send is bounded
        ids = (f"7f3kq2xa-{n}-1-k3x9p0k3x9" for n in range(1, CONNECTIONS * 50))
        yield here.port, [urlsplit(here.wired.paths.url(one)).path for one in ids]


OURS, BARE = "dialer", "bare Starlette"
RECEIVERS = {BARE: bare, OURS: dialer}
BODIES = {"JSON": json_body, "multipart": multipart_body}


@dataclass(frozen=True, slots=True)
class Taken:
    """One run: callbacks taken a second, and how long the slowest hundredth waited, ms."""

    per_s: float
    p99_ms: float


Runs = Mapping[str, Mapping[str, Sequence[Taken]]]
"""By body, by receiver."""


def measure_all(lasts_s: float, repeats: int) -> Runs:
    """Send to both, each time in the opposite order."""
    runs: dict[str, dict[str, list[Taken]]] = {
        kind: {name: [] for name in RECEIVERS} for kind in BODIES
    }
    for repeat in range(repeats):
        order = list(RECEIVERS)
        for name in reversed(order) if repeat % 2 else order:
            with RECEIVERS[name]() as (port, paths):
                for kind, body in BODIES.items():
                    messages = cycle([request(path, *body()) for path in paths])
                    asyncio.run(_send(port, messages, 0.5))  # warms up
                    took_s = asyncio.run(_send(port, messages, lasts_s))
                    p99_ms = 1000 * ground.quantile(took_s, 0.99)
                    runs[kind][name].append(Taken(len(took_s) / lasts_s, p99_ms))
    return runs


def _of_bare(runs: Mapping[str, Sequence[Taken]]) -> float:
    rates = {name: [one.per_s for one in taken] for name, taken in runs.items()}
    return ground.ratio(rates[OURS], rates[BARE])


def _table(runs: Runs) -> Table:
    rows = []
    for kind, by_name in runs.items():
        for name, taken in by_name.items():
            rate = ground.spread([one.per_s for one in taken])
            p99 = ground.spread([one.p99_ms for one in taken])
            ratio = f"{_of_bare(by_name):.2f}" if name == OURS else "1.00"
            rows.append((f"{name}, {kind}", rate, ratio, p99))
    return Table(("", "requests/s", "ratio", "p99, ms"), tuple(rows))


def _plot(runs: Runs) -> Plot:
    rates = {
        (name, kind): median(one.per_s for one in taken)
        for kind, by_name in runs.items()
        for name, taken in by_name.items()
    }
    bars = (
        Bar(f"{name}, {kind}", rate, f"{rate:,.0f}", is_ours=name == OURS)
        for (name, kind), rate in rates.items()
    )
    return Plot("Callbacks taken a second", tuple(bars))


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--lasts-s", type=float, default=4.0)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    run = begin(__doc__)
    runs = measure_all(args.lasts_s, args.repeats)
    result = Result(
        title="The receiver",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.lasts_s:g} s a run, {ground.times(args.repeats)}.",
        values={f"of_bare_{kind.lower()}": _of_bare(by_name) for kind, by_name in runs.items()},
        tables=(_table(runs),),
        plots=(_plot(runs),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
