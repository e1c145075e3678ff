"""P: whatever the provider answers, or does not, nobody is rung twice and nothing is lost."""

import pytest

from campaigns.attempt import AttemptState
from tests.chaos.fault_proxy import FaultProxy
from tests.conservation import check_conservation


def only(station, campaign):
    (attempt,) = station.attempts(campaign)
    return attempt


def never_twice(station):
    verdict = station.provider.verdict()
    assert verdict["attempts_posted_twice"] == []
    assert verdict["overlapping_calls"] == []
    check_conservation(station.db)


def test_p1_a_refused_number_is_closed_uncharged_and_many_of_them_pause_the_campaign(station):
    campaign = station.load(14)
    station.provider.order(connect=[{"fault": "400", "times": 12}])

    for _ in range(3):
        station.dial_all()

    assert (station.state(campaign), station.counts(campaign).outcomes) == (
        "paused",
        {"refused": 10},
    )
    assert station.counts(campaign).charged == 0
    assert "10 of the last 50" in station.campaign(campaign).why


@pytest.mark.parametrize("fault", ["401", "404", "403-kyc", "301", "307"])
def test_p2_p4_p12_a_refused_account_stops_everything_but_one_probe_a_minute(station, fault):
    campaign = station.load(3)
    released = station.release()
    station.provider.order(connect=[{"fault": fault, "times": 2}])

    station.dial(released[0])
    for one in released[1:]:
        station.dial(one)
    assert station.provider.verdict()["connects"] == 1
    for _ in range(59):
        station.dial_all()
        station.pass_time(1)
    assert station.provider.verdict()["connects"] == 1

    assert station.finish(campaign, turn_s=61).outcomes == {"connected": 3}
    assert station.counts(campaign).charged == 3
    never_twice(station)


def test_p3_an_empty_balance_stops_everything_until_an_operator_resumes(station):
    campaign = station.load()
    station.provider.order(connect=[{"fault": "402"}])
    station.dial_all()

    station.pass_time(3600)
    station.dial_all()

    assert station.provider.verdict()["connects"] == 1
    assert station.counts(campaign).charged == 0


def test_p4_a_number_on_the_do_not_disturb_list_is_closed_and_the_others_go_on(station):
    campaign = station.load(2)
    station.provider.order(connect=[{"fault": "403-ndnc", "number": "+919876543201"}])

    assert station.finish(campaign).outcomes == {"dnd": 1, "connected": 1}
    never_twice(station)


@pytest.mark.parametrize(
    ("retry_after", "waits_s"),
    [("7", 7), ("0", 1), ("-5", 1), ("1000000000", 300), ("soon", 60), (None, 60)],
    ids=["seconds", "zero", "negative", "huge", "garbage", "P6 none"],
)
def test_p5_p6_a_429_closes_the_gate_for_all_and_charges_nobody(station, retry_after, waits_s):
    campaign = station.load(2)
    released = station.release()
    station.provider.order(connect=[{"fault": "429", "retry_after": retry_after}])
    station.dial(released[0])

    blocked_s = station.wiring.pacing.rate().blocked_for_s

    assert blocked_s == pytest.approx(waits_s, abs=0.5)
    assert station.counts(campaign).charged == 0
    station.dial(released[1]) if waits_s > 5 else None
    assert station.provider.verdict()["connects"] == 1
    assert station.finish(campaign).outcomes == {"connected": 2}
    never_twice(station)


@pytest.mark.parametrize(
    "fault",
    [
        *(f"{status}{placed}" for status in ("500", "502", "503-plain", "504", "408", "409")
          for placed in ("", "+placed")),
    ],
)  # fmt: skip
def test_p7_a_status_that_leaves_it_open_is_unknown_and_never_sent_again(station, fault):
    campaign = station.load()
    station.provider.order(connect=[{"fault": fault}])

    station.dial_all()

    attempt = only(station, campaign)
    assert attempt.state is AttemptState.UNKNOWN
    assert station.release() == ()
    assert station.finish(campaign).outcomes == {"connected": 1}
    assert station.provider.verdict()["calls"] == 1
    never_twice(station)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("503", "turned_away"), ("409-1012", "agent_failed"), ("409-10706", "agent_busy")],
)
def test_p7_two_explicit_refusals_are_not_placed_and_not_charged(station, fault, outcome):
    campaign = station.load()
    station.provider.order(connect=[{"fault": fault}])

    station.dial_all()

    assert (str(only(station, campaign).outcome), station.counts(campaign).charged) == (outcome, 0)
    never_twice(station)


def test_p7_when_most_answers_are_unknown_the_gate_closes_for_a_while(station):
    station.load(20)
    station.provider.order(connect=[{"fault": "500", "times": 20}])

    for released in station.release():
        station.dial(released)
    for released in station.release():
        station.dial(released)

    assert station.wiring.pacing.rate().blocked_for_s > 0


def test_p8_a_refused_connection_is_not_sent_not_charged_and_tried_again(station):
    campaign = station.load()
    host, port = station.provider.url.removeprefix("http://").split(":")
    with FaultProxy((host, int(port))) as proxy:
        proxy.faults.refuse = True
        station.restart(exotel_base_url="http://127.0.0.1:9", exotel_details_base_url=proxy.url)
        station.dial_all()

        attempt = only(station, campaign)
        assert (str(attempt.outcome), attempt.error_code) == ("turned_away", "connect_error")
        assert station.counts(campaign).charged == 0
        assert station.wiring.pacing.rate().blocked_for_s > 0

    station.restart()
    assert station.finish(campaign).outcomes == {"connected": 1}


@pytest.mark.parametrize(
    "fault",
    [f"{kind}{placed}" for kind in ("hang", "close", "reset", "cut") for placed in ("", "+placed")],
)
def test_p9_a_request_without_its_answer_is_unknown_and_never_sent_again(station, fault):
    campaign = station.load()
    station.provider.order(connect=[{"fault": fault}])

    station.dial_all()

    assert only(station, campaign).state is AttemptState.UNKNOWN
    assert station.finish(campaign).outcomes == {"connected": 1}
    assert station.provider.verdict()["calls"] == 1
    never_twice(station)


@pytest.mark.parametrize(
    "fault", ["html", "bad-json", "empty", "no-sid", "known-sid", "huge", "gzip-bomb", "drip"]
)
def test_p10_p11_p12_an_answer_nobody_can_read_is_unknown_and_its_call_is_found(station, fault):
    campaign = station.load(2)
    first, second = station.release()
    station.dial(first)
    station.provider.order(connect=[{"fault": f"{fault}+placed"}])

    station.dial(second)

    assert station.attempts(campaign)[1].state is AttemptState.UNKNOWN
    assert station.finish(campaign).outcomes == {"connected": 2}
    assert station.provider.verdict()["calls"] == 2
    never_twice(station)


@pytest.mark.parametrize(
    "url", ["https://{host}", "https://no-such-host.invalid"], ids=["TLS", "DNS"]
)
def test_p13_a_host_that_cannot_be_spoken_to_is_not_sent_anything(station, url):
    campaign = station.load()
    host = station.provider.url.removeprefix("http://")
    station.restart(exotel_base_url=url.format(host=host))

    station.dial_all()

    attempt = only(station, campaign)
    assert (str(attempt.outcome), attempt.error_code) == ("turned_away", "connect_error")
    assert station.counts(campaign).charged == 0
    station.restart()
    assert station.finish(campaign).outcomes == {"connected": 1}
