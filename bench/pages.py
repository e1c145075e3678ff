"""How soon pages answer, and what they cost the web process, beside a million contacts in 500 campaigns.

One web process on a Redis of its own. A third of the contacts are one campaign's, which runs, as do
twenty others; the rest is loaded, but for one more that is over, whose calls are today's. Each page is asked for
some times, one after the other, as a browser with a session would; told are the time to the first byte and the CPU that the web process and Redis took for
one answer, which a shared machine disturbs less than it does the time.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median

import httpx
import redis

from bench import ground, ours, settle
from bench.forms import agent_number, customer_number
from bench.result import Result, Table, arguments, begin, publish
from campaigns.agents.agent import Agent
from dialer.access.api_keys import Scope
from workers.wiring import Wiring

NOT_SHOWN = """
Browsers, networks and TLS; several people at once; archives, which are files; what goes with one list, one rehearsal or one task. The first name
that is asked for is told apart."""

RUNNING = 21

NOT_ASKED = (
    *("/sign-in", "/static/{version}/{name}", "/api/docs", "/api/openapi.json"),
    *("/imports/{review_id}", "/imports/{review_id}/progress", "/imports/{review_id}/rejected.csv"),
    *("/tasks/{task_id}", "/tasks/{task_id}/progress", "/tasks/{task_id}/files/{name}"),
    *("/campaigns/{campaign_id}/events", "/campaigns/{campaign_id}/charts"),
    "/campaigns/{campaign_id}/rejected.csv",
    "/campaigns/{campaign_id}/reports/{kind}.{format}",
    "/campaigns/{campaign_id}/contacts/{n}/attempts/{no}/recording",
    *("/rehearsals/{rehearsal_id}/report", "/webhooks/{webhook_id}", "/accounts"),
)
"""Pages that are the same however much there is, or of one thing that is not here; files; what is made apart."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One page: time to the first byte, and CPU of the web process and of Redis for one answer, ms."""

    first_byte_ms: float
    slowest_ms: float
    web_ms: float
    redis_ms: float
    kilobytes: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """What there is.

    Args:
        largest: The id of the campaign that has a third of all contacts.
        over: Of the one that is over.
        waiting: Of one that has not begun.
        agent: Of a known agent.
    """

    largest: str
    over: str
    waiting: str
    agent: str


def load(wired: Wiring, contacts: int, campaigns: int, calls: int) -> Loaded:
    """Load all that there is."""
    largest = contacts // 3
    sizes = [largest, *([(contacts - largest) // (campaigns - 1)] * (campaigns - 1))]
    over = _dialled(wired, calls)
    first, found = 0, []
    for number, size in enumerate(sizes):
        found.append(ours.load(wired, size, name=f"campaign {number}", agents=100, first=first))
        first += size
    for campaign in found[:-1][:RUNNING]:  # one is to wait
        ours.start(wired, campaign)
    wired.feeding.keep_schedules()
    known = wired.registry.put([Agent(agent_number(n)) for n in range(100)])
    return Loaded(found[0].id, over, found[-1].id, known[0].id)


def _dialled(wired: Wiring, calls: int) -> str:
    """Dial a campaign to its end; gives its id."""
    settle.store_callbacks(wired, settle.place_calls(wired, calls))
    settle.settle(wired)
    wired.feeding.keep_schedules()
    (campaign,) = wired.campaigns.all()
    return campaign.id


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


def pages(there: Loaded, number: int) -> dict[str, tuple[str, dict[str, str] | None]]:
    """Name what is asked for: a path, and the form of a search."""
    whole = customer_number(number)
    largest, over, waiting = (
        f"/campaigns/{one}" for one in (there.largest, there.over, there.waiting)
    )
    asked = {
        "Today": "/",
        "today's calls": "/today/calls",
        "calls that are live": "/today/live",
        "list of campaigns": "/campaigns",
        "– its tenth page": "/campaigns?page=10",
        "– found by a word": "/campaigns?q=campaign+49",
        "several campaigns": f"/campaigns/several?action=pause&campaign={there.largest}",
        "two campaigns compared": f"/campaigns/compare?campaign={there.over}&campaign={there.largest}",
        "a campaign of a third of all": largest,
        "its contacts, first page": f"{largest}/contacts",
        "– those that are final": f"{largest}/contacts?state=final",
        "its attempts, first page": f"{largest}/attempts",
        "its rules": f"{largest}/rules",
        "its books": f"{largest}/books",
        "to add a contact": f"{largest}/add",
        "before a start": f"{waiting}/start",
        "a campaign that is over": over,
        "its attempts": f"{over}/attempts",
        "– those that connected": f"{over}/attempts?outcome=connected",
        "to call back": f"{over}/call-back?outcome=connected",
        "to dial it again": f"{over}/again",
        "a contact": f"{over}/contacts/1",
        "agents": "/agents",
        "an agent's links": f"/agents/{there.agent}/links",
        "an agent's contacts": f"/agents/{there.agent}/contacts",
        "suppression": "/suppression",
        "health": "/health",
        "webhooks": "/webhooks",
        "alerts": "/alerts",
        "keys": "/keys",
        "audit": "/audit",
        "templates": "/templates",
        "a new template": f"/templates/edit?like={there.largest}",
        "checks": "/checks",
        "purge": "/purge",
        "design": "/design",
    }
    searched = {
        "search: a whole number": whole,
        "search: seven digits of one": whole[-7:],
        "search: a name, nobody's": "nobody at all",
        "search: a name": f"name {number % 1000}1",
    }
    return {name: (path, None) for name, path in asked.items()} | {
        name: ("/search", {"who": who}) for name, who in searched.items()
    }


def run(contacts: int, campaigns: int, calls: int, times: int) -> tuple[float, dict[str, Cost]]:
    """Load, serve and measure; gives the first name's time, ms, and every page's cost."""
    with ExitStack() as stack:
        env, wired, folder, _, port = stack.enter_context(ours.installed(ours.UNPACED))
        there = load(wired, contacts, campaigns, calls)
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
        asked = pages(there, contacts // 2)
        began = time.perf_counter()
        _ask(http, "/search", {"who": "nobody yet", "csrf_token": token})
        first_name_ms = 1e3 * (time.perf_counter() - began)
        costs = {}
        for name, (path, form) in asked.items():
            ask = partial(_ask, http, path, form and {**form, "csrf_token": token})
            costs[name] = measure(ask, times, child.pid, wired.redis)
            print(name, costs[name], file=sys.stderr, flush=True)
    return first_name_ms, costs


def _token(page: str) -> str:
    return page.rpartition('name="csrf_token" value="')[2].partition('"')[0]


def main() -> None:
    """Measure, and print it."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=500)
    parser.add_argument(
        "--calls", type=int, default=2_000, help="today's, of a campaign that is over"
    )
    parser.add_argument("--times", type=int, default=20)
    told = parser.parse_args()
    began = begin(__doc__ or "")
    first_name_ms, costs = run(told.contacts, told.campaigns, told.calls, told.times)
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
            setting=f"{told.contacts:,} contacts, {told.campaigns} campaigns, {told.calls:,} calls, each page {told.times} "
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
