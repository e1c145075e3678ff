"""When an agent is at work: hours of weekdays, less days off, by the clock of one zone."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from campaigns.hours.calling_hours import CallingHours
from campaigns.sentence import told


class ShiftNow(NamedTuple):
    """How a shift stands at an instant.

    Args:
        is_on: It is under way.
        changes_at: When it ends, or begins next; None: not within a year.
    """

    is_on: bool
    changes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours such as `mon-fri 09:00-18:00; not IN`, and where their clock hangs."""

    hours: CallingHours
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Self:
        """Read hours as calling hours are read.

        Raises:
            ValueError: The text says something else; one line tells what to write.
        """
        try:
            return cls(CallingHours.parse(text), zone)
        except ValueError as error:
            raise ValueError(str(error).replace("calling hours", "shift", 1)) from None

    def __str__(self) -> str:
        return str(self.hours)

    def in_words(self) -> str:
        """Say it to a person."""
        return told("{hours} ({zone})", hours=self.hours.in_words(), zone=self.zone.key)

    def at(self, instant: datetime) -> ShiftNow:
        """Tell how it stands."""
        window = self.hours.next_open(instant, self.zone)
        if window is None:
            return ShiftNow(is_on=False, changes_at=None)
        if window.from_at <= instant:
            return ShiftNow(is_on=True, changes_at=window.until_at)
        return ShiftNow(is_on=False, changes_at=window.from_at)
