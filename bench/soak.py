"""The whole product against the Exotel simulator at the real pace: dials, callbacks and look-ups.

    simulator: 200 requests in any window of 60 s, GETs included, 50–300 ms an answer, one request
    in fifty 1–5 s late; calls end twenty times faster than real ones and are called back

All our processes run: web, feeder, two workers' masters, results. With `--kill-every-s` three worker
processes that are cheap to replace take the masters' place, and one of them is killed that often. The
simulator's own ledger is the judge. `used` counts dials and look-ups alike, over 200·W/(W + hold);
`dials` counts dials alone.
"""

import contextlib
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ground, ours
from bench.result import Result, Table, arguments, begin, publish
from dialer.ports import free_port

NOT_SHOWN = """
Exotel itself: the simulator speaks as its documentation says. Look-ups take their share of the same
limit, which is why dials alone use less."""

LIMIT = 200
STALL = 0.02
HOLD_S = 0.175 + STALL * 3.0
"""Mean time to answer, as the simulator is told to take it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the ledger said after a window: requests since the last one, the rest since the start."""

    connects: int
    reads: int
    refused: int
    peak: int


def soak(windows: int, window_s: float, *, kill_every_s: float = 0) -> list[Reading]:
    """Dial for so many windows; gives what each of them added.

    Args:
        kill_every_s: Kill a worker that often; 0 kills nobody.
    """
    simulator_port, web_port = free_port(), free_port()
    provider_url = f"http://127.0.0.1:{simulator_port}"
    simulator = [
        *(sys.executable, "-m", "bench.senders.exotel", str(simulator_port)),
        *(str(LIMIT), str(window_s), str(STALL)),
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
            "EXOTEL_RATE_WINDOW_S": str(window_s),
        }
        env = ours.environment(redis_url, provider_url, Path(folder), more)
        wired = ours.wiring(env)
        # everybody is called once, so that the list lasts as long as the run
        campaign = ours.load(wired, LIMIT * (windows + 4), max_attempts=1)
        ours.start(wired, campaign)
        dialers = [sys.executable, "-m", "bench.senders.dialers", "3", "6", str(kill_every_s)]
        with contextlib.ExitStack() as stack:
            if kill_every_s:
                stack.enter_context(ground.process(dialers, env=env, log=Path(folder, "workers")))
            else:
                stack.enter_context(ours.running(env, ["worker", "worker:2"], Path(folder)))
            stack.enter_context(ours.running(env, ["web", "results", "feeder"], Path(folder)))
            ground.until(lambda: _verdict(provider_url)["connects"], within_s=60, every_s=0.05)
            return _readings(provider_url, windows, window_s)


def _readings(provider_url: str, windows: int, window_s: float) -> list[Reading]:
    began = time.monotonic()
    found, before = [], {"connects": 0, "reads": 0}
    for window in range(1, windows + 1):
        time.sleep(max(0.0, began + window_s * window - time.monotonic()))
        now = _verdict(provider_url)
        found.append(
            Reading(
                connects=now["connects"] - before["connects"],
                reads=now["reads"] - before["reads"],
                refused=now["too_many_429"],
                peak=now["peak_in_window"],
            )
        )
        print(f"   window {window}: {found[-1]}", file=sys.stderr, flush=True)
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
    parser = arguments(__doc__)
    parser.add_argument("--windows", type=int, default=10, help="60 for the long one")
    parser.add_argument("--window-s", type=float, default=60.0, help="less is not the real pace")
    parser.add_argument("--kill-every-s", type=float, default=0.0, help="0 kills nobody")
    args = parser.parse_args()
    run = begin(__doc__)
    found = soak(args.windows, args.window_s, kill_every_s=args.kill_every_s)
    steady = found[math.ceil(len(found) / 10) :] or found  # queues fill in the first tenth
    best = LIMIT * args.window_s / (args.window_s + HOLD_S)
    dials = sum(one.connects for one in steady) / len(steady)
    reads = sum(one.reads for one in steady) / len(steady)
    rows = (
        ("429s", f"{found[-1].refused}"),
        ("most in a window", f"{found[-1].peak}"),
        ("dials a window", f"{dials:.1f}"),
        ("look-ups a window", f"{reads:.1f}"),
        ("possible a window", f"{best:.1f}"),
        ("used", f"{(dials + reads) / best:.1%}"),
        ("dials alone", f"{dials / best:.1%}"),
    )
    killed = f", a worker killed every {args.kill_every_s:g} s" if args.kill_every_s else ""
    result = Result(
        title=f"The whole product, {args.windows} windows of {args.window_s:g} s{killed}",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting="After the first tenth, in which queues fill; 429s and the peak are of all of it.",
        values={
            "refused": found[-1].refused,
            "used": (dials + reads) / best,
            "dials_used": dials / best,
        },
        tables=(Table(("", "dialer"), rows),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
