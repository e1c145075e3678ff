"""Rules made from what somebody wrote, and changed while a campaign rests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import CampaignState
from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from dialer.settings import Settings
from dialer.steering.changing_rules import ChangingRules, RulesRefused, changed_rules, new_rules
from dialer.store import Campaigns
from dialer.store.campaigns import WrongState
from tests.factories import CALLER_ID, pair, rules, store_campaign

SETTINGS = Settings(
    _env_file=None, exotel_caller_id=CALLER_ID, dialer_max_attempts=7, dialer_wrap_up_s=44
)


@pytest.fixture
def changing(db):
    return ChangingRules(db, SETTINGS)


def resting(db, **changed):
    return Campaigns(db).find(store_campaign(db, [pair(1, 1)], running=False, **changed))


def test_what_is_not_given_comes_from_the_settings():
    made = new_rules(SETTINGS, {"time_out_s": "20", "hours": None})

    assert (made.caller_id, made.max_attempts, made.wrap_up_s) == (CALLER_ID, 7, 44)
    assert made.time_out_s == 20


def test_a_retry_replaces_the_default_of_its_outcome_alone():
    made = new_rules(SETTINGS, {"retry": ["customer_busy=1h"]})

    assert RetryRule("customer_busy", (3600,)) in made.retry
    assert len(made.retry) == len(DEFAULT_RULES)


def test_days_off_are_added_to_the_hours():
    made = new_rules(SETTINGS, {"hours": "mon-fri 09:00-17:00", "holidays": "2026-12-25,IN-MH"})

    assert str(made.hours) == "mon-fri 09:00-17:00; not 2026-12-25,IN-MH"


def test_caps_of_countries_are_read():
    made = new_rules(SETTINGS, {"country_calls_per_day": ["ae=50", "IN = 7"]})

    assert made.country_calls_per_day == {"AE": 50, "IN": 7}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"time_out_s": "61"}, "time_out_s"),
        ({"hours": "nine to five"}, "hours"),
        ({"holidays": "Mars"}, "hours"),
        ({"retry": ["busy=5m"]}, "retry"),
        ({"country_calls_per_day": ["India=5"]}, "country_calls_per_day"),
        ({"max_spend_per_day": "5"}, ""),
        ({"wait_url": "ftp://example.com/a.wav"}, ""),
        ({"stream_begin": "at once", "stream_url": "wss://example.com"}, ""),
        ({"no_such_rule": "1"}, "no_such_rule"),
    ],
)
def test_a_wrong_rule_is_named(given, rule):
    with pytest.raises(RulesRefused) as refused:
        new_rules(SETTINGS, given)

    assert [fault.rule for fault in refused.value.faults] == [rule]


def test_every_wrong_rule_is_named_at_once():
    with pytest.raises(RulesRefused) as refused:
        new_rules(SETTINGS, {"time_out_s": "61", "retry": ["x"], "priority": "high"})

    assert {fault.rule for fault in refused.value.faults} == {"time_out_s", "retry", "priority"}


def test_a_change_keeps_what_is_not_given_and_is_the_next_version(db, changing):
    campaign = resting(db, min_gap_s=60, retry=("customer_busy=9m",))

    after = changing.change(campaign, {"wrap_up_s": "5m"})

    assert after.rules_version == campaign.rules_version + 1
    assert after.rules == campaign.rules.model_copy(update={"wrap_up_s": 300})


def test_an_empty_text_stands_for_the_default_again(db, changing):
    campaign = resting(db, custom_field="{agent}", max_attempts=1, retry=(), min_gap_s=5)

    after = changing.change(
        campaign, {"custom_field": "", "max_attempts": "", "retry": "", "min_gap_s": ""}
    ).rules

    assert (after.custom_field, after.max_attempts, after.min_gap_s) == (None, 7, 0)
    assert after.retry == DEFAULT_RULES


@given(
    hours=st.sampled_from(["always", "mon-fri 10:00-13:00; not 2026-12-25,IN", "22:00-02:00"]),
    retry=st.lists(
        st.sampled_from(["customer_busy=5m*x4", "machine=1h", "agent_left=0x0"]), unique=True
    ),
    starts_at=st.none() | st.just("2026-11-24T09:00"),
    country_calls_per_day=st.dictionaries(st.sampled_from(["IN", "AE"]), st.integers(1, 9)),
    wrap_up_s=st.integers(0, 3600),
)
def test_asking_for_no_change_gives_the_same_rules(**changed):
    made = rules(**changed)

    assert changed_rules(SETTINGS, made, {}) == made


def test_what_changes_nothing_makes_no_version(db, changing):
    campaign = resting(db, wrap_up_s=20)

    assert changing.change(campaign, {"wrap_up_s": "20s"}).rules_version == 1


def test_a_running_campaign_must_be_paused_first(db, changing):
    campaign = Campaigns(db).find(store_campaign(db, [pair(1, 1)]))

    with pytest.raises(WrongState, match="pause it first"):
        changing.change(campaign, {"wrap_up_s": "20"})


def test_one_that_was_started_meanwhile_is_not_changed(db, changing):
    campaign = resting(db)
    Campaigns(db).move(campaign, CampaignState.RUNNING)

    with pytest.raises(WrongState):
        changing.change(campaign, {"wrap_up_s": "20"})

    assert Campaigns(db).find(campaign.id).rules == campaign.rules


def test_a_custom_field_names_columns_the_list_has(db, changing):
    with pytest.raises(RulesRefused, match="colour"):
        changing.change(resting(db), {"custom_field": "{colour}"})


def test_an_end_that_has_passed_is_refused(db, changing):
    campaign = resting(db)

    with pytest.raises(RulesRefused, match="ends_at: has passed"):
        changing.change(campaign, {"ends_at": "2020-01-01T09:00"})

    assert Campaigns(db).find(campaign.id).rules.ends_at is None
