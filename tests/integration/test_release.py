"""Release: short-lived permission to try, which comes back when it is not used."""

import pytest

from campaigns.contact_state import NotDialled
from dialer.pacing import Allowance
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import agent, append_contacts, pair, store_campaign


def test_a_release_that_is_not_used_goes_back_and_comes_again(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    (first,) = account.tick()
    db.pass_time(11)

    (second,) = account.tick()

    assert second.contact == first.contact
    assert second.token != first.token
    assert account.contact(campaign).made == 0
    check_conservation(db)


def test_no_more_is_released_than_a_few_seconds_of_work(db, tmp_path):
    account = Account(db, tmp_path, ahead=Allowance())
    store_campaign(db, [pair(n, n) for n in range(90)])

    account.tick()
    account.tick()

    assert db.client.zcard(db.key("released")) == 10


def test_what_a_dead_worker_took_with_it_does_not_leave_the_queue_empty(db, tmp_path):
    account = Account(db, tmp_path, ahead=Allowance())
    store_campaign(db, [pair(n, n) for n in range(90)])
    account.tick()  # nobody uses these

    db.pass_time(3.1)

    assert len(account.tick()) == 10
    check_conservation(db)


def test_releases_that_nobody_uses_do_not_pile_up(db, tmp_path):
    account = Account(db, tmp_path, ahead=Allowance())
    store_campaign(db, [pair(n, n) for n in range(90)])

    for _ in range(30):
        account.tick()
        db.pass_time(0.5)

    assert db.client.zcard(db.key("released")) <= 40
    check_conservation(db)


def test_two_feeders_release_nothing_twice(account, db, tmp_path):
    store_campaign(db, [pair(n, n) for n in range(12)])
    other = Account(db, tmp_path)

    released = [*account.tick(), *other.tick()]

    contacts = [one.contact for one in released]
    assert len(contacts) == len(set(contacts)) == 12


def test_contacts_appended_to_a_running_campaign_go_too(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_one()

    append_contacts(db, campaign, [pair(1, 2), pair(2, 3)], content_hash="more")

    assert account.dial_one().attempt.agent == agent(2)
    account.end_all()
    assert account.dial_one().attempt.agent == agent(1)


def test_contacts_appended_for_an_agent_who_rests_wait_for_the_end_of_it(account, db):
    much_later = pair(2, 3, due_s=4_000_000_000)
    campaign = store_campaign(db, [pair(1, 1), much_later], wrap_up_s=10)
    account.dial_and_end()

    append_contacts(db, campaign, [pair(1, 2)], content_hash="more")

    assert account.tick() == ()
    db.pass_time(11)
    assert len(account.tick()) == 1
    check_conservation(db)


@pytest.mark.parametrize(("deaths", "goes"), [(3, True), (4, False)])
def test_a_contact_on_whose_way_four_workers_died_in_a_row_is_poison(account, db, deaths, goes):
    """The fourth is the last: each death is a worker's, with all it had in hand."""
    campaign = store_campaign(db, [pair(1, 1)])
    for _ in range(deaths):
        (released,) = account.tick()
        account.contacts.approach([(released.contact, released.token)])  # and its worker dies
        db.pass_time(11)

    released_again = account.tick()

    assert len(released_again) == goes
    assert account.contact(campaign).outcome is (None if goes else NotDialled.POISON)
    check_conservation(db)
