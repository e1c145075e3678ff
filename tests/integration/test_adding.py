"""Contacts that come one at a time: judged as rows, each there once, in the order their priority says."""

import multiprocessing
import signal
import threading
from collections import Counter
from dataclasses import replace

import pytest
import redis

from campaigns.campaign import CampaignState
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.one_at_a_time import GivenContact
from campaigns.lists.sieve import Dedupe
from campaigns.numbers.phone_rules import PhoneRules
from dialer import failpoints
from dialer.loading.adding import Adding, Addition, FileOnItsWay, NeedsSecondPerson, Took
from dialer.loading.refusing import LoadRefused, StartRefused
from dialer.steering.starting import SecondPersonNeeded, Starting
from dialer.store import Campaigns, Database
from dialer.store.campaign import WrongState
from dialer.store.contacts import Contacts
from dialer.store.external_ids import bearers_of
from dialer.store.imports import Imports
from tests.books_kit import purging_of
from tests.factories import (
    agent,
    append_contacts,
    contact_with_row,
    customer,
    pair,
    rules,
    start,
    store_campaign,
)

ADDED, KNOWN, CONFLICT = Took.ADDED, Took.KNOWN, Took.CONFLICT


def adding_to(db: Database, *, second_above: int = 0) -> Adding:
    return Adding(db, phone_rules=PhoneRules(), second_above=second_above)


def contact(number: int, id_: str = "", *, agent_no: int = 1, **said: str) -> GivenContact:
    return GivenContact(agent(agent_no), f"+91987654{number:04}", external_id=id_, **said)


@pytest.fixture
def adding(db):
    return adding_to(db)


def put(adding: Adding, db: Database, id_: str, *given: GivenContact, **how) -> list[Addition]:
    how = {"may_start": True} | how
    return adding.add(Campaigns(db).find(id_), given, **how)


def took(answers: list[Addition]) -> list[Took]:
    return [one.took for one in answers]


def sums(db: Database, id_: str) -> tuple[int, int, int]:
    """Rows, accepted, and the sum of all states."""
    found = Campaigns(db).find(id_)
    return found.rows, found.accepted, Campaigns(db).counts(id_).accepted


################################################################ once


def test_the_same_id_with_the_same_row_is_the_same_contact_and_with_another_a_conflict(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    (first,) = put(adding, db, id_, contact(100, "crm-1"))

    again = put(adding, db, id_, contact(100, "crm-1"), contact(101, "crm-1"))

    assert first.took is ADDED
    assert took(again) == [KNOWN, CONFLICT]
    assert {one.contact for one in again} == {first.contact}
    assert "another" in again[1].message
    assert sums(db, id_) == (2, 2, 2)


@pytest.mark.parametrize(
    "changed",
    [
        {"priority": "1"},
        {"not_before": "2026-11-24 10:00"},
        {"expires_at": "2026-11-24"},
        {"timezone": "Asia/Dubai"},
        {"custom_field": "x"},
        {"agent": agent(2)},
    ],
)
def test_every_field_of_a_row_tells_it_from_another(adding, db, changed):
    id_ = store_campaign(db, [pair(1, 1)])
    put(adding, db, id_, contact(100, "crm-1"))

    assert took(put(adding, db, id_, replace(contact(100, "crm-1"), **changed))) == [CONFLICT]


def test_the_spelling_of_a_number_is_no_difference(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    put(adding, db, id_, contact(100, "crm-1"))

    spelt = replace(contact(100, "crm-1"), customer="098765 40100")

    assert took(put(adding, db, id_, spelt)) == [KNOWN]


def test_two_alike_in_one_request_are_one_contact_and_two_unlike_a_conflict(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])

    answers = put(
        adding, db, id_, contact(100, "crm-1"), contact(100, "crm-1"), contact(101, "crm-1")
    )

    assert took(answers) == [ADDED, KNOWN, CONFLICT]
    assert sums(db, id_) == (2, 2, 2)


def test_many_at_once_give_the_same_leads_and_each_is_there_once(db):
    """Threads with clients of their own, some leads of all in each request, in other orders."""
    id_ = store_campaign(db, [pair(1, 1)])
    leads = [contact(n, f"crm-{n}") for n in range(40)]
    answers: list[Addition] = []

    def give(nth: int) -> None:
        kwargs = db.client.connection_pool.connection_kwargs
        with redis.Redis(unix_socket_path=kwargs["path"]) as client:
            own = Database(client, db.account)
            adding = adding_to(own)
            for at in range(0, 40, 5):
                some = leads[(at + nth * 7) % 40 :][:5]
                answers.extend(put(adding, own, id_, *some))

    threads = [threading.Thread(target=give, args=(nth,)) for nth in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.took for one in answers} == {ADDED, KNOWN}
    assert (
        Counter(one.external_id for one in answers if one.took is ADDED).most_common(1)[0][1] == 1
    )
    ids = {(one.external_id, one.contact) for one in answers}
    assert len(ids) == len({id_ for id_, _ in ids})
    held = [
        record.customer for record in (Contacts(db).get(id_, n) for n in range(2, 42)) if record
    ]
    assert len(held) == len(set(held)) == sums(db, id_)[1] - 1


def test_two_leads_for_one_customer_at_once_are_one_contact(db):
    """Without an id only the customer tells that it is the same."""
    id_ = store_campaign(db, [pair(1, 1)])
    answers: list[Addition] = []

    def give() -> None:
        kwargs = db.client.connection_pool.connection_kwargs
        with redis.Redis(unix_socket_path=kwargs["path"]) as client:
            own = Database(client, db.account)
            adding = adding_to(own)
            for n in range(100, 110):
                answers.extend(put(adding, own, id_, contact(n)))

    threads = [threading.Thread(target=give) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(took(answers)) == {ADDED: 10, Took.DUPLICATE: 50}
    assert sums(db, id_) == (11, 11, 11)


def _add_and_die(path: str, account: str, id_: str) -> None:
    failpoints.arm("added")
    with redis.Redis(unix_socket_path=path) as client:
        db = Database(client, account)
        put(adding_to(db), db, id_, contact(100, "crm-1"))


def test_who_was_killed_before_they_were_told_asks_again_and_hears_of_the_same_contact(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    path = db.client.connection_pool.connection_kwargs["path"]
    child = multiprocessing.get_context("spawn").Process(
        target=_add_and_die, args=(path, db.account, id_)
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL

    (answer,) = put(adding, db, id_, contact(100, "crm-1"))

    assert answer.took is KNOWN
    assert str(answer.contact) == f"{id_}-2"
    assert sums(db, id_) == (2, 2, 2)


################################################################ judged as a row


def test_bad_ones_among_a_thousand_are_told_by_their_place_and_the_others_are_added(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    given = [contact(n, f"crm-{n}") for n in range(1_000)]
    given[10] = replace(given[10], customer="12345")
    given[20] = replace(given[20], priority="urgent")
    given[30] = replace(given[30], external_id="x" * 129)
    given[40] = replace(given[40], row={"flavour": "mint"})
    given[50] = replace(given[50], customer=agent(1))
    given[60] = replace(given[60], customer="+14155550100")

    answers = put(adding, db, id_, *given)

    bad = {at: one for at, one in enumerate(answers) if one.took is not ADDED}
    assert {at: one.code for at, one in bad.items()} == {
        10: "short_code",
        20: "bad_priority",
        30: "bad_external_id",
        40: "unknown_column",
        50: "agent_is_customer",
        60: "country_not_allowed",
    }
    assert bad[20].column == "priority"
    assert bad[20].message.startswith("Contact 21, priority: expected")
    assert sums(db, id_) == (995, 995, 995)


def test_suppressed_numbers_and_customers_listed_already_are_told_and_not_taken(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    store_campaign(db, [pair(2, 2)], name="other")
    db.client.hset(db.key("suppressed"), customer(50)[1:], "{}")

    answers = put(
        adding,
        db,
        id_,
        GivenContact(agent(1), customer(50)),
        GivenContact(agent(1), customer(1)),
        GivenContact(agent(1), customer(2)),
    )

    assert [one.code for one in answers] == [
        "suppressed",
        "duplicate_in_campaign",
        "duplicate_active",
    ]
    assert took(put(adding, db, id_, GivenContact(agent(1), customer(2)), dedupe=Dedupe.FILE)) == [
        ADDED
    ]


def test_its_cells_stand_under_the_campaigns_columns(adding, db):
    campaigns = Campaigns(db)
    campaigns.create(
        "campaign", name="sale", rules=rules(), columns=("Mobile No", "plan", "Agent", "Priority")
    )
    append_contacts(db, "campaign", [], content_hash="empty")

    put(adding, db, "campaign", contact(100, "crm-1", priority="7", row={"plan": "gold"}))

    record, row = contact_with_row(db, "campaign", 1)
    assert record.priority == 7
    assert row.cells == ("+919876540100", "gold", agent(1), "7")
    assert row.external_id == "crm-1"


def test_its_numbers_stand_in_the_columns_that_were_chosen_for_the_campaign(adding, db):
    campaigns = Campaigns(db)
    campaigns.create(
        "campaign",
        name="sale",
        rules=rules(),
        columns=("Phone 1", "mobile", "Caller", "remark"),
        chosen=ColumnChoice("Caller", "Phone 1", "remark"),
    )
    append_contacts(db, "campaign", [], content_hash="empty")

    put(adding, db, "campaign", contact(100, row={"mobile": "none"}))

    _, row = contact_with_row(db, "campaign", 1)
    assert row.cells == ("+919876540100", "none", agent(1), "")
    assert adding.judge_of(campaigns.find("campaign")).own_columns() == ["mobile", "remark"]


################################################################ where the campaign stands


@pytest.mark.parametrize("state", ["loaded", "paused"])
def test_it_waits_where_the_campaign_does_not_run(adding, db, account, state):
    id_ = store_campaign(db, [], running=state == "paused")
    append_contacts(db, id_, [pair(1, 1)], content_hash="more")
    if state == "paused":
        start(db, id_)
        Campaigns(db).move(Campaigns(db).find(id_), CampaignState.PAUSED)

    put(adding, db, id_, contact(100, "crm-1"), may_start=False)

    assert Campaigns(db).find(id_).state == state
    assert account.dial_all() == []
    start(db, id_)
    account.dial_all()
    assert len(account.company.posts) == 1  # one agent


def test_who_may_not_start_calls_adds_nothing_to_what_runs(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])

    with pytest.raises(StartRefused):
        put(adding, db, id_, contact(100, "crm-1"), may_start=False)

    assert sums(db, id_) == (1, 1, 1)


@pytest.mark.parametrize(("may_start", "state"), [(True, "running"), (False, "loaded")])
def test_a_completed_campaign_goes_on_with_it_where_whoever_adds_may_start_calls(
    adding, db, account, may_start, state
):
    id_ = store_campaign(db, [pair(1, 1)], max_attempts=1)
    account.dial_and_end()
    assert Campaigns(db).find(id_).state is CampaignState.COMPLETED

    put(adding, db, id_, contact(100, "crm-1"), may_start=may_start)

    assert Campaigns(db).find(id_).state == state
    assert len(account.dial_all()) == (1 if may_start else 0)


def test_a_cancelled_campaign_takes_none_and_still_knows_those_it_has(adding, db, account):
    id_ = store_campaign(db, [pair(1, 1)])
    put(adding, db, id_, contact(100, "crm-1"))
    Campaigns(db).move(Campaigns(db).find(id_), CampaignState.CANCELLING)
    account.tick()

    with pytest.raises(WrongState, match="takes no more contacts"):
        put(adding, db, id_, contact(101, "crm-2"))
    answers = put(adding, db, id_, contact(100, "crm-1"), contact(101, "crm-2"))

    assert took(answers) == [KNOWN, Took.REJECTED]
    assert answers[1].code == "not_taken_now"
    assert sums(db, id_) == (2, 2, 2)


def test_an_archived_campaign_takes_none(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    db.client.hset(db.key("c", id_), "archived_at", "1")

    with pytest.raises(WrongState, match="archived"):
        put(adding, db, id_, contact(100))


def test_one_whose_end_has_come_takes_none(adding, db):
    id_ = store_campaign(db, [pair(1, 1)], ends_at="2020-01-01T00:00:00+05:30")

    with pytest.raises(LoadRefused, match="ends_at"):
        put(adding, db, id_, contact(100))


def test_while_a_list_is_on_its_way_in_it_waits_for_that(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    Imports(db).begin_loading(id_, content_hash="file")

    with pytest.raises(FileOnItsWay, match="try again"):
        put(adding, db, id_, contact(100))

    assert sums(db, id_) == (1, 1, 1)


################################################################ no way round the second person


def test_thousands_of_single_ones_do_not_slip_past_the_second_person(db):
    id_ = store_campaign(db, [pair(1, 1), pair(2, 2)])
    adding = adding_to(db, second_above=3)
    put(adding, db, id_, contact(100))

    with pytest.raises(NeedsSecondPerson, match="two people"):
        put(adding, db, id_, contact(101))

    found = Campaigns(db).find(id_)
    assert (found.accepted, found.state) == (3, CampaignState.RUNNING)  # it runs on


def test_two_people_confirm_a_list_and_as_many_single_ones_as_one_person_may_start(db, account):
    account.options = replace(account.options, second_above=2)
    id_ = store_campaign(db, [pair(n, n) for n in range(1, 4)], running=False)
    starting = Starting(db, second_above=2)
    with pytest.raises(SecondPersonNeeded):
        starting.start(Campaigns(db).find(id_), who="asha")
    starting.start(Campaigns(db).find(id_), who="ravi")
    adding = adding_to(db, second_above=2)

    put(adding, db, id_, contact(100, agent_no=11), contact(101, agent_no=12))

    assert len(account.dial_all()) == 5  # the gate lets them pass
    with pytest.raises(NeedsSecondPerson):
        put(adding, db, id_, contact(102, agent_no=13))
    paused = Campaigns(db)
    paused.move(paused.find(id_), CampaignState.PAUSED)
    starting.start(paused.find(id_), who="asha")  # nothing that was not confirmed: it goes on


################################################################ the order


def customers_dialled(account, count: int) -> list[str]:
    """Dial and end calls one after the other; whom the provider was asked to ring, in order."""
    rung = []
    for _ in range(count):
        account.dial_one()
        rung += [one.attempt.customer[-4:] for one in account.open_attempts()]
        account.end_all()
    return rung


def test_one_with_a_priority_goes_before_what_waits_and_one_without_behind_it(adding, db, account):
    id_ = store_campaign(
        db, [pair(1, n) for n in range(1, 4)], max_attempts=1
    )  # customers …3201 to …3203
    put(
        adding,
        db,
        id_,
        contact(7001, "late"),
        contact(7002, "urgent", priority="5"),
        contact(7003, "whenever", priority="-5"),
    )
    append_contacts(db, id_, [pair(1, 9)], content_hash="more")

    order = customers_dialled(account, 7)

    assert order == ["7002", "3201", "3202", "3203", "7001", "3209", "7003"]
    assert Campaigns(db).find(id_).state is CampaignState.COMPLETED


def test_one_for_an_agent_nobody_knew_is_called(adding, db, account):
    id_ = store_campaign(db, [pair(1, 1)])

    put(adding, db, id_, contact(7001, agent_no=33))

    assert len(account.dial_all()) == 2
    assert account.contacts.get(id_, 2).agent == agent(33)


def test_a_list_appended_behind_single_ones_keeps_every_queue(adding, db, account):
    id_ = store_campaign(db, [pair(1, 1)], max_attempts=1)
    put(adding, db, id_, contact(7001, agent_no=1), contact(7002, agent_no=2))
    append_contacts(db, id_, [pair(1, 11), pair(2, 12)], content_hash="more")

    for _ in range(3):
        account.dial_and_end()

    assert Campaigns(db).counts(id_).final == 5


################################################################ what it costs, and who forgets it


def test_a_purged_customer_is_forgotten_by_their_external_id_too(adding, db, account, tmp_path):
    id_ = store_campaign(db, [pair(1, 1)], max_attempts=1)
    put(adding, db, id_, contact(7001, "crm-1", agent_no=2))
    account.dial_and_end()

    purging_of(db, tmp_path).number("+919876547001")

    assert bearers_of(db, [(id_, "crm-1")]) == [None]
    assert contact_with_row(db, id_, 2)[1].external_id == ""


def test_contacts_without_an_id_pay_nothing(adding, db):
    id_ = store_campaign(db, [pair(1, 1)])
    put(adding, db, id_, *[contact(n) for n in range(50)])

    assert list(db.client.scan_iter(db.key("c", id_, "external", "*"))) == []
