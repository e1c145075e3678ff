"""Rules as a person would say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules_in_words import rules_in_words, span_in_words
from tests.factories import rules


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (90, "90 s"),
        (300, "5 min"),
        (330, "5 min 30 s"),
        (5400, "1 h 30 min"),
        (172_800, "2 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_said_in_at_most_two_units(seconds, words):
    assert span_in_words(seconds) == words


@pytest.mark.parametrize(
    ("changed", "topic", "said"),
    [
        ({"hours": "mon-fri 09:00-12:30"}, "hours", "Mon–Fri 09:00–12:30"),
        ({"zone_by": "number"}, "hours", "the customer's number"),
        ({"starts_at": "2026-11-24T09:00"}, "start and end", "starts 2026-11-24 09:00 IST"),
        ({"ends_at": "2026-11-24T09:00"}, "start and end", "closed as ended"),
        ({"min_gap_s": 7200}, "attempts", "2 h between"),
        ({"retry": ("customer_busy=5m*x4",)}, "retries", "after 5 min, doubling, 4 times"),
        ({"retry": ("customer_busy=5m,1hx1",)}, "retries", "after 5 min, 1 h, once"),
        ({"retry": ("machine=0x0",)}, "retries", "machine: never"),
        ({"retry": ()}, "retries", "none"),
        ({"unknown": "manual"}, "unknown", "left to an operator"),
        ({"park_after": 3, "park_s": 600}, "agents", "10 min after 3 missed in a row"),
        ({"max_calls_per_day": 1000}, "caps", "1,000 calls a day"),
        ({"max_calls_per_number": 2}, "caps", "2 a day to one customer"),
        ({"country_calls_per_day": {"AE": 50}}, "caps", "50 a day to AE"),
        ({"max_concurrent_calls": 5}, "caps", "5 at once (10 channels)"),
        ({"max_spend_per_day": 100, "price_per_min": 0.5}, "caps", "15 set aside for each call"),
        ({"record": True}, "call", "recorded (single, mp3)"),
        ({"custom_field": "{plan}"}, "call", "carries {plan}"),
    ],
)
def test_a_rule_is_said_under_its_topic(changed, topic, said):
    assert said in rules_in_words(rules(**changed))[topic]


@given(seconds=st.integers(0, 30 * 86_400))
def test_every_duration_can_be_said(seconds):
    assert span_in_words(seconds)
