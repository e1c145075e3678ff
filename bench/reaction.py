"""How soon the product reacts, with all its processes running and the provider at the real limit.

    start    a campaign is started          → its first POST
    pause    a campaign is paused           → its last POST (0: none came after the command)
    callback the end of a call is told      → the agent's next call
    killed   a worker is killed with SIGKILL, holding a release → that contact's POST, by another

Instants are taken on this machine's monotonic clock, which all its processes share.
"""

import json
import time
from pathlib import Path
from statistics import median

from bench import ground, ours
from bench.chart import Bar
from bench.result import Plot, Result, Table, arguments, begin, publish
from campaigns.campaign import CampaignState
from workers.wiring import Wiring

NOT_SHOWN = """
A killed worker's contact waits for the end of its release, ten seconds; a contact whose request may
have left is not in here, because nobody dials it blindly: it waits in quarantine. A limit that is
used up: then the next call waits for a slot."""


def _arrivals(provider_url: str) -> list[float]:
    found: list[float] = json.loads(ground.ask(f"{provider_url}/books"))["arrivals"]
    return found


def _await_arrival(provider_url: str, number: int, *, within_s: float = 40) -> float:
    def come() -> bool:
        return len(_arrivals(provider_url)) >= number

    ground.until(come, within_s=within_s)
    return _arrivals(provider_url)[number - 1]


def start_and_pause(wired: Wiring, provider_url: str, nth: int) -> tuple[float, float]:
    """Start a campaign and pause it two seconds after its first call; gives both times, s."""
    campaign = ours.load(wired, 200, name=f"start-{nth}", first=nth * 1_000)
    before = len(_arrivals(provider_url))
    started_at = time.monotonic()
    ours.start(wired, campaign)
    start_s = _await_arrival(provider_url, before + 1) - started_at
    time.sleep(2)
    paused_at = time.monotonic()
    wired.campaigns.move(campaign, CampaignState.PAUSED)
    time.sleep(3)
    pause_s = max(0.0, _arrivals(provider_url)[-1] - paused_at)
    wired.campaigns.move(campaign, CampaignState.CANCELLING)
    return start_s, pause_s


def next_call(wired: Wiring, provider_url: str, nth: int) -> float:
    """Tell the end of an agent's only call; gives the time to their next one, s."""
    before = len(_arrivals(provider_url))
    campaign = ours.load(wired, 2, name=f"call-{nth}", agents=1, first=100_000 + nth * 10)
    ours.start(wired, campaign)
    _await_arrival(provider_url, before + 1)
    found = ground.until(lambda: _placed(wired), within_s=5)
    attempt_id, sid = found
    told_at = time.monotonic()
    ours.tell_end(wired, attempt_id, sid)
    took_s = _await_arrival(provider_url, before + 2) - told_at
    wired.campaigns.move(campaign, CampaignState.CANCELLING)
    return took_s


def _placed(wired: Wiring) -> tuple[str, str] | None:
    """Find the newest attempt that has a Sid."""
    calls = ours.open_calls(wired)
    newest = max(
        calls, key=lambda one: wired.campaigns.find(one[0].campaign).created_at, default=None
    )
    return (str(newest[0]), newest[1]) if newest else None


def redialled(
    wired: Wiring, provider_url: str, env: dict[str, str], folder: Path, nth: int
) -> float:
    """Kill a worker that has taken up a contact; gives the time until another dials it, s."""
    before = len(_arrivals(provider_url))
    campaign = ours.load(wired, 1, name=f"killed-{nth}", first=200_000 + nth)
    doomed = {**env, "DIALER_FAILPOINT": "approached"}
    with ours.running(doomed, ["worker"], folder):
        time.sleep(4)  # until it polls
        ours.start(wired, campaign)
        ground.until(lambda: wired.campaigns.counts(campaign.id).released, within_s=10)
        released_at = time.monotonic()
        time.sleep(1)
    with ours.running(env, ["worker:2"], folder):
        return _await_arrival(provider_url, before + 1, within_s=90) - released_at


def measure(repeats: int) -> dict[str, list[float]]:
    """Run everything and provoke it; gives the times, s."""
    with ours.installed(appendonly=True) as here:
        env, wired, folder, provider_url, port = here
        with ours.running(env, ["web", "feeder", "results"], folder):
            with ours.running(env, ["worker"], folder):
                ground.until(lambda: ground.listens(port), within_s=30)
                time.sleep(4)  # until everybody polls
                both = [start_and_pause(wired, provider_url, n) for n in range(repeats)]
                calls = [next_call(wired, provider_url, n) for n in range(repeats)]
            killed = [
                redialled(wired, provider_url, env, folder, n) for n in range(min(repeats, 3))
            ]
    return {
        "start → first POST": [one for one, _ in both],
        "pause → last POST": [one for _, one in both],
        "callback → agent's next call": calls,
        "worker killed → its contact dialled": killed,
    }


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    run = begin(__doc__)
    took_s = measure(args.repeats)
    rows = (
        (what, f"{median(times):.3f} s", f"{max(times):.3f} s", str(len(times)))
        for what, times in took_s.items()
    )
    bars = (
        Bar(what, median(times), f"{median(times):.2f} s", is_ours=True)
        for what, times in took_s.items()
    )
    result = Result(
        title="How soon it reacts",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting="All processes, Redis with `appendfsync always`.",
        values={what: max(times) for what, times in took_s.items()},
        tables=(Table(("", "median", "longest", "runs"), tuple(rows)),),
        plots=(Plot("Seconds to react, median", tuple(bars)),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
