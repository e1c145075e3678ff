"""Rules at the gate: caps that meet, a clock that is changed, rules that contradict each other."""

from datetime import UTC, datetime

import pytest

from campaigns.contact_state import ContactState, NotDialled
from dialer.dialing.dialing import Dialled
from dialer.store.zones_and_teams import note_zones
from tests.account_kit import Account
from tests.conservation import check_conservation
from tests.factories import Listed, customer, pair, store_campaign
from tests.phone_company import Answer, Call


def go_to(account: Account, instant: str) -> None:
    """Let the virtual clock show an instant, with its offset."""
    account.db.clock_s = datetime.fromisoformat(instant).astimezone(UTC).timestamp()


def dialled(account: Account) -> int:
    """Dial what can be dialled, end it, and tell how many calls that were."""
    done = [one for one in account.dial_all() if isinstance(one, Dialled)]
    account.end_all()
    return len(done)


################################################################ caps


def test_a_customers_daily_cap_counts_all_campaigns_that_set_it(account, db):
    go_to(account, "2027-01-15T12:00+05:30")
    for name in ("one", "two", "three"):
        store_campaign(db, [pair(1, 1)], name=name, max_calls_per_number=2)

    assert [dialled(account) for _ in range(4)] == [1, 1, 0, 0]

    go_to(account, "2027-01-16T00:00:03+05:30")
    assert dialled(account) == 1
    check_conservation(db)


def test_a_request_that_was_turned_away_does_not_use_up_a_customers_daily_cap(account, db):
    store_campaign(db, [pair(1, 1)], max_calls_per_number=1)
    account.company.answers.append(Answer.NO_CONNECTION)
    assert dialled(account) == 1  # nothing left
    db.pass_time(2)

    account.dial_all()

    assert len(account.company.calls) == 1
    check_conservation(db)


def test_a_campaign_without_the_cap_neither_heeds_nor_counts(account, db):
    store_campaign(db, [pair(1, 1)], name="capped", max_calls_per_number=1)
    store_campaign(db, [pair(2, 1)], name="free")

    assert dialled(account) + dialled(account) == 2


def test_contacts_of_a_country_at_its_cap_wait_for_the_next_day(account, db):
    go_to(account, "2027-01-15T12:00+05:30")
    campaign = store_campaign(
        db, [pair(n, n) for n in range(3)], country_calls_per_day={"IN": 1, "AE": 5}
    )

    assert [dialled(account), dialled(account)] == [1, 0]
    assert account.counts(campaign).waiting == 2

    go_to(account, "2027-01-16T00:00:03+05:30")
    assert dialled(account) == 1
    check_conservation(db)


def test_what_a_call_can_cost_is_set_aside_before_it_is_made(account, db):
    campaign = store_campaign(
        db,
        [pair(n, n) for n in range(5)],
        max_spend_per_day=100,
        price_per_min=1,
        time_limit_s=40 * 60,
    )

    account.dial_all()

    assert len(account.company.calls) == 2  # a third could come to 120
    assert account.counts(campaign).waiting == 3


def test_of_two_caps_the_tighter_one_binds(account, db):
    store_campaign(
        db,
        [pair(n, n) for n in range(6)],
        max_calls_per_day=3,
        country_calls_per_day={"IN": 2},
    )

    assert dialled(account) == 2
    assert dialled(account) == 0


################################################################ the clock is changed


@pytest.mark.parametrize(
    ("closed", "opens"),
    [
        ("2027-03-28T08:59:59+02:00", "2027-03-28T09:00:01+02:00"),  # an hour was skipped
        ("2027-10-31T08:59:59+01:00", "2027-10-31T09:00:01+01:00"),  # an hour came twice
    ],
)
def test_it_opens_by_the_wall_clock_on_a_day_the_clock_is_changed(account, db, closed, opens):
    go_to(account, closed)
    store_campaign(db, [pair(1, 1)], hours="09:00-17:00", timezone="Europe/Berlin")
    assert account.dial_all() == []

    go_to(account, opens)
    account.dial_one()


def test_an_hour_that_comes_twice_is_used_once(account, db):
    """02:00–03:00 is shown twice that night; the second showing is outside the window."""
    store_campaign(
        db, [pair(n, n) for n in range(2)], hours="01:00-03:00", timezone="Europe/Berlin"
    )
    go_to(account, "2027-10-31T02:30+02:00")
    assert len(account.dial_all()) == 2
    store_campaign(db, [pair(3, 3)], name="late", hours="02:00-02:30", timezone="Europe/Berlin")

    go_to(account, "2027-10-31T02:15+01:00")

    assert account.dial_all() == []


def test_a_retry_over_the_change_waits_for_the_next_open_hour(account, db):
    go_to(account, "2027-03-27T16:50+01:00")
    campaign = store_campaign(
        db,
        [pair(1, 1)],
        hours="09:00-17:00",
        timezone="Europe/Berlin",
        retry=("customer_busy=30m",),
    )
    account.dial_and_end(customer_status="busy")

    go_to(account, "2027-03-27T17:30+01:00")
    assert account.dial_all() == []
    go_to(account, "2027-03-28T08:59+02:00")
    assert account.dial_all() == []
    go_to(account, "2027-03-28T09:00:02+02:00")
    account.dial_one()

    assert account.contact(campaign).made == 2


################################################################ rules that contradict each other


def test_a_row_that_expires_before_the_hours_open_is_closed_as_expired(account, db):
    go_to(account, "2027-01-15T22:00+05:30")
    expires_s = int(account.db.now()) + 3600
    campaign = store_campaign(db, [pair(1, 1, expires_s=expires_s)], hours="09:00-21:00")

    go_to(account, "2027-01-16T09:00:02+05:30")
    account.tick()

    assert account.contact(campaign).outcome is NotDialled.EXPIRED


def test_a_day_off_is_off_by_each_rows_own_calendar_day(account, db):
    """In Dubai it is still Sunday, the day off, when Monday has begun in India."""
    rows = [Listed(pair(1, 1), timezone="Asia/Dubai"), pair(2, 2)]
    campaign = store_campaign(db, rows, hours="always; not 2027-01-17")
    note_zones(account.db, campaign, ["Asia/Dubai"])

    go_to(account, "2027-01-18T00:30+05:30")
    assert [call.customer for call in _called(account)] == [customer(2)]
    go_to(account, "2027-01-18T00:00:03+04:00")
    assert [call.customer for call in _called(account)] == [customer(2), customer(1)]


def _called(account: Account) -> list[Call]:
    dialled(account)
    return account.company.calls


def test_an_end_before_the_hours_open_closes_what_waits(account, db):
    go_to(account, "2027-01-15T22:00+05:30")
    campaign = store_campaign(
        db, [pair(1, 1)], hours="09:00-21:00", ends_at="2027-01-16T08:00+05:30"
    )

    go_to(account, "2027-01-16T08:00:01+05:30")
    account.tick()

    assert account.contact(campaign).outcome is NotDialled.ENDED
    assert account.state(campaign) == "completed"


def test_the_gap_goes_before_a_shorter_retry_delay(account, db):
    store_campaign(db, [pair(1, 1)], retry=("customer_busy=30s",), min_gap_s=600)
    account.dial_and_end(customer_status="busy")

    db.pass_time(60)
    assert account.dial_all() == []
    db.pass_time(600)

    account.dial_one()


def test_one_attempt_at_most_goes_before_a_retry_rule(account, db):
    campaign = store_campaign(db, [pair(1, 1)], max_attempts=1, retry=("customer_busy=30sx5",))

    account.dial_and_end(customer_status="busy")

    assert account.contact(campaign).state is ContactState.FINAL
