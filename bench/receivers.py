"""What ten dead receivers of webhooks cost callbacks and dialling: the same work beside them and without, in turns.

Five accept a connection and never answer, five refuse it. All processes of ours run, the limit is lifted, and
Redis is on disk. A round dials a campaign, then tells the ends of its calls one after the other; a pair is a
round without a webhook and one with ten, in changing order, and its ratio is taken before the median is.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

from bench import ground, ours
from bench.chart import Bar
from bench.result import Plot, Result, Table, arguments, begin, publish
from dialer.clock import boottime_s
from dialer.ports import free_port
from dialer.store import Campaign
from workers.wiring import Wiring

NOT_SHOWN = """
Receivers that are slow and not dead: each takes turns with itself alone. More than two cores: here all processes
share them, so deliveries take their CPU from what is measured."""

DEAD = 10
_WARM_S = 4


class Round(NamedTuple):
    """What one round took.

    Args:
        dials_s: From the start to the last request.
        callback_s: A callback's answer, p95.
    """

    dials_s: float
    callback_s: float


@contextlib.contextmanager
def dead_receivers() -> Iterator[list[str]]:
    """Listen and say nothing, or do not listen; gives their URLs."""
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(5)]
        ports = [one.getsockname()[1] for one in silent] + [free_port() for _ in range(5)]
        yield [f"http://127.0.0.1:{port}/hook" for port in ports]


def one_round(wired: Wiring, contacts: int, nth: int) -> Round:
    """Dial a campaign and tell the ends of its calls."""
    campaign = ours.load(wired, contacts, name=f"round-{nth}", first=nth * 100_000)
    began_at = boottime_s()
    ours.start(wired, campaign)
    placed = ground.until(lambda: _placed(wired, campaign, contacts), within_s=120, every_s=0.05)
    dials_s = boottime_s() - began_at
    took_s = [_told(wired, *one) for one in placed]
    ground.until(lambda: wired.campaigns.find(campaign.id).state.is_over, within_s=120)
    return Round(dials_s, ground.quantile(took_s, 0.95))


def _placed(wired: Wiring, campaign: Campaign, contacts: int) -> list[tuple[str, str]]:
    """Give attempts and Sids once all have one."""
    calls = ours.open_calls(wired)
    mine = [(str(id_), sid) for id_, sid in calls if id_.campaign == campaign.id]
    return mine if len(mine) == contacts else []


def _told(wired: Wiring, attempt_id: str, sid: str) -> float:
    sent_at = boottime_s()
    ours.tell_end(wired, attempt_id, sid)
    return boottime_s() - sent_at


def beside(wired: Wiring, dead: list[str], contacts: int, nth: int) -> Round:
    """Do the same while so many dead receivers are to be told of it."""
    webhooks = [wired.receivers.add(url) for url in dead]
    try:
        found = one_round(wired, contacts, nth)
        failed = [line.standing.failed for line in wired.receivers.all()]
        if not any(failed):
            raise RuntimeError("no dead receiver was told anything: nothing was measured")
        return found
    finally:
        for one in webhooks:
            wired.receivers.remove(one)


def measure(contacts: int, repeats: int) -> list[tuple[Round, Round]]:
    """Run everything; gives pairs of rounds, without and beside."""
    more = {"DIALER_ALLOWED_URL_HOSTS": "127.0.0.1", **ours.UNPACED}
    with ours.installed(more, appendonly=True) as here, dead_receivers() as dead:
        wired, roles = here.wired, ["web", "feeder", "results", "worker", "events"]
        with ours.running(here.env, roles, here.folder):
            ground.until(lambda: ground.listens(here.port), within_s=120)
            time.sleep(_WARM_S)  # until everybody polls
            one_round(wired, contacts, 0)  # the first of all is no measure
            pairs = []
            for n in range(repeats):
                first, second = 2 * n + 1, 2 * n + 2
                if n % 2:
                    with_them = beside(wired, dead, contacts, first)
                    pairs.append((one_round(wired, contacts, second), with_them))
                else:
                    without = one_round(wired, contacts, first)
                    pairs.append((without, beside(wired, dead, contacts, second)))
    return pairs


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--contacts", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    run = begin(__doc__)
    pairs = measure(args.contacts, args.repeats)
    without, with_them = ([one[at] for one in pairs] for at in (0, 1))
    rows, bars, values = [], [], {}
    for what, name in (
        ("dialling, start → last request", "dials_s"),
        ("a callback's answer, p95", "callback_s"),
    ):
        plain, among = ([getattr(one, name) for one in those] for those in (without, with_them))
        ratio = ground.ratio(among, plain)
        told = (f"{ground.spread([1000 * s for s in those])} ms" for those in (plain, among))
        rows.append((what, *told, f"{ratio:.2f}"))
        bars.append(Bar(what, ratio, f"{ratio:.2f}", is_ours=True))
        values[name.replace("_s", "_ratio")] = ratio
    result = Result(
        title="Beside ten dead receivers",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.contacts:,} contacts a round, {ground.times(args.repeats)}.",
        values=values,
        tables=(Table(("", "without", f"beside {DEAD}", "ratio"), tuple(rows)),),
        plots=(Plot("Beside ten dead receivers, over without", tuple(bars), goal=1.0),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
