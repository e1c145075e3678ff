"""The kill harness: a campaign dialled by processes that are killed all the time.

    python -m tests.chaos.siege --kills 10000 --seed 7

One forked process does one step (load, feed, work, settle, sweep, keep house) on a real Redis and
against the simulator, and by the seed's plan is killed at a failpoint, or anywhere. Callbacks come
to a real `dialer web`, which is killed too; so is Redis, whose data survive. Meanwhile the provider
answers 5xx after placing, resets, hangs and turns away, and loses, doubles, delays and forges
callbacks. Then the faults stop, everything must come to its end, and the ledger decides.

The seed fixes the plan: who is killed where and what the provider does to whom. What runs beside
what is the machine's; a failure prints the seed and leaves logs and data in its folder.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.chaos_round import Round
from tests.chaos.steps import STEPS
from tests.chaos.workers_under_test import Tally

_KILLS_A_CONTACT = 1.4


def besiege(
    *,
    kills: int,
    seed: int,
    kills_a_round: int,
    folder: Path,
    out: Callable[[str], None],
    party: int = 1,
) -> dict[str, Any]:
    """Run rounds until so many kills were done; gives the report."""
    began_s = time.monotonic()
    tally, recovery, failed = Tally(), defaultdict(list), {}
    totals: Counter[str] = Counter()
    rounds = 0
    while tally.killed < kills and not failed:
        wanted = min(kills_a_round, kills - tally.killed)
        one = Round(
            folder / f"seed{seed}",
            seed=seed,
            kills=wanted,
            contacts=max(30, round(wanted / _KILLS_A_CONTACT)),
            party=party,
        )
        verdict = one.run()
        rounds += 1
        tally.add(one.tally)
        for name, times in one.recovery.items():
            recovery[name].extend(times)
        for name in ("contacts", "attempts", "calls", "requests", "gave_up"):
            totals[name] += getattr(verdict, name)
        failures = {**verdict.failures}
        if one.tally.crashes:
            failures["crashes"] = one.tally.crashes
        out(
            f"round {rounds}: seed {seed}, {one.tally.killed} kills, {verdict.contacts} contacts, "
            f"{verdict.attempts} attempts, {verdict.calls} calls, {time.monotonic() - began_s:.0f} s"
            + (f", FAILED {json.dumps(failures, default=str)[:3000]}" if failures else "")
        )
        if failures:
            failed = {"seed": seed, "folder": str(one.folder), **failures}
        else:
            shutil.rmtree(one.folder)
        seed += 1
    unreached = [place for place in _all_places() if not tally.kills[place]]
    return {
        "rounds": rounds,
        "kills": tally.killed,
        "kills_by_place": dict(sorted(tally.kills.items())),
        "never_reached": unreached,
        "steps": dict(tally.steps),
        "steps_that_found_redis_gone": tally.coped,
        "redis_killed": tally.redis_killed,
        "web_killed": tally.web_killed,
        **totals,
        "recovery_s": {
            name: _spread(times)
            for name, times in {
                **recovery,
                "Redis killed, until dialling was allowed": tally.holds_s,
            }.items()
            if times
        },
        "failed": failed,
        "took_s": round(time.monotonic() - began_s, 1),
    }


def _all_places() -> list[str]:
    """What a long run must have reached; a place nobody was killed at proves nothing."""
    rare = {"keep_house/handed_in", "keep_house/restored"}  # need Redis to be away at the moment
    every = {f"{step.__name__}/{place}" for step, places in STEPS.items() for place in places}
    return sorted(every - rare)


def _spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "median": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[int(len(ordered) * 0.99)], 1),
        "max": round(ordered[-1], 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300, help="processes to kill")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; +1 for each")
    parser.add_argument("--kills-a-round", type=int, default=1500)
    parser.add_argument("--party", type=int, default=1, help="contacts a worker dials at a time")
    parser.add_argument("--folder", type=Path, default=None, help="for logs and data of a failure")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int(time.time()) % 1_000_000
    folder = options.folder or Path(tempfile.mkdtemp(prefix="siege-"))
    print(f"seed {seed}, folder {folder}", file=sys.stderr, flush=True)
    report = besiege(
        kills=options.kills,
        seed=seed,
        kills_a_round=options.kills_a_round,
        folder=folder,
        party=options.party,
        out=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(json.dumps(report, indent=None if options.json else 2, default=str))
    is_long = options.kills >= 1000
    return 1 if report["failed"] or (is_long and report["never_reached"]) else 0


if __name__ == "__main__":
    sys.exit(main())
