"""The whole product against the Exotel simulator at the real pace: dials, callbacks and look-ups.

    simulator: 200 requests in any 60 s, GETs included, 50–300 ms an answer, one request in fifty
    1–5 s late; calls end twenty times faster than real ones and are called back

All our processes run: web, feeder, two workers' masters, results. The simulator's own ledger is the
judge. `used` counts dials and look-ups alike, over 200·W/(W + hold); `dials` counts dials alone.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ground, ours

LIMIT, WINDOW_S = 200, 60.0
STALL = 0.02
HOLD_S = 0.175 + STALL * 3.0
"""Mean time to answer, as the simulator is told to take it."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What the ledger said after a minute."""

    connects: int
    reads: int
    refused: int
    peak: int


def soak(minutes: int) -> list[Minute]:
    """Dial for so many minutes; gives what each of them added."""
    simulator_port, web_port = ground.free_port(), ground.free_port()
    provider_url = f"http://127.0.0.1:{simulator_port}"
    simulator = [
        *(sys.executable, "-m", "bench.senders.exotel", str(simulator_port)),
        *(str(LIMIT), str(WINDOW_S), str(STALL)),
    ]
    with (
        ground.redis_server(appendonly=True) as redis_url,
        tempfile.TemporaryDirectory() as folder,
        ground.process(simulator),
    ):
        more = {
            "DIALER_PUBLIC_URL": f"http://127.0.0.1:{web_port}",
            "PORT": str(web_port),
            "DIALER_FINAL_VALUES_AFTER_S": "30",
        }
        env = ours.environment(redis_url, provider_url, Path(folder), more)
        wired = ours.wiring(env)
        # everybody is called once, so that the list lasts as long as the run
        campaign = ours.load(wired, LIMIT * (minutes + 4), max_attempts=1)
        ours.start(wired, campaign)
        roles = ["web", "worker", "worker:2", "results", "feeder"]
        with ours.running(env, roles, Path(folder)):
            ground.until(lambda: _verdict(provider_url)["connects"], within_s=60, every_s=0.05)
            return _minutes(provider_url, minutes)


def _minutes(provider_url: str, minutes: int) -> list[Minute]:
    began = time.monotonic()
    found, before = [], {"connects": 0, "reads": 0}
    for minute in range(minutes):
        time.sleep(max(0.0, began + 60 * (minute + 1) - time.monotonic()))
        now = _verdict(provider_url)
        found.append(
            Minute(
                connects=now["connects"] - before["connects"],
                reads=now["reads"] - before["reads"],
                refused=now["too_many_429"],
                peak=now["peak_in_window"],
            )
        )
        print(f"   minute {minute + 1}: {found[-1]}", file=sys.stderr, flush=True)
        before = now
    return found


def _verdict(provider_url: str) -> dict[str, Any]:
    try:
        answer = ground.ask(f"{provider_url}/_simulator/verdict")
    except OSError:
        return {"connects": 0}  # not there yet
    found: dict[str, Any] = json.loads(answer)
    return found


def main() -> None:
    """Soak and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10, help="60 for the long one")
    args = parser.parse_args()
    print(__doc__)
    print(ground.machine())
    found = soak(args.minutes)
    steady = found[math.ceil(len(found) / 10) :] or found  # queues fill in the first tenth
    best = LIMIT * WINDOW_S / (WINDOW_S + HOLD_S)
    dials = sum(one.connects for one in steady) / len(steady)
    reads = sum(one.reads for one in steady) / len(steady)
    print(
        f"{args.minutes} minutes: {found[-1].refused} answers 429, most {found[-1].peak} a window"
    )
    print(f"a minute: {dials:.1f} dials + {reads:.1f} look-ups of at most {best:.1f}")
    print(f"used {(dials + reads) / best:.1%}, dials alone {dials / best:.1%}")


if __name__ == "__main__":
    main()
