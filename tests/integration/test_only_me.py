"""A call back "by me alone": a contact of a group is its one agent's until that is over."""

from zoneinfo import ZoneInfo

import pytest

from campaigns.agents.agent import Agent, Presence
from campaigns.agents.team import Team
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.outlook.blockers import ContactBlocker
from dialer.agents.presence import Presences
from dialer.agents.registry import Registry
from dialer.agents.teams import TeamBook
from dialer.archiving.forgetting import is_needed
from dialer.dialing.gate import Dropped
from dialer.ids import ContactId
from dialer.settling.disposing import NotDisposed, Said, dispose
from dialer.steering.calling_back import NoCallBack, call_back
from dialer.store import ContactRecord
from dialer.store.snapshot import contact_lines
from dialer.store.waiting import waiting_of
from dialer.watching.agents_now import agents_now
from dialer.watching.explaining import explain
from dialer.watching.status import Statuses
from tests.conservation import check_conservation
from tests.factories import agent, customer, pair, store_campaign, terminal

WORDS = ("sale", "call_back:retry=1h", "do_not_call:suppress")


@pytest.fixture
def team(db, registry) -> int:
    """A group of three."""
    registry.put([Agent(agent(one), groups=("Sales",)) for one in (1, 2, 3)])
    return TeamBook(db).number_of(Team("Sales"))


@pytest.fixture
def talked(account, db, team) -> tuple[str, str]:
    """A campaign whose first contact was talked to, and by whom."""
    rows = [ContactRecord(agent=f"+{team}", customer=customer(one)) for one in (1,)]
    campaign = store_campaign(db, rows, disposition=WORDS, disposition_within_s=600)
    done = account.dial_one()
    account.end_all()
    return campaign, done.attempt.agent


def say(account, campaign, name="call_back", *, n=1, **more):
    return dispose(
        account.db, account.settling, ContactId(campaign, n), Said(name, by="Asha", **more)
    )


def others(mine: str) -> list[str]:
    return [one for one in (agent(1), agent(2), agent(3)) if one != mine]


def make_longest_idle(account, db, team: int, mine: str) -> None:
    """Have everybody else be free for longer than this agent, so that chance chooses nobody."""
    for one in others(mine):
        db.client.hset(db.key("idle_since"), one[1:], 1)
        db.client.zadd(db.key("free_of", team), {one[1:]: 1})


def test_the_agent_who_spoke_calls_back_though_others_are_idle_for_longer(
    account, db, team, talked
):
    campaign, mine = talked
    make_longest_idle(account, db, team, mine)

    say(account, campaign, only_agent=True)
    check_conservation(db)
    db.pass_time(3601)

    assert account.rung() == [mine]
    check_conservation(db)


def test_without_that_anyone_of_the_group_calls_back(account, db, team, talked):
    campaign, mine = talked
    make_longest_idle(account, db, team, mine)

    say(account, campaign)
    db.pass_time(3601)

    assert account.rung() != [mine]


def test_who_is_away_is_waited_for_and_that_is_told(account, db, registry, team, talked):
    campaign, mine = talked
    say(account, campaign, only_agent=True)
    Presences(db).set([registry.find(mine)], Presence.OFF)
    db.pass_time(3601)

    assert account.rung() == []

    waiting = waiting_of(db, campaign, size=1)
    assert [f"+{one}" for one in waiting.agent] == [mine]
    assert {one.number: one.waiting for one in agents_now(db).agents}[mine] == 1
    Presences(db).set([registry.find(mine)], Presence.ON)
    assert account.rung() == [mine]
    check_conservation(db)


def test_the_gate_takes_it_back_where_the_agent_left_meanwhile(account, db, registry, talked):
    campaign, mine = talked
    say(account, campaign, only_agent=True)
    db.pass_time(3601)
    (released,) = account.tick()
    Presences(db).set([registry.find(mine)], Presence.BREAK)

    assert account.dial(released) == Dropped("agent away")
    assert account.contact(campaign).made == 1
    check_conservation(db)


def test_why_tells_that_its_agent_is_away(account, db, registry, talked):
    campaign, mine = talked
    say(account, campaign, only_agent=True)
    Presences(db).set([registry.find(mine)], Presence.OFF)
    db.pass_time(3601)
    account.tick()

    found = explain(db, Statuses(db, pacing=account.pacing, max_concurrent_calls=0), campaign)

    assert ContactBlocker.AGENT_AWAY in {one.name for one in found.blockers}


def test_a_call_back_that_is_missed_stays_with_its_agent(account, db, talked):
    campaign, mine = talked
    say(account, campaign, only_agent=True)
    db.pass_time(3601)
    assert account.rung() == [mine]
    (live,) = account.open_attempts()
    missed = terminal(live.attempt.sid, agent_status="no-answer", customer_status=None, talk_s=0)
    account.settling.report(live.id, missed, at=db.now())
    check_conservation(db)
    db.pass_time(86_400)

    assert account.rung() == [mine]


def test_it_ends_when_the_contact_is_closed_and_opens_for_all_of_the_group(
    account, db, team, talked
):
    campaign, mine = talked
    say(account, campaign, only_agent=True)
    db.pass_time(3601)
    account.rung()
    account.end_all()
    say(account, campaign, "sale")
    db.pass_time(601)
    account.tick()
    assert account.contact(campaign).state is ContactState.FINAL
    check_conservation(db)

    make_longest_idle(account, db, team, mine)
    call_back(db, ContactId(campaign, 1), db.in_s(1), reopen=True)
    check_conservation(db)


@pytest.mark.parametrize("waits", ["open", "later", "ready"])
def test_the_desk_leaves_it_to_one_or_to_anyone_wherever_it_waits(account, db, team, talked, waits):
    campaign, mine = talked
    id_ = ContactId(campaign, 1)
    if waits != "open":
        call_back(db, id_, db.in_s(60), only_agent=True)
        check_conservation(db)
    if waits == "ready":
        Presences(db).set(
            [Registry(db, phone_rules=PhoneRules(), zone=ZoneInfo("UTC")).find(mine)], Presence.OFF
        )
        db.pass_time(61)
        assert account.rung() == []

    make_longest_idle(account, db, team, mine)
    call_back(db, id_, db.in_s(5), only_agent=False)
    check_conservation(db)
    db.pass_time(6)

    assert account.rung()[0] in others(mine)
    check_conservation(db)


def test_a_campaign_that_is_cancelled_keeps_nothing_of_it(account, db, talked):
    campaign, _ = talked
    say(account, campaign, only_agent=True)

    account.campaigns.move(account.campaigns.find(campaign), CampaignState.CANCELLING)
    while account.feeding.cancel_some():
        pass
    account.tick()

    assert account.state(campaign) == "cancelled"
    assert not db.client.exists(db.key("c", campaign, "pinned"))
    check_conservation(db)


def test_reports_tell_the_group_as_planned_and_the_agent_as_rung(account, db, talked):
    campaign, mine = talked
    say(account, campaign, only_agent=True)

    (line,) = contact_lines(db, campaign, size=1)

    assert (line.planned, line.rung, line.pinned) == ("group Sales", mine, mine)
    assert is_needed(line, mine)


def test_a_contact_that_nobody_was_rung_for_is_left_to_anyone(account, db, team):
    rows = [ContactRecord(agent=f"+{team}", customer=customer(1))]
    campaign = store_campaign(db, rows)

    with pytest.raises(NoCallBack, match="nobody was rung"):
        call_back(db, ContactId(campaign, 1), db.in_s(60), only_agent=True)
    check_conservation(db)


def test_a_pair_is_its_agents_anyway(account, db):
    campaign = store_campaign(db, [pair(1, 1)], disposition=WORDS, disposition_within_s=600)
    account.dial_and_end()

    say(account, campaign, only_agent=True)
    db.pass_time(3601)

    assert account.rung() == [agent(1)]
    check_conservation(db)


def test_nobody_is_called_back_after_a_word_that_calls_nobody(account, db, talked):
    campaign, _ = talked

    with pytest.raises(NotDisposed, match="give a time"):
        say(account, campaign, "sale", only_agent=True)
    assert account.contact(campaign).state is ContactState.OPEN
