"""What an installation costs while nothing is to be dialled: all processes of the Procfile, and Redis.

    nothing     no campaign
    loaded      a campaign of 1,000 that nobody has started
    later       one of 1,000 that runs, and whose contacts are due in an hour

Once everybody lives and has come to rest, Redis' own counters are read twice, a minute apart: commands,
those of scripts among them, and changes, which are what is written to its disk. CPU is the kernel's account of
our processes, and of Redis, in percent of one core.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis

from bench import ground, ours
from bench.forms import agent_number, customer_number
from bench.result import Result, Table, arguments, begin, publish
from dialer.store.processes import living
from workers.wiring import Wiring

NOT_SHOWN = """
Pages that are open, webhooks, and recordings that are kept: each looks after its own. With several accounts
each asks for itself."""

_PROCESSES = 6  # two of them workers
_CONTACTS = 1_000


@dataclass(frozen=True, slots=True)
class Idle:
    """What was done while nothing was to be done.

    Args:
        commands: A second, by name.
        writes: A second.
        cpu: Of our processes, percent of a core.
        redis_cpu: Of Redis, likewise.
    """

    commands: Mapping[str, float]
    writes: float
    cpu: float
    redis_cpu: float

    @property
    def all_commands(self) -> float:
        """Commands of all names, a second."""
        return sum(self.commands.values())


def load(wired: Wiring, case: str) -> None:
    """Make what a case is about."""
    if case == "nothing":
        return
    due = datetime.now(UTC) + timedelta(hours=1)
    lines = (
        f"{agent_number(n)},{customer_number(n)},{due:%Y-%m-%dT%H:%M:%SZ}" for n in range(_CONTACTS)
    )
    text = "agent,customer,not_before\n" + "\n".join(lines) + "\n"
    campaign = ours.load_lines(wired, text.encode(), name=case)
    if case == "later":
        ours.start(wired, campaign)


def measure(case: str, rest_s: float, lasts_s: float) -> Idle:
    """Run everything, let it come to rest, and look for so long."""
    with ours.installed() as here:
        wired, roles = here.wired, ["web", "feeder", "results", "worker", "events"]
        load(wired, case)
        with ours.running(here.env, roles, here.folder):
            ground.until(lambda: len(living(wired.db)) == _PROCESSES, within_s=120, every_s=0.2)
            time.sleep(rest_s)
            return _look(wired.redis, lasts_s)


def _look(client: "redis.Redis", lasts_s: float) -> Idle:
    server = int(client.info("server")["process_id"])
    pids = sorted(ground.descendants() - {server})

    def cpu_s() -> tuple[float, float]:
        return sum(map(ground.cpu_s, pids)), ground.cpu_s(server)

    def asked() -> dict[str, int]:
        return {
            name.removeprefix("cmdstat_"): one["calls"]
            for name, one in client.info("commandstats").items()
        }

    began_at, before, before_cpu = time.monotonic(), asked(), cpu_s()
    wrote = client.info("persistence")["rdb_changes_since_last_save"]
    time.sleep(lasts_s)
    after, after_cpu = asked(), cpu_s()
    wrote = client.info("persistence")["rdb_changes_since_last_save"] - wrote
    lasted_s = time.monotonic() - began_at
    commands = {name: (calls - before.get(name, 0)) / lasted_s for name, calls in after.items()}
    shares = [100 * (b - a) / lasted_s for a, b in zip(before_cpu, after_cpu, strict=True)]
    return Idle(commands, wrote / lasted_s, *shares)


def _row(case: str, idle: Idle) -> tuple[str, ...]:
    most = sorted(idle.commands.items(), key=lambda one: -one[1])[:5]
    return (
        case,
        f"{idle.all_commands:.1f}",
        f"{idle.writes:.2f}",
        f"{idle.cpu:.2f} %",
        f"{idle.redis_cpu:.2f} %",
        ", ".join(f"{name} {often:.1f}" for name, often in most),
    )


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--lasts-s", type=float, default=60.0)
    parser.add_argument("--rest-s", type=float, default=20.0, help="before it is looked at")
    parser.add_argument("--only", nargs="*", default=["nothing", "loaded", "later"])
    args = parser.parse_args()
    run = begin(__doc__)
    found = {case: measure(case, args.rest_s, args.lasts_s) for case in args.only}
    header = ("", "commands/s", "writes/s", "CPU, ours", "CPU, Redis", "most asked, a second")
    result = Result(
        title="Idle",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"Each for {args.lasts_s:g} s, after {args.rest_s:g} s of rest.",
        values={
            "commands": max(one.all_commands for one in found.values()),
            "writes": max(one.writes for one in found.values()),
            "cpu": max(one.cpu for one in found.values()),
        },
        tables=(Table(header, tuple(_row(case, idle) for case, idle in found.items())),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
