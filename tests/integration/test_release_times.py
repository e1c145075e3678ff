"""When contacts go: hours, their own times, delays, rests and gaps."""

from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from campaigns.retry_policy import RetryRule
from dialer.dialing.dialing import Dialled
from dialer.dialing.gate import Dropped
from dialer.store.zones_and_teams import note_zones
from tests.conservation import check_conservation, check_turns
from tests.factories import Listed, agent, pair, start, store_campaign, terminal
from tests.phone_company import Answer


def test_a_closed_campaign_waits_and_goes_by_itself_when_it_opens(account, db):
    account.at_local("2027-01-15T08:00:00")
    store_campaign(db, [pair(1, 1)], hours="09:00-21:00")
    assert account.tick() == ()
    account.at_local("2027-01-15T08:59:59")
    assert account.tick() == ()

    account.at_local("2027-01-15T09:00:01")

    assert len(account.tick()) == 1
    check_turns(db)


def test_it_closes_in_the_evening_and_opens_the_next_day(account, db):
    account.at_local("2027-01-15T20:59:00")
    store_campaign(db, [pair(n, n) for n in range(2)], hours="09:00-21:00")
    account.tick()
    account.at_local("2027-01-15T21:00:01")
    assert account.tick() == ()

    account.at_local("2027-01-16T09:00:01")

    assert len(account.tick()) == 2


def one_in_dubai(account, db) -> str:
    rows = [Listed(pair(1, 1), timezone="Asia/Dubai"), pair(2, 2)]
    campaign = store_campaign(db, rows, hours="09:00-21:00")
    note_zones(account.db, campaign, ["Asia/Dubai"])
    return campaign


def test_a_row_goes_by_its_own_zones_hours(account, db):
    """Nine in the morning in Dubai is half past ten in India."""
    account.at_local("2027-01-15T09:30:00")
    campaign = one_in_dubai(account, db)

    dialled = [type(one) for one in account.dial_all()]

    assert sorted(dialled, key=str) == [Dialled, Dropped]
    assert account.contact(campaign).state is ContactState.WAITING
    account.at_local("2027-01-15T10:30:02")
    assert account.dial_one().attempt.customer == account.contact(campaign).customer


def test_a_row_whose_zone_is_open_goes_while_its_campaign_is_closed(account, db):
    """At ten in the evening in India it is half past eight in Dubai."""
    account.at_local("2027-01-15T22:00:00")
    one_in_dubai(account, db)

    account.dial_all()

    assert [call.agent for call in account.company.calls] == [agent(1)]
    check_conservation(db)


def test_a_contact_is_not_dialled_before_its_time(account, db):
    store_campaign(db, [pair(1, 1, due_s=int(db.now()) + 600)])
    assert account.tick() == ()
    db.pass_time(599)
    assert account.tick() == ()

    db.pass_time(1)

    assert len(account.tick()) == 1


def test_a_contact_is_not_dialled_after_its_time(account, db):
    campaign = store_campaign(db, [pair(1, 1, expires_s=int(db.now()) + 600)])
    account.campaigns.move(account.campaigns.find(campaign), CampaignState.PAUSED)
    db.pass_time(600)
    start(db, campaign)

    assert account.tick() == ()
    assert account.contact(campaign).outcome is NotDialled.EXPIRED
    assert account.state(campaign) == "completed"


def test_a_retry_is_due_its_delay_after_the_end_and_not_before(account, db):
    store_campaign(db, [pair(1, 1)], retry=(RetryRule.parse("customer_busy=5m"),))
    done = account.dial_one()
    report = terminal(done.attempt.sid or "", customer_status="busy", talk_s=0)
    account.settling.report(done.attempt_id, report, at=db.now())

    db.pass_time(299)
    assert account.tick() == ()
    db.pass_time(2)
    assert len(account.tick()) == 1


def test_an_agent_rests_after_a_call(account, db):
    store_campaign(db, [pair(1, 1), pair(1, 2)], wrap_up_s=10)
    account.dial_and_end()

    db.pass_time(9)
    assert account.tick() == ()
    db.pass_time(2)
    assert len(account.tick()) == 1


def test_an_agent_whose_phone_was_not_rung_does_not_rest(account, db):
    store_campaign(db, [pair(1, 1), pair(1, 2)], wrap_up_s=10)
    account.company.answers.append(Answer.NO_CONNECTION)
    account.dial_one()

    db.pass_time(2)
    assert len(account.tick()) == 1


def test_a_customer_whose_phone_did_not_ring_is_not_left_alone_for_the_gap(account, db):
    store_campaign(db, [pair(1, 1)], name="one", min_gap_s=600, priority=1)
    store_campaign(db, [pair(2, 1)], name="two")
    done = account.dial_one()
    missed = terminal(done.attempt.sid or "", agent_status="busy", customer_status=None, talk_s=0)
    account.settling.report(done.attempt_id, missed, at=db.now())

    assert len(account.tick()) == 1


def test_an_agent_who_missed_calls_in_a_row_is_left_alone_for_a_while(account, db):
    store_campaign(
        db, [pair(1, n) for n in range(4)], park_after=2, park_s=300, retry=(), max_attempts=1
    )
    for _ in range(2):
        done = account.dial_one()
        missed = terminal(
            done.attempt.sid or "", agent_status="no-answer", customer_status=None, talk_s=None
        )
        account.settling.report(done.attempt_id, missed, at=db.now())

    db.pass_time(299)
    assert account.tick() == ()
    db.pass_time(2)
    assert len(account.tick()) == 1
    check_conservation(db)


def test_after_that_while_missed_calls_are_counted_from_none(account, db):
    store_campaign(
        db, [pair(1, n) for n in range(4)], park_after=2, park_s=300, retry=(), max_attempts=1
    )
    for n in range(1, 4):
        done = account.dial_one()
        missed = terminal(
            done.attempt.sid or "", agent_status="no-answer", customer_status=None, talk_s=None
        )
        account.settling.report(done.attempt_id, missed, at=db.now())
        if n == 2:
            assert account.tick() == ()
            db.pass_time(301)

    assert len(account.tick()) == 1  # one missed since then, not three
    check_conservation(db)


def test_a_customer_is_left_alone_for_the_gap_between_calls_in_any_campaign(account, db):
    store_campaign(db, [pair(1, 1)], name="one", min_gap_s=600, priority=1)
    store_campaign(db, [pair(2, 1)], name="two")
    account.dial_and_end()

    db.pass_time(599)
    assert account.tick() == ()
    check_conservation(db)
    db.pass_time(2)
    assert len(account.tick()) == 1
