"""Calling hours on the days on which the local clock is changed.

New York skips 02:00–03:00 on 2026-03-08 and shows 01:00–02:00 twice on 2026-11-01: first at
05:00–06:00 UTC, again at 06:00–07:00 UTC.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.hours.calling_hours import CallingHours
from campaigns.hours.local_day import OpenWindow
from tests.opening import may_call_at, open_window

NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
HAVANA = ZoneInfo("America/Havana")
NUUK = ZoneInfo("America/Nuuk")
BEIRUT = ZoneInfo("Asia/Beirut")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opened_after(at_text: str, hours_text: str, zone: ZoneInfo) -> OpenWindow | None:
    return CallingHours.parse(hours_text).next_open(utc(at_text), zone)


@pytest.mark.parametrize(
    ("hours", "from_text", "until_text"),
    [
        pytest.param("02:30-09:00", "07:00", "13:00", id="a skipped start opens after the gap"),
        pytest.param("00:30-02:30", "05:30", "07:00", id="a skipped end closes at the gap"),
        pytest.param("00:30-02:00,03:00-04:00", "05:30", "08:00", id="windows that meet are one"),
        pytest.param("01:00-04:00", "06:00", "08:00", id="a gap inside shortens the window"),
    ],
)
def test_a_skipped_local_time_stands_for_the_first_instant_after_the_gap(
    hours, from_text, until_text
):
    opened = opened_after("2026-03-08 05:00", hours, NEW_YORK)

    assert opened == OpenWindow(utc(f"2026-03-08 {from_text}"), utc(f"2026-03-08 {until_text}"))


def test_a_window_inside_the_gap_vanishes_for_that_day():
    opened = opened_after("2026-03-08 05:00", "02:15-02:45", NEW_YORK)

    assert opened == OpenWindow(utc("2026-03-09 06:15"), utc("2026-03-09 06:45"))


@pytest.mark.parametrize(
    ("hours", "from_text", "until_text"),
    [
        pytest.param("00:00-01:30", "04:00", "05:30", id="closes when its end is shown first"),
        pytest.param("00:00-01:00", "04:00", "05:00", id="an end at the fold's start, too"),
        pytest.param("00:00-02:00", "04:00", "07:00", id="an end shown once is no matter"),
        pytest.param("01:00-09:00", "05:00", "14:00", id="opens when its start is shown first"),
        pytest.param("01:30-09:00", "06:30", "14:00", id="but not to run back out of the hours"),
        pytest.param("01:30-02:00", "06:30", "07:00", id="the same up to the fold's end"),
        pytest.param("01:15-01:45", "05:15", "05:45", id="a window inside the fold happens once"),
    ],
)
def test_a_local_time_shown_twice_never_extends_a_window_beyond_its_hours(
    hours, from_text, until_text
):
    opened = opened_after("2026-11-01 04:00", hours, NEW_YORK)

    assert opened == OpenWindow(utc(f"2026-11-01 {from_text}"), utc(f"2026-11-01 {until_text}"))


def test_the_second_showing_of_a_closed_window_is_closed():
    hours = CallingHours.parse("00:00-01:30")

    assert may_call_at(hours, utc("2026-11-01 05:15"), NEW_YORK)
    assert not may_call_at(hours, utc("2026-11-01 06:15"), NEW_YORK)


def test_a_gap_of_half_an_hour_ends_after_half_an_hour():
    # Lord Howe skips 02:00–02:30 on 2026-10-04, at 15:30 UTC the day before
    opened = opened_after("2026-10-03 15:00", "02:10-05:00", LORD_HOWE)

    assert opened == OpenWindow(utc("2026-10-03 15:30"), utc("2026-10-03 18:00"))


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        pytest.param(HAVANA, "2026-11-01 04:00", id="midnight is shown twice"),
        pytest.param(NUUK, "2026-10-25 01:00", id="the hour before midnight is shown twice"),
        pytest.param(BEIRUT, "2026-03-28 22:00", id="midnight is skipped"),
    ],
)
def test_always_has_no_hole_where_the_clock_is_changed_at_midnight(zone, midnight):
    opened = open_window(CallingHours.parse("always"), utc(midnight), zone)

    assert opened is not None
    assert opened.until_at - opened.from_at > timedelta(days=14)


def test_a_window_across_a_midnight_shown_twice_closes_at_the_first_showing_of_its_end():
    opened = opened_after("2026-11-01 03:00", "22:00-00:30", HAVANA)

    assert opened == OpenWindow(utc("2026-11-01 02:00"), utc("2026-11-01 04:30"))


def test_nine_oclock_stays_nine_oclock_when_the_offset_changes():
    before = opened_after("2026-03-07 05:00", "09:00-21:00", NEW_YORK)
    after = opened_after("2026-03-08 05:00", "09:00-21:00", NEW_YORK)

    assert before == OpenWindow(utc("2026-03-07 14:00"), utc("2026-03-08 02:00"))
    assert after == OpenWindow(utc("2026-03-08 13:00"), utc("2026-03-09 01:00"))
