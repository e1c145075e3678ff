"""Where a campaign stands, read from the real store."""

import json
from datetime import datetime

import pytest

from campaigns.campaign import CampaignState
from campaigns.outlook.situation import Constraint
from dialer.dialing.releasing import Feeding
from dialer.pacing import Allowance, Pacing
from dialer.store import Campaigns, Database
from dialer.store.campaign import CampaignNotFound
from dialer.watching.living import who_lives
from dialer.watching.status import Status, Statuses
from tests.factories import give_life, pair, store_campaign

ALLOWANCE = Allowance()
STATUS_FIELDS = {
    "campaign_id",
    "name",
    "state",
    "rows",
    "accepted",
    "rejected",
    "duplicate",
    "waiting",
    "in_flight",
    "unresolved",
    "final",
    "outcomes",
    "attempts",
    "rate",
    "blocked_by",
    "eta_s",
}


@pytest.fixture
def alive_roles(db: Database) -> None:
    for role in ("feeder", "worker"):
        give_life(db, role, "host-1")


def status_of(db: Database, campaign: str, *, most_calls: int = 0) -> Status:
    statuses = Statuses(db, pacing=Pacing(db, ALLOWANCE), max_concurrent_calls=most_calls)
    return statuses.of(campaign)


def feed(db: Database) -> None:
    feeding = Feeding(db, allowance=ALLOWANCE, max_concurrent_calls=0)
    feeding.keep_schedules()
    feeding.tick()


def bound(db: Database, campaign: str, **options: int) -> Constraint | None:
    binding = status_of(db, campaign, **options).binding
    return binding.constraint if binding else None


def test_the_json_has_the_fields_other_people_rely_on_and_its_sums_add_up(db, alive_roles):
    campaign = store_campaign(db, [pair(n, n) for n in range(1, 40)])
    feed(db)

    told = json.loads(json.dumps(status_of(db, campaign).as_json()))

    assert told.keys() >= STATUS_FIELDS
    assert told["rate"].keys() >= {"last_60_s", "limit"}
    assert told["rows"] == told["accepted"] + told["rejected"] + told["duplicate"]
    assert told["accepted"] == sum(
        told[state] for state in ("waiting", "in_flight", "unresolved", "final")
    )
    assert datetime.fromisoformat(told["as_of"]).tzinfo


def test_a_campaign_is_found_by_its_name_too(db):
    campaign = store_campaign(db, [pair(1, 1)], name="diwali")

    assert status_of(db, "diwali").campaign.id == campaign


def test_an_unknown_campaign_is_said_to_be_unknown(db):
    with pytest.raises(CampaignNotFound):
        status_of(db, "nobody")


def test_a_loaded_campaign_waits_to_be_started(db):
    campaign = store_campaign(db, [pair(1, 1)], running=False)

    assert bound(db, campaign) is Constraint.NOT_STARTED


def test_without_a_heartbeat_the_missing_process_is_named(db):
    campaign = store_campaign(db, [pair(1, 1)])

    assert bound(db, campaign) is Constraint.NO_FEEDER

    give_life(db, "feeder", "host-1")

    assert bound(db, campaign) is Constraint.NO_WORKER


def test_heartbeats_are_counted_by_role(db):
    for role, name in (("worker", "a-1"), ("worker", "b:2"), ("web", "a-3")):
        give_life(db, role, name)

    assert who_lives(db).by_role == {"worker": 2, "web": 1}


def test_released_contacts_wait_for_the_limit(db, alive_roles):
    campaign = store_campaign(db, [pair(n, n) for n in range(1, 40)])

    feed(db)

    assert bound(db, campaign) is Constraint.LIMIT


def test_contacts_of_an_agent_who_is_taken_wait_for_the_agent(db, alive_roles):
    campaign = store_campaign(db, [pair(1, n) for n in range(1, 5)])
    feed(db)
    taken = Campaigns(db).counts(campaign)
    db.client.hincrby(db.key("c", campaign, "counts"), "released", -1)
    db.client.hincrby(db.key("c", campaign, "counts"), "dialing", 1)

    found = status_of(db, campaign)

    assert taken.released == 1
    assert found.binding is not None
    assert found.binding.constraint is Constraint.AGENTS
    assert (found.agents.free, found.agents.on_call) == (0, 1)


def test_contacts_that_are_due_later_are_counted_with_the_first_instant(db, alive_roles):
    due_s = int(db.now()) + 600
    campaign = store_campaign(db, [pair(n, n, due_s=due_s + n) for n in range(1, 4)])
    store_campaign(db, [pair(9, 9, due_s=due_s)], name="other")
    feed(db)

    found = status_of(db, campaign)

    assert found.binding is not None
    assert found.binding.constraint is Constraint.RETRY_TIMERS
    assert (found.timers.contacts, found.timers.first_due_at) == (3, due_s + 1)


@pytest.mark.parametrize(
    ("field", "constraint"), [("hold", Constraint.HOLD), ("stopped", Constraint.STOPPED)]
)
def test_why_the_account_makes_no_calls_is_told_in_its_own_words(
    db, alive_roles, field, constraint
):
    campaign = store_campaign(db, [pair(1, 1)])
    db.client.hset(db.key("account"), field, "the balance is empty")

    found = status_of(db, campaign).binding

    assert found is not None
    assert found.constraint is constraint
    assert "the balance is empty" in found.sentence


def test_a_closed_gate_is_told_with_its_seconds(db, alive_roles):
    campaign = store_campaign(db, [pair(1, 1)])
    Pacing(db, ALLOWANCE).close_for(30)

    found = status_of(db, campaign).binding

    assert found is not None
    assert found.constraint is Constraint.BLOCKED
    assert "30 s" in found.sentence


def test_the_campaigns_own_cap_of_live_calls_binds_it(db, alive_roles):
    campaign = store_campaign(db, [pair(n, n) for n in range(1, 9)], max_concurrent_calls=2)

    feed(db)

    assert bound(db, campaign) is Constraint.CHANNELS


def test_nothing_binds_a_campaign_that_is_over(db):
    campaign = store_campaign(db, [pair(1, 1)], running=False)
    campaigns = Campaigns(db)
    campaigns.move(campaigns.find(campaign), CampaignState.CANCELLING)
    while campaigns.cancel_some(campaign):
        pass

    found = status_of(db, campaign)

    assert found.is_over
    assert found.binding is None
    assert found.as_json()["blocked_by"] is None
