"""A contact that is to be called at a certain time, and one that is opened again."""

import pytest

from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from dialer.ids import ContactId
from dialer.steering.calling_back import CallBack, NoCallBack, call_back
from tests.conservation import check_conservation
from tests.factories import append_contacts, customer, pair, start, store_campaign


def test_a_contact_waits_until_then_and_then_goes_first(account, db):
    campaign = store_campaign(db, [pair(1, n) for n in range(1, 5)])

    assert call_back(db, ContactId(campaign, 3), db.in_s(600)) is CallBack.WAITS
    check_conservation(db)
    account.dial_and_end()
    db.pass_time(601)
    account.dial_one()

    assert [call.customer for call in account.company.calls] == [customer(1), customer(3)]
    check_conservation(db)


def test_a_call_back_goes_before_agents_that_were_never_called(account, db):
    account.cap = 1
    campaign = store_campaign(db, [pair(n, n) for n in range(1, 6)])
    call_back(db, ContactId(campaign, 4), db.in_s(60))

    account.dial_and_end()
    db.pass_time(61)
    append_contacts(db, campaign, [pair(7, 7)], content_hash="more")
    account.dial_one()

    assert [call.customer for call in account.company.calls] == [customer(1), customer(4)]


def test_who_stands_behind_a_contact_that_is_called_back_later_goes_now(account, db):
    campaign = store_campaign(db, [pair(1, n) for n in range(1, 4)])

    call_back(db, ContactId(campaign, 1), db.in_s(600))

    check_conservation(db)
    account.dial_and_end()
    account.dial_and_end()
    assert [call.customer for call in account.company.calls] == [customer(2), customer(3)]
    db.pass_time(601)
    account.dial_one()
    check_conservation(db)


@pytest.mark.parametrize("place", ["newcomers", "queue", "ranked", "later", "wanted"])
def test_wherever_it_waits_it_waits_in_one_place_afterwards(account, db, place):
    changed = {
        "newcomers": {},
        "queue": {},
        "ranked": {"priority": 5},
        "later": {"due_s": int(db.now()) + 3600},
        "wanted": {},
    }[place]
    first = [pair(1, 9, priority=1)] if place == "queue" else []
    campaign = store_campaign(db, [*first, pair(1, 1, **changed)])
    contact = ContactId(campaign, 1 + len(first))
    if place == "wanted":
        store_campaign(db, [pair(2, 1)], name="other", priority=9)
        account.dial_one()  # the customer is on a call of the other campaign
        account.tick()

    call_back(db, contact, db.in_s(50))

    check_conservation(db)
    assert account.contact(campaign, contact.n).due_s == int(db.now()) + 50


def test_a_time_that_is_past_means_now(account, db):
    campaign = store_campaign(db, [pair(1, 1, due_s=int(db.now()) + 3600)])
    assert account.tick() == ()

    call_back(db, ContactId(campaign, 1), db.in_s(-60))

    account.dial_one()


def test_a_contact_that_is_being_dialled_is_left_alone(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_one()

    with pytest.raises(NoCallBack, match="is being dialled"):
        call_back(db, ContactId(campaign, 1), db.in_s(60))


def test_a_closed_contact_is_opened_only_when_that_is_said(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_and_end()

    with pytest.raises(NoCallBack, match="reopen it"):
        call_back(db, ContactId(campaign, 1), db.in_s(60))
    answer = call_back(db, ContactId(campaign, 1), db.in_s(60), reopen=True)

    assert answer is CallBack.OPENED
    assert "connected" not in account.counts(campaign).outcomes
    assert account.state(campaign) == CampaignState.LOADED
    check_conservation(db)


def test_an_opened_contact_is_dialled_again_once_its_campaign_is_started(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.dial_and_end()
    call_back(db, ContactId(campaign, 1), db.in_s(60), reopen=True)

    start(db, campaign)
    db.pass_time(61)
    account.dial_and_end()

    contact = account.contact(campaign)
    assert (contact.state, contact.made) == (ContactState.FINAL, 2)
    assert account.state(campaign) == CampaignState.COMPLETED
    check_conservation(db)


def test_nothing_is_opened_in_a_cancelled_campaign(account, db):
    campaign = store_campaign(db, [pair(1, 1)])
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.CANCELLING)
    account.tick()

    with pytest.raises(NoCallBack, match="no more calls"):
        call_back(db, ContactId(campaign, 1), db.in_s(60), reopen=True)


def test_a_contact_is_not_called_after_it_expires(account, db):
    campaign = store_campaign(db, [pair(1, 1, expires_s=int(db.now()) + 60)])

    with pytest.raises(NoCallBack, match="expires"):
        call_back(db, ContactId(campaign, 1), db.in_s(61))


def test_a_contact_that_never_was_is_said_not_to_exist(account, db):
    campaign = store_campaign(db, [pair(1, 1)])

    with pytest.raises(NoCallBack, match="does not exist"):
        call_back(db, ContactId(campaign, 2), db.in_s(60))


@pytest.mark.parametrize("later_s", [-60, 700], ids=["now", "after the end"])
def test_nobody_is_called_back_after_the_end_of_a_campaign(account, db, later_s):
    campaign = store_campaign(db, [pair(1, 1)], ends_at=db.in_s(600))
    account.dial_and_end()
    assert account.state(campaign) == "completed"
    db.pass_time(600 if later_s < 0 else 0)

    with pytest.raises(NoCallBack, match="ends_at comes before then"):
        call_back(db, ContactId(campaign, 1), db.in_s(later_s), reopen=True)

    assert account.counts(campaign).outcomes == {"connected": 1}
