"""An end that only a callback tells of is doubted where it cannot be, and believed where it can."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import Attempt, CallReport, LegReport, Outcome
from campaigns.doubt import SOON_S, Doubts
from campaigns.settlement import Told, settled, told
from tests.factories import answered, attempt, details, terminal

LIVE = attempt()
AT_S = LIVE.requested_at
REAL = Doubts(call_speed=1.0, soon_s=SOON_S)


def after(reports: list[CallReport], *, at: float, doubts: Doubts = REAL) -> Attempt:
    now = LIVE
    for report in reports:
        told_of = told(now, report, at=at, doubts=doubts)
        assert isinstance(told_of, Told)
        now = told_of.attempt
    return now


@given(
    talk_s=st.integers(1, 600),
    ring_s=st.integers(0, 100),
    late_s=st.floats(0, 300),
    speed=st.sampled_from([1.0, 25.0, 200.0]),
)
def test_a_genuine_end_is_believed_however_late_and_however_fast_its_callback(
    talk_s, ring_s, late_s, speed
):
    at_s = AT_S + (8 + ring_s + talk_s) / speed + late_s
    end = terminal("s1", talk_s=talk_s, ended_at_s=at_s - late_s)

    assert after([end], at=at_s, doubts=replace(REAL, call_speed=speed)).is_settled


@given(talk_s=st.integers(10, 600), too_short_s=st.floats(4, 9))
def test_an_end_whose_durations_are_longer_than_the_call_has_lasted_waits(talk_s, too_short_s):
    end = terminal("s1", talk_s=talk_s, ended_at_s=AT_S)

    now = after([end], at=AT_S + talk_s + 8 - too_short_s)

    assert (now.outcome, now.told_outcome) == (None, Outcome.CONNECTED)


@pytest.mark.parametrize(
    "figure",
    [
        {"talk_s": 40},
        {"total_s": 40},
        {"agent_leg": LegReport("completed", on_call_s=40)},
        {"customer_leg": LegReport("completed", on_call_s=40)},
    ],
)
def test_one_figure_that_is_longer_than_the_call_has_lasted_is_enough_to_wait(figure):
    bare = LegReport("completed")
    end = terminal("s1", **{"talk_s": None, "agent_leg": bare, "customer_leg": bare, **figure})

    assert not after([end], at=AT_S + 30).is_settled


def test_stamps_that_are_cut_to_a_second_are_no_doubt_where_many_seconds_of_a_call_pass_in_one():
    """Three seconds at 25 times the speed, of which the two stamps show two."""
    reports = [answered("s1", 2, at_s=AT_S + 60), terminal("s1", talk_s=75, ended_at_s=AT_S + 62)]

    assert after(reports, at=AT_S + 63, doubts=replace(REAL, call_speed=25.0)).is_settled


def test_a_talk_that_is_longer_than_since_the_answer_waits():
    reports = [answered("s1", 2, at_s=AT_S + 60), terminal("s1", ended_at_s=AT_S + 70)]

    assert not after(reports, at=AT_S + 70).is_settled


def test_an_end_before_the_answer_waits():
    reports = [answered("s1", 2, at_s=AT_S + 60), terminal("s1", talk_s=5, ended_at_s=AT_S + 20)]

    assert not after(reports, at=AT_S + 90).is_settled


@pytest.mark.parametrize("customer_status", ["busy", "no-answer", "failed", "canceled", None])
def test_a_customer_who_answered_and_is_told_never_to_have_waits(customer_status):
    end = terminal("s1", customer_status=customer_status, talk_s=0, ended_at_s=AT_S + 90)

    now = after([answered("s1", 2, at_s=AT_S + 20), end], at=AT_S + 90, doubts=Doubts())

    assert not now.is_settled


@pytest.mark.parametrize("agent_status", ["busy", "no-answer", "failed"])
def test_an_agent_who_answered_and_is_told_never_to_have_waits(agent_status):
    end = terminal("s1", agent_status=agent_status, customer_status=None, talk_s=0)

    now = after([answered("s1", 1, at_s=AT_S + 20), end], at=AT_S + 90, doubts=Doubts())

    assert not now.is_settled


@given(customer_status=st.sampled_from(["busy", "no-answer", "failed", "canceled", None]))
def test_an_agent_who_answered_alone_takes_nothing_back(customer_status):
    end = terminal("s1", customer_status=customer_status, talk_s=0, ended_at_s=AT_S + 90)

    assert after([answered("s1", 1, at_s=AT_S + 20), end], at=AT_S + 90).is_settled


def test_repeating_a_doubted_end_does_not_make_it_true_and_its_figures_count_for_nothing():
    forged = terminal("s1", talk_s=500, ended_at_s=AT_S)
    held = after([forged], at=AT_S + 5)

    again = told(held, forged, at=AT_S + 700, doubts=REAL)

    assert again == Told(held, news=False)
    assert held.talk_s is None


def test_the_providers_own_word_ends_the_doubt_whatever_was_told():
    reports = [terminal("s1", talk_s=500, ended_at_s=AT_S), details("s1")]

    now = after(reports, at=AT_S + 5)

    assert (now.outcome, now.source, now.talk_s) == (Outcome.CONNECTED, "details", 30)


def test_once_no_call_can_be_live_an_end_is_believed():
    reports = [answered("s1", 2, at_s=AT_S), terminal("s1", customer_status="busy", talk_s=0)]

    assert after(reports, at=LIVE.quarantine_ends_at).is_settled


def ended(outcome: Outcome, *, after_s: float) -> Attempt:
    return settled(LIVE, outcome, source="callback", at=AT_S + after_s)


@pytest.mark.parametrize("outcome", [Outcome.AGENT_NO_ANSWER, Outcome.CUSTOMER_NO_ANSWER])
@pytest.mark.parametrize(("after_s", "is_doubted"), [(8, True), (30, False)])
def test_nobody_has_not_answered_before_the_phone_could_ring_out(outcome, after_s, is_doubted):
    end = ended(outcome, after_s=after_s)

    found = REAL.of_outcome(end, time_out_s=30, redial_s=60, at=AT_S + after_s)

    assert found is is_doubted


@pytest.mark.parametrize(("redial_s", "is_doubted"), [(0, True), (4.9, True), (5, False)])
def test_an_end_right_before_a_redial_waits(redial_s, is_doubted):
    end = ended(Outcome.CUSTOMER_BUSY, after_s=20)

    assert REAL.of_outcome(end, time_out_s=30, redial_s=redial_s, at=AT_S + 20) is is_doubted


@pytest.mark.parametrize(("redial_s", "is_doubted"), [(0.1, True), (1, False)])
def test_how_soon_a_redial_is_counts_in_seconds_of_a_call(redial_s, is_doubted):
    end = ended(Outcome.CUSTOMER_BUSY, after_s=20)
    fast = replace(REAL, call_speed=25.0)

    assert fast.of_outcome(end, time_out_s=30, redial_s=redial_s, at=AT_S + 20) is is_doubted


@pytest.mark.parametrize("figure", ["agent_s", "talk_s", "total_s"])
@pytest.mark.parametrize(("after_s", "is_doubted"), [(30, True), (38, False)])
def test_an_end_told_before_the_response_waits_where_a_figure_is_longer_than_the_call_has_lasted(
    figure, after_s, is_doubted
):
    """But for what the provider rounds up, and clocks that differ."""
    end = ended(Outcome.CONNECTED, after_s=after_s)._replace(**{figure: 40})

    found = REAL.of_outcome(end, time_out_s=30, redial_s=None, at=AT_S + after_s)

    assert found is is_doubted


def test_all_ends_wait_where_that_is_wished_but_for_those_without_a_call():
    every = replace(REAL, all_ends=True)
    end = ended(Outcome.CONNECTED, after_s=90)

    assert every.of_outcome(end, time_out_s=30, redial_s=None, at=AT_S + 90)
    assert not every.of_outcome(end._replace(sid=None), time_out_s=30, redial_s=None, at=AT_S + 90)


def test_legs_that_are_not_told_of_take_nothing_back():
    end = terminal("s1", talk_s=5, ended_at_s=AT_S + 90)._replace(agent_leg=None)
    end = end._replace(customer_leg=LegReport("completed", on_call_s=5))

    assert after([answered("s1", 2, at_s=AT_S + 80), end], at=AT_S + 95).is_settled
