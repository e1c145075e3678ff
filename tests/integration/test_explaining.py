"""Why a campaign is not dialling, counted contact by contact."""

import json

import pytest

from dialer.store import ContactRecord
from dialer.store.suppressed import SuppressionList
from dialer.watching.agents_now import agents_now
from dialer.watching.explaining import explain
from dialer.watching.overview import AgentState, busy_agents
from dialer.watching.status import Statuses
from tests.account_kit import Account
from tests.factories import agent, customer, give_life, pair, store_campaign, terminal


@pytest.fixture
def account(db, tmp_path):
    for role in ("feeder", "worker"):
        give_life(db, role, "host-1")
    return Account(db, tmp_path)


def explained(account, campaign):
    statuses = Statuses(account.db, pacing=account.pacing, max_concurrent_calls=0)
    return explain(account.db, statuses, campaign)


def counted(account, campaign):
    return {one.name: one.contacts for one in explained(account, campaign).blockers}


def miss(account):
    """All agents on a call turn out not to have answered."""
    for one in account.open_attempts():
        report = terminal(
            one.attempt.sid or "",
            agent_status="no-answer",
            customer_status=None,
            talk_s=None,
            ended_at_s=account.db.now(),
        )
        account.settling.report(one.id, report, at=account.db.now())


def test_each_waiting_contact_is_counted_with_what_holds_it_back(account, db):
    due_s = int(db.now()) + 600
    campaign = store_campaign(
        db,
        [
            pair(1, 1),  # dialled
            pair(1, 2),
            pair(1, 3),
            pair(2, 4, due_s=due_s),
            pair(3, 1, priority=-1),  # the customer is on a call
            pair(1, 5),  # must not be called
        ],
    )
    account.dial_one()
    SuppressionList.of(db, campaign).add([customer(5)[1:]], "{}")

    explanation = explained(account, campaign)

    assert counted(account, campaign) == {
        "suppressed": 1,
        "not_before": 1,
        "agent_on_call": 2,
        "customer_busy": 1,
    }
    assert explanation.next_due_at is not None
    assert explanation.next_due_at.timestamp() == due_s


def test_agents_who_missed_too_many_calls_are_counted_as_parked(account, db):
    campaign = store_campaign(
        db, [pair(1, n) for n in range(1, 4)], park_after=1, park_s=300, retry=()
    )
    account.dial_one()
    miss(account)

    explanation = explained(account, campaign)

    assert counted(account, campaign)["agent_parked"] == 2
    assert "missed too many calls" in explanation.status.binding.sentence
    assert explanation.status.agents.parked == 1


def test_a_reached_cap_is_named_with_the_instant_it_ends(account, db):
    campaign = store_campaign(db, [pair(n, n) for n in range(3)], max_calls_per_day=1)
    account.dial_all()

    [cap] = [one for one in explained(account, campaign).blockers if one.name == "caps"]

    assert cap.contacts == 2
    assert cap.until.timestamp() > db.now()


def test_the_json_names_every_blocker(account, db):
    campaign = store_campaign(db, [pair(1, 1)], running=False)

    told = json.loads(json.dumps(explained(account, campaign).as_json()))

    assert told["blocked_by"] == "not_started"
    assert [one["name"] for one in told["blockers"]] == ["not_started"]
    assert told["waiting"] == 1


def test_agents_are_told_with_what_they_do_and_what_they_missed(account, db):
    campaign = store_campaign(
        db,
        [pair(1, 1), pair(1, 2), pair(2, 3)],
        wrap_up_s=60,
        park_after=2,
        retry=(),
    )
    for one in account.tick():
        account.dial(one)
        if one.contact.n == 1:
            miss(account)

    missed, on_call = agents_now(db).agents

    assert (missed.number, missed.now.state) == (agent(1), AgentState.WRAP_UP)
    assert (missed.missed, missed.waiting) == (1, 1)
    assert (on_call.number, on_call.now.state) == (agent(2), AgentState.RINGING)
    assert [one.number for one in agents_now(db, account.campaigns.find(campaign)).agents] == [
        agent(1)
    ]


def test_customers_between_two_calls_are_no_agents_who_rest(account, db):
    """Also where their numbers rest in the same set; a number may be an agent's in one campaign."""
    store_campaign(db, [pair(1, 1), pair(2, 2)], wrap_up_s=60, min_gap_s=3600)
    store_campaign(db, [ContactRecord(agent(3), agent(4))], name="colleagues", min_gap_s=3600)
    account.dial_all()
    for one in account.open_attempts():
        account.settling.report(
            one.id, terminal(one.attempt.sid or "", ended_at_s=db.now()), at=db.now()
        )

    assert set(busy_agents(db)) == {agent(1), agent(2)}
    assert {one.number for one in agents_now(db).agents} == {agent(1), agent(2)}

    db.pass_time(61)
    assert busy_agents(db) == {}
    account.tick()
    assert not db.client.exists(db.key("wrapping_up"))
