"""Every fault does what its name says, and the call exists only where it says so."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.ports import free_port
from dialer.simulator import Fault, Trouble, running
from dialer.simulator.faults import ALWAYS_PLACED, NEVER_PLACED, FaultPlan
from tests.contract.simulator_kit import (
    AGENT,
    CONNECT,
    CUSTOMER,
    FAST,
    FORM,
    client_of,
    events,
    receiving,
    sample,
)
from tests.patience import until

REPOSITORY = Path(__file__).parents[2]
STATUS_ONLY = [
    trouble for trouble in Trouble if trouble[:3].isdecimal() and trouble not in NEVER_PLACED
]


@pytest.fixture(scope="module")
def client():
    options = replace(
        FAST, rate_limit=10_000, hang_s=0.05, drip_interval_s=0.001, stall_s=(0.2, 0.2)
    )
    with running(options) as url, client_of(url) as client:
        yield client


@pytest.fixture(autouse=True)
def _afresh(client):
    client.post("/_simulator/reset")


def order(client: httpx.Client, fault: str, **parts: object) -> None:
    response = client.post("/_simulator/faults", json={"connect": [{"fault": fault, **parts}]})
    assert response.status_code == 204, response.text


def connect(client: httpx.Client, **changes: str) -> httpx.Response:
    return client.post(CONNECT, data=FORM | changes)


def calls(client: httpx.Client) -> int:
    return client.get("/_simulator/verdict").json()["calls"]


def connects(client: httpx.Client) -> list[dict]:
    return client.get("/_simulator/ledger").json()["connects"]


@pytest.mark.parametrize("trouble", sorted(NEVER_PLACED))
def test_a_plain_no_places_nothing_and_is_marked_as_refused(client, trouble):
    order(client, trouble)

    response = connect(client)

    assert response.status_code == int(trouble[:3])
    assert calls(client) == 0
    assert connects(client)[0]["refused"]


@pytest.mark.parametrize("trouble", STATUS_ONLY)
@pytest.mark.parametrize("placed", [False, True])
def test_a_status_that_leaves_things_open_comes_with_and_without_a_call(client, trouble, placed):
    order(client, f"{trouble}+placed" if placed else trouble)

    response = connect(client)

    assert response.status_code == int(trouble[:3])
    assert "RestException" not in response.text
    assert calls(client) == placed
    assert not connects(client)[0]["refused"]


def test_the_refusals_look_like_the_recorded_ones(client):
    order(client, "403-kyc")
    order(client, "503")

    kyc, unavailable = connect(client), connect(client)

    assert kyc.json() == sample("error_403_kyc.recorded.json")
    assert unavailable.json() == sample("error_503_35008.recorded.json")


def test_the_429_may_carry_any_retry_after(client):
    order(client, "429", retry_after="Wed, 21 Oct 2026 07:28:00 GMT")

    assert connect(client).headers["Retry-After"] == "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble.RESET, httpx.ReadError),
        (Trouble.CLOSE, httpx.RemoteProtocolError),
        (Trouble.HANG, httpx.RemoteProtocolError),
        (Trouble.CUT, httpx.RemoteProtocolError),
    ],
)
@pytest.mark.parametrize("placed", [False, True])
def test_a_broken_connection_tells_nothing_of_the_call(client, trouble, error, placed):
    order(client, f"{trouble}+placed" if placed else trouble)

    with pytest.raises(error):
        connect(client)

    assert calls(client) == placed
    assert not connects(client)[0]["refused"]


def test_a_hanging_request_survives_an_impatient_client(client):
    with running(replace(FAST, hang_s=60)) as url, client_of(url) as impatient:
        order(impatient, "hang+placed")

        with pytest.raises(httpx.ReadTimeout):
            impatient.post(CONNECT, data=FORM, timeout=0.2)

        assert calls(impatient) == 1
        assert connects(impatient)[0]["status"] is None


@pytest.mark.parametrize("trouble", ["html", "bad-json", "empty", "no-sid"])
def test_a_useless_200_has_no_sid_though_the_call_exists(client, trouble):
    order(client, f"{trouble}+placed")

    response = connect(client)

    sid = connects(client)[0]["sid"]
    assert response.status_code == 200
    assert "json" in response.headers["Content-Type"] or trouble == "html"
    assert calls(client) == 1
    assert trouble == "bad-json" or sid not in response.text


def test_a_known_sid_is_one_that_was_given_out_before(client):
    first = connect(client).json()["Call"]["Sid"]
    order(client, "known-sid+placed")

    second = connect(client, To="+919876543202").json()["Call"]["Sid"]

    assert second == first
    assert len({row["sid"] for row in connects(client)}) == 2


def test_a_drip_comes_byte_by_byte_and_is_true_in_the_end(client):
    order(client, "drip+placed")

    with client.stream("POST", CONNECT, data=FORM) as response:
        pieces = list(response.iter_raw(chunk_size=None))

    assert len(pieces) > 20
    assert connects(client)[0]["sid"] in b"".join(pieces).decode()


def test_a_huge_answer_has_ten_megabytes(client):
    order(client, "huge+placed")

    assert len(connect(client).content) == 10_000_000


def test_a_gzip_bomb_is_small_on_the_wire(client):
    order(client, "gzip-bomb")

    with client.stream("POST", CONNECT, data=FORM) as response:
        packed = b"".join(response.iter_raw())

    assert response.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 200_000


def test_a_stalled_answer_is_late_and_true(client):
    order(client, "stall+placed")

    response = connect(client)

    assert response.elapsed.total_seconds() >= 0.2
    assert response.json()["Call"]["Sid"] == connects(client)[0]["sid"]


def test_a_callback_may_overtake_the_answer(client):
    with receiving() as receiver:
        order(client, "callback-first")

        sid = connect(client, **events(f"{receiver.url}/cb/1")).json()["Call"]["Sid"]

        assert receiver.received[0].json["CallSid"] == sid


def test_an_order_for_a_number_waits_for_that_number(client):
    order(client, "500", number="09876543202", times=2)

    statuses = [
        connect(client, To=number).status_code
        for number in (CUSTOMER, "+919876543202", CUSTOMER, "+919876543202", "+919876543202")
    ]

    assert statuses == [200, 500, 200, 500, 200]


def test_a_refused_form_does_not_use_up_an_order(client):
    order(client, "500")

    statuses = [connect(client, To="12").status_code, connect(client).status_code]

    assert statuses == [400, 500]


def test_reads_meet_faults_of_their_own(client):
    order = {"read": [{"fault": "504"}, {"fault": "reset"}]}
    client.post("/_simulator/faults", json=order)

    assert client.get("/v1/Accounts/demo/Calls.json").status_code == 504
    with pytest.raises(httpx.ReadError):
        client.get("/v1/Accounts/demo/Calls.json")
    assert client.get("/v1/Accounts/demo/Calls.json").status_code == 200


def test_odds_may_change_while_it_runs(client):
    client.post("/_simulator/faults", json={"odds": {"connect": {"500": 1.0}}})
    broken = connect(client).status_code

    client.post("/_simulator/faults", json={"odds": {"connect": {}}})

    assert (broken, connect(client).status_code) == (500, 200)


def test_a_script_may_be_given_while_it_runs(client):
    client.post("/_simulator/faults", json={"scripts": {AGENT: ["agent_busy", "connected"]}})
    for _ in range(2):
        connect(client)

    outcomes = [call["outcome"] for call in client.get("/_simulator/ledger").json()["calls"]]

    assert outcomes == ["agent_busy", "connected"]


@pytest.mark.parametrize(
    "order",
    [
        {"connect": [{"fault": "429+placed"}]},
        {"connect": [{"fault": "nonsense"}]},
        {"callback": [{"trouble": "sad"}]},
        {"scripts": {AGENT: []}},
        {"colour": "green"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(client, order):
    assert client.post("/_simulator/faults", json=order).status_code == 400


@given(trouble=st.sampled_from(Trouble), placed=st.booleans())
def test_a_fault_reads_back_as_it_is_written(trouble, placed):
    placed = trouble in ALWAYS_PLACED or (placed and trouble not in NEVER_PLACED)
    fault = Fault(trouble, placed)

    assert Fault.parse(str(fault)) == fault


@given(seed=st.integers(), turns=st.permutations(["a", "a", "a", "b", "b", "c"]))
def test_chance_depends_on_the_pair_and_not_on_the_order(seed, turns):
    def faults_of(order: list[str]) -> dict[str, list[Fault | None]]:
        odds = {Fault(Trouble.SERVER_ERROR): 0.3, Fault(Trouble.RESET, placed=True): 0.3}
        plan = FaultPlan(seed=seed, connect=odds, read={}, callback={})
        met: dict[str, list[Fault | None]] = {"a": [], "b": [], "c": []}
        for agent in order:
            met[agent].append(plan.connect_fault(agent, CUSTOMER))
        return met

    assert faults_of(turns) == faults_of(sorted(turns))


def test_the_server_ends_cleanly_while_a_request_hangs():
    port = free_port()
    script = (
        "from dialer.simulator import *; "
        f"serve(SimulatorOptions(faults={{Fault(Trouble.HANG): 1.0}}), port={port})"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY)
    try:
        with client_of(f"http://127.0.0.1:{port}") as client:
            until(lambda: _answers(client))
            with pytest.raises(httpx.ReadTimeout):
                client.post(CONNECT, data=FORM, timeout=0.5)

        os.kill(process.pid, signal.SIGTERM)

        assert process.wait(timeout=240) == 0
    finally:
        process.kill()
        process.wait()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/_simulator/verdict").is_success
    except httpx.ConnectError:
        return False
