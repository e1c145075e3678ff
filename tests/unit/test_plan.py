"""A campaign's forecast before it starts, against figures worked out by hand."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.agents.shift import Shift
from campaigns.outlook.plan import AccountLimits, Assumptions, per_contact, plan_campaign
from campaigns.outlook.situation import Constraint
from tests.factories import rules

ZONE = ZoneInfo("Asia/Kolkata")
NINE = datetime(2026, 11, 23, 9, tzinfo=ZONE)
ACCOUNT = AccountLimits(requests_per_window=200, window_s=60)
EVERYBODY_ANSWERS = Assumptions(agent_answers=1, customer_answers=1, talk_s=100, ring_s=10)


def planned(contacts_per_agent, *, account=ACCOUNT, assumptions=EVERYBODY_ANSWERS, **changed):
    return plan_campaign(
        rules(**changed), contacts_per_agent, account=account, assumptions=assumptions, at=NINE
    )


def test_when_everybody_answers_a_contact_takes_one_call_of_ringing_twice_and_talking():
    each = per_contact(rules(wrap_up_s=20), EVERYBODY_ANSWERS)

    assert (each.requests, each.connected) == (1, 1)
    assert (each.line_s, each.agent_s) == (120, 140)


def test_a_customer_is_tried_until_the_rules_end_it():
    half = Assumptions(agent_answers=1, customer_answers=0.5, talk_s=100, ring_s=10)

    each = per_contact(rules(max_attempts=3, retry=("customer_no_answer=30m",)), half)

    assert each.connected == pytest.approx(1 - 0.5**3)
    assert each.requests == pytest.approx(1 + 0.5 + 0.25)


def test_without_a_rule_for_no_answer_there_is_one_try():
    half = Assumptions(agent_answers=1, customer_answers=0.5)

    assert per_contact(rules(retry=()), half).requests == 1


def test_a_call_the_agent_misses_is_made_again():
    absent = Assumptions(agent_answers=0.5, customer_answers=1, talk_s=100, ring_s=10)

    each = per_contact(rules(time_out_s=30), absent)

    assert each.requests == pytest.approx(2)
    assert each.line_s == pytest.approx(120 + 30)


def test_the_busiest_agent_binds_where_requests_are_plenty():
    plan = planned([10, 30])

    assert plan.bounds[0].constraint is Constraint.AGENTS
    assert plan.done_at - plan.starts_at == timedelta(seconds=30 * 120)
    assert plan.calls_per_agent == (10, 20, 30)


def test_the_limit_binds_where_agents_are_plenty():
    plan = planned([1] * 6000)

    assert plan.bounds[0].constraint is Constraint.LIMIT
    assert plan.done_at - plan.starts_at == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("account", "changed"),
    [(AccountLimits(200, 60, most_calls=5), {}), (ACCOUNT, {"max_concurrent_calls": 5})],
)
def test_calls_at_once_bind_whoever_caps_them(account, changed):
    plan = planned([1] * 100, account=account, **changed)

    assert plan.bounds[0].constraint is Constraint.CHANNELS
    assert plan.done_at - plan.starts_at == timedelta(seconds=100 * 120 / 5)


def test_retries_bind_where_little_else_is_to_do():
    half = Assumptions(agent_answers=1, customer_answers=0.5)

    plan = planned([2], assumptions=half, retry=("customer_no_answer=2h",), max_attempts=2)

    assert plan.bounds[0].constraint is Constraint.RETRY_TIMERS


def test_a_daily_cap_spreads_a_campaign_over_days():
    plan = planned([10] * 10, hours="09:00-21:00", max_calls_per_day=30)

    assert plan.bounds[0].constraint is Constraint.CAPS
    assert plan.done_at == NINE + timedelta(days=3)


def test_work_rests_outside_calling_hours():
    plan = planned([60], hours="09:00-10:00")  # two hours of work

    assert plan.done_at == NINE + timedelta(days=1, hours=1)


def test_a_campaign_that_starts_at_night_begins_in_the_morning():
    plan = planned([1], hours="09:00-21:00", starts_at="2026-11-23T22:00")

    assert plan.starts_at == NINE + timedelta(days=1)


def test_contacts_its_end_leaves_behind_are_counted():
    plan = planned([60], ends_at="2026-11-23T10:00")

    assert plan.left_at_end == 30


def test_hours_that_never_open_have_no_end():
    plan = planned([1], hours="mon 09:00-10:00; not 2026-11-23", ends_at="2026-11-23T10:00")

    assert plan.starts_at > NINE
    assert plan.left_at_end == 1


@pytest.mark.parametrize("wrong", [{"agent_answers": 0}, {"customer_answers": 1.1}, {"talk_s": -1}])
def test_an_assumption_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Assumptions(**wrong)


@given(
    contacts=st.lists(st.integers(1, 50), min_size=1, max_size=20),
    answers=st.floats(0.05, 1),
    max_attempts=st.integers(1, 5),
)
def test_a_plan_is_done_after_it_starts_and_more_contacts_never_take_less(
    contacts, answers, max_attempts
):
    assumptions = Assumptions(customer_answers=answers)

    less = planned(contacts, assumptions=assumptions, max_attempts=max_attempts)
    more = planned([*contacts, 50], assumptions=assumptions, max_attempts=max_attempts)

    assert less.starts_at <= less.done_at <= more.done_at
    assert less.connected <= less.contacts <= less.requests * (1 + 1e-9)


def test_an_agents_shift_bounds_their_work_within_the_calling_hours():
    mornings = Shift.parse("09:00-10:00", ZoneInfo("Asia/Kolkata"))

    def done_at(**of_shifts):
        return plan_campaign(
            rules(hours="09:00-18:00"),
            [100, 10],
            account=ACCOUNT,
            assumptions=EVERYBODY_ANSWERS,
            at=NINE,
            **of_shifts,
        )

    alone, shifted = done_at(), done_at(busiest={None: 10, mornings: 100})

    assert shifted.done_at > alone.done_at
    assert shifted.bounds[0].constraint == Constraint.AGENTS
    assert "at work every day 09:00–10:00 has 100 contacts" in shifted.bounds[0].sentence
