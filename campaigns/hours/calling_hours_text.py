"""Calling hours as people write and read them.

    mon-fri 09:00-12:30,14:00-20:00; sat 10:00-14:00; not 2026-01-26,IN-MH
    └─────────── clause ──────────┘  └── clause ───┘      └─ date ─┘ └ calendar

A clause without days is for every day. A window that ends at its start's clock time or before
runs across midnight. A preset may stand for a clause, so `india; not IN` says it all.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TypeAlias

from campaigns.hours.holiday_dates import parse_calendar, parse_date
from campaigns.hours.local_day import DAY_MIN, Span
from campaigns.sentence import WEEKDAYS, joined, told

Week: TypeAlias = tuple[tuple[Span, ...], ...]
"""The spans of each day, Monday first, apart and in order; none goes beyond its midnight."""

PRESETS = {
    "always": "00:00-24:00",
    # No commercial calls 21:00–09:00: TRAI's rule, known from press reports of December 2010.
    "india": "09:00-21:00",
    # Loan recovery calls 08:00–19:00 only: Reserve Bank of India, 12 August 2022.
    "india-recovery": "08:00-19:00",
}

_EXAMPLE = "mon-fri 09:00-12:30,14:00-20:00; sat 10:00-14:00; not 2026-01-26"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ANY_DAY = range(7)
_CLAUSE = re.compile(r"(?:(?P<days>[a-z,-]+) )?(?P<windows>[0-9][0-9:,-]*)")
_WINDOW = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")


def read_hours(text: str) -> tuple[Week, frozenset[date], frozenset[str]]:
    """Read calling hours: the week, the dates off and the holiday calendars off.

    Raises:
        ValueError: The text says something else; one line tells what to write.
    """
    spans_of: list[list[Span]] = [[] for _ in _ANY_DAY]
    dates: set[date] = set()
    calendars: set[str] = set()
    days_written: set[int] = set()

    for clause in filter(None, _tidy(text).split(";")):
        if clause.startswith("not "):
            _read_days_off(clause.removeprefix("not ").split(","), dates, calendars)
            continue
        days, windows = _read_clause(PRESETS.get(clause, clause))
        # Two clauses for one day could mean both or the second alone; a wrong guess rings people.
        if twice := days_written.intersection(days):
            raise _mistake(
                told("{days} stands in two clauses; put its windows in one", days=_DAYS[min(twice)])
            )
        days_written.update(days)
        for day in days:
            for opens_min, closes_min in windows:
                _add(spans_of, day, opens_min, closes_min)

    if not days_written:
        raise _mistake(told("there is no window in which to call"))
    return tuple(_merged(spans) for spans in spans_of), frozenset(dates), frozenset(calendars)


def write_hours(week: Week, dates_off: frozenset[date], calendars_off: frozenset[str]) -> str:
    """Write calling hours so that `read_hours` reads the same again."""
    clauses = []
    for days, windows in _clauses(week):
        hours = ",".join(f"{clock_text(opens)}-{clock_text(closes)}" for opens, closes in windows)
        names = ",".join(_runs(days, [name[:3] for name in _DAYS], "-"))
        clauses.append(hours if len(days) == 7 else f"{names} {hours}")
    if dates_off or calendars_off:
        clauses.append("not " + ",".join([*map(str, sorted(dates_off)), *sorted(calendars_off)]))
    return "; ".join(clauses)


def hours_in_words(week: Week, dates_off: frozenset[date], calendars_off: frozenset[str]) -> str:
    """Say calling hours to a person."""
    said = joined(", ", map(_clause_in_words, _clauses(week)))
    if _is_always(week):
        said = told("at any time")
    days_off: list[str] = [str(day) for day in sorted(dates_off)]
    if len(days_off) > 4:
        days_off = [
            told(
                "{number} dates from {first} to {last}",
                number=len(days_off),
                first=days_off[0],
                last=days_off[-1],
            )
        ]
    days_off += [told("holidays of {calendar}", calendar=one) for one in sorted(calendars_off)]
    return told("{hours}; not on {days}", hours=said, days=_listed(days_off)) if days_off else said


def _clause_in_words(clause: tuple[list[int], tuple[tuple[int, int], ...]]) -> str:
    days, windows = clause
    hours = _listed([f"{clock_text(opens)}–{clock_text(closes)}" for opens, closes in windows])
    if len(days) == 7:
        return told("every day {hours}", hours=hours)
    return told("{days} {hours}", days=_listed(_runs(days, WEEKDAYS, "–")), hours=hours)


def _tidy(text: str) -> str:
    text = " ".join(text.lower().replace("–", "-").split())
    return re.sub(r" ?([,;:-]) ?", r"\1", text).strip(";")


def _read_days_off(items: Iterable[str], dates: set[date], calendars: set[str]) -> None:
    for item in items:
        if item[:1].isdigit():
            dates.add(parse_date(item))
        else:
            calendars.add(parse_calendar(item))


def _read_clause(clause: str) -> tuple[list[int], list[tuple[int, int]]]:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        raise _mistake(
            told(
                "{clause!r} is neither days with hours nor one of {presets}",
                clause=clause,
                presets=", ".join(PRESETS),
            )
        )
    days = _read_days(match["days"]) if match["days"] else list(_ANY_DAY)
    return days, [_read_window(window) for window in match["windows"].split(",")]


def _read_days(text: str) -> list[int]:
    days: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = _read_day(first)
        length = (_read_day(last) - start) % 7 if dash else 0
        days += [day % 7 for day in range(start, start + length + 1)]
    return days


def _read_day(name: str) -> int:
    for day, full_name in enumerate(_DAYS):
        if len(name) >= 3 and full_name.startswith(name):
            return day
    raise _mistake(told("{name!r} is not a day of the week", name=name))


def _read_window(text: str) -> tuple[int, int]:
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise _mistake(told("{text!r} is not a window such as 09:00-21:00", text=text))
    opens_h, opens_m, closes_h, closes_m = map(int, match.groups())
    opens_min, closes_min = opens_h * 60 + opens_m, closes_h * 60 + closes_m
    if max(opens_m, closes_m) > 59 or opens_min >= DAY_MIN or closes_min > DAY_MIN:
        raise _mistake(told("{text!r} has a time that no clock shows", text=text))
    if opens_min == closes_min:
        raise _mistake(
            told("{text!r} opens and closes at once; the whole day is 00:00-24:00", text=text)
        )
    return opens_min, closes_min


def _add(spans_of: list[list[Span]], day: int, opens_min: int, closes_min: int) -> None:
    if opens_min < closes_min:
        spans_of[day].append(Span(opens_min, closes_min))
        return
    spans_of[day].append(Span(opens_min, DAY_MIN))
    if closes_min > 0:
        spans_of[(day + 1) % 7].append(Span(0, closes_min))


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.opens_min <= merged[-1].closes_min:
            last = merged.pop()
            merged.append(Span(last.opens_min, max(last.closes_min, span.closes_min)))
        else:
            merged.append(span)
    return tuple(merged)


def _clauses(week: Week) -> Iterator[tuple[list[int], tuple[tuple[int, int], ...]]]:
    """Group the days that share the same windows, as a person would write them."""
    windows_of = [_windows_written_on(week, day) for day in _ANY_DAY]
    for windows in dict.fromkeys(filter(None, windows_of)):
        yield [day for day in _ANY_DAY if windows_of[day] == windows], windows


def _windows_written_on(week: Week, day: int) -> tuple[tuple[int, int], ...]:
    windows = [(span.opens_min, span.closes_min) for span in week[day]]
    if _tail_min(week, day - 1):
        windows = windows[1:]
    if tail_min := _tail_min(week, day):
        windows[-1] = (windows[-1][0], tail_min)
    return tuple(windows)


def _tail_min(week: Week, day: int) -> int:
    """Return how far a day's last window reaches past midnight; 0 when it ends with its day."""
    today, tomorrow = week[day], week[(day + 1) % 7]
    if not today or not tomorrow:
        return 0
    last, first = today[-1], tomorrow[0]
    meets = last.closes_min == DAY_MIN and first.opens_min == 0
    return first.closes_min if meets and first.closes_min < last.opens_min else 0


def _is_always(week: Week) -> bool:
    return all(spans == (Span(0, DAY_MIN),) for spans in week)


def _runs(days: Sequence[int], names: Sequence[str], dash: str) -> list[str]:
    """Write days as runs: `mon-fri`, `sun`."""
    starts = [day for day in days if day - 1 not in days]
    ends = [day for day in days if day + 1 not in days]
    return [
        names[start] if start == end else joined(dash, (names[start], names[end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def _listed(items: Sequence[str]) -> str:
    if len(items) == 1:
        return items[0]
    return told("{some} and {last}", some=joined(", ", items[:-1]), last=items[-1])


def clock_text(minute: int) -> str:
    """Write a minute of the day: `09:30`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _mistake(what: str) -> ValueError:
    return ValueError(
        told("calling hours: {what}. Write, for example, '{example}'", what=what, example=_EXAMPLE)
    )
