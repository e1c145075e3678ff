"""A call's course follows its fate and the caller's limits, and is the same in every run."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import Outcome
from dialer.simulator.clock import SimulatorClock
from dialer.simulator.exchange import Exchange
from dialer.simulator.fates import Fate, Ringing, chart
from dialer.simulator.options import DEFAULT_OUTCOMES, SimulatorOptions
from dialer.simulator.parameters import read_connect
from tests.contract.simulator_kit import AGENT, CUSTOMER, FORM

RINGINGS = st.builds(
    Ringing,
    time_out_s=st.integers(1, 60),
    time_limit_s=st.integers(1, 14_400),
    max_retries=st.integers(0, 3),
    ring_s=st.just((3, 20)),
    talk_s=st.just((10, 180)),
)
RINGING = Ringing(time_out_s=30, time_limit_s=600, max_retries=0, ring_s=(3, 20), talk_s=(10, 180))


def exchange(**options) -> Exchange:
    return Exchange(SimulatorOptions(**options), SimulatorClock(speed=1))


def fates(exchange: Exchange, *, count: int, **changes: str) -> list[Fate]:
    request = read_connect((FORM | changes).items())
    return [exchange.place(request, host_url="").course.fate for _ in range(count)]


@given(fate=st.sampled_from(Fate), ringing=RINGINGS, seed=st.integers())
def test_no_course_breaks_the_callers_limits(fate, ringing, seed):
    course = chart(fate, ringing, Random(seed))

    rings = max(1, course.agent_rings)
    assert course.talk_s <= ringing.time_limit_s
    assert course.agent_rings <= 1 + ringing.max_retries
    assert course.ends_s >= 1
    assert course.ends_s - course.talk_s <= ringing.time_out_s * (rings + 1) + 4


@given(fate=st.sampled_from(Fate), ringing=RINGINGS, seed=st.integers())
def test_the_legs_tell_the_outcome_even_where_the_status_does_not(fate, ringing, seed):
    course = chart(fate, ringing, Random(seed))

    assert _outcome_of(course.agent_status, course.customer_status) == fate.outcome
    assert (course.talk_s > 0) == (fate.outcome is Outcome.CONNECTED)


def _outcome_of(agent: str | None, customer: str | None) -> Outcome:
    return {
        (None, None): Outcome.PROVIDER_FAILED,
        ("no-answer", None): Outcome.AGENT_NO_ANSWER,
        ("busy", None): Outcome.AGENT_BUSY,
        ("failed", None): Outcome.AGENT_FAILED,
        ("completed", None): Outcome.CUSTOMER_NOT_DIALLED,
        ("completed", "busy"): Outcome.CUSTOMER_BUSY,
        ("completed", "no-answer"): Outcome.CUSTOMER_NO_ANSWER,
        ("completed", "failed"): Outcome.CUSTOMER_FAILED,
        ("completed", "canceled"): Outcome.AGENT_LEFT,
        ("completed", "completed"): Outcome.CONNECTED,
    }[agent, customer]


@pytest.mark.parametrize(("max_retries", "rings"), [("0", 1), ("2", 3), ("", 4)])
def test_an_agent_who_does_not_answer_is_redialled_unless_the_caller_forbids_it(max_retries, rings):
    request = read_connect((FORM | {"MaxRetries": max_retries}).items())

    call = exchange(outcomes={Fate.AGENT_NO_ANSWER: 1}).place(request, host_url="")

    assert call.course.agent_rings == rings
    assert call.course.ends_s == 30 * rings


def test_the_time_limit_ends_a_conversation():
    course = chart(Fate.CONNECTED, replace(RINGING, time_limit_s=5), Random(0))

    assert course.talk_s == 5


def test_the_same_seed_gives_every_pair_the_same_fates_in_any_order():
    one, other = exchange(seed=7), exchange(seed=7)

    first = fates(one, count=5) + fates(one, count=5, To="+919876543202")
    second = fates(other, count=5, To="+919876543202") + fates(other, count=5)

    assert first == second[5:] + second[:5]


def test_a_script_lays_down_a_numbers_fates_and_its_last_one_stays():
    scripted = exchange(scripted={"09876543201": (Fate.CUSTOMER_BUSY, Fate.MACHINE)})

    assert fates(scripted, count=3) == [Fate.CUSTOMER_BUSY, Fate.MACHINE, Fate.MACHINE]


def test_a_customers_script_goes_before_an_agents():
    scripted = exchange(scripted={AGENT: (Fate.AGENT_BUSY,), CUSTOMER: (Fate.CONNECTED,)})

    assert fates(scripted, count=1) == [Fate.CONNECTED]
    assert fates(scripted, count=1, To="+919876543202") == [Fate.AGENT_BUSY]


def test_every_fate_has_a_place_in_the_default_mix():
    assert DEFAULT_OUTCOMES.keys() == set(Fate)
