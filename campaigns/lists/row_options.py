"""The optional columns of a row: priority, not before, expires at, time zone, custom field."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.hours.written_dates import WrittenDate, read_date
from campaigns.hours.zone_names import zone_meant
from campaigns.lists.external_ids import LONGEST_EXTERNAL_ID, is_external_id
from campaigns.lists.header import Role
from campaigns.lists.row_faults import RowFault
from campaigns.sentence import told


@dataclass(frozen=True, slots=True)
class RowOptions:
    """What a row's optional cells say; fields as in `Contact`."""

    priority: int = 0
    not_before: datetime | None = None
    expires_at: datetime | None = None
    timezone: str | None = None
    custom_field: str | None = None
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """Which optional cell cannot be used, what was expected, how to mend it."""

    role: Role
    code: RowFault
    expected: str
    fix: str


class _Unreadable(Exception):
    """A cell cannot be read for a reason of its own; the message says how to mend it."""


NO_OPTIONS = RowOptions()


def read_options(cells: Mapping[Role, str], zone: ZoneInfo) -> RowOptions | OptionProblem:
    """Read the optional cells of one row; empty ones say nothing.

    Args:
        cells: The cells of the optional columns the list has.
        zone: Of instants written without an offset, where the row names no time zone itself.
    """
    zone = zone_meant(cells.get(Role.TIMEZONE, "")) or zone
    said: dict[str, Any] = {}
    for role, cell in cells.items():
        if text := cell.strip():
            try:
                said[role] = _READERS[role](text, zone)
            except _Unreadable as error:
                return replace(_PROBLEMS[role], fix=str(error))
            if said[role] is None:
                return _PROBLEMS[role]
    options = RowOptions(**said)
    if options.not_before and options.expires_at and options.expires_at <= options.not_before:
        return _NEVER_DUE
    return options


def _priority(text: str, _zone: ZoneInfo) -> int | None:
    plain = text.replace("\u2212", "-")  # digits may be India's
    return int(float(plain)) if re.fullmatch(r"[+-]?\d{1,2}(?:\.0+)?", plain) else None


def _not_before(text: str, zone: ZoneInfo) -> datetime | None:
    written, zone = _one_reading(text, zone)
    return _in_zone(written.at, zone) if written else None


def _expires_at(text: str, zone: ZoneInfo) -> datetime | None:
    """A bare date is the contact's last day, so it expires when that day ends."""
    written, zone = _one_reading(text, zone)
    if written is None:
        return None
    if not written.is_bare or written.at.date() == date.max:
        return _in_zone(written.at, zone)  # "never" to many a spreadsheet; no day comes after it
    return datetime.combine(written.at.date() + timedelta(days=1), time(), zone)


def _timezone(text: str, _default: ZoneInfo) -> str | None:
    zone = zone_meant(text)
    return zone.key if zone else None


def _custom_field(text: str, _zone: ZoneInfo) -> str | None:
    return text if len(text) <= 128 else None  # the provider's limit


def _external_id(text: str, _zone: ZoneInfo) -> str | None:
    return text if is_external_id(text) else None


def _one_reading(text: str, zone: ZoneInfo) -> tuple[WrittenDate | None, ZoneInfo]:
    """Read a date that can be read in one way, in the zone that is named behind it, if one is.

    Raises:
        _Unreadable: It can be read in several.
    """
    readings = read_date(text)
    if not readings:
        before, _, last = text.rpartition(" ")
        if named := zone_meant(last):
            readings, zone = read_date(before), named
    if len(readings) > 1:
        *some, last = (f"{one.at:%Y-%m-%d}" for one in readings)
        days = told("{some} or {last}", some=", ".join(some), last=last)
        raise _Unreadable(told("It could be {days}: write year, month and day so.", days=days))
    return (readings[0] if readings else None), zone


def _in_zone(at: datetime, zone: ZoneInfo) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=zone)


_READERS: dict[Role, Callable[[str, ZoneInfo], object]] = {
    Role.PRIORITY: _priority,
    Role.NOT_BEFORE: _not_before,
    Role.EXPIRES_AT: _expires_at,
    Role.TIMEZONE: _timezone,
    Role.CUSTOM_FIELD: _custom_field,
    Role.EXTERNAL_ID: _external_id,
}

_ISO = (
    told("a date or time such as 2026-11-23 or 2026-11-23 10:00"),
    told("Write year, month and day so."),
)
_PROBLEMS = {
    problem.role: problem
    for problem in (
        OptionProblem(
            Role.PRIORITY,
            RowFault.BAD_PRIORITY,
            told("a whole number from -99 to 99"),
            told("Higher numbers are called first; leave it empty for 0."),
        ),
        OptionProblem(Role.NOT_BEFORE, RowFault.BAD_DATE, *_ISO),
        OptionProblem(Role.EXPIRES_AT, RowFault.BAD_DATE, *_ISO),
        OptionProblem(
            Role.TIMEZONE,
            RowFault.BAD_TIMEZONE,
            told("a time zone such as Asia/Kolkata"),
            told("Use a name of the IANA list, or leave it empty for the campaign's."),
        ),
        OptionProblem(
            Role.CUSTOM_FIELD,
            RowFault.CUSTOM_FIELD_TOO_LONG,
            told("at most 128 characters"),
            told("Shorten the text; the provider takes no more."),
        ),
        OptionProblem(
            Role.EXTERNAL_ID,
            RowFault.BAD_EXTERNAL_ID,
            told("at most {most} printable characters", most=LONGEST_EXTERNAL_ID),
            told("Use the id your own system has, or leave it empty."),
        ),
    )
}
_NEVER_DUE = OptionProblem(
    Role.EXPIRES_AT,
    RowFault.NEVER_DUE,
    told("an instant after not_before"),
    told("The contact would never be due; correct one of the two."),
)
