"""Two hosts whose ways to Redis and to the provider are cut, in every combination, judged by the ledger.

    python -m tests.chaos.cuts --lasts-s 5 30 120 --seed 7

Each host is a network namespace with its own data folder, feeder, results process and worker. Beside a
campaign that dials all the time, each has its links cut in an order of its own: to Redis, to the
provider, to both; refused at once, or swallowed. Meanwhile the Redis master is killed now and then, and
Sentinel names another. Then the faults stop, and whatever was under way must come to its end in time.
"""

import argparse
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.simulator import Fate, SimulatorOptions
from dialer.store import Database
from dialer.store.connection import open_redis
from tests.acceptance.rig import Rig, pairs
from tests.chaos.cut_hosts import PROVIDER, REDIS, CutHost, How, cut_hosts
from tests.chaos.judge import judge
from tests.chaos.linked_host import may_link
from tests.chaos.processes_under_test import ProviderProcess
from tests.chaos.replicated_redis import ReplicatedRedis, replicated_redis
from tests.patience import until

LIMIT, WINDOW_S = 60, 10
LINKS = (("redis",), ("provider",), ("redis", "provider"))
SETTINGS = {
    "EXOTEL_RATE_LIMIT": str(LIMIT),
    "EXOTEL_RATE_WINDOW_S": str(WINDOW_S),
    "DIALER_HTTP_DEADLINE_S": "5",
    "DIALER_QUARANTINE_SLACK_S": "0",
    "DIALER_TIME_LIMIT_S": "1",
    "DIALER_TIME_OUT_S": "1",
    "DIALER_LOOKUP_AFTER_S": "4",
    "DIALER_LOOKUP_EVERY_S": "2",
    "DIALER_FINAL_VALUES_AFTER_S": "2",
    "DIALER_MIN_REPLICAS": "1",
}
CAMPAIGN = ("--max-attempts", "3", "--retry=customer_busy=1x1", "--retry=customer_no_answer=1x1")
LONGEST_CALL_S = 2 + 5 + 30 + 2 * 1 + 1  # window, deadline, origination, two rings, talk
FREE_WITHIN_S = LONGEST_CALL_S + 60
OPTIONS = SimulatorOptions(
    rate_limit=LIMIT,
    rate_window_s=WINDOW_S,
    speed=3,
    ring_s=(1, 1),
    talk_s=(1, 1),
    latency_ms=(50, 600),
    outcomes={Fate.CONNECTED: 8, Fate.CUSTOMER_NO_ANSWER: 1, Fate.CUSTOMER_BUSY: 1},
    values_late_s=3,
    callback_retry_delays_s=(1.0, 3.0, 6.0),
)
_RESTS_S = 8.0  # between two cuts of one host
_MASTER_IS_AWAY_S = 10.0
_SHARE_DIALLED = 0.6  # of what the limit allows: a campaign must not end before the cuts do


@dataclass(frozen=True)
class Cut:
    """What is cut of one host, how, and for how long."""

    links: tuple[str, ...]
    how: How
    lasts_s: float


def every_cut(lasts_s: Sequence[float], seed: int) -> list[Cut]:
    """Give all combinations, in an order of their own."""
    found = [Cut(*one) for one in itertools.product(LINKS, How, lasts_s)]
    random.Random(seed).shuffle(found)
    return found


def cut_and_mend(host: CutHost, cuts: Sequence[Cut]) -> None:
    """Cut one host's links, one combination after the other."""
    for cut in cuts:
        time.sleep(_RESTS_S)
        _say(f"{host.name}: {cut}")
        for link in cut.links:
            host.cut(link, cut.how)
        time.sleep(cut.lasts_s)  # the promise is about a cut of this length
        for link in cut.links:
            host.mend(link, cut.how)


def fail_over(servers: ReplicatedRedis, times: int, every_s: float) -> None:
    """Kill whoever is master, so often."""
    for _ in range(times):
        time.sleep(every_s - _MASTER_IS_AWAY_S)
        master = servers.elected()
        _say("the master is killed")
        master.kill()
        until(lambda master=master: servers.elected() is not master, what="another master")
        time.sleep(_MASTER_IS_AWAY_S)
        master.start()


@contextmanager
def dialer_on(
    hosts: Sequence[CutHost], folder: Path, redis_url: str, provider_url: str
) -> Iterator[Rig]:
    """Run a web process here, and all the others on each host; gives the rig of the first."""
    settings = {**SETTINGS, "REDIS_URL": redis_url}
    with ExitStack() as undo:
        front = Rig(folder, provider_url, settings)
        undo.callback(front.stop)
        front.start("web")
        front.wait_until_up()
        for host in hosts:
            own = {**settings, "DIALER_DATA_DIR": str(folder / host.name)}
            rig = Rig(folder, provider_url, own, port=front.port, inside=host.inside)
            undo.callback(rig.stop)
            rig.start(*(f"{role}:{host.name}" for role in ("feeder", "results", "worker")))
        yield front


def seconds_until_free(db: Database) -> float:
    """Wait until all that is under way now is settled; tells how long that took."""
    began_s = time.monotonic()
    then = set(db.client.zrange(db.key("open"), 0, -1))
    still = lambda: then.intersection(db.client.zrange(db.key("open"), 0, -1))
    until(lambda: not still(), what="the end of what was under way", within_s=600)
    return time.monotonic() - began_s


def besiege(
    *, lasts_s: Sequence[float], failover_every_s: float, seed: int, folder: Path
) -> dict[str, Any]:
    """Do all cuts once on each of two hosts; gives the report."""
    cuts = [every_cut(lasts_s, seed + n) for n in range(2)]
    cutting_s = sum(one.lasts_s + _RESTS_S for one in cuts[0])
    failovers = int(cutting_s // failover_every_s)
    contacts = round(cutting_s * LIMIT / WINDOW_S * _SHARE_DIALLED)
    safe = {"min-replicas-to-write": "1", "min-replicas-max-lag": "3"}
    began_s = time.monotonic()
    with (
        cut_hosts(len(cuts)) as hosts,
        replicated_redis(
            folder / "redis", replicas=2, sentinels=3, address=REDIS, **safe
        ) as servers,
        ProviderProcess(OPTIONS, host="0.0.0.0") as provider,  # the hosts' links, too
        dialer_on(hosts, folder, servers.url, f"http://{PROVIDER}:{provider.port}") as front,
        open_redis(servers.url, account="demo") as client,
        ThreadPoolExecutor() as threads,
    ):
        db = Database(client, "demo")
        front.load(pairs(contacts, agents=contacts // 3), "--start", *CAMPAIGN)
        connects = lambda: provider.verdict()["connects"]
        until(lambda: connects() > LIMIT, what="the first calls")
        before, cut_from_s = connects(), time.monotonic()
        faults = [threads.submit(cut_and_mend, *one) for one in zip(hosts, cuts, strict=True)]
        faults.append(threads.submit(fail_over, servers, failovers, failover_every_s))
        for one in faults:
            one.result()
        allowed = (time.monotonic() - cut_from_s) * LIMIT / WINDOW_S
        used = (connects() - before) / allowed
        had_work = front.seen()["state"] == "running"
        free_after_s = seconds_until_free(db)
        front.wait_for_state("completed", within_s=2 * cutting_s + FREE_WITHIN_S)
        seconds_until_free(db)
        verdict = judge(db, provider, front.ids["camp"], limit=LIMIT, logs=folder)
    failed = verdict.failures
    if free_after_s > FREE_WITHIN_S:
        failed["locked_s"] = free_after_s
    if not had_work:
        failed["had_work"] = "the campaign ended before the cuts did"
    figures = ("contacts", "attempts", "calls", "requests", "peak_in_window", "gave_up")
    return {
        "seed": seed,
        "cuts": sum(map(len, cuts)),
        "failovers": failovers,
        "dials_while_cut_of_limit": round(used, 3),
        "free_after_s": round(free_after_s, 1),
        "took_s": round(time.monotonic() - began_s),
        **{name: getattr(verdict, name) for name in figures},
        "failed": failed,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lasts-s", type=float, nargs="+", default=[5.0, 30.0], help="each cut")
    parser.add_argument("--failover-every-s", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000)
    options = parser.parse_args()
    if not may_link():
        _say(
            "no cuts: this machine lets us make no network namespaces (root and iproute2 are needed)"
        )
        return 0
    folder = Path(tempfile.mkdtemp(prefix="cuts-"))
    _say(f"seed {options.seed}, folder {folder}")
    report = besiege(
        lasts_s=options.lasts_s,
        failover_every_s=options.failover_every_s,
        seed=options.seed,
        folder=folder,
    )
    print(json.dumps(report, indent=2, default=str))
    return 1 if report["failed"] else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
