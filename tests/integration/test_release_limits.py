"""What keeps contacts that are due from going: live calls, daily caps, lists of numbers."""

from dialer.dialing.gate import Dropped
from dialer.dialing.releasing import RELEASE_LEASE_S
from tests.account_kit import EIGHT_AHEAD, Account
from tests.conservation import check_conservation
from tests.factories import pair, store_campaign
from tests.phone_company import Answer


def test_a_suppressed_number_is_closed_and_not_released(account, db):
    campaign = store_campaign(db, [pair(1, 1), pair(2, 2)])
    db.client.hset(db.key("suppressed"), pair(1, 1).customer[1:], "{}")
    db.client.hset(db.key("suppressed"), pair(2, 2).agent[1:], "{}")

    assert account.tick() == ()
    assert account.counts(campaign).outcomes == {"suppressed": 2}
    assert account.state(campaign) == "completed"


def test_no_more_calls_are_live_than_the_account_has_room_for(db, tmp_path):
    account = Account(db, tmp_path, max_concurrent_calls=2)
    store_campaign(db, [pair(n, n) for n in range(5)])

    account.dial_all()
    account.dial_all()
    assert len(account.company.live()) == 2

    for call in account.company.live():
        account.company.end(call)
    account.end_all()
    account.dial_all()
    assert len(account.company.live()) == 2


def test_no_more_is_released_than_the_queue_has_room_for(db, tmp_path):
    account = Account(db, tmp_path, ahead=EIGHT_AHEAD)
    store_campaign(db, [pair(n, n) for n in range(20)])

    assert account.tick(queued=8) == ()
    assert len(account.tick(queued=1)) == 7


def test_a_queue_whose_workers_are_away_grows_no_longer(db, tmp_path):
    account = Account(db, tmp_path, ahead=EIGHT_AHEAD)
    store_campaign(db, [pair(n, n) for n in range(20)])
    queued = len(account.tick())

    for _ in range(10):
        db.pass_time(RELEASE_LEASE_S + 1)  # what was released has run out, its message waits still
        queued += len(account.tick(queued=queued))

    assert queued == 8
    assert len(account.tick()) == 8
    check_conservation(db)


def test_a_campaign_at_its_own_cap_goes_on_when_a_call_ends(account, db):
    store_campaign(db, [pair(n, n) for n in range(3)], max_concurrent_calls=1)

    for _ in range(3):
        account.dial_one()
        assert account.tick() == ()
        account.end_all()

    assert account.tick() == ()


def test_a_campaign_at_its_own_cap_goes_on_when_its_released_contact_falls_away(account, db):
    """No call ends here, so nothing but the feeder's own round can let it go on."""
    store_campaign(db, [pair(n, n) for n in range(2)], max_concurrent_calls=1)
    (released,) = account.tick()
    number = account.contacts.get(released.contact.campaign, released.contact.n)
    assert number is not None
    db.client.hset(db.key("suppressed"), number.customer[1:], "{}")

    assert isinstance(account.dial(released), Dropped)

    assert len(account.tick()) == 1


def test_a_daily_cap_waits_for_the_next_day_and_then_goes_on_by_itself(account, db):
    account.at_local("2027-01-15T22:00:00")
    store_campaign(db, [pair(n, n) for n in range(5)], max_calls_per_day=2)

    for _ in range(3):
        account.dial_and_end()
    assert len(account.company.calls) == 2

    account.at_local("2027-01-16T00:00:02")
    account.dial_all()
    assert len(account.company.calls) == 4
    check_conservation(db)


def test_a_request_that_was_turned_away_does_not_use_up_a_daily_cap(account, db):
    """The second contact meets the cap while the first one's request is still on its way."""
    store_campaign(db, [pair(n, n) for n in range(2)], max_calls_per_day=1)
    first, second = account.tick()
    account.company.answers.append(Answer.NO_CONNECTION)

    def meet_the_cap() -> None:
        account.company.before_answering = lambda: None
        assert account.dial(second) == Dropped("cap calls")

    account.company.before_answering = meet_the_cap
    account.dial(first)
    db.pass_time(2)
    account.dial_all()

    assert len(account.company.calls) == 1
    check_conservation(db)
