"""Days on which nobody is called."""

from datetime import date

import pytest

from campaigns.hours.holiday_dates import holidays_of, parse_calendar, parse_holiday_dates


def test_a_list_of_dates_is_read_with_or_without_their_names():
    lines = [
        "\ufeff# Holidays 2026\n",
        "2026-01-26,Republic Day\n",
        "\n",
        " 2026-08-15  Independence\n",
    ]

    dates = parse_holiday_dates(lines)

    assert dates == {date(2026, 1, 26), date(2026, 8, 15)}


def test_a_line_without_a_date_is_refused_with_its_number():
    with pytest.raises(ValueError, match=r"^line 2: '26/01/2026' is not a date: write it as"):
        parse_holiday_dates(["2026-08-15", "26/01/2026"])


def test_a_state_has_national_holidays_and_its_own():
    republic_day, maharashtra_day = date(2027, 1, 26), date(2027, 5, 1)

    assert {republic_day, maharashtra_day} <= holidays_of("IN-MH", 2027)
    assert maharashtra_day not in holidays_of("IN", 2027)


@pytest.mark.parametrize("text", ["IN", "in", "in-mh"])
def test_a_calendar_is_read_in_any_case(text):
    assert parse_calendar(text) == text.upper()


@pytest.mark.parametrize("text", ["", "XX", "IN-", "IN-ZZ", "IN-OR", "India"])
def test_a_calendar_that_does_not_exist_is_refused(text):
    with pytest.raises(ValueError, match="is unknown: write a country such as IN, or"):
        parse_calendar(text)
