"""C: callbacks come twice, late, forged, about nobody, or never."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from campaigns.attempt import AttemptState
from dialer.simulator import Fate
from tests.chaos.dialer_under_test import FAST, RULES, stationed
from tests.chaos.processes_under_test import ProviderProcess
from tests.conservation import check_conservation
from workers.results import settle_all


def body_of(call, *, sid=None, customer_status="completed", talk_s=30):
    """The callback of a call's end, as JSON."""
    legs = [
        {"OnCallDuration": 40, "Status": "completed", "AnsweredBy": "NA"},
        {"OnCallDuration": talk_s, "Status": customer_status, "AnsweredBy": "HUMAN"},
    ]
    return {
        "CallSid": sid or call["sid"],
        "EventType": "terminal",
        "From": call["agent"],
        "To": call["customer"],
        "Status": "completed",
        "ConversationDuration": talk_s,
        "EndTime": "2026-11-23 10:00:00",
        "Legs": legs,
    }


def tell(station, attempt_id, body, *, times=1):
    """Let the receiver store a callback, and the results process settle it."""
    facts = station.wiring.callback_inbox
    for _ in range(times):
        facts.append(
            attempt_id=str(attempt_id),
            content_type="application/json",
            body=json.dumps(body).encode(),
        )
    settle(station)


def settle(station):
    facts = station.wiring.callback_inbox
    facts.ensure_group()
    while found := facts.read("results-1", most=200, wait_s=0.001):
        settle_all(station.wiring, found)


@pytest.fixture
def one_call(station):
    """A campaign of one contact whose call was placed: the campaign, the attempt's id, the call."""
    campaign = station.load()
    station.dial_all()
    (attempt,) = station.open_attempts(campaign)
    (call,) = station.provider.ledger("calls")
    return campaign, attempt.id, call


def test_c1_a_thousand_copies_count_once(station, one_call):
    campaign, id_, call = one_call

    tell(station, id_, body_of(call), times=1000)

    counts = station.counts(campaign)
    assert (counts.outcomes, counts.attempt_outcomes) == ({"connected": 1}, {"connected": 1})
    check_conservation(station.db)


def test_c1_copies_that_are_settled_at_the_same_time_count_once(station, one_call):
    campaign, id_, call = one_call
    facts = station.wiring.callback_inbox
    facts.ensure_group()
    for _ in range(40):
        facts.append(
            attempt_id=str(id_),
            content_type="application/json",
            body=json.dumps(body_of(call)).encode(),
        )
    batches = [facts.read(f"results-{n}", most=5, wait_s=0.001) for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda batch: settle_all(station.wiring, batch), batches))

    assert station.counts(campaign).attempt_outcomes == {"connected": 1}
    assert facts.waiting() == 0
    check_conservation(station.db)


def test_c3_a_callback_before_the_response_counts_once_the_response_agrees(station):
    campaign = station.load()
    (released,) = station.release()
    station.killed_at("answered", lambda: station.dial(released))
    (attempt,) = station.open_attempts(campaign)
    (call,) = station.provider.ledger("calls")

    tell(station, attempt.id, body_of(call))
    station.let_calls_end()
    station.pass_time(10)
    station.sweep()

    (settled,) = station.attempts(campaign)
    assert (settled.sid, str(settled.outcome)) == (call["sid"], "connected")


def test_c4_c10_calls_nobody_reported_are_all_settled_by_asking(station):
    campaign = station.load(45)

    counts = station.finish(campaign)

    assert counts.outcomes == {"connected": 45}
    verdict = station.provider.verdict()
    assert verdict["callbacks_acknowledged"] == 0
    assert verdict["reads"] <= 12  # twenty to a request, and their final values
    sids = {one.sid for one in station.attempts(campaign)}
    assert sids == {call["sid"] for call in station.provider.ledger("calls")}


def test_c5_a_genuine_path_about_nobody_is_kept_for_the_operator(station, one_call):
    campaign, id_, call = one_call
    stranger = str(id_)[:-10] + "0" * 10

    tell(station, stranger, body_of(call))

    (orphan,) = station.client.xrange(station.db.key("orphans"))
    assert orphan[1][b"attempt"].decode() == stranger
    assert station.attempts(campaign)[0].state is AttemptState.PLACED


@pytest.mark.parametrize("order", ["forged first", "forged last"])
def test_c8_a_call_that_does_not_exist_is_not_taken_for_ours_although_its_path_is_genuine(
    station, order
):
    """The worker died before it heard the Sid: only callbacks name one, and one of them lies."""
    campaign = station.load()
    (released,) = station.release()
    station.killed_at("answered", lambda: station.dial(released))
    (attempt,) = station.open_attempts(campaign)
    (call,) = station.provider.ledger("calls")
    told = [body_of(call, sid="f" * 32, customer_status="busy", talk_s=0), body_of(call)]

    for body in told if order == "forged first" else reversed(told):
        tell(station, attempt.id, body)

    assert station.finish(campaign).outcomes == {"connected": 1}
    (settled,) = station.attempts(campaign)
    assert settled.sid == call["sid"]


def test_c8_a_forged_end_does_not_free_two_phones_that_are_in_a_call(station):
    campaign = station.load(2, same_agent=True)
    station.provider.order(scripts={"+919876543201": [Fate.CONNECTED]})
    (released,) = station.release()
    station.killed_at("answered", lambda: station.dial(released))
    (attempt,) = station.open_attempts(campaign)
    (call,) = station.provider.ledger("calls")

    tell(station, attempt.id, body_of(call, sid="f" * 32))

    assert station.release() == ()


def test_c9_a_replay_days_later_changes_nothing(station, one_call):
    campaign, id_, call = one_call
    tell(station, id_, body_of(call))
    before = station.attempts(campaign)
    station.pass_time(5 * 86_400)

    tell(station, id_, body_of(call, customer_status="busy", talk_s=0))

    after = station.attempts(campaign)
    assert [(one.outcome, one.sid) for one in after] == [(one.outcome, one.sid) for one in before]
    assert station.state(campaign) == "completed"


def test_c6_a_body_nobody_can_read_is_set_aside_and_its_call_is_asked_about(station, one_call):
    campaign, id_, _ = one_call
    facts = station.wiring.callback_inbox
    for body in (
        b"--b\r\nContent-Disposition: form-da",
        b'{"CallSid": ' + b"[" * 100_000,
        b"\0\r\n",
    ):
        facts.append(attempt_id=str(id_), content_type="multipart/form-data; boundary=b", body=body)

    settle(station)

    assert station.client.xlen(station.db.key("orphans")) == 3
    assert station.finish(campaign).outcomes == {"connected": 1}


@pytest.fixture(scope="module")
def slow_provider():
    """Run a simulator whose calls last some four seconds."""
    with ProviderProcess(replace(FAST, speed=5, talk_s=(20, 20))) as provider:
        yield provider


def answer_of(call):
    """The callback of the customer's answer, as JSON."""
    up = {"OnCallDuration": 0, "Status": "in-progress", "AnsweredBy": "NA"}
    return body_of(call) | {"EventType": "answered", "Status": "in-progress", "Legs": [up, up]}


@pytest.mark.parametrize(
    ("answered", "customer_status", "talk_s"),
    [
        (False, "completed", 30),  # longer than the call has lasted
        (False, "no-answer", 0),  # before the phone could ring out
        (True, "busy", 0),  # who answered was not busy
        (True, "completed", 30),
    ],
)
def test_c8_a_forged_end_with_the_right_sid_rings_no_phone_that_talks(
    redis_client, tmp_path, slow_provider, answered, customer_status, talk_s
):
    with stationed(redis_client, tmp_path, slow_provider, dialer_call_speed=1.0) as station:
        rules = RULES.model_copy(update={"wrap_up_s": 0})
        campaign = station.load(2, same_agent=True, rules=rules)
        station.dial_all()
        (first,) = [one for one in station.open_attempts(campaign) if one.attempt.sid]
        (call,) = slow_provider.ledger("calls")
        if answered:
            tell(station, first.id, answer_of(call))

        for _ in range(3):
            body = body_of(call, customer_status=customer_status, talk_s=talk_s)
            tell(station, first.id, body)
            station.sweep()
            station.dial_all()
            station.pass_time(1.5)

        assert slow_provider.verdict()["calls_live"] == 1
        assert station.finish(campaign).outcomes == {"connected": 2}
        assert not slow_provider.verdict()["overlapping_calls"]
        check_conservation(station.db)
