"""Callbacks come as asked for, in the documented shapes, and again when nobody took them."""

from dataclasses import replace

import pytest

from dialer.simulator import CallbackTrouble, Fate, SimulatorOptions, running
from tests.contract.simulator_kit import (
    AGENT,
    CONNECT,
    FAST,
    FORM,
    SAMPLES,
    client_of,
    events,
    receiving,
    sample,
)
from tests.patience import until

CALM = replace(FAST, speed=100, ring_s=(5, 6), talk_s=(10, 12))
"""Slow enough that one callback does not overtake another by chance."""


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def dial(receiver):
    """Place a call under these options; the simulator runs until the test ends."""
    opened = []

    def place(options: SimulatorOptions = CALM, **parameters: str):
        simulator = running(options)
        client = client_of(simulator.__enter__())
        opened.extend((simulator, client))
        http = client.__enter__()
        response = http.post(CONNECT, data=FORM | parameters)
        assert response.status_code == 200, response.text
        return http, response.json()["Call"]["Sid"]

    yield place
    for each in reversed(opened):
        each.__exit__(None, None, None)


def with_trouble(*troubles: CallbackTrouble, **changes) -> SimulatorOptions:
    return replace(CALM, callback_faults=dict.fromkeys(troubles, 1.0), **changes)


def verdict(client):
    return client.get("/_simulator/verdict").json()


def test_a_connected_call_tells_two_answers_and_the_end(receiver, dial):
    _, sid = dial(**events(f"{receiver.url}/cb/1"))

    first, second, last = (callback.json for callback in receiver.wait_for(3))

    assert [first["EventType"], second["EventType"], last["EventType"]] == (
        ["answered", "answered", "terminal"]
    )
    assert [leg["Status"] for leg in first["Legs"]] == ["in-progress", None]
    assert [leg["Status"] for leg in second["Legs"]] == ["in-progress", "in-progress"]
    assert {first["CallSid"], second["CallSid"], last["CallSid"]} == {sid}


def test_the_end_of_a_call_looks_like_the_documented_one(receiver, dial):
    dial(**(events(f"{receiver.url}/cb/1") | {"StatusCallbackEvents[1]": ""}))

    (terminal,) = (callback.json for callback in receiver.wait_for(1))

    documented = sample("callback_terminal_completed.documented.json")
    assert terminal.keys() == documented.keys()
    assert [leg.keys() for leg in terminal["Legs"]] == [leg.keys() for leg in documented["Legs"]]
    assert [leg["AnsweredBy"] for leg in terminal["Legs"]] == ["NA", "HUMAN"]
    assert (terminal["From"], terminal["To"]) == ("09000000001", "09876543201")
    assert terminal["CustomField"] == "attempt-1"


def test_a_busy_agent_looks_like_the_reconstructed_sample(receiver, dial):
    options = replace(CALM, outcomes={Fate.AGENT_BUSY: 1})
    dial(options, **events(f"{receiver.url}/cb/1"))

    (terminal,) = (callback.json for callback in receiver.wait_for(1))

    documented = sample("callback_terminal_leg1_busy.reconstructed.json")
    assert terminal.keys() == documented.keys()
    assert terminal["Legs"] == documented["Legs"]
    assert terminal["Status"] == documented["Status"]
    assert terminal["RecordingUrl"] is None


def test_forms_flatten_the_legs_and_leave_nulls_empty(receiver, dial):
    dial(**events(f"{receiver.url}/cb/1", as_json=False))

    first, _, last = receiver.wait_for(3)

    assert last.content_type.startswith("multipart/form-data")
    assert _names("callback_answered_leg1.reconstructed.form.txt") <= first.fields.keys()
    assert _names("callback_terminal_completed.reconstructed.form.txt") <= last.fields.keys()
    assert first.fields["EndTime"] == ""
    assert first.fields["Legs[1][Status]"] == ""
    assert last.fields["Legs[1][Status]"] == "completed"


def _names(name: str) -> set[str]:
    return {line.partition("=")[0] for line in (SAMPLES / name).read_text().split()} & {
        "CallSid",
        "EventType",
        "DateCreated",
        "Status",
        "EndTime",
        "RecordingUrl",
        "Legs[0][OnCallDuration]",
        "Legs[0][Status]",
        "Legs[1][OnCallDuration]",
        "Legs[1][Status]",
    }


def test_who_asks_for_no_events_gets_four_fields_at_the_end(receiver, dial):
    dial(StatusCallback=f"{receiver.url}/cb/1", StatusCallbackContentType="application/json")

    (short,) = (callback.json for callback in receiver.wait_for(1))

    assert short.keys() == sample("callback_default_4fields.documented.json").keys()
    assert short["Status"] == "completed"


def test_a_callback_without_2xx_is_repeated_twice_and_redirects_do_not_count(receiver, dial):
    receiver.statuses = [500, 302, 503]
    client, _ = dial(StatusCallback=f"{receiver.url}/cb/1")

    receiver.wait_for(3)

    until(lambda: verdict(client)["callbacks_sent"] == 3)
    assert verdict(client)["callbacks_acknowledged"] == 0


def test_an_acknowledged_callback_is_not_repeated(receiver, dial):
    receiver.statuses = [500]
    client, _ = dial(StatusCallback=f"{receiver.url}/cb/1")

    receiver.wait_for(2)

    until(lambda: verdict(client)["callbacks_acknowledged"] == 1)
    assert len(receiver.received) == 2


def test_a_receiver_that_is_away_is_noted(dial):
    client, sid = dial(StatusCallback="http://127.0.0.1:9/cb/1")

    until(lambda: verdict(client)["callbacks_sent"] == 3)

    callbacks = client.get("/_simulator/ledger").json()["callbacks"]
    assert {(callback["sid"], callback["status"]) for callback in callbacks} == {(sid, None)}


def test_a_lost_callback_never_comes(receiver, dial):
    client, _ = dial(with_trouble(CallbackTrouble.LOST), **events(f"{receiver.url}/cb/1"))

    until(lambda: verdict(client)["callbacks_lost"] == 3)

    assert receiver.received == []


def test_a_duplicated_callback_comes_several_times(receiver, dial):
    dial(with_trouble(CallbackTrouble.DUPLICATED), StatusCallback=f"{receiver.url}/cb/1")

    copies = receiver.wait_for(3)

    assert len({copy.fields["CallSid"] for copy in copies}) == 1


def test_reordered_callbacks_tell_the_end_first(receiver, dial):
    dial(with_trouble(CallbackTrouble.REORDERED), **events(f"{receiver.url}/cb/1"))

    told = [callback.json["EventType"] for callback in receiver.wait_for(3)]

    assert told == ["terminal", "answered", "answered"]


def test_a_minimal_callback_has_four_fields_whatever_was_asked_for(receiver, dial):
    dial(with_trouble(CallbackTrouble.MINIMAL), **events(f"{receiver.url}/cb/1"))

    assert {len(callback.json) for callback in receiver.wait_for(3)} == {4}


def test_a_forged_callback_names_a_call_that_does_not_exist(receiver, dial):
    options = with_trouble(CallbackTrouble.FORGED)
    _, sid = dial(options, StatusCallback=f"{receiver.url}/cb/1")

    sids = {callback.fields["CallSid"] for callback in receiver.wait_for(2)}

    assert len(sids) == 2
    assert sid in sids


@pytest.mark.parametrize("as_json", [True, False])
def test_a_malformed_callback_breaks_off(receiver, dial, as_json):
    options = with_trouble(CallbackTrouble.MALFORMED)
    dial(options, **events(f"{receiver.url}/cb/1", as_json=as_json))

    bodies = [callback.body for callback in receiver.wait_for(3)]

    assert not any(body.rstrip().endswith((b"}", b"--")) for body in bodies)


def test_a_contradicting_callback_tells_of_a_talk_that_never_was(receiver, dial):
    options = with_trouble(CallbackTrouble.CONTRADICTING, outcomes={Fate.CUSTOMER_NO_ANSWER: 1})
    client, sid = dial(options, **events(f"{receiver.url}/cb/1"))

    told = receiver.wait_for(2)[-1].json

    known = client.get(f"/v1/Accounts/demo/Calls/{sid}.json", params={"details": "true"}).json()
    assert told["ConversationDuration"] == 42
    assert known["Call"]["Details"]["ConversationDuration"] == 0


def test_a_late_callback_comes_after_its_delay(receiver, dial):
    options = with_trouble(CallbackTrouble.LATE, callback_late_s=(0.5, 0.5))
    client, _ = dial(options, StatusCallback=f"{receiver.url}/cb/1")

    until(lambda: verdict(client)["callbacks_sent"] == 1)

    ledger = client.get("/_simulator/ledger").json()
    waited_s = ledger["callbacks"][0]["sent_at_s"] - ledger["calls"][0]["ended_at_s"]
    assert waited_s > 0.49  # the loop's timers count whole milliseconds


def test_trouble_can_be_ordered_for_one_numbers_next_callback(receiver, dial):
    client, _ = dial(StatusCallback=f"{receiver.url}/cb/1")
    receiver.wait_for(1)
    order = {"callback": [{"trouble": "lost", "number": AGENT}]}
    assert client.post("/_simulator/faults", json=order).status_code == 204

    client.post(CONNECT, data=FORM | {"StatusCallback": f"{receiver.url}/cb/2"})
    until(lambda: verdict(client)["callbacks_lost"] == 1)
    client.post(CONNECT, data=FORM | {"StatusCallback": f"{receiver.url}/cb/3"})

    assert [callback.path for callback in receiver.wait_for(2)] == ["/cb/1", "/cb/3"]
