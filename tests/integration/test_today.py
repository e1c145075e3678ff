"""The day over all campaigns: figures that were settled, beside yesterday, and what wants a person."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState
from campaigns.caps import AccountCaps
from dialer.account_day import AccountDay
from dialer.pacing import Allowance, Pacing
from dialer.store.snapshot import contact_lines
from dialer.watching.today import DayFigures, TodayNow, read_today
from tests import books_kit

ZONE = ZoneInfo("Asia/Kolkata")


def today(account) -> TodayNow:
    db = account.db
    return read_today(
        db,
        AccountDay(db, AccountCaps(calls=10), ZONE),
        Pacing(db, Allowance(200)),
        account.campaigns.all_counted(),
        zone=ZONE,
    )


def test_a_day_s_figures_are_those_of_its_settled_calls(account, tmp_path):
    sale = books_kit.finish(account, books_kit.load(account, tmp_path))

    found = today(account)

    assert (found.today.calls, found.today.conversations, found.today.missed) == (3, 3, 0)
    assert found.today.talk_s == sum(
        one.attempt.talk_s or 0
        for line in contact_lines(account.db, sale.id, size=sale.accepted)
        for one in line.attempts
    )
    assert found.yesterday == DayFigures()
    assert found.live == 0
    assert found.wants == ()


def test_so_far_is_compared_with_the_same_hours_of_the_days_before(account):
    db = account.db
    now = datetime.fromtimestamp(db.now(), UTC)
    hours = {0: 7, 24: 4, 48: 6}
    for ago, calls in hours.items():
        hour = int((now - timedelta(hours=ago)).timestamp() // 3600)
        db.client.hset(db.key("hours"), str(hour), calls)

    found = today(account)

    assert (found.so_far, found.by_now_yesterday, found.usual_by_now) == (7, 4, 5.0)


def test_what_wants_a_person_names_how_many_and_where_they_stand(account, tmp_path):
    campaign = books_kit.load(account, tmp_path)
    account.campaigns.move(campaign, CampaignState.PAUSED, why="the provider refused ten in a row")

    (paused,) = today(account).wants

    assert paused.count == 3
    assert "paused: the provider refused ten in a row" in paused.what
    assert paused.where == f"/campaigns/{campaign.id}"


def test_a_cap_of_the_day_that_is_nearly_used_is_told_before_it_is_reached(account):
    db = account.db
    day = f"{datetime.fromtimestamp(db.now(), UTC).astimezone(ZONE):%Y-%m-%d}"
    db.client.hset(db.key("day", day), "calls", 7)
    below = today(account).wants
    db.client.hset(db.key("day", day), "calls", 8)

    (near,) = today(account).wants

    assert below == ()
    assert (near.count, near.where) == (8, "/health#h-today")
