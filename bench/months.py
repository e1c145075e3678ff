"""Months in small: campaigns are loaded, dialled, archived and deleted, one after the other.

All our processes run, beside the Exotel simulator with calls that end two hundred times faster than
real ones, at a limit that binds nobody. Once a first tenth is over, and at the end, it is counted
what Redis and the data folder hold: keys that end by themselves and those that stay, files, and
memory. What a call leaves for some days (its Sid, its events) is told beside.

One more campaign, of random numbers, is followed: what its contacts take of Redis while they wait, once each had a
call, and once those are packed, which is done at once here and ten to twenty minutes after their end otherwise.
Bytes are `MEMORY USAGE` of all keys that hold its records, rows, search index and attempts.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import redis

from bench import ground, ours
from bench.result import Result, Table, arguments, begin, publish
from campaigns.campaign import CampaignState
from dialer.ports import free_port
from dialer.store import Campaign
from dialer.store.past import pack_past
from dialer.store.record import PER_CHUNK
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


@dataclass(frozen=True, slots=True)
class Bytes:
    """What a contact takes of Redis, in a campaign of many; a call's Sid is known for a day or two."""

    waiting: float
    ended: float
    packed: float
    sid: float


def months(campaigns: int, contacts: int, followed: int) -> tuple[Held, Held, Bytes]:
    """Do it; gives what was held after a tenth, and at the end, and what a contact takes.

    Args:
        contacts: Of each campaign.
        followed: Of the one that is followed.
    """
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
            last = _held(wired.redis, folder)
            return first, last, _follow(wired, followed)


def _one(wired: Wiring, n: int, contacts: int) -> None:
    """Take one campaign from its list to nothing."""
    books = RecordKeeping(wired)
    loaded = ours.load(wired, contacts, name=f"month {n}", max_attempts=1, retry=())
    _dial(wired, loaded)
    books.archiving.archive(wired.campaigns.find(loaded.id), force=True)
    books.deleting.delete(wired.campaigns.find(loaded.id))


def _dial(wired: Wiring, campaign: Campaign) -> None:
    """Dial a campaign to its end."""
    ours.start(wired, campaign)
    ground.until(
        lambda: wired.campaigns.find(campaign.id).state is CampaignState.COMPLETED,
        within_s=300,
        every_s=0.2,
    )


def _follow(wired: Wiring, contacts: int) -> Bytes:
    """Take a campaign from its list to when all of it is packed."""
    numbers = random.Random(1).sample(range(10**8), contacts)
    lines = (f"+9198000{n % 97:05d},+9190{one:08d}" for n, one in enumerate(numbers))
    text = "\n".join(["agent,customer", *lines]).encode()
    loaded = ours.load_lines(wired, text, name="followed", max_attempts=1, retry=())
    waiting = _bytes_a_contact(wired, loaded, contacts)
    _dial(wired, loaded)
    ground.until(lambda: not wired.redis.zcard(wired.db.key("late")), within_s=600, every_s=0.2)
    ended = _bytes_a_contact(wired, loaded, contacts)
    pack_past(wired.db, loaded.id, size=contacts, quiet_s=0)
    packed = _bytes_a_contact(wired, loaded, contacts)
    sids = wired.db.key("sids", int(wired.db.now() // 86_400))
    a_sid = _bytes(wired, [sids]) / max(1, wired.redis.hlen(sids))
    return Bytes(waiting, ended, packed, a_sid)


def _bytes_a_contact(wired: Wiring, campaign: Campaign, contacts: int) -> float:
    hundreds = range((contacts + PER_CHUNK - 1) // PER_CHUNK)
    kinds = ("contacts", "rows", "index", "attempts")
    keys = [wired.db.key("c", campaign.id, kind, at) for kind in kinds for at in hundreds]
    return _bytes(wired, keys) / contacts


def _bytes(wired: Wiring, keys: Sequence[str]) -> int:
    with wired.redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.memory_usage(key, samples=0)
        return sum(one or 0 for one in cast("list[int | None]", pipe.execute()))


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


def _taken_rows(taken: Bytes) -> tuple[tuple[str, ...], ...]:
    return (
        ("waiting", f"{taken.waiting:.0f}"),
        ("with one attempt ended, not packed yet", f"{taken.ended:.0f}"),
        ("with one attempt ended, packed", f"{taken.packed:.0f}"),
        ("– beside it, for a day or two: its call's Sid", f"{taken.sid:.0f}"),
    )


def main() -> None:
    """Do it and print."""
    parser = arguments(__doc__)
    parser.add_argument("--campaigns", type=int, default=100)
    parser.add_argument("--contacts", type=int, default=30, help="of each campaign")
    parser.add_argument("--followed", type=int, default=1_000, help="contacts of the one followed")
    args = parser.parse_args()
    run = begin(__doc__)
    first, last, taken = months(args.campaigns, args.contacts, args.followed)
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
            "waiting_bytes": taken.waiting,
            "ended_bytes": taken.ended,
            "packed_bytes": taken.packed,
        },
        tables=(
            Table(("", "after a tenth", "at the end"), rows),
            Table((f"of {args.followed:,} contacts, bytes each", ""), _taken_rows(taken)),
        ),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
