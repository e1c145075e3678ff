"""How soon work goes on after kills. Promises with a time in them want the machine to themselves."""

import json
import time

import pytest

from dialer.simulator import CallbackTrouble, Fault, SimulatorOptions, Trouble, running
from tests.acceptance.rig import IMPATIENT, agrees_with_provider, dialer, get, pairs
from tests.patience import until

SHORT = {
    "EXOTEL_RATE_LIMIT": "100",
    "EXOTEL_RATE_WINDOW_S": "5",
    "DIALER_HTTP_DEADLINE_S": "5",
    "DIALER_QUARANTINE_SLACK_S": "0",
    "DIALER_TIME_LIMIT_S": "1",
    "DIALER_TIME_OUT_S": "1",
    **IMPATIENT,
}
RETRIED = ("customer_busy", "customer_no_answer", "customer_failed", "agent_left", "agent_busy",
           "agent_no_answer", "agent_failed", "customer_not_dialled", "provider_failed")  # fmt: skip
QUICK = ("--max-attempts", "6", *(f"--retry={outcome}=1x1" for outcome in RETRIED))
PROVIDER = SimulatorOptions(
    rate_limit=100,
    rate_window_s=5,
    speed=3,  # a call takes a second
    ring_s=(1, 1),
    talk_s=(1, 1),
    latency_ms=(50, 300),
    values_late_s=3,
    callback_faults={CallbackTrouble.LOST: 0.2, CallbackTrouble.DUPLICATED: 0.2},
    callback_retry_delays_s=(0.5, 1.0),
    faults={Fault(Trouble.RESET, placed=True): 0.02, Fault(Trouble.GATEWAY_TIMEOUT): 0.02},
)


@pytest.mark.timeout(600)
def test_a_worker_killed_every_two_seconds_finishes_its_campaign_all_the_same(tmp_path):
    roles = ("web", "feeder", "results", "worker", "worker:2")

    with running(PROVIDER) as url, dialer(tmp_path, url, roles=roles, **SHORT) as rig:
        rig.load(pairs(180, agents=120), "--start", *QUICK)
        starts = {"worker": 1, "worker:2": 1}
        deadline_s = time.monotonic() + 240
        while rig.seen()["state"] != "completed":
            assert time.monotonic() < deadline_s, json.dumps(rig.status(), indent=1)
            name = min(starts, key=starts.__getitem__)
            # on a crowded machine a start alone can take as long as what lies between two kills
            up = lambda name=name: rig.log(name).count("ready for action") >= starts[name]
            until(up, within_s=30, what=f"start {starts[name]} of {name}")
            time.sleep(2)  # the promise is about this rhythm
            rig.kill(name)
            rig.start(name)
            starts[name] += 1

        assert sum(starts.values()) >= 12  # ten kills at least
        assert rig.status()["final"] == 180
        agrees_with_provider(rig)


@pytest.mark.timeout(600)
def test_a_killed_host_dials_again_within_thirty_seconds(tmp_path):
    roles = ("feeder", "results", "worker")

    with running(PROVIDER) as url, dialer(tmp_path, url, roles=("web", *roles), **SHORT) as rig:
        rig.load(pairs(400, agents=200), "--start", *QUICK)
        connects = lambda: rig.verdict()["connects"]
        until(lambda: connects() > 30, within_s=60, what="the first calls")
        for name in roles:
            rig.kill(name)
        before, killed_s = connects(), time.monotonic()

        rig.start(*roles)
        until(lambda: connects() > before + 10, within_s=30, what="dialling")

        assert time.monotonic() - killed_s < 30
        assert rig.verdict()["attempts_posted_twice"] == []
        assert rig.verdict()["overlapping_calls"] == []


def test_the_contacts_of_a_killed_worker_are_dialled_within_fifteen_seconds(tmp_path):
    with running(PROVIDER) as url, dialer(tmp_path, url, **SHORT) as rig:
        connects = lambda: rig.verdict()["connects"]
        rig.load(pairs(60, agents=60), "--start", *QUICK)
        until(lambda: connects() > 5, within_s=60, what="the first calls")
        rig.kill("worker")  # with what it had taken from the queue
        killed_s = time.monotonic()

        rig.start("worker")
        customers = lambda: {
            one["parameters"]["To"]
            for one in get(f"{url}/_simulator/ledger?section=connects").json()["connects"]
            if "To" in one["parameters"]  # where the kill did not cut the request off
        }
        until(lambda: len(customers()) >= 58, within_s=25, what="everybody's first call")

        # two may be in quarantine: their requests were on the way when the worker died
        assert time.monotonic() - killed_s < 15
