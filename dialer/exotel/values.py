"""One field of an answer or a callback, read leniently: what cannot be read is None, never an error.

Exotel prints the same field as a string on one page and as a number on another, and writes an
absent value as null, "", "null" or the epoch. Every reader here takes anything and bounds what
it returns, so that nothing odd travels on into Redis or a report.
"""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_SPELLINGS = {
    "cancelled": "canceled",
    "noanswer": "no-answer",
    "unanswered": "no-answer",
    "inprogress": "in-progress",
}
_NUMBERS = (int, float)
_ABSENT = frozenset({"", "null"})
_LONGEST_ABSENT = max(map(len, _ABSENT))
_MAX_SECONDS = 10_000_000
_MAX_PRICE_DIGITS = 9  # before the point, and after it


def text(value: Any) -> str | None:
    """Read a text; numbers count as text, control characters are dropped."""
    if value is None:
        return None  # as most are: fields that a callback leaves out
    if type(value) is str:
        written = value
    elif type(value) in _NUMBERS:
        written = str(value)
    else:
        return None
    if not written.isprintable():
        written = "".join(char for char in written if char.isprintable())
    printable = written.strip()
    is_absent = len(printable) <= _LONGEST_ABSENT and printable.lower() in _ABSENT
    return None if is_absent else printable


def word(value: Any) -> str | None:
    """Read a status or another fixed word, in lower case: `HUMAN` and `Human` are both printed."""
    if value is None:
        return None
    found = text(value)
    return found.lower() if found else None


def status(value: Any) -> str | None:
    """Read the status of a call or a leg in one spelling: `No Answer` and `no_answer` are printed too."""
    found = word(value)
    return _in_one_spelling(found) if found else None


@lru_cache(maxsize=64)  # of some ten statuses each callback tells three or four
def _in_one_spelling(status: str) -> str:
    parts = _BETWEEN_WORDS.split(status)
    return _SPELLINGS.get("".join(parts), "-".join(parts))


def sid(value: Any) -> str | None:
    """Read a call's id: opaque, but short and plain enough for a URL and a Redis key."""
    found = text(value)
    return found if found and _SID.fullmatch(found) else None


def seconds(value: Any) -> int | None:
    """Read a duration in whole seconds."""
    if value is None:
        return None
    found = text(value)
    return _whole_seconds(found) if found else None


@lru_cache(maxsize=4_096)
def _whole_seconds(written: str) -> int | None:
    number = _decimal(written)
    return int(number) if number is not None and 0 <= number <= _MAX_SECONDS else None


def price(value: Any) -> Decimal | None:
    """Read an amount in the account's billing currency."""
    number = _decimal(value)
    if number is None or number.adjusted() >= _MAX_PRICE_DIGITS:
        return None
    return number if int(number.as_tuple().exponent) >= -_MAX_PRICE_DIGITS else None


def instant(value: Any, timezone: ZoneInfo) -> datetime | None:
    """Read an instant; one without a zone is local time in `timezone`.

    Years outside this century are Exotel's ways of writing "unset": `1970-01-01 05:30:00`,
    `0001-01-01T00:00:00Z`.
    """
    found = text(value)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return None
    if not 2000 <= moment.year < 2100:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone)


def ended(start: Any, end: Any, timezone: ZoneInfo) -> datetime | None:
    """Read when a call ended, not before its start: Exotel has been seen to print it earlier."""
    ended_at = instant(end, timezone)
    started_at = instant(start, timezone) if ended_at else None
    return max(started_at, ended_at) if started_at and ended_at else ended_at


def member(value: Any, name: str) -> Any:
    """Look a member up in what may not be an object at all."""
    return value.get(name) if isinstance(value, dict) else None


def _decimal(value: Any) -> Decimal | None:
    found = text(value)
    if found is None:
        return None
    try:
        number = Decimal(found)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
