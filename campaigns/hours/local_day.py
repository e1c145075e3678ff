"""One local day's calling hours as instants: the rules for days on which the clock is changed.

    the clock skips 02:00–03:00      02:30 stands for the first instant after the gap;
                                     a window inside the gap vanishes
    the clock shows 01:00–02:00      a window closes when its end is shown first, and opens when
    twice                            its start is shown first, unless the clock would then run
                                     back out of the hours: in that case at the second showing

So no window reaches beyond its hours by the local clock, and none happens twice.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from campaigns.sentence import told

DAY_MIN = 24 * 60


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Hours on one local day, in minutes after its midnight.

    Args:
        opens_min: 0–1439.
        closes_min: 1–1440 and after `opens_min`; 1440 is the midnight that ends the day.
    """

    opens_min: int
    closes_min: int


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """Calls may start from `from_at` on, and no longer at `until_at`; both in UTC."""

    from_at: datetime
    until_at: datetime


# A few hundred days are asked about over and over, in every zone that a campaign's rows have.
@lru_cache(maxsize=8192)
def windows_on(day: date, spans: tuple[Span, ...], zone: ZoneInfo) -> tuple[OpenWindow, ...]:
    """Return the windows that the spans open on this local day, in order."""
    windows = (_window(day, span, zone) for span in spans)
    return tuple(window for window in windows if window.from_at < window.until_at)


def zone_named(name: str) -> ZoneInfo:
    """Return the IANA zone of that name, such as `Asia/Kolkata`.

    Raises:
        ValueError: There is none; the message says what to write.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError) as error:  # OSError: "Asia" is a directory
        raise ValueError(
            told(
                "time zone {name!r} is unknown: write an IANA name such as Asia/Kolkata", name=name
            )
        ) from error


def _window(day: date, span: Span, zone: ZoneInfo) -> OpenWindow:
    midnight = datetime.combine(day, time(), tzinfo=zone)
    # Adding to a datetime of a zone moves its clock's hands; elapsed time plays no part.
    opens, closes = (
        midnight + timedelta(minutes=minute) for minute in (span.opens_min, span.closes_min)
    )

    from_at, until_at = _first_showing(opens), _first_showing(closes)
    runs_back_out = _is_shown_twice(opens) and _is_shown_twice(opens - timedelta(seconds=1))
    if runs_back_out and not _is_shown_twice(closes):
        from_at = opens.replace(fold=1).astimezone(UTC)
    return OpenWindow(from_at, until_at)


def _first_showing(wall: datetime) -> datetime:
    return _end_of_gap(wall) if _is_skipped(wall) else wall.astimezone(UTC)


def _end_of_gap(wall: datetime) -> datetime:
    # With fold=1 a skipped time is read by the offset after the gap, which lands before it.
    before = wall.replace(fold=1).astimezone(UTC)
    offset = before.astimezone(wall.tzinfo).utcoffset()

    def has_changed(elapsed_s: int) -> bool:
        at = before + timedelta(seconds=elapsed_s)
        return at.astimezone(wall.tzinfo).utcoffset() != offset

    longest_s = int((wall.astimezone(UTC) - before).total_seconds())
    return before + timedelta(seconds=bisect_left(range(longest_s), True, key=has_changed))


# PEP 495: read with fold 0 and with fold 1, a local time gives two instants only where the clock
# is changed: the first one later than the second in a gap, earlier in a fold.
def _is_skipped(wall: datetime) -> bool:
    return wall.astimezone(UTC) > wall.replace(fold=1).astimezone(UTC)


def _is_shown_twice(wall: datetime) -> bool:
    return wall.astimezone(UTC) < wall.replace(fold=1).astimezone(UTC)
