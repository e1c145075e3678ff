"""Our client, its reading of calls and the simulator's books come to the same conclusions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from zoneinfo import ZoneInfo

import httpx
import pytest

from campaigns.attempt import Outcome
from dialer.clock import boottime_s
from dialer.errors import PlacementUnknown, ProviderError
from dialer.exotel import ConnectRequest, Exotel
from dialer.simulator import Fate, Fault, SimulatorOptions, Trouble, running
from dialer.simulator.faults import ALWAYS_PLACED, NEVER_PLACED
from tests.contract.simulator_kit import FAST
from tests.patience import until

REQUEST = ConnectRequest(
    agent="+919000000001",
    customer="+919876543201",
    caller_id="+918000004890",
    time_limit_s=600,
    time_out_s=30,
)
FAULTS = [
    *(Fault(trouble) for trouble in Trouble if trouble not in ALWAYS_PLACED),
    *(Fault(trouble, placed=True) for trouble in Trouble if trouble not in NEVER_PLACED),
]


@contextmanager
def account(
    options: SimulatorOptions, *, deadline_s: float = 240
) -> Iterator[tuple[Exotel, httpx.Client]]:
    with running(options) as url, httpx.Client(base_url=url, verify=False) as judge:
        exotel = Exotel(
            account_sid="demo",
            api_key="demo-key",
            api_token="demo-token",
            base_url=url,
            details_base_url=url,
            timezone=ZoneInfo("Asia/Kolkata"),
            clock_s=boottime_s,
            deadline_s=deadline_s,
        )
        with exotel:
            yield exotel, judge


FAULTY = replace(FAST, rate_limit=10_000, hang_s=0.05, drip_interval_s=1, stall_s=(0.1, 0.1))


@pytest.fixture(scope="module")
def patient():
    with account(FAULTY) as both:
        yield both


@pytest.fixture(scope="module")
def hurried():
    """An account that waits for no answer longer than this: a drip's last byte comes later."""
    with account(FAULTY, deadline_s=3) as both:
        yield both


@pytest.mark.parametrize("fate", Fate)
def test_our_reading_of_the_details_is_what_truly_happened(fate):
    with account(replace(FAST, outcomes={fate: 1})) as (exotel, judge):
        sid = exotel.connect(REQUEST).sid
        until(lambda: exotel.call_details(sid).is_over)
        report = exotel.call_details(sid)
        (truth,) = judge.get("/_simulator/ledger").json()["calls"]

    assert report.talk_s == truth["talk_s"]
    assert report.total_s == truth["total_s"]
    assert [report.agent_leg.status, report.customer_leg.status] == (
        [leg["status"] for leg in truth["legs"]]
    )
    assert Outcome(truth["outcome"]) is fate.outcome


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_what_we_think_was_placed_is_what_was(patient, hurried, fault):
    exotel, judge = hurried if fault.trouble is Trouble.DRIP else patient
    judge.post("/_simulator/reset")
    order = {"fault": str(fault)}
    assert judge.post("/_simulator/faults", json={"connect": [order]}).status_code == 204

    error: ProviderError | None = None
    try:
        exotel.connect(REQUEST)
    except ProviderError as raised:
        error = raised

    (truth,) = judge.get("/_simulator/ledger").json()["connects"]
    believed = "placed" if error is None else "unknown"
    if error is not None and not isinstance(error, PlacementUnknown):
        believed = "not placed"
    if truth["refused"]:
        assert believed == "not placed"
    elif fault.trouble in ALWAYS_PLACED:
        assert believed == "placed"
    elif fault.trouble is not Trouble.KNOWN_SID:  # only the store can tell that this Sid is taken
        assert believed == "unknown"
