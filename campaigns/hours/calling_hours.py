"""May we call at this instant; if not, from when.

Hours are local: the zone comes with each question, so that one campaign's hours can be asked
about in the zone of each row. What happens when the clock is changed stands in `local_day.py`.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from campaigns.hours.calling_hours_text import Week, hours_in_words, read_hours, write_hours
from campaigns.hours.holiday_dates import holidays_of
from campaigns.hours.local_day import OpenWindow, windows_on

SEARCH_DAYS = 400
"""How far ahead the next window is looked for: a year and a month, beyond any yearly closure."""

TOLD_DAYS = 7
"""How far a window is followed over midnights, so that `always` has an answer too."""


@dataclass(frozen=True, slots=True)
class CallingHours:
    """The hours of each weekday in which calls may start, and the days off.

    A day off is closed from its midnight to the next, whatever window reaches into it; the day
    after keeps its own hours.

    Args:
        week: As `CallingHours.parse` makes it.
        dates_off: Local dates without calls.
        calendars_off: Countries (`IN`) or states (`IN-MH`) on whose holidays nobody is called.
    """

    week: Week
    dates_off: frozenset[date] = frozenset()
    calendars_off: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read hours such as `mon-fri 09:00-12:30,14:00-20:00; not 2026-01-26,IN-MH`, or a preset.

        Raises:
            ValueError: The text says something else; one line tells what to write.
        """
        return cls(*read_hours(text))

    def __str__(self) -> str:
        return write_hours(self.week, self.dates_off, self.calendars_off)

    def in_words(self) -> str:
        """Say the hours to a person: `Mon–Fri 09:00–12:30 and 14:00–20:00, Sat 10:00–14:00`."""
        return hours_in_words(self.week, self.dates_off, self.calendars_off)

    def without(self, dates: frozenset[date]) -> Self:
        """Return these hours with more dates off."""
        return replace(self, dates_off=self.dates_off | dates)

    def next_open(self, at: datetime, zone: ZoneInfo) -> OpenWindow | None:
        """Return the window that contains this instant, or else the next one.

        None when `SEARCH_DAYS` hold none.
        """
        today = _local_date(at, zone)
        for days_ahead in range(SEARCH_DAYS + 1):
            day = today + timedelta(days=days_ahead)
            for window in self._windows_on(day, zone):
                if at < window.until_at:
                    return self._over_midnights(window, day, zone)
        return None

    def _over_midnights(self, window: OpenWindow, day: date, zone: ZoneInfo) -> OpenWindow:
        from_at, until_at = window.from_at, window.until_at
        for days in range(TOLD_DAYS + 1):
            for later in self._windows_on(day + timedelta(days=days), zone):
                if later.from_at == until_at:
                    until_at = later.until_at
            for earlier in reversed(self._windows_on(day - timedelta(days=days), zone)):
                if earlier.until_at == from_at:
                    from_at = earlier.from_at
        return OpenWindow(from_at, until_at)

    def _windows_on(self, day: date, zone: ZoneInfo) -> tuple[OpenWindow, ...]:
        return () if self._is_off(day) else windows_on(day, self.week[day.weekday()], zone)

    def _is_off(self, day: date) -> bool:
        return day in self.dates_off or any(
            day in holidays_of(calendar, day.year) for calendar in self.calendars_off
        )


def _local_date(at: datetime, zone: ZoneInfo) -> date:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone, so it is no instant")
    return at.astimezone(zone).date()
