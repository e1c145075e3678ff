"""Waiting contacts are moved to another agent or a group: none is lost, none waits twice, and it can be undone."""

import csv
import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import redis

from campaigns.agents.agent import Agent
from campaigns.agents.team import Team
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from campaigns.events import EventKind
from dialer.agents.moving import Moving, NotMoved
from dialer.agents.teams import TeamBook
from dialer.archiving.archiving import Archiving
from dialer.events.telling import documents
from dialer.ids import ContactId
from dialer.reporting.files import Format
from dialer.settling.disposing import Said, dispose
from dialer.steering.calling_back import call_back
from dialer.store.contacts import pinned_of
from dialer.store.events import BEGINNING, EventStream, entries
from dialer.store.zones_and_teams import note_teams, teams_in
from tests import books_kit
from tests.chaos.nth_operation import Plan, When, failing
from tests.conservation import check_conservation
from tests.factories import agent, append_contacts, customer, pair, store_campaign
from tests.virtual_time import VirtualDatabase


@pytest.fixture
def people(registry) -> list[Agent]:
    return registry.put([Agent(agent(1)), Agent(agent(2)), Agent(agent(3), groups=("Sales",))])


@pytest.fixture
def moving(db) -> Moving:
    return Moving(db)


def move(moving, source: Agent, to):
    done = moving.move(source, to, moving.waiting(source))
    check_conservation(moving._db)
    return done


def agents_of(account, campaign: str, size: int) -> list[str]:
    return [account.contact(campaign, n).agent for n in range(1, size + 1)]


def dial_on(account) -> list[tuple[str, str]]:
    """Dial all there is, one round after the other; gives who was rung for whom."""
    before = len(account.company.calls)
    while account.dial_all():
        check_conservation(account.db)
        account.end_all()
    return [(one.agent, one.customer) for one in account.company.calls[before:]]


################################################################ to an agent


@pytest.mark.parametrize("begun", [False, True], ids=["before the first call", "under way"])
def test_a_queue_is_moved_whole_in_its_order_and_nobody_waits_twice(
    account, db, people, moving, begun
):
    campaign = store_campaign(db, [pair(1, n) for n in range(1, 7)] + [pair(2, 50)])
    if begun:
        account.dial_and_end()

    done = move(moving, people[0], moving.to_agent(people[1]))

    assert done.moved == (5 if begun else 6)
    assert moving.waiting(people[0]) == []
    rung = dial_on(account)
    assert {who for who, _ in rung} == {agent(2)}
    of_first = [who for _, who in rung if who != customer(50)]
    assert of_first == [customer(n) for n in range(2 if begun else 1, 7)]
    assert account.state(campaign) == "completed"


def test_who_is_on_a_call_or_was_asked_for_stays_and_those_with_a_due_time_go(
    account, db, people, moving
):
    due_s = int(db.now()) + 600
    campaign = store_campaign(
        db, [pair(1, 1), pair(1, 2), pair(1, 3, due_s=due_s), pair(1, 4, priority=5)]
    )
    call_back(db, ContactId(campaign, 2), datetime.fromtimestamp(db.now() + 60, UTC))
    account.dial_one()

    move(moving, people[0], moving.to_agent(people[1]))

    states = {n: account.contact(campaign, n) for n in range(1, 5)}
    dialled = [n for n, one in states.items() if one.state is ContactState.DIALING]
    assert dialled == [4]
    assert agents_of(account, campaign, 4) == [agent(2), agent(2), agent(2), agent(1)]
    account.end_all()
    db.pass_time(601)
    assert sorted(dial_on(account)) == [(agent(2), customer(n)) for n in (1, 2, 3)]


def test_who_waits_for_a_customer_that_is_being_called_is_moved_too(account, db, people, moving):
    campaign = store_campaign(db, [pair(1, 1)])
    other = store_campaign(db, [pair(3, 1)], name="other")
    account.dial_all()
    account.tick()
    (busy,) = account.open_attempts()
    left = campaign if busy.id.campaign == other else other
    whose = people[0] if left == campaign else people[2]
    check_conservation(db)

    assert move(moving, whose, moving.to_agent(people[1])).moved == 1

    account.end_all()
    assert dial_on(account) == [(agent(2), customer(1))]


def test_contacts_that_are_appended_for_the_agent_afterwards_are_theirs(
    account, db, people, moving
):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)])
    call_back(db, ContactId(campaign, 2), datetime.fromtimestamp(db.now() + 60, UTC))
    move(moving, people[0], moving.to_agent(people[1]))

    append_contacts(
        db,
        campaign,
        [pair(1, 3), pair(2, 4), pair(1, 5)],
        content_hash="more",
    )
    check_conservation(db)
    db.pass_time(61)

    rung = dial_on(account)
    assert sorted(rung) == [
        *((agent(1), customer(n)) for n in (3, 5)),
        *((agent(2), customer(n)) for n in (1, 2, 4)),
    ]


@pytest.mark.parametrize("stays", [1, 3, 5])
def test_a_contact_whose_customer_is_the_new_agent_stays_at_its_place(
    account, db, people, moving, stays
):
    listed = [pair(1, n) for n in range(1, 6)]
    listed[stays - 1] = listed[stays - 1]._replace(customer=agent(2))
    campaign = store_campaign(db, listed)

    assert move(moving, people[0], moving.to_agent(people[1])).moved == 4

    left = [n for n in range(1, 6) if account.contact(campaign, n).agent == agent(1)]
    assert left == [stays]
    rung = dial_on(account)
    assert (agent(1), agent(2)) in rung
    others = [customer(n) for n in range(1, 6) if n != stays]
    assert [who for by, who in rung if by == agent(2)] == others
    assert account.state(campaign) == "completed"


def test_a_campaign_that_is_over_or_being_cancelled_is_left_alone(account, db, people, moving):
    campaign = store_campaign(db, [pair(1, 1)])
    waiting = moving.waiting(people[0])
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.CANCELLING)

    assert moving.move(people[0], moving.to_agent(people[1]), waiting).moved == 0
    account.tick()
    with pytest.raises(NotMoved, match="no contact waits for this agent"):
        move(moving, people[0], moving.to_agent(people[1]))


def test_nobody_is_moved_to_themselves_or_to_a_group_of_nobody(db, people, moving):
    store_campaign(db, [pair(1, 1)])

    with pytest.raises(NotMoved, match="not to themselves"):
        move(moving, people[0], moving.to_agent(people[0]))
    with pytest.raises(NotMoved, match="no agent belongs to a group Nobody"):
        moving.to_group("Nobody")


################################################################ to a group, and with stand-ins


def test_a_group_rings_whom_it_was_given_and_reports_tell_both_plans(
    account, db, people, moving, tmp_path
):
    campaign = store_campaign(
        db, [pair(1, 1), pair(1, 2)], retry=["customer_busy=1m"], max_attempts=3
    )
    account.dial_and_end(customer_status="busy")

    assert move(moving, people[0], moving.to_group("sales")).moved == 2
    db.pass_time(61)
    dial_on(account)

    attempts = table(account, campaign, "attempts", tmp_path)
    assert [(one["agent_planned"], one["agent_rung"]) for one in attempts] == [
        (agent(1)[1:], agent(1)[1:]),
        ("group Sales", agent(3)[1:]),
        ("group Sales", agent(3)[1:]),
    ]
    contacts = table(account, campaign, "contacts", tmp_path)
    assert {one["agent_planned"] for one in contacts} == {"group Sales"}
    assert teams_in(db, campaign) == [moving.to_group("Sales").number]


def test_an_archive_tells_for_whom_each_attempt_was(account, db, people, moving, tmp_path):
    campaign = store_campaign(db, [pair(1, 1)], retry=["customer_busy=1m"], max_attempts=2)
    account.dial_and_end(customer_status="busy")
    move(moving, people[0], moving.to_group("Sales"))
    db.pass_time(61)
    dial_on(account)
    before = table(account, campaign, "attempts", tmp_path)

    archive(account, campaign, tmp_path)

    assert table(account, campaign, "attempts", tmp_path) == before
    assert [one["agent_planned"] for one in before] == [agent(1)[1:], "group Sales"]


def test_contacts_with_stand_ins_are_moved_with_their_agent_and_get_them_back(
    account, db, people, moving
):
    team = TeamBook(db).number_of(Team(agents=(agent(1), agent(3))))
    listed = [pair(1, 1), pair(1, 2)._replace(agent=f"+{team}")]
    campaign = store_campaign(db, listed)
    note_teams(account.db, campaign, [f"+{team}"])

    done = move(moving, people[0], moving.to_agent(people[1]))
    assert agents_of(account, campaign, 2) == [agent(2), agent(2)]

    moving.undo(done.id)
    check_conservation(db)
    assert agents_of(account, campaign, 2) == [agent(1), f"+{team}"]


def test_a_call_back_for_one_of_a_group_alone_goes_to_another_agent_and_comes_back(
    account, db, people, registry, moving
):
    registry.put([Agent(agent(1), people[0].id, groups=("Sales",)), people[2]])
    team = TeamBook(db).number_of(Team("Sales"))
    listed = [pair(1, n)._replace(agent=f"+{team}") for n in (1, 2)]
    campaign = store_campaign(db, listed, disposition=("sale", "call_back:retry=1h"))
    account.dial_and_end()
    for n in (1, 2):
        whose = account.attempts.of_contact(ContactId(campaign, n), 1).attempt.agent
        said = Said("call_back", by="Asha", agent=whose, only_agent=True)
        dispose(db, account.settling, ContactId(campaign, n), said)
    check_conservation(db)

    assert move(moving, people[0], moving.to_group("Sales")).moved == 0
    done = move(moving, people[0], moving.to_agent(people[1]))
    assert done.moved == 1
    assert sorted(pinned_of(db, campaign).values()) == [agent(2), agent(3)]
    assert moving.undo(done.id).moved == 1
    check_conservation(db)
    assert sorted(pinned_of(db, campaign).values()) == [agent(1), agent(3)]


################################################################ undone


def test_a_move_is_undone_for_those_who_still_wait(account, db, people, moving):
    campaign = store_campaign(db, [pair(1, n) for n in range(1, 5)] + [pair(2, 50)])
    done = move(moving, people[0], moving.to_agent(people[1]))
    account.dial_one()
    (live,) = account.open_attempts()

    undone = moving.undo(done.id)

    check_conservation(db)
    left = {customer(n) for n in range(1, 5)} - {live.attempt.customer}
    assert undone.moved == len(left)
    account.end_all()
    rung = dial_on(account)
    assert {who for by, who in rung if by == agent(1)} == left
    assert (agent(2), customer(50)) in [*rung, (live.attempt.agent, live.attempt.customer)]
    assert account.state(campaign) == "completed"


def test_a_move_is_undone_once_and_not_after_its_number_was_purged(db, people, moving):
    store_campaign(db, [pair(1, 1)])
    done = move(moving, people[0], moving.to_agent(people[1]))
    moving.undo(done.id)

    with pytest.raises(NotMoved, match="was undone already"):
        moving.undo(done.id)
    again = move(moving, people[0], moving.to_agent(people[1]))
    db.client.hdel(db.key("move", again.id), "target")
    with pytest.raises(NotMoved, match="a number of it was purged"):
        moving.undo(again.id)
    with pytest.raises(NotMoved, match="no move nosuchmove is known"):
        moving.undo("nosuchmove")


def test_moves_are_listed_the_newest_first_each_with_what_became_of_it(db, people, moving):
    store_campaign(db, [pair(1, 1), pair(1, 2)])
    first = move(moving, people[0], moving.to_agent(people[1]))
    db.pass_time(1)
    second = moving.undo(first.id)

    found = moving.recent()

    assert [one.id for one in found] == [second.id, first.id]
    assert [one.moved for one in found] == [2, 2]
    assert (found[1].undone_by, found[0].undoes) == (second.id, first.id)
    assert all(one.ended_at for one in found)


def test_an_event_tells_how_many_were_moved_and_no_number(db, people, moving):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)])
    done = move(moving, people[0], moving.to_agent(people[1]))

    written = EventStream(db).after(BEGINNING, most=100)
    told = documents(db, "demo", list(entries(written)))

    (event,) = [one for one in told if one.type is EventKind.CONTACTS_MOVED]
    assert (event.data.campaign_id, event.data.count) == (campaign, 2)
    assert event.data.details == {
        "move": done.id,
        "agent_id": people[0].id,
        "to": people[1].id,
        "by": "",
    }
    assert agent(1)[1:] not in json.dumps([one for _, one in written])


################################################################ whoever is killed


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("deed", ["moved", "undone"])
def test_a_move_that_dies_at_any_command_loses_nobody_and_is_done_by_asking_again(
    redis_server, redis_client, account, db, people, tmp_path, when, deed
):
    path = redis_client.connection_pool.connection_kwargs["path"]
    team = TeamBook(db).number_of(Team(agents=(agent(1), agent(3))))
    campaigns = []
    for name in ("one", "two"):
        listed = [pair(1, 1), pair(1, 2), pair(1, 3)._replace(agent=f"+{team}")]
        campaigns.append(store_campaign(db, listed, name=name, running=name == "one"))
        note_teams(account.db, campaigns[-1], [f"+{team}"])
    struck = [True]

    def dying(n: int, does: str) -> None:
        plan = Plan(n, when)
        pool = redis.ConnectionPool(connection_class=failing(plan), path=path, socket_timeout=5)
        with redis.Redis(connection_pool=pool) as client:
            told = Moving(VirtualDatabase(client, db.account))
            with suppress(redis.RedisError, NotMoved):
                if does == "moved":
                    told.move(people[0], told.to_agent(people[1]), told.waiting(people[0]))
                else:
                    told.undo(done.id)
        struck[0] = plan.struck is not None

    there = [agent(1), agent(1), f"+{team}"]
    n = 0
    while struck[0]:
        n += 1
        if deed == "undone":
            done = Moving(db).move(
                people[0], Moving(db).to_agent(people[1]), Moving(db).waiting(people[0])
            )
        dying(n, deed)
        check_conservation(db)
        for campaign in campaigns:
            assert set(agents_of(account, campaign, 3)) <= {agent(2), *there}
        moving = Moving(db)
        if deed == "moved":
            with suppress(NotMoved):  # it was whole when it died
                moving.move(people[0], moving.to_agent(people[1]), moving.waiting(people[0]))
            assert moving.waiting(people[0]) == []
            for one in moving.recent():
                if not one.undone_by and not one.undoes:
                    moving.undo(one.id)
        else:
            with suppress(NotMoved):
                moving.undo(done.id)
        check_conservation(db)
        assert [agents_of(account, one, 3) for one in campaigns] == [there, there]
    assert n > 10


def archive(account, campaign, folder) -> None:
    found = account.campaigns.find(campaign)
    Archiving(account.db, archives=folder / "archive").archive(found, force=True)


def table(account, campaign, kind, folder) -> list[dict[str, str]]:
    found = account.campaigns.find(campaign)
    made = books_kit.report(account, found, folder, folder / kind, formats=[Format.CSV])
    (path,) = [one for one in made.files if f"_{kind}_" in one.name]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
