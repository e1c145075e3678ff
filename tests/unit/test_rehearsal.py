"""Rules on an accelerated clock: scaled where they can be, left out and said where not."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns.outlook.rehearsal import rehearsed
from campaigns.retry_policy import RetryRule
from tests.factories import rules


def test_pauses_and_delays_shrink_by_the_speed():
    made = rules(
        retry=("customer_busy=5m,1hx3",), wrap_up_s=60, min_gap_s=3600, park_s=300, park_after=2
    )

    scaled = rehearsed(made, speed=30).rules

    assert scaled.retry == (RetryRule("customer_busy", (10, 120), 3),)
    assert (scaled.wrap_up_s, scaled.min_gap_s, scaled.park_s) == (2, 120, 10)
    assert scaled.park_after == 2


def test_whatever_hangs_on_the_time_of_day_is_left_out_and_said():
    made = rules(
        hours="09:00-21:00",
        starts_at="2026-11-24T09:00",
        max_calls_per_day=5,
        country_calls_per_day={"IN": 1},
    )

    rehearsal = rehearsed(made, speed=10)

    assert str(rehearsal.rules.hours) == "00:00-24:00"
    assert rehearsal.rules.starts_at is None
    assert rehearsal.rules.max_calls_per_day == 0
    assert rehearsal.rules.country_calls_per_day == {}
    told = " ".join(rehearsal.differences)
    assert all(word in told for word in ("Calling hours", "Start and end", "Daily caps"))


@given(speed=st.floats(1, 200), wrap_up_s=st.integers(0, 3600))
def test_a_pause_that_is_there_stays_one_and_none_appears(speed, wrap_up_s):
    scaled = rehearsed(rules(wrap_up_s=wrap_up_s), speed=speed).rules

    assert (scaled.wrap_up_s > 0) == (wrap_up_s > 0)
    assert scaled.wrap_up_s <= wrap_up_s
