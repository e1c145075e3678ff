"""Release, gate and finish as the list grows: the three steps of a dial, each a script in Redis.

Redis itself tells how long each script took, so network, Python and the POST are left out. A dial is
one release, one gate and two records: the answer of the POST, and the end of the call, which frees
the agent. Lists of 1,000 to 1,000,000 waiting contacts; 10 and 10,000 agents; 1 and 100 campaigns.
What counts is how the figures change from the smallest to the largest.
"""

import argparse
import io
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench import ground, ours
from campaigns.attempt import CallReport, LegReport, ReportSource
from dialer import logs
from dialer.ids import AttemptId
from dialer.loading import LoadOptions
from workers.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the work is."""

    contacts: int
    agents: int
    campaigns: int

    def __str__(self) -> str:
        return (
            f"{self.contacts:>9,} contacts {self.agents:>6,} agents {self.campaigns:>3} campaigns"
        )


SMALLEST = Shape(1_000, 10, 1)
SHAPES = (
    SMALLEST,
    Shape(100_000, 10, 1),
    Shape(100_000, 10_000, 1),
    Shape(100_000, 10, 100),
    Shape(100_000, 10_000, 100),
    Shape(1_000_000, 10_000, 1),
    Shape(1_000_000, 10_000, 100),
)


def load(wired: Wiring, shape: Shape) -> None:
    """Load the lists, one for each campaign, and start them."""
    each = shape.contacts // shape.campaigns
    for number in range(shape.campaigns):
        lines = ours.list_of(each, agents=min(shape.agents, each), first=number * each)
        loaded = wired.loading.load(
            io.BytesIO(lines), name=f"c{number}", rules=ours.rules(), options=LoadOptions()
        )
        if loaded.campaign is None:
            raise RuntimeError("a list was not loaded")
        ours.start(wired, loaded.campaign)
    wired.feeding.keep_schedules()


def dial(wired: Wiring, dials: int) -> None:
    """Release, gate, finish and settle one contact after the other."""
    talked = LegReport(status="completed", on_call_s=30)
    for _ in range(dials):
        (released,) = wired.feeding.tick().released[:1]
        done = wired.dialing.dial(released.contact, released.token)
        id_: AttemptId = done.attempt_id  # type: ignore[union-attr]  # nothing refuses here
        report = CallReport(
            source=ReportSource.CALLBACK,
            sid=str(done.attempt.sid),  # type: ignore[union-attr]
            status="completed",
            is_over=True,
            agent_leg=talked,
            customer_leg=talked,
            talk_s=30,
        )
        wired.settling.report(id_, report, at=wired.db.now())


def measure(shape: Shape, dials: int) -> dict[str, list[int]]:
    """Give the times of the scripts inside Redis, µs."""
    with (
        ground.redis_server() as redis_url,
        ground.provider() as provider_url,
        tempfile.TemporaryDirectory() as folder,
    ):
        wired = ours.wiring(ours.environment(redis_url, provider_url, Path(folder), ours.UNPACED))
        wired.feeding.__dict__["_ahead"] = 1  # one at a time
        load(wired, shape)
        dial(wired, dials // 10)  # warms caches
        wired.redis.config_set("slowlog-max-len", 100 * dials)
        wired.redis.config_set("slowlog-log-slower-than", 0)
        dial(wired, dials)
        wired.redis.config_set("slowlog-log-slower-than", -1)
        return _script_times(wired, most=100 * dials)


def _sha(wired: Wiring, script: str) -> str:
    return str(wired.db._scripts[script].sha)  # nobody else wants to know it


def _script_times(wired: Wiring, *, most: int) -> dict[str, list[int]]:
    shas = {_sha(wired, name): name for name in ("release", "gate", "record")}
    took: dict[str, list[int]] = defaultdict(list)
    for entry in wired.redis.slowlog_get(most):
        command, sha = [*entry["command"].split(), b""][:2]
        if command.upper() == b"EVALSHA" and sha.decode() in shas:
            took[shas[sha.decode()]].append(entry["duration"])
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dials", type=int, default=800)
    parser.add_argument("--largest", type=int, default=1_000_000, help="contacts")
    args = parser.parse_args()
    logs.set_up(level="warning")
    print(__doc__)
    print(ground.machine())
    print(f"µs: p50 / p99 of {args.dials} dials; then p50 over that of the first line")
    base: dict[str, float] = {}
    for shape in (one for one in SHAPES if one.contacts <= args.largest):
        took = measure(shape, args.dials)
        cells = []
        for script in ("release", "gate", "record"):
            p50, p99 = ground.quantile(took[script], 0.5), ground.quantile(took[script], 0.99)
            base.setdefault(script, p50)
            cells.append(f"{script} {p50:4.0f} /{p99:5.0f} ×{p50 / base[script]:.2f}")
        print(f"{shape}   {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
