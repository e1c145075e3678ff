"""Dials a second with the limit lifted, beside bare Dramatiq + httpx: contact waiting to POST counted.

Both have two processes, the same Redis without persistence, the same provider that answers at
once. The clock runs at the provider, from its first request to its last one.
"""

import argparse
import tempfile
import time
import json
from collections.abc import Callable
from pathlib import Path

from bench import ground, ours
from bench.forms import form


def dials_per_s(provider_url: str, contacts: int) -> float:
    """Wait until all have come, then read the rate off the provider's books."""
    last, idle = -1, 0
    while idle < 40:
        arrivals = json.loads(ground.ask(f"{provider_url}/books"))["arrivals"]
        idle = idle + 1 if len(arrivals) == last else 0
        last = len(arrivals)
        if last >= contacts:
            break
        time.sleep(0.25)
    if last < contacts:
        print(f"   only {last} of {contacts}")
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])


def bare_dramatiq(contacts: int) -> float:
    """Enqueue everything, then start the workers."""
    with ground.redis_server() as redis_url, ground.provider() as provider_url:
        env = {"BENCH_REDIS": redis_url, "BENCH_PROVIDER": provider_url}
        fill = (
            "from bench.bare_dramatiq import post; from bench.forms import form\n"
            f"for n in range({contacts}): post.send(form(n))"
        )
        with ground.process([str(ground.BIN / "python"), "-c", fill], env=env) as child:
            child.wait()
        command = [
            *(str(ground.BIN / "dramatiq"), "bench.bare_dramatiq"),
            *("--processes", "2", "--threads", "8"),
        ]
        with ground.process(command, env=env, log=Path("/tmp/benchwork/bare.log")):
            return dials_per_s(provider_url, contacts)


def dialer(contacts: int) -> float:
    """Load a campaign, start worker and feeder, then the campaign."""
    with (
        ground.redis_server() as redis_url,
        ground.provider() as provider_url,
        tempfile.TemporaryDirectory() as folder,
    ):
        env = ours.environment(redis_url, provider_url, Path(folder), ours.UNPACED)
        wired = ours.wiring(env)
        ours.start(wired, ours.load(wired, contacts))
        with ours.running(env, ("feeder", "worker"), Path(folder)):
            rate = dials_per_s(provider_url, contacts)
            return rate


CONTESTANTS: dict[str, Callable[[int], float]] = {
    "bare Dramatiq + httpx": bare_dramatiq,
    "dialer": dialer,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(ground.machine())
    rates: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for repeat in range(args.repeats):
        order = list(CONTESTANTS)
        for name in reversed(order) if repeat % 2 else order:
            rates[name].append(CONTESTANTS[name](args.contacts))
            print(name, f"{rates[name][-1]:,.0f}", flush=True)


if __name__ == "__main__":
    main()
