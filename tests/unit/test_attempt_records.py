"""An attempt as Redis keeps it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from campaigns.attempt import AttemptState, Outcome
from dialer.store.attempts import decode, decode_all, encode
from tests.report_samples import attempt

attempts = st.builds(
    attempt,
    st.none() | st.sampled_from(Outcome),
    error_code=st.none() | st.text(),
    details_outcome=st.none() | st.sampled_from(Outcome),
    first_outcome=st.none() | st.sampled_from(Outcome),
    sid=st.none() | st.just("s1"),
    talk_s=st.none() | st.integers(0, 99),
    price=st.none() | st.just("1.5"),
    looks=st.integers(0, 9),
    is_final=st.booleans(),
    window=st.none() | st.just("2027-01-15T09:00+0530/… Asia/Kolkata"),
)


@given(attempts)
def test_an_attempt_comes_back_as_it_was_stored(one):
    assert decode(encode(one)) == one


@given(st.lists(attempts, max_size=5))
def test_many_come_back_in_their_order(many):
    assert decode_all([encode(one).encode() for one in many]) == many


def test_states_and_outcomes_come_back_as_what_they_are_not_as_words():
    found = decode(encode(attempt(Outcome.CONNECTED, told_outcome=Outcome.AGENT_BUSY)))

    assert found.state is AttemptState.SETTLED
    assert found.outcome is Outcome.CONNECTED
    assert found.told_outcome is Outcome.AGENT_BUSY


def test_values_that_a_newer_version_added_are_passed_over():
    full = attempt(Outcome.CONNECTED, first_outcome=Outcome.AGENT_BUSY)
    newer = [*full, "one more"]

    assert decode(json.dumps(newer)) == full
