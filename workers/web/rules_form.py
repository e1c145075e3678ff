"""The form in which people change rules: hours as a week, retries as rows, the others field by field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import HOLIDAYS, written_name
from campaigns.hours.calling_hours import CallingHours
from campaigns.hours.calling_hours_text import clock_text
from campaigns.hours.local_day import DAY_MIN, Span
from campaigns.retry_policy import DEFAULT_RULES, MACHINE, RETRIABLE, RetryRule
from campaigns.rule_changes import written_span
from campaigns.rules.retries import with_retry
from campaigns.sentence import told
from dialer.settings import Settings
from dialer.steering.changing_rules import RuleFault, RulesRefused, default_rules, given_rules_of
from workers.web.rules import given_rules

DAYS = (
    *(told("Monday"), told("Tuesday"), told("Wednesday"), told("Thursday")),
    *(told("Friday"), told("Saturday"), told("Sunday")),
)
CAUSES = (*sorted(RETRIABLE), MACHINE)
MOST_FIELDS = 250
"""Of the form: a week of windows, three of each retry, and each rule."""

_WINDOWS = 2
_MOST_WINDOWS = 8
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00")

Values = Mapping[str, str]
"""What stands in the fields, by their names."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week: the fields of its windows, from and until, and its bar.

    Args:
        spans: Begin and length of each window in minutes, as far as they can be read.
    """

    name: str
    windows: list[tuple[str, str]]
    spans: list[tuple[int, int]]


def values_of(settings: Settings, rules: CampaignRules) -> dict[str, str]:
    """Fill the form with rules; what has its default stays empty, but for hours and retries."""
    return values_of_given(settings, given_rules_of(settings, rules))


def values_of_given(settings: Settings, given: Mapping[str, Any]) -> dict[str, str]:
    """Fill the form with rules as somebody gave them, whether they are allowed or not."""
    hours = CallingHours.parse(given.get("hours") or default_rules(settings)["hours"])
    off = [*map(str, sorted(hours.dates_off)), *sorted(hours.calendars_off)]
    off += filter(None, [given.get(HOLIDAYS)])
    retries = with_retry(DEFAULT_RULES, tuple(map(RetryRule.parse, given.get("retry", ()))))
    return {
        **plain_values(given),
        **dict(_week_fields(hours.week)),
        HOLIDAYS: ",".join(off),
        **dict(_retry_fields(retries)),
    }


def plain_values(given: Mapping[str, Any]) -> dict[str, str]:
    """Fill a form that has a field for each rule."""
    return {written_name(name): _text(value) for name, value in given.items()}


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return " ".join(map(str, value))
        case _:
            return str(value)


def read_form(fields: Mapping[str, Sequence[str]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the form that was sent: the rules it gives, and what stands in it.

    Raises:
        RulesRefused: A window or a retry is half filled in.
    """
    values = {name: texts[-1].strip() for name, texts in fields.items()}
    plain = {name: texts for name, texts in fields.items() if name not in {"hours", "retry"}}
    given = given_rules(plain)
    faults = []
    for rule, read in (("hours", _read_week), ("retry", _read_retries)):
        try:
            given[rule] = read(values)
        except ValueError as error:
            faults.append(RuleFault(rule, str(error)))
    if faults:
        raise RulesRefused(*faults)
    return given, values


def week(values: Values) -> list[Day]:
    """Lay the week out."""
    return [
        Day(
            name,
            fields := [(f"{stem}_from", f"{stem}_until") for stem in _stems(day, values)],
            [
                (at, (until if until > at else DAY_MIN) - at)
                for opens, closes in fields
                for at, until in [(_minute(values.get(opens)), _minute(values.get(closes)))]
                if at is not None and until is not None
            ],
        )
        for day, name in enumerate(DAYS)
    ]


def _stems(day: int, values: Values) -> list[str]:
    used = [n for n in range(_MOST_WINDOWS) if values.get(f"day{day}_{n}_from")]
    return [f"day{day}_{n}" for n in range(max(_WINDOWS, *(n + 1 for n in used), 0))]


def _minute(clock: str | None) -> int | None:
    if not clock or not _CLOCK.fullmatch(clock):
        return None
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _week_fields(spans_of: Sequence[Sequence[Span]]) -> Iterator[tuple[str, str]]:
    for day, spans in enumerate(spans_of):
        for n, span in enumerate(spans):
            yield f"day{day}_{n}_from", clock_text(span.opens_min)
            yield f"day{day}_{n}_until", clock_text(span.closes_min)


def _read_week(values: Values) -> str:
    clauses = []
    for day, name in enumerate(DAYS):
        windows = []
        for n in range(_MOST_WINDOWS):
            opens, closes = (values.get(f"day{day}_{n}_{end}", "") for end in ("from", "until"))
            if not opens and not closes:
                continue
            if not (_CLOCK.fullmatch(opens) and _CLOCK.fullmatch(closes)):
                raise ValueError(
                    told("{name}: give both, from and until, such as 09:00 and 20:00", name=name)
                )
            windows.append(f"{opens}-{closes}")
        if windows:
            clauses.append(f"{name[:3].lower()} {','.join(windows)}")
    if not clauses:
        raise ValueError(told("give at least one window in which to call"))
    return "; ".join(clauses)


def _retry_fields(retries: Sequence[RetryRule]) -> Iterator[tuple[str, str]]:
    for one in retries:
        if one.times == 0:
            continue
        yield f"retry_{one.cause}_wait", ",".join(map(written_span, one.delays_s))
        yield f"retry_{one.cause}_growth", one.backoff.sign
        yield f"retry_{one.cause}_most", "" if one.times is None else str(one.times)


def _read_retries(values: Values) -> list[str]:
    found = []
    for cause in CAUSES:
        wait, growth, most = (
            values.get(f"retry_{cause}_{part}", "").replace(" ", "")
            for part in ("wait", "growth", "most")
        )
        if not wait:
            found.append(f"{cause}=0x0")
            continue
        if most and not (most.isascii() and most.isdecimal()):
            raise ValueError(
                told("{cause}: at most takes a whole number", cause=told(cause.replace("_", " ")))
            )
        found.append(f"{cause}={wait}{growth}{f'x{most}' if most else ''}")
    return found
