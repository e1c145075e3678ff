"""An agent's queue is a chain of contacts: whoever leaves it, nobody behind them is forgotten."""

from datetime import UTC, datetime

import pytest

from dialer.ids import ContactId
from dialer.steering.calling_back import call_back
from dialer.store.contact_rows import Row
from dialer.store.contacts import Contacts
from tests.conservation import check_conservation
from tests.factories import append_contacts, customer, pair, record_bytes, start, store_campaign


@pytest.fixture
def dialled(account):
    """Dial all there is, one call after the other; gives the customers in their order."""

    def run() -> list[str]:
        before = len(account.company.calls)
        while account.dial_all():
            check_conservation(account.db)
            account.end_all()
        return [call.customer for call in account.company.calls[before:]]

    return run


@pytest.fixture
def later(db):
    """Let a contact wait for a minute."""

    def run(campaign: str, n: int, **options: bool) -> None:
        call_back(db, ContactId(campaign, n), datetime.fromtimestamp(db.now() + 60, UTC), **options)
        check_conservation(db)

    return run


def append(db, campaign, *contacts):
    append_contacts(db, campaign, list(contacts), content_hash=f"to {contacts[0].customer}")
    check_conservation(db)


def customers(*numbers):
    return [customer(n) for n in numbers]


@pytest.mark.parametrize("leaving", [1, 2, 3], ids=["first", "middle", "last"])
def test_whoever_leaves_a_queue_is_passed_over_and_dialled_when_due(db, dialled, later, leaving):
    campaign = store_campaign(db, [pair(1, n) for n in (1, 2, 3)])
    later(campaign, leaving)

    assert dialled() == customers(*({1, 2, 3} - {leaving}))

    db.pass_time(61)
    assert dialled() == customers(leaving)


def test_who_is_appended_behind_one_that_left_is_dialled(db, dialled, later):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)])
    later(campaign, 2)
    append(db, campaign, pair(1, 3))

    assert dialled() == customers(1, 3)


def test_who_is_appended_after_everybody_left_is_dialled(db, dialled, later):
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2)])
    later(campaign, 1)
    later(campaign, 2)
    append(db, campaign, pair(1, 3))

    assert dialled() == customers(3)


def test_who_is_appended_after_everybody_was_dialled_is_dialled(db, dialled):
    open_for_ever = pair(9, 9, due_s=int(db.now()) + 10**6)
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), open_for_ever])
    assert dialled() == customers(1, 2)

    append(db, campaign, pair(1, 3), pair(1, 4))
    append(db, campaign, pair(1, 5))

    assert dialled() == customers(3, 4, 5)


def test_who_is_appended_while_the_last_of_the_queue_is_being_dialled_is_dialled(db, dialled):
    open_for_ever = pair(9, 9, due_s=int(db.now()) + 10**6)
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), open_for_ever])
    contacts = Contacts(db)
    ends = contacts.queue_ends(campaign, size=3)

    assert dialled() == customers(1, 2)
    block = contacts.block(
        campaign, before=3, records=record_bytes(pair(1, 3)), rows=[Row(5, ("3",))], ends=ends
    )
    assert contacts.store(campaign, block) == 4

    assert dialled() == customers(3)


@pytest.mark.parametrize("opened_again", [False, True])
def test_a_completed_campaign_forgets_nobody_behind_one_that_left(
    account, db, dialled, later, opened_again
):
    at = int(db.now())
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), pair(2, 9, due_s=at + 90)])
    account.dial_one()  # the second is the head of the queue from now on
    later(campaign, 2)  # and leaves it
    account.end_all()
    for customer_no in (2, 9):  # whose call ends last, while the other's agent is ready
        db.pass_time(61)
        assert account.dial_one().attempt.customer == customer(customer_no)
    account.end_all()
    assert account.state(campaign) == "completed"

    if opened_again:
        later(campaign, 1, reopen=True)
    append(db, campaign, pair(1, 3))
    start(db, campaign)

    assert dialled() == customers(3)


def test_who_has_a_priority_or_a_time_stands_in_no_queue(db, dialled):
    past = int(db.now()) - 5
    listed = [pair(1, 1, priority=-1), pair(1, 2), pair(1, 3, due_s=past), pair(1, 4, priority=1)]
    campaign = store_campaign(db, listed)
    append(db, campaign, pair(1, 5))

    assert dialled() == customers(4, 3, 2, 5, 1)


def test_who_is_appended_to_a_campaign_that_its_end_had_closed_is_in_a_queue(account, db):
    ends_at = datetime.fromtimestamp(db.now() + 600, UTC)
    campaign = store_campaign(db, [pair(1, 1), pair(1, 2), pair(1, 3)], ends_at=ends_at)
    account.dial_and_end()
    db.pass_time(601)
    account.tick()
    account.tick()
    assert account.state(campaign) == "completed"

    append(db, campaign, pair(1, 4))  # the books would miss it


def test_an_agent_who_is_on_another_campaigns_call_is_called_afterwards(account, db, dialled):
    store_campaign(db, [pair(1, 9)], name="other", priority=9)
    account.dial_one()
    store_campaign(db, [pair(1, 1), pair(1, 2)], name="one")
    assert dialled() == []

    account.end_all()

    assert dialled() == customers(1, 2)
