"""Months in small: campaigns are loaded, dialled, archived and deleted, one after the other.

All our processes run, beside the Exotel simulator with calls that end two hundred times faster than
real ones, at a limit that binds nobody. Once a first tenth is over, and at the end, it is counted
what Redis and the data folder hold: keys that end by themselves and those that stay, files, and
memory. What a call leaves for some days (its Sid, its events) is told beside.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import redis

from bench import ground, ours
from bench.result import Result, Table, arguments, begin, publish
from campaigns.campaign import CampaignState
from dialer.ports import free_port
from workers.record_keeping import RecordKeeping
from workers.wiring import Wiring

NOT_SHOWN = """
Time itself: keys that end after days do not end in a run of minutes. That they do, and that nothing
else is left after months, is shown with a clock that is moved (`tests/integration/test_months.py`)."""

_SPEED = "200"


@dataclass(frozen=True, slots=True)
class Held:
    """What is held at an instant.

    Args:
        stay: Keys without an end.
        end: Keys that end by themselves.
        files: In the data folder; journals, events and logs are left out.
    """

    stay: int
    end: int
    files: int
    memory: int


def months(campaigns: int, contacts: int) -> tuple[Held, Held]:
    """Do it; gives what was held after a tenth, and at the end."""
    simulator_port, web_port = free_port(), free_port()
    simulator = [
        *(str(ground.BIN / "dialer"), "simulator", "--port", str(simulator_port)),
        *("--speed", _SPEED, "--limit", "100000", "--account-sid", "demo"),
    ]
    with (
        ground.redis_server(appendonly=True) as redis_url,
        tempfile.TemporaryDirectory() as held,
        tempfile.TemporaryDirectory() as logs,
        ground.process(simulator),
    ):
        more = {
            **ours.UNPACED,
            "DIALER_PUBLIC_URL": f"http://127.0.0.1:{web_port}",
            "PORT": str(web_port),
            "DIALER_FINAL_VALUES_AFTER_S": "1",
        }
        folder = Path(held)
        env = ours.environment(redis_url, f"http://127.0.0.1:{simulator_port}", folder, more)
        wired = ours.wiring(env)
        ground.until(lambda: ground.listens(simulator_port), within_s=30)
        with ours.running(env, ["web", "results", "feeder", "worker"], Path(logs)):
            first: Held | None = None
            for n in range(campaigns):
                _one(wired, n, contacts)
                if n + 1 == max(1, campaigns // 10):
                    first = _held(wired.redis, folder)
            assert first is not None
            return first, _held(wired.redis, folder)


def _one(wired: Wiring, n: int, contacts: int) -> None:
    """Take one campaign from its list to nothing."""
    books = RecordKeeping(wired)
    loaded = ours.load(wired, contacts, name=f"month {n}", max_attempts=1, retry=())
    ours.start(wired, loaded)
    ground.until(
        lambda: wired.campaigns.find(loaded.id).state is CampaignState.COMPLETED,
        within_s=300,
        every_s=0.2,
    )
    books.archiving.archive(wired.campaigns.find(loaded.id), force=True)
    books.deleting.delete(wired.campaigns.find(loaded.id))


def _held(client: "redis.Redis", folder: Path) -> Held:
    time.sleep(2.0)  # heartbeats and the last acknowledgements
    keys = list(client.scan_iter("*", count=1_000))
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.ttl(key)
        ends = sum(left > 0 for left in cast("list[int]", pipe.execute()))
    files = [
        one
        for one in folder.rglob("*")
        if one.is_file() and one.relative_to(folder).parts[0] not in {"journal", "events"}
    ]
    memory = int(client.info("memory")["used_memory"])
    return Held(len(keys) - ends, ends, len(files), memory)


def main() -> None:
    """Do it and print."""
    parser = arguments(__doc__)
    parser.add_argument("--campaigns", type=int, default=100)
    parser.add_argument("--contacts", type=int, default=30, help="of each campaign")
    args = parser.parse_args()
    run = begin(__doc__)
    first, last = months(args.campaigns, args.contacts)
    done = args.campaigns - max(1, args.campaigns // 10)
    calls = done * args.contacts
    a_call = (last.memory - first.memory) / calls
    names = (
        ("keys that stay", "stay"),
        ("keys that end by themselves", "end"),
        ("files in the data folder", "files"),
    )
    rows = (
        *((says, f"{getattr(first, name):,}", f"{getattr(last, name):,}") for says, name in names),
        ("memory of Redis, MB", f"{first.memory / 1e6:.1f}", f"{last.memory / 1e6:.1f}"),
        ("– bytes a call between, for some days", "", f"{a_call:.0f}"),
    )
    result = Result(
        title=f"{args.campaigns} campaigns of {args.contacts}, each deleted in the end",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{calls:,} calls lie between the two.",
        values={
            "keys_left": last.stay - first.stay,
            "files_left": last.files - first.files,
            "bytes_a_call": a_call,
        },
        tables=(Table(("", "after a tenth", "at the end"), rows),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
