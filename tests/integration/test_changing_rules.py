"""Rules made from what somebody wrote, changed, and changed back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import CampaignState
from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from campaigns.rule_changes import mean_the_same
from dialer.deeds import Actor, ActorKind, Deed, Did, under_way
from dialer.errors import NotDone
from dialer.settings import Settings
from dialer.steering.changing_rules import (
    ChangingRules,
    RulesChanged,
    RulesRefused,
    changed_rules,
    given_rules_of,
    new_rules,
)
from dialer.store import Campaigns
from dialer.store.campaign import WrongState
from dialer.store.rule_versions import MOST_VERSIONS, RuleVersions
from tests.factories import CALLER_ID, pair, rules, store_campaign

SETTINGS = Settings(
    _env_file=None, exotel_caller_id=CALLER_ID, dialer_max_attempts=7, dialer_wrap_up_s=44
)
ASHA = Actor(ActorKind.KEY, "k1", "Asha", "127.0.0.1")


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


def test_a_running_campaign_goes_on_by_its_new_rules(account):
    campaign = account.campaigns.find(store_campaign(account.db, [pair(1, 1), pair(2, 2)]))
    released = account.tick()

    ChangingRules(account.db, SETTINGS).change(campaign, {"time_limit_s": "5m"})

    dialled = [account.dial(one) for one in released]
    assert [one.attempt.rules_version for one in dialled] == [2, 2]
    assert account.campaigns.find(campaign.id).state is CampaignState.RUNNING


def test_one_that_is_over_keeps_its_rules(db, changing):
    campaign = resting(db)
    Campaigns(db).move(campaign, CampaignState.CANCELLING)

    for known in (campaign, Campaigns(db).find(campaign.id)):
        with pytest.raises(WrongState):
            changing.change(known, {"wrap_up_s": "20"})

    assert Campaigns(db).find(campaign.id).rules == campaign.rules


def test_versions_tell_who_made_them_and_when_and_an_undo_is_one_more(db, changing):
    campaign = resting(db, wrap_up_s=20)

    with under_way(Deed(Did.RULES_CHANGED, ASHA)):
        second = changing.change(campaign, {"wrap_up_s": "30"})
    third = changing.go_back(second, 1)

    assert third.rules == campaign.rules
    found = RuleVersions(db).of(third)
    assert [(one.version, one.by, one.rules.wrap_up_s) for one in found] == [
        (3, "", 20),
        (2, "Asha", 30),
        (1, "", 20),
    ]
    assert found[2].at == campaign.created_at
    assert found[1].at >= found[2].at


def test_rules_that_were_never_changed_are_their_only_version(db):
    [only] = RuleVersions(db).of(resting(db))

    assert (only.version, only.by) == (1, "")


def test_no_more_versions_are_kept_than_are_told(db, changing):
    campaign = resting(db)

    for n in range(MOST_VERSIONS + 3):
        campaign = changing.change(campaign, {"wrap_up_s": str(100 + n)})

    found = RuleVersions(db).of(campaign)
    assert len(found) == MOST_VERSIONS
    assert found[0].rules == campaign.rules
    with pytest.raises(NotDone, match="no version 1 of its rules"):
        changing.go_back(campaign, 1)


def test_saving_over_another_s_newer_version_is_refused_with_what_differs(db, changing):
    campaign = resting(db, max_attempts=3, wrap_up_s=20)
    with under_way(Deed(Did.RULES_CHANGED, ASHA)):
        newer = changing.change(campaign, {"max_attempts": "5"})

    with pytest.raises(RulesChanged, match=r"by Asha.*Most attempts: 3 → 5") as refused:
        changing.replace(newer, {"wrap_up_s": "90"}, based_on=1)

    assert [one.rule for one in refused.value.changes] == ["max_attempts"]
    assert Campaigns(db).find(campaign.id).rules == newer.rules


def test_two_who_save_at_once_do_not_overwrite_each_other(db, changing):
    campaign = resting(db)
    changing.change(campaign, {"wrap_up_s": "30"})

    with pytest.raises(WrongState, match="somebody else"):
        changing.change(campaign, {"wrap_up_s": "40"})  # as it was read before

    assert Campaigns(db).find(campaign.id).rules.wrap_up_s == 30


def test_an_undo_starts_nothing(db, changing):
    campaign = resting(db, starts_at=datetime.fromtimestamp(db.now() - 60, UTC))
    later = changing.change(campaign, {"starts_at": ""})

    assert changing.go_back(later, 1).rules.starts_at is None


def test_a_version_that_asks_for_more_than_is_allowed_by_now_does_not_come_back(db, changing):
    campaign = resting(db, time_limit_s=3600)
    changed = changing.change(campaign, {"time_limit_s": "60"})
    strict = SETTINGS.model_copy(update={"dialer_max_time_limit_s": 600})

    with pytest.raises(RulesRefused, match="time_limit_s"):
        ChangingRules(db, strict).go_back(changed, 1)


@given(
    hours=st.sampled_from(["always", "mon-fri 10:00-13:00; not 2026-12-25,IN", "22:00-02:00"]),
    retry=st.lists(
        st.sampled_from(
            ["customer_busy=5m*x4", "machine=1h", "agent_left=0x0", "agent_busy=5,1dx9"]
        ),
        unique=True,
    ),
    ends_at=st.none() | st.sampled_from(["2036-11-24T09:00", "2036-11-24T09:00:07+02:00"]),
    timezone=st.sampled_from(["Asia/Kolkata", "Europe/Berlin"]),
    country_calls_per_day=st.dictionaries(st.sampled_from(["IN", "AE"]), st.integers(1, 9)),
    disposition=st.sampled_from([(), ("sale", "later:retry=1d")]),
    price_per_min=st.floats(0, 9),
    same_agent=st.booleans(),
    max_attempts=st.sampled_from([1, 7]),
)
def test_rules_written_as_somebody_would_give_them_mean_the_same_when_given(**changed):
    made = rules(**changed)

    given_again = given_rules_of(SETTINGS, made)

    assert mean_the_same(new_rules(SETTINGS, given_again), made)
    assert given_rules_of(SETTINGS, new_rules(SETTINGS, {})) == {}


def test_a_custom_field_names_columns_the_list_has(db, changing):
    with pytest.raises(RulesRefused, match="colour"):
        changing.change(resting(db), {"custom_field": "{colour}"})


def test_an_end_that_has_passed_is_refused(db, changing):
    campaign = resting(db)

    with pytest.raises(RulesRefused, match="ends_at: has passed"):
        changing.change(campaign, {"ends_at": "2020-01-01T09:00"})

    assert Campaigns(db).find(campaign.id).rules.ends_at is None
