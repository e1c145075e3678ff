"""Callbacks beside agents' pages: one web process is called back with nobody looking, and with fifty agents.

Each agent has their page open, told of what changes as it does, and says every few seconds where they
are, which is written, recorded in the audit trail and told to the pages it is on. Thirty-two kept-alive
connections send 5,000 callbacks one after the other, each answered once it is in the stream. Both ways
are measured in turns in one run, each repeat in the opposite order, each with a web process and a Redis of
its own. The agents' own process shares the cores with all that.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from bench import ground, ours
from bench.callbacks import CONNECTIONS, json_body, request
from bench.chart import Bar
from bench.forms import agent_number
from bench.result import Plot, Result, Table, arguments, begin, publish
from campaigns.agents.agent import Agent
from dialer.access.agent_links import AgentLinks
from workers.wiring import Wiring

NOT_SHOWN = """
TLS, phones far away, calls that go on meanwhile. Sender, receiver, agents and Redis share the cores, so what
the agents' own process takes is counted against us."""

ALONE, BESIDE = "nobody looks", "agents' pages are open"


@dataclass(frozen=True, slots=True)
class Taken:
    """One run: callbacks a second, and how long they waited, ms."""

    per_s: float
    p50_ms: float
    p99_ms: float


Runs = Mapping[str, Sequence[Taken]]


async def _one_connection(port: int, messages: Iterator[bytes], took_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for message in messages:
            began = time.perf_counter()
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode().splitlines()[0])
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            took_s.append(time.perf_counter() - began)
    finally:
        writer.close()


async def _send(port: int, paths: Sequence[str], callbacks: int) -> Taken:
    took_s: list[float] = []
    messages = cycle([request(path, *json_body()) for path in paths])
    to_send = islice(messages, callbacks)  # shared: whoever is free takes the next
    began = time.perf_counter()
    await asyncio.gather(*(_one_connection(port, to_send, took_s) for _ in range(CONNECTIONS)))
    lasted_s = time.perf_counter() - began
    p50, p99 = (1000 * ground.quantile(took_s, q) for q in (0.5, 0.99))
    return Taken(len(took_s) / lasted_s, p50, p99)


@contextlib.contextmanager
def receiver(agents: int, callbacks: int) -> Iterator[tuple[int, list[str], list[str]]]:
    """Run our web process; gives its port, genuine paths, and links to agents' pages."""
    port = ground.free_port()
    with ground.redis_server() as redis_url, tempfile.TemporaryDirectory() as folder:
        env = ours.environment(redis_url, "http://127.0.0.1:9", Path(folder), {"PORT": str(port)})
        wired = ours.wiring(env)
        links = _links(wired, agents)
        with ours.running(env, ["web"], Path(folder)):
            ground.until(lambda: ground.listens(port), within_s=60)
            # of many attempts: what one may send is bounded
            ids = (f"7f3kq2xa-{n}-1-k3x9p0k3x9" for n in range(1, callbacks // 4 + 2))
            yield port, [urlsplit(wired.paths.url(one)).path for one in ids], links


def _links(wired: Wiring, agents: int) -> list[str]:
    known = wired.registry.put([Agent(agent_number(n)) for n in range(agents)])
    return [AgentLinks(wired.db).make(one.id, by="a benchmark")[1] for one in known]


@contextlib.contextmanager
def looking(port: int, links: Sequence[str], every_s: float) -> Iterator[None]:
    """Have agents look at their pages for the block."""
    with tempfile.TemporaryDirectory() as folder:
        listed, opened = Path(folder, "links"), Path(folder, "opened")
        listed.write_text("\n".join(links))
        program = [sys.executable, "-m", "bench.senders.agents_pages"]
        options = [str(port), str(listed), str(every_s), str(opened)]
        with ground.process([*program, *options]) as agents:
            ground.until(opened.exists, within_s=120)
            yield
            if agents.poll() is not None:
                raise RuntimeError("the agents left")


def measure(*, agents: int, every_s: float, callbacks: int, repeats: int) -> Runs:
    """Send both ways, each time in the opposite order."""
    runs: dict[str, list[Taken]] = {ALONE: [], BESIDE: []}
    for repeat in range(repeats):
        for way in reversed(runs) if repeat % 2 else list(runs):
            with (
                receiver(agents, callbacks) as (port, paths, links),
                contextlib.ExitStack() as stack,
            ):
                if way == BESIDE:
                    stack.enter_context(looking(port, links, every_s))
                asyncio.run(_send(port, paths[-CONNECTIONS:], 4 * CONNECTIONS))  # warms up
                runs[way].append(asyncio.run(_send(port, paths[:-CONNECTIONS], callbacks)))
    return runs


def _ratio(runs: Runs, figure: str) -> float:
    of = {way: [getattr(one, figure) for one in taken] for way, taken in runs.items()}
    return ground.ratio(of[BESIDE], of[ALONE])


_FIGURES = {"per_s": "callbacks/s", "p50_ms": "p50, ms", "p99_ms": "p99, ms"}


def _table(runs: Runs) -> Table:
    rows = [
        (way, *(ground.spread([getattr(one, name) for one in taken]) for name in _FIGURES))
        for way, taken in runs.items()
    ]
    ratios = ("ratio", *(f"{_ratio(runs, name):.2f}" for name in _FIGURES))
    return Table(("", *_FIGURES.values()), (*rows, ratios))


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--every-s", type=float, default=5.0, help="between an agent's clicks")
    parser.add_argument("--callbacks", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    run = begin(__doc__)
    runs = measure(
        agents=args.agents,
        every_s=args.every_s,
        callbacks=args.callbacks,
        repeats=args.repeats,
    )
    bars = tuple(
        Bar(way, one, f"{one:,.1f}", is_ours=way == BESIDE)
        for way, taken in runs.items()
        for one in [median([each.p99_ms for each in taken])]
    )
    result = Result(
        title="Callbacks beside agents' pages",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.callbacks:,} callbacks, {args.agents} agents who click every "
        f"{args.every_s:g} s, {ground.times(args.repeats)}.",
        values={f"{name}_ratio": _ratio(runs, name) for name in _FIGURES},
        tables=(_table(runs),),
        plots=(Plot("How long the slowest hundredth of callbacks waited, ms", bars),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
