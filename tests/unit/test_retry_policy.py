"""After an outcome: again, not before its delay, and never without end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import CHARGED, Outcome
from campaigns.retry_policy import (
    DEFAULT_RULES,
    MACHINE,
    RETRIABLE,
    Again,
    Backoff,
    Never,
    RetryRule,
    next_attempt,
)

ENDED_AT = datetime(2027, 1, 15, 8, tzinfo=UTC)

rules = st.builds(
    RetryRule,
    cause=st.sampled_from([*map(str, sorted(RETRIABLE)), MACHINE]),
    delays_s=st.lists(st.integers(0, 30 * 86400), min_size=1, max_size=4).map(tuple),
    times=st.none() | st.integers(0, 999),
    backoff=st.sampled_from(Backoff),
)


def decide(outcome, *, retry=DEFAULT_RULES, charged=1, earlier=(), max_attempts=3, **more):
    return next_attempt(
        retry,
        max_attempts=max_attempts,
        charged=charged,
        earlier=[str(one) for one in earlier],
        outcome=outcome,
        ended_at=ENDED_AT,
        **more,
    )


@given(rule=rules)
def test_a_rule_reads_back_what_it_writes(rule):
    assert RetryRule.parse(str(rule)) == rule


@given(rule=rules, nth=st.integers(1, 200))
def test_a_delay_is_never_negative_and_at_most_thirty_days(rule, nth):
    assert 0 <= rule.delay_s(nth) <= 30 * 86400


@given(
    rule=rules,
    outcomes=st.lists(st.sampled_from(Outcome), min_size=1, max_size=400),
    max_attempts=st.integers(1, 5),
)
def test_every_contact_comes_to_an_end(rule, outcomes, max_attempts):
    """Whatever the one rule, no row of retriable outcomes goes on for ever."""
    retriable = [one for one in outcomes if one in RETRIABLE] or [Outcome.AGENT_BUSY]
    earlier: list[Outcome] = []
    charged = 0
    for step in range(1000 * len(RETRIABLE) + 1):
        outcome = retriable[step % len(retriable)]
        charged += outcome in CHARGED
        answer = decide(
            outcome, retry=(rule,), charged=charged, earlier=earlier, max_attempts=max_attempts
        )
        if isinstance(answer, Never):
            return
        earlier.append(outcome)
    raise AssertionError("it never ended")


def test_a_retry_is_due_its_delay_after_the_end():
    assert decide(Outcome.CUSTOMER_BUSY) == Again(ENDED_AT + timedelta(minutes=5))


def test_later_retries_take_the_later_delays_and_the_last_one_repeats():
    rule = RetryRule.parse("customer_busy=5m,1h")

    delays = [rule.delay_s(nth) for nth in (1, 2, 3)]

    assert delays == [300, 3600, 3600]


def test_a_growing_delay_grows_beyond_its_list():
    linear, doubling = RetryRule.parse("customer_busy=5m+"), RetryRule.parse("customer_busy=5m*")

    assert [linear.delay_s(nth) for nth in (1, 2, 3)] == [300, 600, 900]
    assert [doubling.delay_s(nth) for nth in (1, 2, 3, 4)] == [300, 600, 1200, 2400]


def test_the_maximum_of_attempts_holds():
    assert isinstance(decide(Outcome.CUSTOMER_BUSY, charged=3), Never)


def test_an_absent_agent_uses_up_no_attempt_of_the_customer():
    answer = decide(Outcome.AGENT_BUSY, charged=0, max_attempts=1, retry=DEFAULT_RULES)

    assert isinstance(answer, Again)


def test_an_absent_agent_without_a_number_of_times_ends_with_the_campaigns_maximum():
    retry = (RetryRule.parse("agent_busy=1m"),)

    answers = [
        decide(Outcome.AGENT_BUSY, retry=retry, charged=0, earlier=[Outcome.AGENT_BUSY] * before)
        for before in range(3)
    ]

    assert [type(one) for one in answers] == [Again, Again, Never]


@pytest.mark.parametrize("outcome", [Outcome.CONNECTED, Outcome.DND, Outcome.REFUSED])
def test_what_is_done_or_refused_for_good_is_never_dialled_again(outcome):
    assert isinstance(decide(outcome), Never)


def test_a_request_that_was_turned_away_goes_again_at_once():
    assert decide(Outcome.TURNED_AWAY, charged=0) == Again(ENDED_AT)


def test_an_unknown_one_goes_again_only_if_the_campaign_says_so():
    assert decide(Outcome.UNKNOWN, redial_unknown=True) == Again(ENDED_AT)
    assert isinstance(decide(Outcome.UNKNOWN, redial_unknown=False), Never)
    assert isinstance(decide(Outcome.UNKNOWN, charged=3), Never)


def test_a_machine_is_retried_only_by_a_rule_of_its_own():
    retry = (RetryRule.parse("machine=2h"),)

    assert isinstance(decide(Outcome.CONNECTED, by_machine=True), Never)
    answer = decide(Outcome.CONNECTED, by_machine=True, retry=retry)
    assert answer == Again(ENDED_AT + timedelta(hours=2))
    assert isinstance(decide(Outcome.CONNECTED, retry=retry), Never)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "customer_busy",
        "customer_busy=",
        "customer_busy=5y",
        "customer_busy=-5m",
        "customer_busy=5m,",
        "customer_busy=31d",
        "customer_busy=5mx",
        "customer_busy=5mx1000",
        "connected=5m",
        "turned_away=5m",
        "dnd=5m",
        "nobody=5m",
        "customer_busy=٥m",
    ],
)
def test_a_wrong_rule_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match="retry rule") as told:
        RetryRule.parse(text)

    assert "\n" not in str(told.value)
