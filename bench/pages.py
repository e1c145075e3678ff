"""How soon pages answer, and what they cost the web process, beside a million contacts in 500 campaigns.

One web process on a Redis of its own. A third of the contacts are one campaign's, which runs, as do
twenty others; the rest is loaded. Each page is asked for some times, one after the other, as a
browser with a session would; told are the time to the first byte and the CPU that the web process and Redis took for
one answer, which a shared machine disturbs less than it does the time.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import httpx
import redis

from bench import ground, ours
from bench.forms import customer_number
from bench.result import Result, Table, arguments, begin, publish
from dialer.access.api_keys import Scope
from dialer.ports import free_port
from workers.wiring import Wiring

NOT_SHOWN = """
Browsers, networks and TLS; several people at once; archives, which are files. The first name that is asked for
gathers all names once in ten minutes, and is told apart."""

RUNNING = 21
GOAL_MS = 100.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One page: time to the first byte, and CPU of the web process and of Redis for one answer, ms."""

    first_byte_ms: float
    slowest_ms: float
    web_ms: float
    redis_ms: float
    kilobytes: float


def load(wired: Wiring, contacts: int, campaigns: int) -> str:
    """Load them; gives the id of the largest."""
    largest = contacts // 3
    sizes = [largest, *([(contacts - largest) // (campaigns - 1)] * (campaigns - 1))]
    first, found = 0, []
    for number, size in enumerate(sizes):
        found.append(ours.load(wired, size, name=f"campaign {number}", agents=100, first=first))
        first += size
    for campaign in found[:RUNNING]:
        ours.start(wired, campaign)
    wired.feeding.keep_schedules()
    return found[0].id


def measure(ask: Callable[[], httpx.Response], times: int, pid: int, client: "redis.Redis") -> Cost:
    """Ask some times."""
    ask()
    before_web, before_redis = ground.cpu_s(pid), _redis_cpu_s(client)
    took, size = [], 0
    for _ in range(times):
        began = time.perf_counter()
        answer = ask()
        took.append(1e3 * (time.perf_counter() - began))
        size = len(answer.content)
    web_s, redis_s = ground.cpu_s(pid) - before_web, _redis_cpu_s(client) - before_redis
    return Cost(median(took), max(took), 1e3 * web_s / times, 1e3 * redis_s / times, size / 1e3)


def _redis_cpu_s(client: "redis.Redis") -> float:
    told = client.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def _ask(http: httpx.Client, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
    answer = http.post(path, data=form) if form else http.get(path)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{path} answers {answer.status_code}: {answer.text[:300]}")
    return answer


def pages(campaign: str, number: int) -> dict[str, tuple[str, dict[str, str] | None]]:
    """Name what is asked for: a path, and the form of a search."""
    whole = customer_number(number)
    return {
        "Today": ("/", None),
        "list of campaigns": ("/campaigns", None),
        "a campaign of a third of all": (f"/campaigns/{campaign}", None),
        "its contacts, first page": (f"/campaigns/{campaign}/contacts", None),
        "its attempts, first page": (f"/campaigns/{campaign}/attempts", None),
        "agents": ("/agents", None),
        "health": ("/health", None),
        "search: a whole number": ("/search", {"who": whole}),
        "search: seven digits of one": ("/search", {"who": whole[-7:]}),
        "search: a name, nobody's": ("/search", {"who": "nobody at all"}),
        "search: a name": ("/search", {"who": f"name {number % 1000}1"}),
    }


def run(contacts: int, campaigns: int, times: int) -> tuple[float, dict[str, Cost]]:
    """Load, serve and measure; gives the first name's time, ms, and every page's cost."""
    with ExitStack() as stack:
        url = stack.enter_context(ground.redis_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        env = ours.environment(url, "http://127.0.0.1:9", folder, {"PORT": str(port)})
        wired = ours.wiring(env)
        campaign = load(wired, contacts, campaigns)
        print("loaded", file=sys.stderr, flush=True)
        _, key = wired.api_keys.create("bench", {Scope.ADMIN})
        child = stack.enter_context(
            ground.process(ours.COMMANDS["web"], env=env, folder=folder, log=folder / "web.log")
        )
        ground.until(lambda: ground.listens(port), within_s=120)
        http = stack.enter_context(
            httpx.Client(
                base_url=f"http://127.0.0.1:{port}",
                timeout=300,
                headers={
                    "Authorization": f"Bearer {key}",
                    "Accept": "text/html",
                    "Sec-Fetch-Site": "same-origin",
                },
            )
        )
        token = _token(_ask(http, "/suppression").text)
        asked = pages(campaign, contacts // 2)
        began = time.perf_counter()
        _ask(http, "/search", {"who": "nobody yet", "csrf_token": token})
        first_name_ms = 1e3 * (time.perf_counter() - began)
        client = redis.Redis.from_url(url)
        costs = {}
        for name, (path, form) in asked.items():
            ask = partial(_ask, http, path, form and {**form, "csrf_token": token})
            costs[name] = measure(ask, times, child.pid, client)
            print(name, costs[name], file=sys.stderr, flush=True)
    return first_name_ms, costs


def _token(page: str) -> str:
    return page.rpartition('name="csrf_token" value="')[2].partition('"')[0]


def main() -> None:
    """Measure, and print it."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=500)
    parser.add_argument("--times", type=int, default=20)
    told = parser.parse_args()
    began = begin(__doc__ or "")
    first_name_ms, costs = run(told.contacts, told.campaigns, told.times)
    table = Table(
        ("page", "first byte, ms", "slowest, ms", "CPU of web, ms", "of Redis, ms", "kB"),
        tuple(
            (
                name,
                f"{one.first_byte_ms:.0f}",
                f"{one.slowest_ms:.0f}",
                f"{one.web_ms:.0f}",
                f"{one.redis_ms:.1f}",
                f"{one.kilobytes:.0f}",
            )
            for name, one in costs.items()
        ),
    )
    plain = [one for name, one in costs.items() if not name.startswith("search")]
    publish(
        Result(
            title="Pages",
            method=__doc__ or "",
            not_shown=NOT_SHOWN,
            run=began,
            setting=f"{told.contacts:,} contacts, {told.campaigns} campaigns, each page {told.times} "
            f"times; the first name took {first_name_ms / 1e3:.1f} s",
            values={
                "first_byte_ms": max(one.first_byte_ms for one in plain),
                "web_cpu_ms": max(one.web_ms for one in plain),
                "search_cpu_ms": max(
                    one.web_ms + one.redis_ms
                    for name, one in costs.items()
                    if name.startswith("search")
                ),
                "first_name_ms": first_name_ms,
            },
            tables=(table,),
        ),
        told.json,
    )


if __name__ == "__main__":
    main()
