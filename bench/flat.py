"""Release, gate and finish as the list grows: the three steps of a dial, each a script in Redis.

Redis itself tells how long each script took, so network, Python and the POST are left out. A dial is
one release, one gate and two records: the answer of the POST, and the end of the call, which frees
the agent. Lists of 1,000 to 1,000,000 waiting contacts; 10 and 10,000 agents; 1 and 100 campaigns.
How many commands each runs inside Redis is counted too, which no load disturbs.
What counts is how the figures change: each size has a server beside one with the smallest, and the
two dial in turns, a few calls at a time, so that both have the machine in the same state. A list whose
contacts name groups instead of agents is held against a small one that does; what a group costs more
than an agent is in the commands. The servers take their memory as the embedded one does.
"""

import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench import ground, ours
from bench.chart import Bar
from bench.result import Plot, Result, Table, arguments, begin, publish
from campaigns.agents.agent import Agent
from campaigns.attempt import CallReport, LegReport, ReportSource
from campaigns.campaign import CampaignState
from dialer.dialing.dialing import Dialled
from workers.wiring import Wiring

NOT_SHOWN = """
Python, the network and the POST, which do not know how long the list is; a Redis whose memory is
swapped out; more than a hundred campaigns. A p99 of 2,400 dials is the 24th largest time; the first
line, the smallest against itself, tells how much chance there is in a ratio."""

IN_A_ROW = 20
ROUNDS = 3
"""The smallest list is used up in each, and loaded again before the next."""
SCRIPTS_ONLY_US = 20
"""The slow log begins here. From 0 on it would log each command inside a script too, which makes the
script itself slower."""
STEPS = ("release", "gate", "record")


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the work is.

    Args:
        groups: That the contacts name instead of agents, who belong to one of them each; 0 = none.
    """

    contacts: int
    agents: int
    campaigns: int
    groups: int = 0

    def __str__(self) -> str:
        who = f"{self.agents:,}" + (f" in {self.groups} groups" if self.groups else "")
        return f"{self.contacts:,} · {who} · {self.campaigns}"


SMALLEST = Shape(1_000, 10, 1)
SMALLEST_OF_GROUPS = Shape(1_000, 1_000, 1, groups=100)
SHAPES = (
    SMALLEST,  # against itself
    Shape(100_000, 10, 1),
    Shape(100_000, 10_000, 1),
    Shape(100_000, 10, 100),
    Shape(100_000, 10_000, 100),
    Shape(1_000_000, 10_000, 1),
    Shape(1_000_000, 10_000, 100),
    Shape(1_000_000, 10_000, 1, groups=100),
    Shape(10_000_000, 10_000, 1),
)


@dataclass(frozen=True, slots=True)
class Grown:
    """One step at one size: its time, µs, and its ratios to the smallest size of the same kind."""

    p50_us: float
    p99_us: float
    p50_ratio: float
    p99_ratio: float


def load(wired: Wiring, shape: Shape, *, name: str = "c") -> None:
    """Load the lists, one for each campaign, and start them."""
    each = shape.contacts // shape.campaigns
    for number in range(shape.campaigns):
        lines = ours.list_of(each, agents=min(shape.agents, each), first=number * each)
        if shape.groups:
            lines = _of_groups(wired, lines, shape)
        ours.start(wired, ours.load_lines(wired, lines, name=f"{name}{number}"))
    wired.feeding.keep_schedules()


def _of_groups(wired: Wiring, lines: bytes, shape: Shape) -> bytes:
    """Register the agents of a list, and name their groups in it instead."""
    header, *rows = lines.decode().splitlines()
    numbers = list(dict.fromkeys(row.partition(",")[0] for row in rows))
    group_of = {one: f"group {at % shape.groups}" for at, one in enumerate(numbers)}
    wired.registry.put([Agent(one, groups=(group_of[one],)) for one in numbers])
    named = (f"{group_of[agent]},{rest}" for agent, _, rest in (row.partition(",") for row in rows))
    return "\n".join([f"agent_group,{header.partition(',')[2]}", *named, ""]).encode()


def load_again(wired: Wiring, smallest: Shape, *, name: str) -> None:
    """Put the smallest list in the place of one that is nearly used up."""
    for campaign in wired.campaigns.in_state(CampaignState.RUNNING):
        wired.campaigns.move(campaign, CampaignState.CANCELLING)
    wired.feeding.keep_schedules()
    while wired.feeding.cancel_some():
        pass
    load(wired, smallest, name=name)


def dial(wired: Wiring, dials: int) -> None:
    """Release, gate, finish and settle one contact after the other."""
    for _ in range(dials):
        (released,) = wired.feeding.tick().released[:1]
        settle(wired, wired.dialing.dial(released.contact, released.token))


def settle(wired: Wiring, done: object) -> None:
    """Report the end of a call that was just placed."""
    if not isinstance(done, Dialled):
        raise TypeError(f"not dialled: {done}")
    talked = LegReport(status="completed", on_call_s=30)
    report = CallReport(
        source=ReportSource.CALLBACK,
        sid=str(done.attempt.sid),
        status="completed",
        is_over=True,
        agent_leg=talked,
        customer_leg=talked,
        talk_s=30,
    )
    wired.settling.report(done.attempt_id, report, at=time.time())


@contextlib.contextmanager
def loaded(shape: Shape, *, dials: int) -> Iterator[Wiring]:
    """Run a server with lists of this shape, ready to dial and to keep its slow log."""
    with ours.installed(ours.UNPACED) as here:
        wired = here.wired
        wired.feeding.__dict__["_ahead"] = 1  # one at a time
        load(wired, shape)
        dial(wired, dials // 10)  # warms caches
        wired.redis.config_set("slowlog-max-len", 100 * dials * ROUNDS)
        yield wired


def compare(shape: Shape, *, dials: int) -> tuple[dict[str, Grown], Mapping[str, tuple[int, int]]]:
    """Dial with a shape and with the smallest of its kind in turns; gives each step's times, and its work."""
    smallest = SMALLEST_OF_GROUPS if shape.groups else SMALLEST
    with loaded(smallest, dials=dials) as small, loaded(shape, dials=dials) as large:
        for number in range(ROUNDS):
            if number:
                for wired in (small, large) if shape == smallest else (small,):
                    load_again(wired, smallest, name=f"again{number}.")
            for _ in range(dials // IN_A_ROW):
                for wired in (small, large):
                    wired.redis.config_set("slowlog-log-slower-than", SCRIPTS_ONLY_US)
                    dial(wired, IN_A_ROW)
                    wired.redis.config_set("slowlog-log-slower-than", -1)
        most = 100 * dials * ROUNDS
        counted = work(large)
        small_us, large_us = (_script_times(one, most=most) for one in (small, large))
    return {step: _grown(large_us[step], small_us[step]) for step in STEPS}, counted


def work(wired: Wiring, *, dials: int = 40) -> dict[str, tuple[int, int]]:
    """Count the commands that each step runs inside Redis: the median, and the most. No load changes them."""

    def count() -> int:
        stats = wired.redis.info("commandstats")
        return sum(one["calls"] for name, one in stats.items() if name != "cmdstat_info")

    counted: dict[str, list[int]] = defaultdict(list)
    for _ in range(dials):
        before = count()
        (released,) = wired.feeding.tick().released[:1]
        after_release = count()
        done = wired.dialing.dial(released.contact, released.token)
        after_dial = count()
        settle(wired, done)
        steps = (after_release - before, after_dial - after_release, count() - after_dial)
        for name, commands in zip(("release", "gate and answer", "end"), steps, strict=True):
            counted[name].append(commands)
    return {name: (int(median(some)), max(some)) for name, some in counted.items()}


def _grown(large_us: Sequence[int], small_us: Sequence[int]) -> Grown:
    p50, p99 = (ground.quantile(large_us, q) for q in (0.5, 0.99))
    small_p50, small_p99 = (ground.quantile(small_us, q) for q in (0.5, 0.99))
    return Grown(p50, p99, p50 / small_p50, p99 / small_p99)


def _script_times(wired: Wiring, *, most: int) -> dict[str, list[int]]:
    took: dict[str, list[int]] = defaultdict(list)
    for entry in wired.redis.slowlog_get(most):
        command, name = [*entry["command"].split(), b""][:2]
        script = name.decode().removeprefix("dialer_").rpartition("_")[0]
        if command.upper() == b"FCALL" and script in STEPS:
            took[script].append(entry["duration"])
    return took


def _table(grown: Mapping[Shape, Mapping[str, Grown]]) -> Table:
    rows = []
    for shape, steps in grown.items():
        cells = (
            f"{one.p50_us:.0f} ×{one.p50_ratio:.2f} / {one.p99_us:.0f} ×{one.p99_ratio:.2f}"
            for one in steps.values()
        )
        rows.append((str(shape), *cells))
    header = ("contacts · agents · campaigns", *(f"{step}, µs p50 / p99" for step in STEPS))
    return Table(header, tuple(rows))


def _work_table(counted: Mapping[Shape, Mapping[str, tuple[int, int]]]) -> Table:
    rows = tuple(
        (str(shape), *(f"{middle} / {most}" for middle, most in steps.values()))
        for shape, steps in counted.items()
    )
    names = next(iter(counted.values()), {})
    header = ("contacts · agents · campaigns", *(f"{one}, commands p50 / most" for one in names))
    return Table(header, rows)


def _plot(grown: Mapping[Shape, Mapping[str, Grown]], which: str) -> Plot:
    bars = (
        Bar(f"{shape} {step}", getattr(one, f"{which}_ratio"), _ratio(one, which), is_ours=True)
        for shape, steps in grown.items()
        for step, one in steps.items()
    )
    title = f"{which} over that of a thousand contacts (contacts · agents · campaigns)"
    return Plot(title, tuple(bars), goal=1.2)


def _ratio(one: Grown, which: str) -> str:
    return f"×{getattr(one, f'{which}_ratio'):.2f}"


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--dials", type=int, default=800)
    parser.add_argument(
        "--largest",
        type=int,
        default=1_000_000,
        help="contacts; ten million take four minutes more",
    )
    args = parser.parse_args()
    run = begin(__doc__)
    grown, counted = {}, {}
    for shape in (one for one in SHAPES if one.contacts <= args.largest):
        grown[shape], counted[shape] = compare(shape, dials=args.dials)
        print(f"   {shape}: {grown[shape]}", file=sys.stderr, flush=True)
    larger = [one for shape, steps in grown.items() if shape != SMALLEST for one in steps.values()]
    result = Result(
        title="Time of a step inside Redis",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{ROUNDS} rounds of {args.dials} dials each; × is the ratio to {SMALLEST}, for groups to {SMALLEST_OF_GROUPS}.",
        values={
            field: max(getattr(one, field) for one in larger)
            for field in ("p50_ratio", "p99_ratio")
            if larger
        },
        tables=(_table(grown), _work_table(counted)),
        plots=(_plot(grown, "p50"), _plot(grown, "p99")),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
