"""POST connect is as strict as the documentation, and answers in its shapes."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dialer.simulator import running
from dialer.simulator.parameters import InvalidParameter, read_connect, unknown_names
from tests.contract.simulator_kit import (
    CONNECT,
    CUSTOMER,
    FAST,
    FORM,
    SAMPLES,
    client_of,
    events,
    sample,
)

WRONG = [
    ("From", ""),
    ("From", "12345"),
    ("To", "not a number"),
    ("CallerId", ""),
    ("CallType", "promo"),
    ("TimeLimit", "14401"),
    ("TimeLimit", "ten"),
    ("TimeOut", "0"),
    ("TimeOut", "61"),
    ("MaxRetries", "-1"),
    ("WaitUrl", "wait.wav"),
    ("Record", "yes"),
    ("RecordingChannels", "stereo"),
    ("RecordingFormat", "wav"),
    ("StreamUrl", "https://stream.invalid"),
    ("StreamBegin", "now"),
    ("CustomField", "x" * 129),
    ("StartPlaybackToNew", "Nobody"),
    ("StartPlaybackValue", "ftp://audio.invalid/hello.wav"),
    ("StatusCallback", "/callbacks"),
    ("StatusCallback", "http://[broken"),
    ("StatusCallbackContentType", "text/xml"),
    ("Url", "http://my.exotel.invalid/flow"),
]
RIGHT = [
    ("TimeLimit", "14400"),
    ("TimeOut", "60"),
    ("WaitUrl", "https://audio.invalid/wait.wav?v=2"),
    ("RecordingChannels", "dual"),
    ("RecordingFormat", "mp3-hq"),
    ("StreamUrl", "wss://stream.invalid/live"),
    ("StreamBegin", "at Leg2Connect"),
    ("CustomField", "x" * 128),
    ("StartPlaybackTo", "Both"),
    ("StartPlaybackValueNew", "https://audio.invalid/hello.wav"),
    ("StatusCallbackContentType", "multipart/form-data"),
]


@pytest.fixture(scope="module")
def client():
    options = replace(FAST, speed=1, rate_limit=10_000, dnd_numbers=frozenset({"+919876543299"}))
    with running(options) as url, client_of(url) as client:
        yield client


def connect(client: httpx.Client, path: str = CONNECT, **changes: str) -> httpx.Response:
    return client.post(path, data=FORM | changes)


def last_row(client: httpx.Client, section: str) -> dict[str, Any]:
    return client.get("/_simulator/ledger", params={"section": section}).json()[section][-1]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_with_the_parameters_name(name, value):
    with pytest.raises(InvalidParameter, match=f"'{name}'"):
        read_connect((FORM | {name: value}).items())


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_a_documented_value_is_accepted(name, value):
    read_connect((FORM | {name: value}).items())


@pytest.mark.parametrize(
    "fields",
    [
        [("StatusCallbackEvents[0]", "terminal"), ("StatusCallbackEvents[1]", "answered")],
        [("StatusCallbackEvents[]", "terminal"), ("StatusCallbackEvents[]", "answered")],
    ],
)
def test_events_are_understood_in_both_proven_spellings(fields):
    request = read_connect([*FORM.items(), *fields])

    assert request.events == {"terminal", "answered"}


def test_a_bare_events_key_is_ignored_and_reported():
    fields = [*FORM.items(), ("StatusCallbackEvents", "terminal"), ("Colour", "green")]

    assert read_connect(fields).events == frozenset()
    assert unknown_names(fields) == ["Colour", "StatusCallbackEvents"]


def test_an_unknown_event_is_refused():
    with pytest.raises(InvalidParameter, match="StatusCallbackEvents"):
        read_connect([*FORM.items(), ("StatusCallbackEvents[0]", "ringing")])


def test_a_refused_parameter_is_answered_like_the_documented_400(client):
    response = connect(client, To="12")

    assert response.status_code == 400
    assert response.json() == sample("error_400.documented.json")


def test_an_answer_without_details_has_the_documented_fields(client):
    call = connect(client).json()["Call"]

    documented = sample("connect_200_v1docs.json")["Call"]
    assert call.keys() == documented.keys()
    assert (call["From"], call["To"]) == ("09000000001", "09876543201")
    assert call["Status"] == documented["Status"]


def test_an_answer_with_details_has_the_documented_fields(client):
    call = client.post(CONNECT, params={"details": "true"}, data=FORM).json()["Call"]

    documented = sample("connect_200_v3docs.json")["Call"]
    assert call.keys() == documented.keys()
    assert call["Details"] == documented["Details"]


def test_no_suffix_means_xml(client):
    response = connect(client, "/v1/Accounts/demo/Calls/connect")

    document = ET.fromstring(response.text)
    documented = ET.parse(SAMPLES / "connect_200.reconstructed.xml").getroot()
    assert response.headers["Content-Type"].startswith("application/xml")
    assert document.tag == documented.tag
    assert {leaf.tag for leaf in document[0]} == {leaf.tag for leaf in documented[0]}


def test_a_json_body_is_no_form(client):
    response = client.post(CONNECT, json=FORM)

    assert response.status_code == 400
    assert "'From'" in response.text


def test_wrong_credentials_get_401_and_place_nothing(client):
    response = client.post(CONNECT, data=FORM, auth=("demo-key", "guess"))

    assert response.status_code == 401
    assert response.json()["RestException"].keys() == (
        sample("error_401_code20003.documented.json")["RestException"].keys()
    )
    assert last_row(client, "connects")["call_placed"] is False


def test_another_account_is_not_found(client):
    response = connect(client, "/v1/Accounts/other/Calls/connect.json")

    assert response.status_code == 404


@pytest.mark.parametrize("role", ["From", "To"])
def test_a_number_on_the_do_not_disturb_list_is_refused_in_either_role(client, role):
    response = connect(client, **{role: "09876543299"})

    message = response.json()["RestException"]
    assert response.status_code == 403
    assert message.keys() == sample("error_403_ndnc.recorded.json")["RestException"].keys()
    assert "[09876543299]" in message["Message"]
    assert "NDNC" in message["Message"]


def test_a_caller_id_that_is_not_ours_is_refused():
    options = replace(FAST, caller_ids=frozenset({"08000004890"}))
    with running(options) as url, client_of(url) as client:
        ours, other = connect(client), connect(client, CallerId="08000004891")

    assert (ours.status_code, other.status_code) == (200, 400)
    assert "'CallerId'" in other.text


def test_a_body_above_64_kb_is_refused(client):
    response = connect(client, WaitUrl="https://audio.invalid/" + "x" * 70_000)

    assert response.status_code == 413


def test_the_ledger_tells_what_came_and_what_was_answered(client):
    sid = connect(client, Colour="green").json()["Call"]["Sid"]

    row = last_row(client, "connects")

    assert row["sid"] == sid
    assert (row["status"], row["call_placed"]) == (200, True)
    assert row["parameters"]["CustomField"] == "attempt-1"
    assert row["unknown_parameters"] == ["Colour"]


def test_a_reset_forgets_everything(client):
    connect(client, **events("http://127.0.0.1:9/cb/1"))

    client.post("/_simulator/reset")

    verdict = client.get("/_simulator/verdict").json()
    assert (verdict["requests"], verdict["calls"], verdict["peak_in_window"]) == (0, 0, 0)


def test_the_judges_requests_are_not_counted(client):
    client.post("/_simulator/reset")

    client.get("/_simulator/ledger")
    client.get("/_simulator/verdict")

    assert client.get("/_simulator/verdict").json()["requests"] == 0


def test_overlapping_calls_are_seen(client):
    client.post("/_simulator/reset")
    slow = {"From": "+919000000002", "To": CUSTOMER}

    connect(client)
    connect(client, **slow)

    overlaps = client.get("/_simulator/verdict").json()["overlapping_calls"]
    assert [overlap["number"] for overlap in overlaps] == [CUSTOMER[-10:]]
