"""Groups and stand-ins: the gate chooses who is rung, and never somebody who has a call."""

from datetime import UTC, datetime

import pytest

from campaigns.agents.agent import Agent, Presence
from campaigns.agents.team import Team
from campaigns.contact_state import ContactState
from dialer.agents.teams import TeamBook
from dialer.dialing.gate import Dropped
from dialer.ids import ContactId
from dialer.pacing import Allowance
from dialer.steering.calling_back import call_back
from dialer.store import ContactRecord
from dialer.store.agents import AgentStore
from dialer.store.teams import Teams
from dialer.store.traces import forget_traces
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import agent, customer, pair, start, store_campaign, terminal
from tests.virtual_time import commands_run


@pytest.fixture
def book(db) -> TeamBook:
    return TeamBook(db)


def sales(registry, *numbers: int, **said) -> list[Agent]:
    return registry.put([Agent(agent(one), groups=("Sales",), **said) for one in numbers])


def for_team(team: int, *customers: int, **said) -> list[ContactRecord]:
    return [ContactRecord(agent=f"+{team}", customer=customer(one), **said) for one in customers]


def miss(account) -> None:
    (live,) = account.open_attempts()
    missed = terminal(live.attempt.sid, agent_status="no-answer", customer_status=None, talk_s=0)
    account.settling.report(live.id, missed, at=account.db.now())


def free_of(db, team: int) -> list[str]:
    return [f"+{one.decode()}" for one in db.client.zrange(db.key("free_of", team), 0, -1)]


################################################################ groups


def test_everybody_of_a_group_is_rung_and_nobody_twice(account, db, registry, book):
    sales(registry, 1, 2, 3)
    team = book.number_of(Team("Sales"))
    campaign = store_campaign(db, for_team(team, *range(1, 9)))

    assert sorted(account.rung()) == [agent(1), agent(2), agent(3)]
    assert account.rung() == []
    check_conservation(db)

    account.end_all()
    assert sorted(account.rung()) == [agent(1), agent(2), agent(3)]
    account.end_all()
    assert len(account.rung()) == 2
    account.end_all()
    assert account.state(campaign) == "completed"
    check_conservation(db)


def test_whoever_is_idle_for_longest_is_rung(account, db, registry, book):
    sales(registry, 1, 2)
    team = book.number_of(Team("Sales"))
    store_campaign(db, for_team(team, *range(1, 9)))
    assert len(account.rung()) == 2
    first, second = account.open_attempts()
    for one in (second, first):
        db.pass_time(5)
        account.settling.report(one.id, terminal(one.attempt.sid), at=db.now())

    done = [account.dial(one) for one in account.tick()]

    assert [one.attempt.agent for one in done] == [second.attempt.agent, first.attempt.agent]


def test_who_was_rung_for_another_group_is_not_the_longest_idle_of_this_one(
    account, db, registry, book
):
    registry.put(
        [Agent(agent(1), groups=("Sales", "Support")), Agent(agent(2), groups=("Support",))]
    )
    store_campaign(db, for_team(book.number_of(Team("Sales")), 1), name="sales")
    support = book.number_of(Team("support"))
    db.pass_time(10)
    assert account.rung() == [agent(1)]
    db.pass_time(10)
    account.end_all()

    store_campaign(db, for_team(support, 2), name="support")

    assert account.rung() == [agent(2)]


def check_called_one_after_another(account, db) -> None:
    for _ in range(4):
        assert account.rung() == [agent(1)]
        assert account.rung() == []
        check_conservation(db)
        account.end_all()
    assert account.rung() == []


def test_an_agent_of_two_groups_has_one_call_at_a_time(account, db, registry, book):
    registry.put([Agent(agent(1), groups=("Sales", "Support"))])
    for number, name in enumerate(("Sales", "Support")):
        team = book.number_of(Team(name))
        store_campaign(db, for_team(team, 2 * number + 1, 2 * number + 2), name=name)

    check_called_one_after_another(account, db)


def test_an_agent_of_a_group_and_of_pairs_has_one_call_at_a_time(account, db, registry, book):
    sales(registry, 1)
    team = book.number_of(Team("Sales"))
    store_campaign(db, for_team(team, 1, 2), name="group")
    store_campaign(db, [pair(1, 3), pair(1, 4)], name="pairs")

    check_called_one_after_another(account, db)


def test_languages_and_skills_say_who_of_a_group_is_rung(account, db, registry, book):
    registry.put(
        [
            Agent(agent(1), groups=("Sales",), languages=("Hindi",), skills=("refunds",)),
            Agent(agent(2), groups=("Sales",), languages=("Tamil", "hindi"), skills=()),
            Agent(agent(3), groups=("Sales",), languages=("Tamil",), skills=("Refunds", "vip")),
        ]
    )
    both = book.number_of(Team("Sales", languages=("tamil", "urdu"), skills=("refunds",)))
    store_campaign(db, for_team(both, 1, 2))

    assert account.rung() == [agent(3)]
    assert account.rung() == []


def test_who_is_away_is_passed_over_and_comes_back(account, db, registry, presences, book):
    one, _ = sales(registry, 1, 2)
    team = book.number_of(Team("Sales"))
    store_campaign(db, for_team(team, 1, 2, 3))
    presences.set([one], Presence.BREAK)

    assert account.rung() == [agent(2)]
    assert account.rung() == []
    presences.set([one], Presence.ON)
    assert account.rung() == [agent(1)]
    check_conservation(db)


def test_the_gate_finds_that_everybody_went_away_and_takes_the_contact_back(
    account, db, registry, presences, book
):
    agents = sales(registry, 1, 2)
    campaign = store_campaign(db, for_team(book.number_of(Team("Sales")), 1))
    (released,) = account.tick()
    presences.set(agents, Presence.OFF)

    assert account.dial(released) == Dropped("no agent free")
    taken_back = account.contact(campaign)
    assert (taken_back.state, taken_back.made) == (ContactState.WAITING, 0)
    assert account.rung() == []
    presences.set(agents[1:], Presence.ON)
    assert account.rung() == [agent(2)]
    check_conservation(db)


def test_who_joins_a_group_takes_part_at_once_and_who_leaves_does_not(account, db, registry, book):
    (one,) = sales(registry, 1)
    store_campaign(db, for_team(book.number_of(Team("Sales")), 1, 2, 3, 4))
    assert account.rung() == [agent(1)]

    sales(registry, 2)
    assert account.rung() == [agent(2)]
    registry.put([Agent(one.number, id=one.id)])
    account.end_all()

    assert account.rung() == [agent(2)]
    check_conservation(db)


def test_a_group_without_agents_waits_for_them(account, db, registry, book):
    store_campaign(db, for_team(book.number_of(Team("Sales")), 1))
    assert account.rung() == []

    sales(registry, 1)

    assert account.rung() == [agent(1)]


def test_no_more_is_released_than_members_are_believed_free(db, tmp_path, registry, book):
    account = Account(db, tmp_path, ahead=Allowance())
    sales(registry, 1, 2, 3)
    store_campaign(db, for_team(book.number_of(Team("Sales")), *range(1, 50)))

    assert len(account.tick()) == 3
    assert account.tick() == ()
    db.pass_time(11)
    assert len(account.tick()) == 3
    check_conservation(db)


def test_members_who_must_not_be_rung_are_looked_at_now_and_then_and_not_by_each_gate(
    account, db, registry, book
):
    sales(registry, *range(1, 61))
    store_campaign(db, for_team(book.number_of(Team("Sales")), *range(1, 9)))
    db.client.hset(db.key("suppressed"), mapping={agent(one)[1:]: "{}" for one in range(1, 60)})

    assert account.rung() == [agent(60)]
    account.end_all()
    before = commands_run(db.client)
    assert account.rung() == [agent(60)]

    assert commands_run(db.client) - before < 250  # some 150, and 5 more for each that is looked at
    check_conservation(db)
    account.end_all()
    db.client.delete(db.key("suppressed"))
    db.pass_time(61)
    assert len(account.rung()) > 1


def test_a_member_who_is_suppressed_is_not_rung(account, db, registry, book):
    sales(registry, 1, 2)
    store_campaign(db, for_team(book.number_of(Team("Sales")), 1, 2))
    db.client.hset(db.key("suppressed"), agent(1)[1:], "{}")

    assert account.rung() == [agent(2)]
    assert account.rung() == []
    db.client.hdel(db.key("suppressed"), agent(1)[1:])
    db.pass_time(61)
    assert account.rung() == [agent(1)]


def test_a_customer_who_is_in_the_group_is_rung_by_others_of_it(account, db, registry, book):
    sales(registry, 1, 2)
    team = book.number_of(Team("Sales"))
    store_campaign(db, [ContactRecord(agent=f"+{team}", customer=agent(1))])

    assert account.rung() == [agent(2)]


def test_a_customer_who_is_all_of_the_group_is_looked_at_once_a_minute(account, db, registry, book):
    sales(registry, 1)
    team = book.number_of(Team("Sales"))
    store_campaign(db, [ContactRecord(agent=f"+{team}", customer=agent(1))])

    assert account.rung() == []
    assert account.tick() == ()
    db.pass_time(61)
    assert len(account.tick()) == 1


def test_missed_calls_park_whoever_was_rung(account, db, registry, book):
    sales(registry, 1, 2)
    team = book.number_of(Team("Sales"))
    store_campaign(db, for_team(team, 1), park_after=1, park_s=300, retry=("agent_no_answer=1s",))
    (missing,) = account.rung()
    miss(account)
    db.pass_time(2)

    (other,) = account.rung()

    assert {missing, other} == {agent(1), agent(2)}
    where = AgentStore(db).presence_of([missing, other])
    assert [one.state for one in where] == [Presence.MISSED, Presence.ON]
    check_conservation(db)


def test_who_spoke_with_the_customer_before_is_rung_again_where_a_rule_says_so(
    account, db, registry, book
):
    sales(registry, *range(1, 6))
    team = book.number_of(Team("Sales"))
    campaign = store_campaign(db, for_team(team, 1), same_agent=True, max_attempts=5)
    (first,) = account.rung()
    for _ in range(3):
        account.end_all()
        again = datetime.fromtimestamp(db.now() + 60, UTC)
        call_back(db, ContactId(campaign, 1), again, reopen=True)
        start(db, campaign)
        db.pass_time(61)
        assert account.rung() == [first]


@pytest.mark.parametrize("wanted", [True, False])
def test_who_spoke_with_the_customer_in_an_earlier_campaign_is_rung_where_both_want_it(
    account, db, registry, book, wanted
):
    sales(registry, 1, 2)
    team = book.number_of(Team("Sales"))
    store_campaign(db, for_team(team, 1), name="earlier", same_agent=True)
    (spoke,) = account.rung()
    db.pass_time(60)  # the other one is idle for longer from now on
    account.end_all()
    store_campaign(db, for_team(team, 1), name="later", same_agent=wanted)

    (again,) = account.rung()

    assert (again == spoke) is wanted
    account.end_all()
    gone, _ = forget_traces(db, lambda text: customer(1)[1:].encode() in text, dry_run=False)
    assert any("spoke" in one.where for one in gone)
    assert not db.client.exists(*db.client.keys(db.key("spoke", "*")) or ["none"])
    check_conservation(db)


################################################################ stand-ins


@pytest.fixture
def standing(db, registry, book) -> list[Agent]:
    return registry.put([Agent(agent(one)) for one in (1, 2, 3)])


def stand_ins(book, **said) -> int:
    return book.number_of(Team(agents=(agent(1), agent(2), agent(3)), **said))


def test_a_stand_in_is_rung_while_the_agent_is_away_and_only_then(
    account, db, standing, presences, book
):
    store_campaign(db, for_team(stand_ins(book), *range(1, 9)))
    assert account.rung() == [agent(1)]
    assert account.rung() == []
    account.end_all()

    presences.set(standing[:1], Presence.BREAK)
    assert account.rung() == [agent(2)]
    assert account.rung() == []
    check_conservation(db)
    presences.set(standing[1:2], Presence.OFF)
    assert account.rung() == [agent(3)]
    account.end_all()
    presences.set(standing, Presence.ON)
    assert account.rung() == [agent(1)]
    check_conservation(db)


def test_stand_ins_are_rung_in_their_order_also_while_the_agent_is_on_a_call_where_a_rule_says_so(
    account, db, standing, book
):
    store_campaign(db, for_team(stand_ins(book, when_busy=True), *range(1, 9)))

    assert account.rung() == [agent(1), agent(2), agent(3)]
    account.end_all()
    assert account.rung()[0] == agent(1)


def test_an_agent_who_goes_away_during_a_call_has_stand_ins_at_once(
    account, db, standing, presences, book
):
    store_campaign(db, for_team(stand_ins(book), 1, 2))
    assert account.rung() == [agent(1)]
    assert account.rung() == []

    presences.set(standing[:1], Presence.BREAK)

    assert account.rung() == [agent(2)]
    check_conservation(db)


def test_who_missed_too_many_calls_has_stand_ins(account, db, standing, book):
    store_campaign(
        db, for_team(stand_ins(book), 1, 2), park_after=1, park_s=300, retry=(), max_attempts=1
    )
    assert account.rung() == [agent(1)]
    miss(account)

    assert account.rung() == [agent(2)]
    check_conservation(db)


def test_an_agent_of_pairs_who_is_a_stand_in_elsewhere_has_one_call_at_a_time(
    account, db, standing, presences, book
):
    presences.set(standing[:1], Presence.OFF)
    store_campaign(db, for_team(stand_ins(book), 1, 2), name="standing")
    store_campaign(db, [pair(2, 3), pair(2, 4)], name="pairs")

    for _ in range(4):
        assert account.rung() == [agent(2)]
        assert account.rung() == []
        account.end_all()
        check_conservation(db)


################################################################ what they are


def test_the_same_team_has_one_number_however_it_is_written(db, book):
    number = book.number_of(Team("Sales", languages=("Hindi", "Tamil")))

    assert TeamBook(db).number_of(Team("SALES", languages=("tamil", "hindi"))) == number
    assert TeamBook(db).number_of(Team("Sales")) != number
    assert str(Teams(db).all()[number]) == "group Sales (Hindi, Tamil)"


def test_a_release_of_a_team_that_is_not_used_goes_back_and_comes_again(
    account, db, registry, book
):
    sales(registry, 1)
    campaign = store_campaign(db, for_team(book.number_of(Team("Sales")), 1))
    (first,) = account.tick()
    db.pass_time(11)

    (second,) = account.tick()

    assert second.contact == first.contact
    assert account.dial(first) == Dropped("not ours")
    assert account.dial(second).attempt.agent == agent(1)
    assert account.contact(campaign).made == 1
    check_conservation(db)


def test_who_dies_between_the_agents_and_their_groups_leaves_the_rest_to_the_feeder(
    account, db, registry, book
):
    store_campaign(db, for_team(book.number_of(Team("Sales")), 1))
    account.tick()
    # what putting an agent does first
    AgentStore(db).put([Agent(agent(1), groups=("Sales",))], shift_changes={})
    assert free_of(db, 1) == []

    (released,) = account.tick()

    assert free_of(db, 1) == [agent(1)]
    assert account.dial(released).attempt.agent == agent(1)
