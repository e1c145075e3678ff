"""Dates, priorities and zones as spreadsheets and people write them: one reading, or none."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from campaigns.hours.written_dates import read_date
from campaigns.hours.zone_names import zone_meant
from campaigns.lists.header import Role
from campaigns.lists.row_options import OptionProblem, read_options
from dialer.reporting.parquet_file import ParquetFile
from dialer.reporting.tables import Column, Kind, Table, Type

INDIA = ZoneInfo("Asia/Kolkata")
DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2090, 12, 31))
MINUTES = st.integers(0, 24 * 60 - 1)
FORMS = ["%Y-%m-%d", "%Y/%m/%d", "%d-%b-%y", "%d %b %Y", "%d-%b-%Y", "%B %d, %Y", "%A, %d %B %Y"]
TIMES = ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p"]


@given(DAYS, MINUTES, st.sampled_from(FORMS), st.sampled_from(TIMES))
def test_a_date_that_names_its_month_or_begins_with_the_year_has_one_reading(
    day, minute, form, clock
):
    at = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)

    [read] = read_date(at.strftime(f"{form} {clock}"))

    assert (read.at, read.is_bare) == (at, False)


@given(DAYS, st.sampled_from("-/."))
def test_a_date_in_numbers_is_read_where_only_one_day_is_possible(day, between):
    text = day.strftime(f"%d{between}%m{between}%Y")

    days = {read.at.date() for read in read_date(text)}

    assert day in days
    assert (len(days) == 1) == (day.day > 12 or day.day == day.month)


@given(DAYS, MINUTES)
def test_a_spreadsheets_number_of_days_is_its_instant(day, minute):
    days = (day - date(1899, 12, 30)).days + minute / (24 * 60)

    [read] = read_date(f"{days:.10f}".rstrip("0").rstrip("."))

    assert read.at == datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    assert read.is_bare == (minute == 0)


@pytest.mark.parametrize("text", ["soon", "31/31/2026", "12", "1.0", "2026-12-01 25:00", "5-6", ""])
def test_what_is_no_date_has_no_reading(text):
    assert read_date(text) == []


@given(st.text(max_size=30))
def test_whatever_stands_there_is_read_or_not_and_nothing_breaks(text):
    assert len(read_date(text)) <= 3
    zone_meant(text)


def test_a_date_of_two_readings_is_rejected_with_both():
    problem = read_options({Role.NOT_BEFORE: "01-12-2026 10:30"}, INDIA)

    assert isinstance(problem, OptionProblem)
    assert "2026-01-12 or 2026-12-01" in problem.fix


def test_a_bare_day_expires_when_it_ends_however_it_is_written():
    for text in ("2026-12-25", "25/12/2026", "46381"):
        options = read_options({Role.EXPIRES_AT: text}, INDIA)
        assert options.expires_at == datetime(2026, 12, 26, tzinfo=INDIA)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01 10:30 IST", (1, 5, 0)),
        ("1 Dec 2026 10:30 AM GMT+5:30", (1, 5, 0)),
        ("Tue, 1 Dec 2026 10:30:00 +0530", (1, 5, 0)),
        ("2026-12-01 10:30 Asia/Dubai", (1, 6, 30)),
    ],
)
def test_an_instant_is_in_the_zone_that_is_named_behind_it(text, utc):
    day, hour, minute = utc
    options = read_options({Role.NOT_BEFORE: text, Role.TIMEZONE: "Asia/Tokyo"}, INDIA)

    assert options.not_before == datetime(2026, 12, day, hour, minute, tzinfo=UTC)


def test_an_instant_with_its_offset_keeps_it():
    options = read_options({Role.NOT_BEFORE: "2026-12-01T10:30:00Z"}, INDIA)

    assert options.not_before == datetime(2026, 12, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.0", 1), ("+5", 5), ("-3", -3), ("7.00", 7), ("५", 5), ("\u22124", -4)],
)
def test_a_priority_is_a_whole_number_however_it_is_written(text, number):
    assert read_options({Role.PRIORITY: text}, INDIA).priority == number


@pytest.mark.parametrize("text", ["High", "1.5", "100", "1e1"])
def test_what_is_no_whole_number_is_no_priority(text):
    assert isinstance(read_options({Role.PRIORITY: text}, INDIA), OptionProblem)


@pytest.mark.parametrize(
    "name",
    [
        "IST",
        "India Standard Time",
        "GMT+5:30",
        "UTC+05:30",
        "+0530",
        "Asia/Calcutta",
        "asia/kolkata",
        "(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi",
    ],
)
def test_india_has_one_zone_whatever_it_is_called(name):
    assert zone_meant(name) == INDIA


@pytest.mark.parametrize("name", ["", "Asia", "Bombay", "GMT+5:17", "CST", "../etc"])
def test_a_name_of_no_zone_or_of_several_is_none(name):
    assert zone_meant(name) is None


def test_every_zone_of_the_machine_is_still_known():
    assert all(zone_meant(key) for key in available_timezones())


@given(st.integers(-12, 14))
def test_an_offset_of_whole_hours_is_that_offset(hours):
    zone = zone_meant(f"GMT{hours:+d}")

    assert zone.utcoffset(datetime(2026, 12, 1)) == timedelta(hours=hours)  # noqa: DTZ001 - any


def test_a_zone_goes_by_its_name_of_today_in_a_parquet_file(tmp_path):
    path = tmp_path / "attempts.parquet"
    table = Table(Kind.ATTEMPTS, (Column("requested_at", Type.INSTANT),))
    file = ParquetFile(path, table, zone=ZoneInfo("Asia/Calcutta"))
    file.write([[1_764_500_000.0]])
    file.close()

    assert parquet.read_schema(path).field("requested_at").type.tz == "Asia/Kolkata"
