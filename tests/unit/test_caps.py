"""What counts against a day's caps, and when the day ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from campaigns.caps import CapScope, daily_caps
from tests.factories import customer, rules

NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Kolkata"))
ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Africa/Cairo", "Pacific/Apia")
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def caps_of(**changed):
    return {cap.name: cap for cap in daily_caps(rules(**changed), customer(1), at=NOON).caps}


def test_without_caps_nothing_is_counted():
    assert caps_of() == {}


def test_a_call_sets_aside_what_it_can_cost_at_most():
    spend = caps_of(max_spend_per_day=100, price_per_min=0.5, time_limit_s=601)["spend"]

    assert (spend.adds, spend.most) == (0.5 * 11, 100)


def test_only_countries_that_are_named_are_counted():
    assert caps_of(country_calls_per_day={"AE": 5}) == {}
    assert caps_of(country_calls_per_day={"IN": 5})["country:IN"].most == 5


def test_what_waits_for_the_next_day_hangs_on_the_cap():
    caps = caps_of(
        max_calls_per_day=3,
        max_spend_per_day=9,
        price_per_min=1,
        max_calls_per_number=2,
        country_calls_per_day={"IN": 5},
    )

    assert {name: cap.scope for name, cap in caps.items()} == {
        "calls": CapScope.CAMPAIGN,
        "spend": CapScope.CAMPAIGN,
        "country:IN": CapScope.COUNTRY,
        customer(1): CapScope.NUMBER,
    }


@given(at=INSTANTS, zone=st.sampled_from(ZONES))
def test_the_day_is_the_campaigns_own_and_ends_at_its_midnight(at, zone):
    local = ZoneInfo(zone)

    found = daily_caps(rules(timezone=zone, max_calls_per_day=1), customer(1), at=at)

    assert found.day == str(at.astimezone(local).date())
    assert found.next_day_at > at
    last = (found.next_day_at.astimezone(UTC) - timedelta(seconds=1)).astimezone(local)
    assert str(last.date()) == found.day
    assert str(found.next_day_at.astimezone(UTC).astimezone(local).date()) > found.day
