"""A campaign's rules are checked when they are made, and survive being stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from campaigns.campaign import LONGEST_NAME, is_name
from campaigns.campaign_rules import CampaignRules
from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from campaigns.rules.retries import UnknownPolicy, with_retry
from tests.factories import CALLER_ID, rules
from workers.web.api.upload_form import LOAD_FORM


@given(
    time_limit_s=st.integers(1, 14_400),
    time_out_s=st.integers(1, 60),
    hours=st.sampled_from(["always", "09:00-21:00", "mon-fri 10:00-13:00,14:00-18:00"]),
    weight=st.floats(0.01, 1000),
    priority=st.integers(-99, 99),
    unknown=st.sampled_from(UnknownPolicy),
)
def test_stored_rules_are_the_same_rules(**changed):
    made = rules(**changed)

    assert CampaignRules.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_limit_s", 0),
        ("time_limit_s", 14_401),
        ("time_out_s", 61),
        ("max_attempts", 0),
        ("max_attempts", 101),
        ("wrap_up_s", -1),
        ("priority", 100),
        ("weight", 0),
        ("timezone", "India"),
        ("hours", "25:00-26:00"),
        ("retry", ("connected=5m",)),
        ("retry", ("customer_busy=5m", "customer_busy=1h")),
        ("unknown", "guess"),
        ("max_spend_per_day", 100),
        ("country_calls_per_day", {"India": 5}),
        ("country_calls_per_day", {"IN": 0}),
        ("wrap_up_s", "a while"),
        ("wrap_up_s", "2h"),
        ("starts_at", "tomorrow"),
        ("no_such_rule", 1),
    ],
)
def test_a_wrong_rule_is_refused(name, value):
    with pytest.raises(ValidationError):
        rules(**{name: value})


def test_a_duration_may_be_written_with_its_unit():
    assert rules(wrap_up_s="90s", min_gap_s="2h").min_gap_s == 7200


def test_an_instant_without_an_offset_is_in_the_campaigns_zone():
    made = rules(timezone="Asia/Dubai", starts_at="2026-11-24T09:00", ends_at="2026-11-24T09:00Z")

    assert made.starts_at.isoformat() == "2026-11-24T09:00:00+04:00"
    assert made.ends_at.isoformat() == "2026-11-24T09:00:00+00:00"


def test_a_campaign_does_not_end_before_it_starts():
    with pytest.raises(ValidationError, match="after starts_at"):
        rules(starts_at="2026-11-24T09:00", ends_at="2026-11-24T08:59")


def test_rules_do_not_change():
    with pytest.raises(ValidationError):
        rules().priority = 1


def test_a_changed_retry_replaces_the_rule_of_its_outcome_and_keeps_the_others():
    changed = RetryRule.parse("customer_busy=1h")

    after = with_retry(DEFAULT_RULES, (changed,))

    assert [rule for rule in after if rule.cause == "customer_busy"] == [changed]
    assert len(after) == len(DEFAULT_RULES)


def test_only_a_caller_id_is_needed():
    assert CampaignRules(caller_id=CALLER_ID).max_attempts == 3


def test_the_longest_name_is_one_for_the_form_and_the_loader():
    form = LOAD_FORM["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]

    assert form["name"]["maxLength"] == LONGEST_NAME
    assert is_name("n" * LONGEST_NAME)
    assert not is_name("n" * (LONGEST_NAME + 1))
