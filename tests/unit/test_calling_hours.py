"""May we call at this instant; if not, from when."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from campaigns.hours.calling_hours import SEARCH_DAYS, CallingHours
from campaigns.hours.local_day import OpenWindow, zone_named
from tests.opening import may_call_at, open_window

KOLKATA = ZoneInfo("Asia/Kolkata")
LONDON = ZoneInfo("Europe/London")


def in_kolkata(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KOLKATA)


def window(from_text: str, until_text: str) -> OpenWindow:
    return OpenWindow(in_kolkata(from_text).astimezone(UTC), in_kolkata(until_text).astimezone(UTC))


def test_calls_may_start_at_the_opening_minute_and_no_longer_at_the_closing_one():
    hours = CallingHours.parse("india")

    assert not may_call_at(hours, in_kolkata("2026-03-02 08:59:59.999999"), KOLKATA)
    assert may_call_at(hours, in_kolkata("2026-03-02 09:00"), KOLKATA)
    assert may_call_at(hours, in_kolkata("2026-03-02 20:59:59.999999"), KOLKATA)
    assert not may_call_at(hours, in_kolkata("2026-03-02 21:00"), KOLKATA)


def test_loan_recovery_in_india_has_its_own_hours():
    hours = CallingHours.parse("india-recovery")

    opened = open_window(hours, in_kolkata("2026-03-02 12:00"), KOLKATA)

    assert opened == window("2026-03-02 08:00", "2026-03-02 19:00")


def test_the_zone_of_the_instant_itself_plays_no_part():
    hours = CallingHours.parse("09:00-21:00")
    at = in_kolkata("2026-03-02 09:00")

    assert may_call_at(hours, at.astimezone(UTC), KOLKATA)
    assert may_call_at(hours, at.astimezone(timezone(timedelta(hours=-11))), KOLKATA)


def test_the_same_hours_are_open_in_one_zone_and_closed_in_another():
    hours = CallingHours.parse("09:00-21:00")
    at = in_kolkata("2026-03-02 10:00")

    assert may_call_at(hours, at, KOLKATA)
    assert not may_call_at(hours, at, LONDON)


def test_an_instant_without_a_zone_is_refused():
    hours = CallingHours.parse("always")

    with pytest.raises(ValueError, match="no time zone"):
        hours.next_open(datetime(2026, 3, 2, 10), KOLKATA)  # noqa: DTZ001 - the mistake itself


def test_between_two_windows_of_a_day_the_next_one_is_told():
    hours = CallingHours.parse("mon-fri 09:00-12:30,14:00-20:00")
    at_lunch = in_kolkata("2026-03-02 13:00")

    assert open_window(hours, at_lunch, KOLKATA) is None
    assert hours.next_open(at_lunch, KOLKATA) == window("2026-03-02 14:00", "2026-03-02 20:00")


def test_after_fridays_close_the_next_window_is_on_monday():
    hours = CallingHours.parse("mon-fri 09:00-21:00")

    opened = hours.next_open(in_kolkata("2026-03-06 21:00"), KOLKATA)

    assert opened == window("2026-03-09 09:00", "2026-03-09 21:00")


def test_while_open_the_next_window_is_the_present_one():
    hours = CallingHours.parse("09:00-21:00")

    opened = hours.next_open(in_kolkata("2026-03-02 20:59"), KOLKATA)

    assert opened == window("2026-03-02 09:00", "2026-03-02 21:00")


@pytest.mark.parametrize("clock", ["2026-03-06 23:00", "2026-03-07 00:00", "2026-03-07 01:59"])
def test_a_window_across_midnight_is_one_window_on_both_days(clock):
    hours = CallingHours.parse("fri 22:00-02:00")

    opened = open_window(hours, in_kolkata(clock), KOLKATA)

    assert opened == window("2026-03-06 22:00", "2026-03-07 02:00")


def test_a_window_across_midnight_belongs_to_the_day_on_which_it_opens():
    hours = CallingHours.parse("fri 22:00-02:00")

    assert not may_call_at(hours, in_kolkata("2026-03-06 01:00"), KOLKATA)


def test_sundays_window_may_reach_into_monday():
    hours = CallingHours.parse("sun 22:00-02:00")

    assert may_call_at(hours, in_kolkata("2026-03-02 01:00"), KOLKATA)


def test_whole_days_are_one_window_from_the_first_midnight_to_the_last():
    hours = CallingHours.parse("mon-fri 00:00-24:00")

    opened = open_window(hours, in_kolkata("2026-03-04 12:00"), KOLKATA)

    assert opened == window("2026-03-02 00:00", "2026-03-07 00:00")


def test_a_window_without_end_is_told_a_week_ahead():
    at = in_kolkata("2026-03-04 12:00")

    opened = open_window(CallingHours.parse("always"), at, KOLKATA)

    assert opened is not None
    assert opened.until_at - at >= timedelta(days=7)


def test_a_day_off_is_closed_from_midnight_to_midnight():
    hours = CallingHours.parse("always; not 2026-01-26")

    opened = hours.next_open(in_kolkata("2026-01-26 00:00"), KOLKATA)

    assert opened is not None
    assert opened.from_at == in_kolkata("2026-01-27 00:00")


def test_a_day_off_cuts_the_tail_of_the_evening_before():
    hours = CallingHours.parse("22:00-02:00; not 2026-01-26")

    opened = open_window(hours, in_kolkata("2026-01-25 23:00"), KOLKATA)

    assert opened == window("2026-01-25 22:00", "2026-01-26 00:00")


def test_a_day_off_is_counted_by_the_local_calendar():
    hours = CallingHours.parse("always; not 2026-01-26")
    at = datetime(2026, 1, 25, 20, tzinfo=UTC)  # 01:30 on the 26th in Kolkata

    assert not may_call_at(hours, at, KOLKATA)
    assert may_call_at(hours, at, LONDON)


def test_dates_off_can_be_added_to_hours():
    hours = CallingHours.parse("09:00-21:00; not 2026-01-26")

    more = hours.without(frozenset({date(2026, 3, 4)}))

    assert str(more) == "09:00-21:00; not 2026-01-26,2026-03-04"


def test_holidays_of_a_country_are_days_off_in_every_year():
    hours = CallingHours.parse("india; not IN")

    assert not may_call_at(hours, in_kolkata("2026-08-15 12:00"), KOLKATA)
    assert not may_call_at(hours, in_kolkata("2027-08-15 12:00"), KOLKATA)
    assert may_call_at(hours, in_kolkata("2026-08-17 12:00"), KOLKATA)


def test_holidays_of_a_state_are_days_off_only_where_that_state_is_named():
    maharashtra_day = in_kolkata("2027-05-01 12:00")

    assert not may_call_at(CallingHours.parse("india; not IN-MH"), maharashtra_day, KOLKATA)
    assert may_call_at(CallingHours.parse("india; not IN"), maharashtra_day, KOLKATA)


def test_hours_whose_days_are_all_off_never_open():
    at = in_kolkata("2026-01-01 00:00")
    days_off = frozenset(at.date() + timedelta(days=n) for n in range(SEARCH_DAYS + 1))

    hours = CallingHours.parse("always").without(days_off)

    assert hours.next_open(at, KOLKATA) is None
    assert open_window(hours, at, KOLKATA) is None


def test_a_zone_is_found_by_its_iana_name():
    assert zone_named("Asia/Kolkata") == KOLKATA


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Calcuta", "../etc/passwd", "IST+5:30", "\0"])
def test_a_zone_that_does_not_exist_is_refused_in_one_line(name):
    with pytest.raises(ValueError, match=r"^time zone .* is unknown: write .*Asia/Kolkata$"):
        zone_named(name)
