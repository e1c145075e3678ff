"""What other rules would change for a campaign, told before they count."""

import pytest

from campaigns.rule_changes import changes_in_words
from dialer.pacing import Pacing
from dialer.store import Campaigns
from dialer.watching.previewing import preview
from dialer.watching.status import Statuses
from tests.account_kit import FAST
from tests.factories import pair, rules, store_campaign


@pytest.fixture
def statuses(db):
    return Statuses(db, pacing=Pacing(db, FAST), max_concurrent_calls=0)


def previewed(db, statuses, id_, **changed):
    campaign = Campaigns(db).find(id_)
    return preview(db, statuses, campaign, campaign.rules.model_copy(update=changed))


def test_waiting_contacts_with_other_attempts_left_are_counted_and_those_used_up_are_not(
    db, statuses
):
    charged = (0, 0, 1, 2, 3)
    contacts = [pair(n, n, charged=used, made=used) for n, used in enumerate(charged)]
    id_ = store_campaign(db, contacts, max_attempts=4)

    assert previewed(db, statuses, id_, max_attempts=5).attempts_other == 5
    # who has one attempt left, or none, is called once more either way
    assert previewed(db, statuses, id_, max_attempts=3).attempts_other == 4
    assert previewed(db, statuses, id_, max_attempts=1).attempts_other == 4
    assert previewed(db, statuses, id_, wrap_up_s=7).attempts_other == 0


def test_other_hours_tell_when_the_next_call_would_go_out(account, db, statuses):
    account.at_local("2026-11-23T10:00")  # a Monday
    id_ = store_campaign(db, [pair(1, 1)], hours="always")

    found = previewed(db, statuses, id_, hours=rules(hours="tue 12:00-13:00").hours)

    assert found.before.next_call_at.timestamp() == db.now()
    told = " ".join(found.sentences())
    assert "The next call may go out 2026-11-24 12:00 IST; now 2026-11-23 10:00 IST." in told
    assert found.as_json()["next_call_at"]["then"] == "2026-11-24T06:30:00+00:00"


def test_rules_that_mean_the_same_change_nothing(db, statuses):
    id_ = store_campaign(db, [pair(1, 1)], retry=("customer_busy=5m", "agent_left=1m"))
    turned = rules(retry=("agent_left=60s", "customer_busy=300s")).retry

    found = previewed(db, statuses, id_, retry=turned)

    assert found.changes == ()
    assert list(found.sentences()) == ["Nothing would change."]


def test_nothing_is_ahead_of_a_campaign_without_contacts_that_wait(db, statuses):
    id_ = store_campaign(db, [])

    assert previewed(db, statuses, id_, max_attempts=9).after.next_call_at is None


def test_each_change_is_said_in_words_of_retries_only_those_that_differ():
    before = rules(retry=("customer_busy=5m", "agent_left=1m"), disposition=())
    after = rules(
        retry=("customer_busy=5mx2", "agent_left=1m", "machine=1h"),
        disposition=("sale:final",),
        max_spend_per_day=2000,
        price_per_min=0.5,
        min_gap_s=7200,
        country_calls_per_day={"AE": 5000},
        record=True,
        ends_at="2026-11-30T21:00",
        same_agent=True,
    )

    told = {one.rule: (one.before, one.after) for one in changes_in_words(before, after)}

    assert told == {
        "retry": (
            "customer busy: after 5 min; machine: never",
            "customer busy: after 5 min, 2 times; machine: after 1 h",
        ),
        "disposition": ("none", "sale (closed)"),
        "max_spend_per_day": ("none", "2,000"),
        "price_per_min": ("none", "0.5"),
        "min_gap_s": ("0 s", "2 h"),
        "country_calls_per_day": ("none", "AE 5,000"),
        "record": ("no", "yes"),
        "ends_at": ("none", "2026-11-30 21:00 IST"),
        "same_agent": ("no", "yes"),
    }
