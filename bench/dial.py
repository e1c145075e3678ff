"""What one dial costs when there is time: round trips, CPU, and how late it is.

Step by step, in one process, one contact after the other: what Redis counted as reads from its
connections, a pipeline being one, the commands it ran, those inside scripts included, and the CPU
time of our process.

    release   the feeder picks a contact that is due
    dial      a worker asks the gate, writes its intent to disk, sends the POST, records the answer
    settle    the end of the call is recorded, which frees the agent; calls that end together share
              its round trips

Then all processes as they are run, Redis with `appendfsync always`, the real limit, and contacts
that fall due one by one, one or two seconds apart: from the instant a contact is due (`not_before`)
to the last byte of its POST at the provider. Beside it bare Dramatiq, from before `.send()`.
"""

import contextlib
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

import redis

from bench import ground, ours
from bench.chart import Bar
from bench.flat import settle
from bench.forms import agent_number, customer_number, form
from bench.result import Plot, Result, Table, arguments, begin, publish
from workers.wiring import Wiring

NOT_SHOWN = """
A provider far away, a limit that is used up (then it is the limit that decides when a call is made),
a Redis on another host, where each round trip costs its way. What Dramatiq itself asks of Redis, to
send, fetch and acknowledge a message, is not in the steps but in the dispatch above."""

BARE = "bare Dramatiq"
_LEAD_S = 6.0
"""From writing the list to the first contact: by then everybody polls."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a dial took, on average."""

    round_trips: float
    commands: float
    cpu_ms: float


class Meter:
    """Adds up what happens inside its blocks, by step."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._found: dict[str, list[tuple[float, ...]]] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the block."""
        before = (*ground.redis_work(self._client), time.process_time())
        yield
        spent_s = time.process_time()
        after = (*ground.redis_work(self._client), spent_s)
        asked = (1, 1, 0)  # the question itself
        parts = zip(after, before, asked, strict=True)
        self._found.setdefault(name, []).append(tuple(now - then - own for now, then, own in parts))

    def steps(self) -> dict[str, Step]:
        """Give the means."""
        told = {}
        for name, found in self._found.items():
            reads, commands, cpu_s = (
                sum(column) / len(found) for column in zip(*found, strict=True)
            )
            told[name] = Step(reads, commands, 1000 * cpu_s)
        return told


def step_by_step(dials: int) -> dict[str, Step]:
    """Dial one contact after the other."""
    with ours.installed(ours.UNPACED) as here:
        wired = here.wired
        wired.feeding.__dict__["_ahead"] = 1  # one at a time
        ours.start(wired, ours.load(wired, dials + 10))
        wired.feeding.keep_schedules()
        _dial(wired, 10, Meter(wired.redis))  # connects, loads the scripts
        meter = Meter(wired.redis)
        _dial(wired, dials, meter)
        return meter.steps()


def _dial(wired: Wiring, dials: int, meter: Meter) -> None:
    for _ in range(dials):
        with meter.step("release"):
            (released,) = wired.feeding.tick().released[:1]
        with meter.step("dial"):
            done = wired.dialing.dial(released.contact, released.token)
        with meter.step("settle"):
            settle(wired, done)


def due_list(due_at: Sequence[float]) -> bytes:
    """Write a list whose contacts fall due at these instants."""
    lines = (
        f"{agent_number(n)},{customer_number(n)},{datetime.fromtimestamp(at, UTC).isoformat()}"
        for n, at in enumerate(due_at)
    )
    return ("agent,customer,not_before\n" + "\n".join(lines) + "\n").encode()


def instants(dials: int) -> list[float]:
    """Draw when contacts fall due; whole seconds, as a list may say them."""
    at = math.ceil(time.time() + _LEAD_S)
    return [float(at := at + random.randint(1, 2)) for _ in range(dials)]


def dialer_late_s(dials: int) -> list[float]:
    """Run our processes; gives how late each POST came after its contact was due."""
    with ours.installed(appendonly=True) as here:
        due_at = instants(dials)
        ours.start(here.wired, ours.load_lines(here.wired, due_list(due_at), name="due"))
        with ours.running(here.env, ("feeder", "worker", "results"), here.folder):
            return _late_s(here.provider_url, due_at)


def dramatiq_late_s(dials: int) -> list[float]:
    """Send a message to bare Dramatiq at each instant; gives how late its POST came."""
    with ground.redis_server(appendonly=True) as redis_url, ground.provider() as provider_url:
        env = {"BENCH_REDIS": redis_url, "BENCH_PROVIDER": provider_url}
        os.environ.update(env)
        from bench.senders.on_dramatiq import post

        worker = [sys.executable, "-m", "dramatiq", "bench.senders.on_dramatiq"]
        with ground.process([*worker, "--processes", "2", "--skip-logging"], env=env):
            due_at = instants(dials)
            for n, at in enumerate(due_at):
                time.sleep(max(0.0, at - time.time()))
                post.send(form(n))
            return _late_s(provider_url, due_at)


def _late_s(provider_url: str, due_at: Sequence[float]) -> list[float]:
    def arrivals() -> list[float]:
        found: list[float] = json.loads(ground.ask(f"{provider_url}/books"))["arrivals"]
        return found

    rest_s = due_at[-1] - time.time()
    ground.until(lambda: len(arrivals()) >= len(due_at), within_s=rest_s + 30, every_s=0.2)
    monotonic_to_wall_s = time.time() - time.monotonic()
    return [at + monotonic_to_wall_s - due for at, due in zip(arrivals(), due_at, strict=True)]


RUNNERS: dict[str, Callable[[int], list[float]]] = {"dialer": dialer_late_s, BARE: dramatiq_late_s}


def _steps_table(steps: dict[str, Step]) -> Table:
    whole = Step(
        *(
            sum(getattr(one, field) for one in steps.values())
            for field in ("round_trips", "commands", "cpu_ms")
        )
    )
    rows = (
        (name, f"{one.round_trips:.1f}", f"{one.commands:.0f}", f"{one.cpu_ms:.2f}")
        for name, one in {**steps, "together": whole}.items()
    )
    return Table(("a dial", "Redis round trips", "Redis commands", "our CPU, ms"), tuple(rows))


def _late_table(late_s: dict[str, list[float]]) -> Table:
    rows = (
        (
            name,
            *(f"{1000 * at:.0f} ms" for at in (median(one), ground.quantile(one, 0.99), max(one))),
        )
        for name, one in late_s.items()
    )
    return Table(("due → POST", "median", "p99", "longest"), tuple(rows))


def _values(steps: dict[str, Step], late_s: dict[str, list[float]]) -> dict[str, Any]:
    return {
        "round_trips": sum(one.round_trips for one in steps.values()),
        "late_p50_s": median(late_s["dialer"]),
        "late_p99_s": ground.quantile(late_s["dialer"], 0.99),
    }


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--dials", type=int, default=30)
    args = parser.parse_args()
    run = begin(__doc__)
    steps = step_by_step(args.dials)
    late_s = {name: runner(args.dials) for name, runner in RUNNERS.items()}
    bars = tuple(
        Bar(f"{name}, {which}", 1000 * value, f"{1000 * value:.0f} ms", is_ours=name == "dialer")
        for name, one in late_s.items()
        for which, value in (("median", median(one)), ("p99", ground.quantile(one, 0.99)))
    )
    result = Result(
        title="One dial, and how late it is",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.dials} dials.",
        values=_values(steps, late_s),
        tables=(_steps_table(steps), _late_table(late_s)),
        plots=(Plot("From due to the POST", bars),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
