"""Instants as commands take them, and tell them to programs and people."""

from datetime import UTC, datetime, tzinfo

from workers.cli.faults import WrongUse
from workers.instants import as_written


def iso(at: float | datetime | None, zone: tzinfo = UTC) -> str | None:
    """Write an instant for programs, to the second; None where there is none.

    Args:
        at: Epoch s, 0 = none; or an instant, which keeps its own zone.
    """
    if not at:
        return None
    instant = at if isinstance(at, datetime) else datetime.fromtimestamp(at, zone)
    return instant.isoformat(timespec="seconds")


def local(epoch_s: float, zone: tzinfo) -> str:
    """Write an instant for people: the day, the time to the second, and the zone."""
    return f"{datetime.fromtimestamp(epoch_s, zone):%Y-%m-%d %H:%M:%S %Z}"


def minute(at: float | datetime, zone: tzinfo) -> str:
    """Write an instant for a table: the day, the time to the minute, and the zone."""
    instant = at if isinstance(at, datetime) else datetime.fromtimestamp(at, zone)
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def weekday(epoch_s: float, zone: tzinfo) -> str:
    """Write an instant of these days: the day of the week, the date, and the time to the minute."""
    return f"{datetime.fromtimestamp(epoch_s, zone):%a %d %b %H:%M}"


def read_instant(
    option: str, text: str, zone: tzinfo, *, write: str = "a time such as 2026-11-24T15:30"
) -> datetime:
    """Read what a person wrote, in this zone if it names none.

    Args:
        write: What to write instead, where it is no instant.

    Raises:
        WrongUse: It is none.
    """
    try:
        return as_written(text, zone)
    except ValueError:
        raise WrongUse(f"{option} {text}: write {write}") from None
