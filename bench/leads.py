"""How soon a lead is called while a campaign of 100,000 runs: from its request to the agent's phone.

The embedded server, the simulator and every process of ours; the agents of the campaign are on calls
most of the time, and those of the leads are free, so that the pace has room. A lead is sent by HTTP; its agent's phone
rings when the simulator has its request. The simulator's ledger is read every 20 ms, so a figure may be that much
too high, never too low.
"""

import json
import tempfile
import time
from pathlib import Path

import httpx

from bench import ground, ours
from bench.chart import Bar
from bench.forms import agent_number, customer_number
from bench.ground import BIN
from bench.result import Plot, Result, Table, arguments, begin, publish
from dialer.clock import boottime_s
from dialer.embedded import embedded
from dialer.ports import free_port

NOT_SHOWN = """
An agent in a call, or a pace that is used up: then a lead waits for these. Whoever sends a thousand leads in a
request has them judged first, some 30 ms."""

_KEY = "a-key-for-benchmarks-of-32-letters"
_FIRST_LEAD = 5_000_000


def _rung(simulator: str) -> set[str]:
    """Read who was asked for, as the ledger has it."""
    books = json.loads(ground.ask(f"{simulator}/_simulator/ledger?section=calls"))
    return {one["customer"] for one in books["calls"]}


def one_lead(web: str, simulator: str, campaign: str, nth: int) -> tuple[float, float]:
    """Send a lead; gives the seconds to the answer, and to its agent's phone."""
    agent, customer = (f(_FIRST_LEAD + nth) for f in (agent_number, customer_number))
    lead = {"agent": agent, "customer": customer, "external_id": f"lead-{nth}", "priority": 5}
    sent_at = boottime_s()
    answer = httpx.post(
        f"{web}/api/v1/campaigns/{campaign}/leads",
        json=lead,
        headers={"Authorization": f"Bearer {_KEY}"},
        timeout=30,
    )
    answered_s = boottime_s() - sent_at
    if answer.status_code != 201:
        raise RuntimeError(f"a lead was answered with {answer.status_code}: {answer.text}")
    ending = customer[-10:]
    ground.until(
        lambda: any(one.endswith(ending) for one in _rung(simulator)), within_s=60, every_s=0.02
    )
    return answered_s, boottime_s() - sent_at


def measure(contacts: int, agents: int, leads: int) -> tuple[list[float], list[float]]:
    """Run everything, and send leads one after the other; gives both times of each, s."""
    port, simulator_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        simulator = f"http://127.0.0.1:{simulator_port}"
        more = {
            "PORT": str(port),
            "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DIALER_API_KEY": _KEY,
        }
        redis_url = embedded.ensure_running(folder).url
        env = ours.environment(redis_url, simulator, folder, more)
        command = [
            *(str(BIN / "dialer"), "simulator", "--port", str(simulator_port)),
            *("--account-sid", "demo", "--api-key", "demo-key", "--api-token", "demo-token"),
            *("--talk", "60-180"),
        ]
        with (
            ground.process(command, env=env, folder=folder, log=folder / "simulator.log"),
            ours.running(env, ["web", "feeder", "results", "worker"], folder),
        ):
            ground.until(lambda: ground.listens(port), within_s=60)
            ground.until(lambda: ground.listens(simulator_port), within_s=60)
            wired = ours.wiring(env)
            campaign = ours.load(wired, contacts, agents=agents)
            ours.start(wired, campaign)
            ground.until(lambda: len(_rung(simulator)) >= agents, within_s=120, every_s=0.5)
            both = []
            for nth in range(leads):
                both.append(one_lead(f"http://127.0.0.1:{port}", simulator, campaign.id, nth))
                time.sleep(0.5)
            wired.redis.shutdown(nosave=True)
    return [answered for answered, _ in both], [rung for _, rung in both]


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--leads", type=int, default=100)
    args = parser.parse_args()
    run = begin(__doc__)
    answered, rung = measure(args.contacts, args.agents, args.leads)
    found = {"request → answer": answered, "request → the agent's phone": rung}
    rows = tuple(
        (what, *(f"{ground.quantile(times, q):.3f} s" for q in (0.5, 0.95, 1)), str(len(times)))
        for what, times in found.items()
    )
    bars = tuple(
        Bar(what, ground.quantile(times, 0.95), rows[at][2], is_ours=True)
        for at, (what, times) in enumerate(found.items())
    )
    result = Result(
        title="How soon a lead is called",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.contacts:,} contacts of {args.agents} agents, 200 requests a minute.",
        values={
            "p95_s": ground.quantile(rung, 0.95),
            "answer_p95_s": ground.quantile(answered, 0.95),
        },
        tables=(Table(("", "median", "p95", "longest", "leads"), rows),),
        plots=(Plot("Seconds, p95", bars),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
