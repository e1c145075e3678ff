"""Callbacks beside open pages: one web process is called back with nobody looking, beside fifty agents,
beside fifty agents and ten dashboards, and beside all of them where pages have a second web process.

Each agent has their page open, told of what changes as it does, and says every few seconds where they
are, which is written, recorded in the audit trail and told to the pages it is on. Each dashboard is
three pages: Today, read again every five seconds as the page does, and the pages of two campaigns that run,
told each second of what changed. Thirty-two kept-alive connections send 5,000 callbacks one after the
other, each answered once it is in the stream. The ways are measured in turns in one run, each repeat in
the opposite order, each with a web process and a Redis of its own. Told is what the web process took of
the CPU for a callback, too. Those who look share the cores with all that.
"""

import asyncio
import contextlib
import subprocess
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
from bench.callbacks import CONNECTIONS, answered, json_body, request
from bench.chart import Bar
from bench.forms import agent_number
from bench.result import Plot, Result, Table, arguments, begin, publish
from campaigns.agents.agent import Agent
from dialer.access.agent_links import AgentLinks
from dialer.access.api_keys import Scope
from workers.wiring import Wiring

NOT_SHOWN = """
TLS, phones far away, calls that go on meanwhile. Sender, receiver, those who look and Redis share the cores,
so what the processes of those who look take is counted against us."""

ALONE, AGENTS, ALL = "nobody looks", "agents' pages are open", "and dashboards"
APART = "the same, pages in a process of their own"


@dataclass(frozen=True, slots=True)
class Taken:
    """One run: callbacks a second, how long they waited, ms, and how busy the web process was, %."""

    per_s: float
    p50_ms: float
    p99_ms: float
    busy: float


Runs = Mapping[str, Sequence[Taken]]


async def _one_connection(port: int, messages: Iterator[bytes], took_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for message in messages:
            began = time.perf_counter()
            writer.write(message)
            await answered(reader)
            took_s.append(time.perf_counter() - began)
    finally:
        writer.close()


@dataclass(frozen=True, slots=True)
class Site:
    """Our web process that is called back, and what is asked of it and of the one with the pages."""

    port: int
    pages_port: int
    pid: int
    paths: Sequence[str]
    """Genuine ones, of many attempts: what one may send is bounded."""
    links: Sequence[str]
    """To agents' pages."""
    key: str
    campaigns: Sequence[str]
    """Those that run."""


async def _send(site: Site, paths: Sequence[str], callbacks: int) -> Taken:
    took_s: list[float] = []
    messages = cycle([request(path, *json_body()) for path in paths])
    to_send = islice(messages, callbacks)  # shared: whoever is free takes the next
    began, cpu_s = time.perf_counter(), ground.cpu_s(site.pid)
    await asyncio.gather(*(_one_connection(site.port, to_send, took_s) for _ in range(CONNECTIONS)))
    lasted_s, cpu_s = time.perf_counter() - began, ground.cpu_s(site.pid) - cpu_s
    p50, p99 = (1000 * ground.quantile(took_s, q) for q in (0.5, 0.99))
    return Taken(len(took_s) / lasted_s, p50, p99, 100 * cpu_s / lasted_s)


@contextlib.contextmanager
def receiver(agents: int, callbacks: int, *, apart: bool) -> Iterator[Site]:
    """Run our web process for the block; apart, another one for the pages."""
    port = ground.free_port()
    with (
        ground.redis_server() as redis_url,
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as stack,
    ):
        env = ours.environment(redis_url, "http://127.0.0.1:9", Path(folder), {})
        wired = ours.wiring(env)
        links = _links(wired, agents)
        campaigns = [_running(wired, n) for n in range(2)]
        _, key = wired.api_keys.create("bench", {Scope.ADMIN})
        web = stack.enter_context(_web(env, port, Path(folder)))
        pages_port = ground.free_port() if apart else port
        if apart:
            stack.enter_context(_web(env, pages_port, Path(folder)))
        ids = (f"7f3kq2xa-{n}-1-k3x9p0k3x9" for n in range(1, CONNECTIONS + callbacks // 4 + 2))
        paths = [urlsplit(wired.paths.url(one)).path for one in ids]
        yield Site(port, pages_port, web.pid, paths, links, key, campaigns)


@contextlib.contextmanager
def _web(env: Mapping[str, str], port: int, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    env = {**env, "PORT": str(port)}
    log = folder / f"web-{port}.log"
    with ground.process(ours.COMMANDS["web"], env=env, folder=folder, log=log) as web:
        ground.until(lambda: ground.listens(port), within_s=60)
        yield web


def _links(wired: Wiring, agents: int) -> list[str]:
    known = wired.registry.put([Agent(agent_number(n)) for n in range(agents)])
    return [AgentLinks(wired.db).make(one.id, by="a benchmark")[1] for one in known]


def _running(wired: Wiring, n: int) -> str:
    campaign = ours.load(wired, 1_000, name=f"campaign {n}", agents=50, first=1_000 * n)
    ours.start(wired, campaign)
    return campaign.id


@contextlib.contextmanager
def looking(site: Site, *, every_s: float, dashboards: int) -> Iterator[None]:
    """Have agents, and others at dashboards, look at their pages for the block."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        listed = Path(folder, "links")
        listed.write_text("\n".join(site.links))
        senders = {"agents_pages": [str(listed), str(every_s)]}
        if dashboards:
            senders["dashboards"] = [site.key, ",".join(site.campaigns), str(dashboards)]
        opened = {name: Path(folder, name) for name in senders}
        children = [
            stack.enter_context(
                ground.process(
                    [
                        sys.executable,
                        "-m",
                        f"bench.senders.{name}",
                        str(site.pages_port),
                        *options,
                        str(opened[name]),
                    ]
                )
            )
            for name, options in senders.items()
        ]
        ground.until(lambda: all(one.exists() for one in opened.values()), within_s=120)
        yield
        if any(one.poll() is not None for one in children):
            raise RuntimeError("those who look left")


def measure(*, agents: int, every_s: float, dashboards: int, callbacks: int, repeats: int) -> Runs:
    """Send each way, each time in the opposite order."""
    runs: dict[str, list[Taken]] = {ALONE: [], AGENTS: [], ALL: [], APART: []}
    for repeat in range(repeats):
        for way in reversed(runs) if repeat % 2 else list(runs):
            apart = way == APART
            with receiver(agents, callbacks, apart=apart) as site, contextlib.ExitStack() as stack:
                if way != ALONE:
                    at_dashboards = dashboards if way != AGENTS else 0
                    stack.enter_context(looking(site, every_s=every_s, dashboards=at_dashboards))
                warm, paths = site.paths[-CONNECTIONS:], site.paths[:-CONNECTIONS]
                asyncio.run(_send(site, warm, 4 * CONNECTIONS))
                runs[way].append(asyncio.run(_send(site, paths, callbacks)))
                print(way, runs[way][-1], file=sys.stderr, flush=True)
    return runs


def _ratio(runs: Runs, figure: str, way: str = ALL) -> float:
    of = {one: [getattr(run, figure) for run in taken] for one, taken in runs.items()}
    return ground.ratio(of[way], of[ALONE])


_FIGURES = {
    "per_s": "callbacks/s",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "busy": "CPU of web, %",
}


def _table(runs: Runs) -> Table:
    rows = [
        (way, *(ground.spread([getattr(one, name) for one in taken]) for name in _FIGURES))
        for way, taken in runs.items()
    ]
    ratios = [
        (f"ratio: {way}", *(f"{_ratio(runs, name, way):.2f}" for name in _FIGURES))
        for way in (AGENTS, ALL, APART)
    ]
    return Table(("", *_FIGURES.values()), (*rows, *ratios))


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--every-s", type=float, default=5.0, help="between an agent's clicks")
    parser.add_argument("--dashboards", type=int, default=10)
    parser.add_argument("--callbacks", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    run = begin(__doc__)
    runs = measure(
        agents=args.agents,
        every_s=args.every_s,
        dashboards=args.dashboards,
        callbacks=args.callbacks,
        repeats=args.repeats,
    )
    bars = tuple(
        Bar(way, one, f"{one:,.1f}", is_ours=way != ALONE)
        for way, taken in runs.items()
        for one in [median([each.p99_ms for each in taken])]
    )
    result = Result(
        title="Callbacks beside open pages",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.callbacks:,} callbacks, {args.agents} agents who click every "
        f"{args.every_s:g} s, {args.dashboards} dashboards, {ground.times(args.repeats)}.",
        values={f"{name}_ratio": _ratio(runs, name) for name in _FIGURES}
        | {f"{name}_ratio_apart": _ratio(runs, name, APART) for name in _FIGURES},
        tables=(_table(runs),),
        plots=(Plot("How long the slowest hundredth of callbacks waited, ms", bars),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
