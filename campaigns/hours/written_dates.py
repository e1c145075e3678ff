"""Dates and times as people and spreadsheets write them, where one reading is possible.

03/04/2026 is March to one reader and April to the other; 25/12/2026 is Christmas to both.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """An instant as it was written; without an offset where none was.

    Args:
        is_bare: A day without a time of day.
    """

    at: datetime
    is_bare: bool


def read_date(text: str) -> list[WrittenDate]:
    """Give every reading of a date: none where it is no date, several where nobody can tell."""
    if (iso := _iso(text)) is not None:
        return [iso]
    if serial := _SERIAL.fullmatch(text):
        return [_of_serial(float(serial[0]))]
    day, clock = _parted(text)
    read = _time(clock) if clock else time()
    if read is None:
        return []
    days = sorted(set(_days(day)))
    return [WrittenDate(datetime.combine(one, read), is_bare=not clock) for one in days]


_HOURS_AND_MINUTES_BY_A_DOT = re.compile(r"[T ][0-9]{1,2}\.")  # not ten hours and a fraction


def _iso(text: str) -> WrittenDate | None:
    if _HOURS_AND_MINUTES_BY_A_DOT.search(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        date.fromisoformat(text)
    except ValueError:
        return WrittenDate(at, is_bare=False)
    return WrittenDate(at, is_bare=True)


# days since 1899-12-30, as spreadsheets count; of the years 2000 … 2099
_SERIAL = re.compile(r"(?:3[7-9]|[4-6][0-9]|7[0-2])[0-9]{3}(?:\.[0-9]+)?")
_EPOCH = datetime.combine(date(1899, 12, 30), time())


def _of_serial(days: float) -> WrittenDate:
    at = _EPOCH + timedelta(seconds=round(days * 86_400))
    return WrittenDate(at, is_bare=days.is_integer())


_PARTED = re.compile(
    r"(.*?[0-9])(?:,?\s+|[T])(\d{1,2}(?:[:.]\d{2})(?::\d{2})?(?:\.0+)?\s*[a-zA-Z.]*)"
)
_HOUR_ALONE = re.compile(r"(.*?[0-9]),?\s+(\d{1,2}\s*[aApP]\.?[mM]\.?)")


def _parted(text: str) -> tuple[str, str]:
    """Part a day from its time."""
    found = _PARTED.fullmatch(text) or _HOUR_ALONE.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


_TIME = re.compile(
    r"(\d{1,2})(?:[:.](\d{2}))?(?::(\d{2}))?(?:\.0+)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE
)
_NOON = 12


def _time(text: str) -> time | None:
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    hour, half = int(found[1]), (found[4] or "").lower()
    if half and not 1 <= hour <= _NOON:
        # 13:30 PM is half past one to everybody; 13:30 AM and 0:30 PM are not
        return None if half == "a" or hour == 0 or hour > 23 else time(hour, int(found[2] or 0))
    if half:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    try:
        return time(hour, int(found[2] or 0), int(found[3] or 0))
    except ValueError:
        return None


_NUMBERS = re.compile(r"(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})")
_NAMED = (
    re.compile(r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[-/. ,]*(?P<m>[a-z]{3,9})[-/. ,]*(?P<y>\d{4})"),
    # 1-Dec-26 is what spreadsheets make of a day by themselves; none puts the year first there
    re.compile(r"(?P<d>\d{1,2})[-/. ](?P<m>[a-z]{3,9})[-/. ](?P<y>\d{2})"),
    re.compile(r"(?P<m>[a-z]{3,9})[-/. ]*(?P<d>\d{1,2})(?:st|nd|rd|th)?[-/. ,]+(?P<y>\d{4})"),
    re.compile(r"(?P<y>\d{4})[-/. ,]*(?P<m>[a-z]{3,9})[-/. ,]*(?P<d>\d{1,2})"),
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+", re.IGNORECASE)
_CENTURY = 2000
_YEAR_DIGITS = 4


def _days(text: str) -> list[date]:
    text = _WEEKDAY.sub("", text.strip(), count=1).casefold()
    for pattern in _NAMED:
        if found := pattern.fullmatch(text):
            month = _month(found["m"])
            year = int(found["y"]) + (_CENTURY if len(found["y"]) < _YEAR_DIGITS else 0)
            return _valid(year, month, int(found["d"])) if month else []
    found = _NUMBERS.fullmatch(text)
    if not found:
        return []
    first, middle, last = found[1], found[3], found[4]
    if len(first) == _YEAR_DIGITS and len(last) < _YEAR_DIGITS:
        return _valid(int(first), int(middle), int(last))
    if len(last) == _YEAR_DIGITS and len(first) < _YEAR_DIGITS:
        return _valid(int(last), int(middle), int(first)) + _valid(
            int(last), int(first), int(middle)
        )
    if max(len(first), len(last)) > 2:
        return []
    one, two, three = int(first), int(middle), int(last)
    # day-month-year, month-day-year, year-month-day; nobody writes the year in the middle
    orders = ((three, two, one), (three, one, two), (one, two, three))
    return [day for year, *rest in orders for day in _valid(_CENTURY + year, *rest)]


def _month(name: str) -> int | None:
    name = "sep" if name == "sept" else name
    fitting = [no for no, month in enumerate(_MONTHS, 1) if month.startswith(name)]
    return fitting[0] if len(fitting) == 1 else None


def _valid(year: int, month: int, day: int) -> list[date]:
    try:
        return [date(year, month, day)]
    except ValueError:
        return []
