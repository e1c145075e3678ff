"""Calls are read back as the provider shows them: late values, missing live calls, three shapes."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from dialer.simulator import Fate, running
from dialer.simulator.clock import IST
from tests.contract.simulator_kit import CONNECT, FAST, FORM, client_of, sample
from tests.patience import until

CALLS = "/v1/Accounts/demo/Calls"
V3 = "/v3/accounts/demo/calls"
BY_NUMBER = {
    "+919876543202": (Fate.CUSTOMER_NO_ANSWER,),
    "+919876543203": (Fate.AGENT_NO_ANSWER,),
    "+919876543204": (Fate.PROVIDER_FAILED,),
}


@pytest.fixture(scope="module")
def client():
    options = replace(FAST, rate_limit=10_000, scripted=BY_NUMBER)
    with running(options) as url, client_of(url) as client:
        yield client


@pytest.fixture
def slow():
    """Calls in real time: they outlive the test."""
    with running(replace(FAST, speed=1)) as url, client_of(url) as client:
        yield client


@pytest.fixture
def unsettled():
    """Calls end at once, their values come much later."""
    with running(replace(FAST, values_late_s=1_000_000)) as url, client_of(url) as client:
        yield client


def place(client: httpx.Client, **changes: str) -> str:
    return client.post(CONNECT, data=FORM | changes).json()["Call"]["Sid"]


def is_over(client: httpx.Client, sid: str) -> bool:
    call = read(client, sid)
    return call["Status"] not in {"ringing", "in-progress"}


def read(client: httpx.Client, sid: str, **query: str) -> dict[str, Any]:
    return client.get(f"{CALLS}/{sid}.json", params=query).json()["Call"]


def ended(client: httpx.Client, **changes: str) -> str:
    sid = place(client, **changes)
    until(lambda: is_over(client, sid))
    return sid


def listed(client: httpx.Client, **query: str) -> list[str]:
    return [row["Sid"] for row in client.get(f"{CALLS}.json", params=query).json()["Calls"]]


def test_an_ended_call_has_the_documented_fields_with_details(client):
    call = read(client, ended(client), details="true")

    documented = sample("call_details_v1_details_true.documented.json")["Call"]
    assert call.keys() == documented.keys()
    assert call["Details"].keys() == documented["Details"].keys()
    assert [leg.keys() for leg in call["Details"]["Legs"]] == [{"Leg"}, {"Leg"}]
    assert isinstance(call["Duration"], str)
    assert isinstance(call["Price"], str)


def test_without_details_duration_and_price_are_numbers(client):
    call = read(client, ended(client))

    documented = sample("call_details_v1_numeric.documented.json")["Call"]
    assert call.keys() == documented.keys() - {"PreSignedRecordingUrl"}
    assert isinstance(call["Duration"], int)
    assert isinstance(call["Price"], float)


def test_a_ringing_call_says_so(slow):
    call = read(slow, place(slow), details="true")

    assert call["Status"] == "ringing"
    assert call["EndTime"] is None
    assert call["Details"]["Leg2Status"] == "queued"


def test_values_come_later_than_the_end(unsettled):
    call = read(unsettled, ended(unsettled))

    assert call["Status"] == "completed"
    assert (call["EndTime"], call["Duration"], call["Price"]) == (None, None, None)


def test_a_customer_who_did_not_answer_shows_in_the_legs(client):
    details = read(client, ended(client, To="+919876543202"), details="true")["Details"]

    assert (details["Leg1Status"], details["Leg2Status"]) == ("completed", "no-answer")
    assert details["ConversationDuration"] == 0


def test_a_leg_that_was_never_tried_is_null(client):
    details = read(client, ended(client, To="+919876543203"), details="true")["Details"]

    assert (details["Leg1Status"], details["Leg2Status"]) == ("no-answer", None)


def test_an_unknown_call_is_not_found_in_the_style_of_its_api(client):
    v1, v3 = client.get(f"{CALLS}/unknown.json"), client.get(f"{V3}/unknown")

    assert (v1.status_code, v3.status_code) == (404, 404)
    assert "RestException" in v1.json()
    assert v3.json()["response"]["error"]["code"] == 404


def test_a_single_call_without_suffix_is_xml(client):
    sid = ended(client)

    document = ET.fromstring(client.get(f"{CALLS}/{sid}", params={"details": "true"}).text)

    assert document.findtext("Call/Sid") == sid
    assert [leg.findtext("Id") for leg in document.findall("Call/Details/Legs/Leg/Leg")] == (
        ["1", "2"]
    )


def test_the_list_has_the_documented_shape(client):
    ended(client)

    answer = client.get(f"{CALLS}.json", params={"PageSize": "1"}).json()

    documented = sample("calls_bulk_v1.documented.json")
    assert answer.keys() == documented.keys()
    assert answer["Metadata"].keys() == documented["Metadata"].keys()
    assert documented["Calls"][0].keys() <= answer["Calls"][0].keys()
    assert "CustomField" not in answer["Calls"][0]


def test_the_list_omits_calls_that_go_on(slow):
    sid = place(slow)

    assert listed(slow) == []
    assert listed(slow, Sid=sid) == []


def test_the_list_finds_calls_by_sid_newest_first(client):
    first, _, third = (ended(client) for _ in range(3))

    assert listed(client, Sid=f"{first},unknown,{third}") == [third, first]


def test_the_list_finds_calls_by_either_number_in_any_spelling(client):
    sid = ended(client, From="+919000000777", To="+919876543777")

    assert listed(client, To="09876543777") == [sid]
    assert listed(client, From="+919000000777", PhoneNumber="08000004890") == [sid]
    assert listed(client, From="+919876543777") == []


def test_the_list_filters_by_the_time_of_creation(client):
    sid = ended(client, To="+919876543888")
    this_minute = datetime.now(IST)

    def around(minutes: int) -> str:
        bounds = (this_minute + timedelta(minutes=minutes + step) for step in (-1, 1))
        earliest, latest = (f"{bound:%Y-%m-%d %H:%M:%S}" for bound in bounds)
        return f"gte:{earliest};lte:{latest}"

    assert listed(client, To="+919876543888", DateCreated=around(0)) == [sid]
    assert listed(client, To="+919876543888", DateCreated=around(-10)) == []


def test_pages_lead_through_the_whole_list_once(client):
    placed = [ended(client, To="+919876543999") for _ in range(5)]
    query = {"To": "+919876543999", "PageSize": "2"}
    pages = [client.get(f"{CALLS}.json", params=query).json()]

    while following := pages[-1]["Metadata"]["NextPageUri"]:
        pages.append(client.get(following).json())

    rows = [row["Sid"] for page in pages for row in page["Calls"]]
    assert rows == placed[::-1]
    assert [page["Metadata"]["Total"] for page in pages] == [5, 5, 5]
    back = client.get(pages[-1]["Metadata"]["PrevPageUri"]).json()
    assert back["Calls"] == pages[1]["Calls"]


@pytest.mark.parametrize(
    "query",
    [
        {"PageSize": "101"},
        {"Sid": ",".join(map(str, range(101)))},
        {"To": ",".join(["+919876543201"] * 6)},
        {"DateCreated": "yesterday"},
        {"DateCreated": "gte:2024-01-01 00:00:00;lte:2024-03-01 00:00:00"},
        {"After": "nothing"},
    ],
)
def test_a_query_beyond_the_documented_limits_is_refused(client, query):
    response = client.get(f"{CALLS}.json", params=query)

    assert response.status_code == 400
    assert f"'{next(iter(query))}'" in response.text


def test_v3_shows_a_call_that_goes_on_as_active(slow):
    answer = slow.get(f"{V3}/{place(slow)}").json()

    documented = sample("call_details_v3_active.documented.json")
    details = answer["response"]["call_details"]
    assert answer.keys() == documented.keys()
    assert documented["response"]["call_details"].keys() <= details.keys()
    assert (details["state"], details["status"]) == ("active", None)
    assert details["end_time"] == "1970-01-01 05:30:00+05:30"


def test_v3_stays_active_until_the_values_are_there(unsettled):
    details = unsettled.get(f"{V3}/{ended(unsettled)}").json()["response"]["call_details"]

    assert details["state"] == "active"


def test_v3_returns_the_custom_field_of_an_ended_call(client):
    details = client.get(f"{V3}/{ended(client)}").json()["response"]["call_details"]

    documented = sample("call_details_v3_completed.documented.json")["response"]["call_details"]
    assert details.keys() == documented.keys()
    assert details["custom_field"] == "attempt-1"
    assert details["status"] == "completed"


def test_a_recording_exists_only_when_both_talked(client):
    talked, alone = ended(client), ended(client, To="+919876543202")

    recording_url = read(client, talked)["RecordingUrl"]

    assert client.get(recording_url).content.startswith(b"ID3")
    assert read(client, alone)["RecordingUrl"] is None
    assert httpx.get(recording_url).status_code == 401


def test_the_ledger_knows_the_true_outcome_of_every_call(client):
    client.post("/_simulator/reset")
    ended(client)
    ended(client, To="+919876543202")
    ended(client, To="+919876543203")
    ended(client, To="+919876543204")

    calls = client.get("/_simulator/ledger").json()["calls"]

    outcomes = [call["outcome"] for call in calls]
    assert outcomes == ["connected", "customer_no_answer", "agent_no_answer", "provider_failed"]
    assert all(call["live"][0] < call["live"][1] for call in calls)
