"""Days on which nobody is called: a list of dates, or the calendar of a country or state."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from campaigns.sentence import told


@lru_cache(maxsize=1024)
def holidays_of(calendar: str, year: int) -> frozenset[date]:
    """Return the public holidays of a year.

    Dates that hang on the sighting of the moon are the `holidays` package's estimates.

    Args:
        calendar: As `parse_calendar` returns it.
    """
    from holidays import country_holidays  # noqa: PLC0415 - few campaigns name a calendar

    country, _, subdivision = calendar.partition("-")
    return frozenset(country_holidays(country, subdiv=subdivision or None, years=year))


def parse_calendar(text: str) -> str:
    """Read a holiday calendar: a country such as `IN` or a state such as `IN-MH`, in ISO 3166.

    Raises:
        ValueError: There is no such calendar; the message says what to write.
    """
    from holidays import list_supported_countries  # noqa: PLC0415 - as above

    calendar = text.upper()
    country, dash, subdivision = calendar.partition("-")
    # The package itself would take a withdrawn code too; its list has only those in force.
    subdivisions = list_supported_countries().get(country)
    if subdivisions is None or (dash and subdivision not in subdivisions):
        raise ValueError(
            told(
                "holiday calendar {calendar!r} is unknown: write a country such as IN, or a "
                "country and state such as IN-MH",
                calendar=calendar,
            )
        )
    return calendar


def parse_holiday_dates(lines: Iterable[str]) -> frozenset[date]:
    """Read a list of dates, one to a line: `2026-01-26`, and after a comma or space its name.

    Blank lines and lines that begin with `#` say nothing.

    Raises:
        ValueError: A line has no date; the message names the line.
    """
    dates = set()
    for line_no, line in enumerate(lines, start=1):
        words = line.lstrip("\ufeff").replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        try:
            dates.add(parse_date(words[0]))
        except ValueError as error:
            raise ValueError(f"line {line_no}: {error}") from error
    return frozenset(dates)


def parse_date(text: str) -> date:
    """Read a date such as `2026-01-26`."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            told("{text!r} is not a date: write it as 2026-01-26", text=text)
        ) from error
