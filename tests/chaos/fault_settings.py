"""What a siege goes on in: quick quarantines, an impatient campaign, and a provider at its worst."""

from collections.abc import Mapping

from campaigns.agents.agent import Agent
from campaigns.campaign_rules import CampaignRules
from dialer.simulator import CallbackTrouble, SimulatorOptions
from tests.acceptance.rig import CALLER_ID, IMPATIENT

WINDOW_S, LIMIT = 30, 1200  # a dial every 25 ms: about what one machine can fork
LIFTED_LIMIT = 100_000  # so many that contacts pass the gate together
HTTP_DEADLINE_S = 2
SETTINGS = {
    "EXOTEL_RATE_LIMIT": str(LIMIT),
    "EXOTEL_RATE_WINDOW_S": str(WINDOW_S),
    "DIALER_HTTP_DEADLINE_S": str(HTTP_DEADLINE_S),
    "DIALER_QUARANTINE_SLACK_S": "1",
    "DIALER_TIME_LIMIT_S": "1",
    "DIALER_TIME_OUT_S": "1",
    **IMPATIENT,
}
RULES = CampaignRules(
    caller_id=CALLER_ID,
    hours="always",
    time_limit_s=1,
    time_out_s=1,
    wrap_up_s=0,
    park_after=0,
    max_attempts=6,
    retry=("customer_busy=1x1", "customer_no_answer=1x1", "agent_no_answer=1x2", "agent_busy=1x2"),
)
PROVIDER = SimulatorOptions(
    rate_limit=LIMIT,
    rate_window_s=WINDOW_S,
    speed=3,  # two rings and a word: a call takes a second
    ring_s=(1, 1),
    talk_s=(1, 1),
    latency_ms=(2, 40),
    values_late_s=3,
    hang_s=10,
    drip_interval_s=0.2,
    callback_retry_delays_s=(0.5, 2.0),
    callback_late_s=(0.2, 4.0),
)
PROVIDER_FAULTS = {
    "connect": {
        "500": 0.01,
        "500+placed": 0.02,
        "502+placed": 0.01,
        "503-plain+placed": 0.01,
        "504+placed": 0.02,
        "503": 0.01,
        "409-10706": 0.01,
        "hang+placed": 0.005,
        "close": 0.005,
        "close+placed": 0.01,
        "reset": 0.01,
        "reset+placed": 0.02,
        "cut+placed": 0.01,
        "bad-json+placed": 0.01,
        "empty+placed": 0.005,
        "no-sid+placed": 0.005,
        "known-sid+placed": 0.005,
        "gzip-bomb+placed": 0.002,
        "callback-first": 0.03,
    },
    "read": {"500": 0.05, "reset": 0.03, "bad-json": 0.03},
    "callback": {
        CallbackTrouble.LOST: 0.15,
        CallbackTrouble.LATE: 0.15,
        CallbackTrouble.DUPLICATED: 0.2,
        CallbackTrouble.REORDERED: 0.1,
        CallbackTrouble.MINIMAL: 0.05,
        CallbackTrouble.FORGED: 0.05,
        CallbackTrouble.MALFORMED: 0.03,
    },
}
NO_FAULTS: Mapping[str, Mapping[str, float]] = {"connect": {}, "read": {}, "callback": {}}


def list_of(contacts: int) -> str:
    """Make a list of pairs, groups and agents with stand-ins, who are the same people.

    Two contacts in three have an agent to share; every third is for the group instead, every fifth of the
    others has stand-ins.
    """
    agents = [_agent(n * 2 // 3) for n in range(contacts)]
    rows = [
        f",{GROUP},," if n % 3 == 2 else f"{agents[n]},,{_agent(n + 7) if n % 5 == 0 else ''},"
        for n in range(contacts)
    ]
    listed = [f"{row}+9190000{n:05}" for n, row in enumerate(rows)]
    return "\n".join(["agent,agent_group,backup,customer", *listed]) + "\n"


def agents_of(contacts: int) -> list[Agent]:
    """Give the agents of such a list; every fourth belongs to the group."""
    everybody = {_agent(n) for n in range(contacts + 7)}
    return [
        Agent(one, groups=(GROUP,) if at % 4 == 0 else ())
        for at, one in enumerate(sorted(everybody))
    ]


GROUP = "Sales"


def _agent(n: int) -> str:
    return f"+9198765{n:05}"
