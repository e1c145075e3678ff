"""What an attempt adds to the figures of its day, and how today compares with other days.

An attempt counts in the quarter of an hour in which it was requested: every zone's hours and days
begin with one. What becomes known later is added there, so a day's sums are those of its reports.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from typing import Self

from campaigns.attempt import Attempt, Outcome

QUARTER_S = 900
USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Sums over attempts that have ended.

    Args:
        calls: Placed and ended, result known: the denominator of the rates.
        answered: Their agent answered.
        connected: Both sides were on the line.
        talk_s: Seconds both were talking.
        spend: In the billing currency, as far as prices have come.
    """

    calls: float = 0
    answered: float = 0
    connected: float = 0
    talk_s: float = 0
    spend: float = 0

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Tell what an attempt adds; nothing before it has ended."""
        price = float(attempt.price) if attempt.is_settled and attempt.price else 0.0
        if not attempt.is_call:
            return cls(spend=price)
        connected = attempt.outcome is Outcome.CONNECTED
        talk_s = attempt.talk_s or 0 if connected else 0
        return cls(1, int(attempt.agent_answered), int(connected), talk_s, price)

    def since(self, earlier: "DayFigures") -> dict[str, float]:
        """Give what was added, by name; what is the same is left out."""
        if self == earlier:
            return {}
        return {
            name: by
            for name in self.__slots__
            if (by := getattr(self, name) - getattr(earlier, name))
        }

    @classmethod
    def sum(cls, some: Iterable["DayFigures"]) -> Self:
        """Add them up."""
        listed = list(some)
        return cls(*(sum(getattr(one, name.name) for one in listed) for name in fields(cls)))

    def over(self, days: int) -> "DayFigures":
        """Give the mean of so many days."""
        return DayFigures(*(getattr(self, one.name) / days for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Compared:
    """Figures of now, of the same span yesterday, and what is usual for it.

    Args:
        usual: The mean of those of the last seven days on which there were calls; None: there were none.
    """

    now: DayFigures
    yesterday: DayFigures
    usual: DayFigures | None


@dataclass(frozen=True, slots=True)
class DayCompared:
    """The day so far, and its current hour so far, each beside the same span of other days."""

    day: Compared
    hour: Compared


def compared(quarters: Mapping[int, DayFigures], now: datetime) -> DayCompared:
    """Compare today with the days before, each up to this time of its day.

    Args:
        quarters: By quarter of an hour since 1970.
        now: In the zone whose day it is.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    return DayCompared(
        _compared(quarters, datetime.combine(now, time(), now.tzinfo), now),
        _compared(quarters, hour, now),
    )


def _compared(quarters: Mapping[int, DayFigures], begin: datetime, end: datetime) -> Compared:
    days = [
        _between(quarters, begin - timedelta(days=back), end - timedelta(days=back))
        for back in range(USUAL_DAYS + 1)
    ]
    busy = [one for one in days[1:] if one.calls]
    return Compared(days[0], days[1], DayFigures.sum(busy).over(len(busy)) if busy else None)


def _between(quarters: Mapping[int, DayFigures], begin: datetime, end: datetime) -> DayFigures:
    """Add up from one wall-clock time to the quarter that another lies in."""
    first, last = (int(one.timestamp() // QUARTER_S) for one in (begin, end))
    return DayFigures.sum(quarters[one] for one in range(first, last + 1) if one in quarters)
