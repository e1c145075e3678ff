"""Charts made of report values: rows of bars, a line, a map of hours. Pages and the HTML report draw them.

They are plain HTML and SVG, made here: nothing has to run in the browser, so they open offline, print as
they are, and keep their words readable on a phone. Each mark carries its figure as text, and no two
neighbours differ in hue alone.
"""

import csv
import io
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from campaigns.attempt import AGENT_SIDE, CUSTOMER_SIDE, Outcome
from campaigns.reports.figures import TALK_FROM_S, Tally
from campaigns.reports.indicators import RATES
from campaigns.reports.report import Group, Report
from campaigns.spreadsheet_safety import safe_cell

_MOST_AGENTS = 30
_MOST_MINUTES = 1_440
_MOST_DAYS = 62
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES = 5


@dataclass(frozen=True, slots=True)
class Grid:
    """The figures of a chart as a table, and as a file: what is drawn, and no rounding.

    Args:
        rows: Floats are shares, decimals money.
    """

    header: tuple[str, ...] = ()
    rows: tuple[tuple[str | int | float | Decimal | None, ...], ...] = ()

    @property
    def shown(self) -> list[list[str]]:
        """Write the cells for people."""
        return [[_shown(cell) for cell in row] for row in self.rows]

    @property
    def href(self) -> str:
        """Give the file as the address of a link: it needs no server, and no script."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(self.header)
        for row in self.rows:
            writer.writerow([safe_cell(one) if isinstance(one, str) else one for one in row])
        return f"data:text/csv;base64,{b64encode(file.getvalue().encode('utf-8-sig')).decode()}"


def _shown(cell: str | float | Decimal | None) -> str:
    match cell:
        case None:
            return "–"
        case float():
            return f"{cell:.1%}"
        case Decimal():
            return f"{cell:,.2f}"
        case int():
            return f"{cell:,}"
        case _:
            return cell


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar.

    Args:
        tone: The colour's name in the style sheet.
        x: Where it begins, per mille of the chart's width; so is `width`.
    """

    tone: str
    x: float
    width: float
    told: str


@dataclass(frozen=True, slots=True)
class Row:
    """A bar with its name before it and its figure behind it."""

    name: str
    parts: tuple[Part, ...]
    figure: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars one below the other.

    Args:
        legend: Tone and name of each layer; empty where each bar is of one.
    """

    rows: tuple[Row, ...]
    legend: tuple[tuple[str, str], ...] = ()
    grid: Grid = Grid()


@dataclass(frozen=True, slots=True)
class Line:
    """A line over time, in a box 1000 wide and 100 high.

    Args:
        area: The same, closed at the bottom.
        limit_y: Where the limit lies.
        told: What it shows, in a sentence.
    """

    path: str
    area: str
    limit_y: float
    limit: int
    begins: str
    ends: str
    told: str
    grid: Grid = Grid()


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a weekday.

    Args:
        shade: 0 … 4, by the share; None: there were no calls.
    """

    text: str
    shade: int | None
    told: str


@dataclass(frozen=True, slots=True)
class Week:
    """Hours of the day over days of the week."""

    hours: tuple[str, ...]
    days: tuple[tuple[str, tuple[Cell, ...]], ...]
    grid: Grid = Grid()


Chart = Bars | Line | Week


def all_charts(report: Report) -> dict[str, Chart]:
    """Make every chart of a report, by name."""
    return {
        "funnel": funnel(report),
        "retries": retries(report.by_attempt),
        "agent_side": agent_side(report.by_outcome),
        "customer_side": customer_side(report.by_outcome),
        "by_day": by_day(report.by_hour),
        "by_hour": by_hour(report.by_hour),
        "by_week": by_week(report.by_hour),
        "talk": talk(report.by_talk),
        "spend_by_day": spend_by_day(report.by_hour),
        "spend_by_outcome": spend_by_outcome(report.by_outcome),
        "pace": pace(report.requests_by_minute, limit=report.subject.pace.limit),
        "by_agent": by_agent(report.by_agent),
        "agents_by_rate": agents_by_rate(report.by_agent),
    }


def funnel(report: Report) -> Bars:
    """Show how many rows became contacts, were dialled, and ended in a conversation."""
    steps = (
        ("Rows", report.subject.rows, "other"),
        ("Accepted", report.subject.accepted, "other"),
        ("Dialled", report.dialled, "customer"),
        ("Agent picked up", report.agent_ready, "customer"),
        ("Connected", report.reached, "connected"),
    )
    return _shares(steps, whole=report.subject.rows)


def agent_side(outcomes: Sequence[Group]) -> Bars:
    """Show what happened when agents were rung; the whole is calls."""
    calls = {group.key: group.tally.calls for group in outcomes}
    answered = sum(group.tally.agent_answered for group in outcomes)
    lost = [(_words(one), calls.get(one, 0), "agent") for one in _in_order(AGENT_SIDE)]
    rest = sum(calls.values()) - answered - sum(count for _, count, _ in lost)
    return _parts_of_whole(
        [("agent answered", answered, "connected"), *lost, ("provider failed", rest, "other")]
    )


def customer_side(outcomes: Sequence[Group]) -> Bars:
    """Show what happened once an agent was on the line; the whole is calls an agent answered."""
    answered = {group.key: group.tally.agent_answered for group in outcomes}
    lost = [(_words(one), answered.get(one, 0), "customer") for one in _in_order(CUSTOMER_SIDE)]
    connected = answered.get(Outcome.CONNECTED, 0)
    rest = sum(answered.values()) - connected - sum(count for _, count, _ in lost)
    return _parts_of_whole(
        [("connected", connected, "connected"), *lost, ("customer not dialled", rest, "other")]
    )


def by_day(hours: Sequence[Group]) -> Bars:
    """Show the days; of a longer campaign the last two months."""
    return _stacked(_days(hours), "day")


def _days(hours: Sequence[Group]) -> list[tuple[str, Tally]]:
    days: dict[str, Tally] = {}
    for group in hours:
        days.setdefault(group.key[:10], Tally()).add(group.tally)
    shown = sorted(days)[-_MOST_DAYS:]
    return [(f"{datetime.fromisoformat(day):%Y-%m-%d %a}", days[day]) for day in shown]


def by_hour(hours: Sequence[Group]) -> Bars:
    """Show the hours of the day, all days together, with the share of customers who answered."""
    of_day = [Tally() for _ in range(24)]
    for group in hours:
        of_day[datetime.fromisoformat(group.key).hour].add(group.tally)
    used = [hour for hour, tally in enumerate(of_day) if tally.attempts]
    shown = range(used[0], used[-1] + 1) if used else range(0)
    return _stacked([(f"{hour:02}:00", of_day[hour]) for hour in shown], "hour")


def by_week(hours: Sequence[Group]) -> Week:
    """Map the share of customers who answered, hour by weekday."""
    of_week = {(day, hour): Tally() for day in range(7) for hour in range(24)}
    for group in hours:
        at = datetime.fromisoformat(group.key)
        of_week[at.weekday(), at.hour].add(group.tally)
    used = sorted({hour for (_, hour), tally in of_week.items() if tally.agent_answered})
    shown = range(used[0], used[-1] + 1) if used else range(0)
    highest = max((_share(one) for one in of_week.values()), default=0.0)
    return Week(
        tuple(f"{hour:02}" for hour in shown),
        tuple(
            (name, tuple(_cell(name, hour, of_week[day, hour], highest) for hour in shown))
            for day, name in enumerate(_WEEKDAYS)
        ),
        Grid(
            ("weekday", "hour", "agent answered", "connected", "customers answered"),
            tuple(
                (name, f"{hour:02}:00", tally.agent_answered, tally.connected, _share(tally))
                for day, name in enumerate(_WEEKDAYS)
                for hour in shown
                if (tally := of_week[day, hour]).agent_answered
            ),
        ),
    )


def talk(classes: Sequence[Group]) -> Bars:
    """Show how many conversations were how long, from the shortest that came to the longest."""
    counted = {int(group.key): group.tally.connected for group in classes}
    shown = [at for at, from_s in enumerate(TALK_FROM_S) if from_s in counted]
    used = range(shown[0], shown[-1] + 1) if shown else range(0)
    bars = [(_talk_name(at), counted.get(TALK_FROM_S[at], 0), "connected") for at in used]
    return _shares(bars, whole=sum(counted.values()), head=("talk", "conversations"))


def _talk_name(at: int) -> str:
    begins = [f"{one} s" if one < 60 else f"{one // 60} min" for one in TALK_FROM_S]
    if at + 1 == len(begins):
        return f"{begins[at]} and more"
    return f"{begins[at]} to {begins[at + 1]}"


def spend_by_day(hours: Sequence[Group]) -> Bars:
    """Show what the calls of each day cost, as far as prices have come."""
    return _spend(_days(hours), "day")


def spend_by_outcome(outcomes: Sequence[Group]) -> Bars:
    """Show what was paid for each outcome."""
    return _spend([(_words(group.key), group.tally) for group in outcomes], "outcome")


def _spend(rows: Sequence[tuple[str, Tally]], head: str) -> Bars:
    paid = [(name, tally) for name, tally in rows if tally.price_micros]
    most = max((tally.price_micros for _, tally in paid), default=0)
    whole = sum(tally.price_micros for _, tally in paid)
    return Bars(
        tuple(
            Row(
                name,
                (Part("other", 0, 1000 * tally.price_micros / most, f"{tally.price:,.2f}"),),
                f"{tally.price:,.2f} · {tally.price_micros / whole:.0%}",
            )
            for name, tally in paid
        ),
        grid=Grid(
            (head, "calls", "connected", "price", "share"),
            tuple(
                (name, tally.calls, tally.connected, tally.price, tally.price_micros / whole)
                for name, tally in paid
            ),
        ),
    )


def by_agent(agents: Sequence[Group]) -> Bars:
    """Show the agents with most attempts, and what the others have on average."""
    ranked = _ranked(agents)
    rows: list[tuple[str, Tally]] = [(group.key, group.tally) for group in ranked[:_MOST_AGENTS]]
    if others := ranked[_MOST_AGENTS:]:
        together = Tally()
        for group in others:
            together.add(group.tally)
        rows.append((f"mean of {len(others)} others", _mean(together, len(others))))
    return _stacked(rows, "agent")


def agents_by_rate(agents: Sequence[Group]) -> Bars:
    """Set the agents with most attempts side by side, by how many of their calls were connected."""
    shown = sorted(_ranked(agents)[:_MOST_AGENTS], key=lambda one: -_connect_rate(one.tally))
    bars = side_by_side([(one.key, one.tally.connected, one.tally.calls) for one in shown], "agent")
    header = ("agent", "calls", "agent answered", "agent answer rate", "connected", "connect rate")
    return replace(
        bars,
        grid=Grid(
            (*header, "talk s", "mean talk s", "price"),
            tuple(
                (
                    one.key,
                    one.tally.calls,
                    one.tally.agent_answered,
                    one.tally.agent_answered / one.tally.calls if one.tally.calls else None,
                    one.tally.connected,
                    one.tally.connected / one.tally.calls if one.tally.calls else None,
                    one.tally.talk_s,
                    round(one.tally.talk_s / one.tally.connected) if one.tally.connected else None,
                    one.tally.price,
                )
                for one in shown
            ),
        ),
    )


def side_by_side(parts: Sequence[tuple[str, int, int]], head: str) -> Bars:
    """Set shares side by side, each a part of a whole of its own; a full bar is all of it.

    Args:
        parts: Name, part and whole.
    """
    return Bars(
        tuple(
            Row(
                name,
                (Part("connected", 0, 1000 * part / whole, f"{part / whole:.1%}"),)
                if whole
                else (),
                f"{part / whole:.1%} · {part:,} of {whole:,}" if whole else "–",
            )
            for name, part, whole in parts
        ),
        grid=Grid(
            (head, "part", "whole", "share"),
            tuple(
                (name, part, whole, part / whole if whole else None) for name, part, whole in parts
            ),
        ),
    )


def _ranked(agents: Sequence[Group]) -> list[Group]:
    return sorted(agents, key=lambda group: (-group.tally.attempts, group.key))


def _connect_rate(tally: Tally) -> float:
    return tally.connected / tally.calls if tally.calls else 0.0


def retries(attempts: Sequence[Group]) -> Bars:
    """Show how often the first, second, third … attempt connects."""
    yields = [
        (group, group.tally.connected / group.tally.calls if group.tally.calls else 0.0)
        for group in attempts
    ]
    highest = max((share for _, share in yields), default=0.0) or 1.0
    return Bars(
        tuple(
            Row(
                f"attempt {group.key}",
                (Part("connected", 0, 1000 * share / highest, f"{share:.1%} connected"),),
                f"{share:.1%} · {group.tally.connected:,} of {group.tally.calls:,}",
            )
            for group, share in yields
        ),
        grid=Grid(
            ("attempt", "calls", "connected", "connect rate"),
            tuple(
                (group.key, group.tally.calls, group.tally.connected, share)
                for group, share in yields
            ),
        ),
    )


def pace(minutes: Sequence[tuple[datetime, int]], *, limit: int) -> Line:
    """Show requests per minute against the limit; of a long campaign, each hour's busiest."""
    shown, what = _gaps_filled(minutes), "requests in each minute"
    if len(shown) > _MOST_MINUTES:
        shown, what = _busiest_by_hour(minutes), "requests in each hour's busiest minute"
    if not shown:
        return Line("", "", 0.0, limit, "", "", "No request was sent.")
    first, last = shown[0][0], shown[-1][0]
    span_s = max(1.0, (last - first).total_seconds())
    most = max(count for _, count in shown)
    top = 1.15 * max(limit, most)
    points = [
        (1000 * (at - first).total_seconds() / span_s, 100 - 100 * count / top)
        for at, count in shown
    ]
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}" + "".join(
        f"H{x:.1f}V{y:.1f}" for x, y in points[1:]
    )
    return Line(
        path=path,
        area=f"{path}V100H0Z",
        limit_y=100 - 100 * limit / top,
        limit=limit,
        begins=f"{first:%d %b, %H:%M}",
        ends=f"{last:%d %b, %H:%M}",
        told=f"{what[:1].upper()}{what[1:]}: {most:,} at most, {limit:,} allowed.",
        grid=Grid(
            ("from", "requests", "limit"),
            tuple((at.isoformat(timespec="minutes"), count, limit) for at, count in shown if count),
        ),
    )


def _parts_of_whole(parts: Sequence[tuple[str, int, str]]) -> Bars:
    whole = sum(count for _, count, _ in parts)
    return _shares([part for part in parts if part[1]] or parts[:1], whole=whole)


def _shares(
    bars: Sequence[tuple[str, int, str]], *, whole: int, head: tuple[str, str] = ("what", "count")
) -> Bars:
    return Bars(
        tuple(
            Row(
                name,
                (Part(tone, 0, 1000 * count / whole if whole else 0, f"{count:,} {name}"),),
                f"{count:,} · {count / whole:.1%}" if whole else f"{count:,}",
            )
            for name, count, tone in bars
        ),
        grid=Grid(
            (*head, "share"),
            tuple((name, count, count / whole if whole else None) for name, count, _ in bars),
        ),
    )


_LAYERS = (
    ("connected", "connected"),
    ("customer", "only the agent answered"),
    ("agent", "agent did not answer"),
    ("other", "no call"),
)
"""Tone and name of four parts into which attempts are split; they add up."""


def _stacked(rows: Sequence[tuple[str, Tally]], head: str) -> Bars:
    most = max((tally.attempts for _, tally in rows), default=0) or 1
    return Bars(
        tuple(Row(name, tuple(_layers(tally, most)), _told(tally)) for name, tally in rows),
        _LAYERS,
        Grid(
            (head, "attempts", *_COUNTED, *map(_words, RATES)),
            tuple((name, tally.attempts, *_counted(tally)) for name, tally in rows),
        ),
    )


_COUNTED = ("calls", "agent answered", "connected")


def _counted(tally: Tally) -> Iterator[int | float | None]:
    for name in _COUNTED:
        yield getattr(tally, name.replace(" ", "_"))
    for part, whole in RATES.values():
        of_all = getattr(tally, whole)
        yield getattr(tally, part) / of_all if of_all else None


def _layers(tally: Tally, most: float) -> Iterator[Part]:
    counts = (
        tally.connected,
        tally.agent_answered - tally.connected,
        tally.calls - tally.agent_answered,
        tally.attempts - tally.calls,
    )
    x = 0.0
    for (tone, name), count in zip(_LAYERS, counts, strict=True):
        if count:
            width = 1000 * count / most
            yield Part(tone, x, width, f"{count:,} {name}")
            x += width


def _told(tally: Tally) -> str:
    if not tally.agent_answered:
        return f"{tally.attempts:,}"
    return f"{tally.attempts:,} · {_share(tally):.0%} answered"


def _cell(day: str, hour: int, tally: Tally, highest: float) -> Cell:
    if not tally.agent_answered:
        return Cell("", None, f"{day} {hour:02}:00: no calls")
    share = _share(tally)
    shade = min(_SHADES - 1, int(_SHADES * share / highest)) if highest else 0
    told = f"{day} {hour:02}:00: {tally.connected:,} of {tally.agent_answered:,} customers answered"
    return Cell(f"{share:.0%}", shade, told)


def _share(tally: Tally) -> float:
    """Give the share of customers who answered."""
    return tally.connected / tally.agent_answered if tally.agent_answered else 0.0


def _mean(together: Tally, count: int) -> Tally:
    return Tally(
        attempts=round(together.attempts / count),
        calls=round(together.calls / count),
        agent_answered=round(together.agent_answered / count),
        connected=round(together.connected / count),
    )


def _gaps_filled(minutes: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Put a zero where requests stopped and another before they went on."""
    filled: list[tuple[datetime, int]] = []
    for at, count in minutes:
        if filled and at - filled[-1][0] > _MINUTE:
            filled.append((filled[-1][0] + _MINUTE, 0))
            if at - filled[-1][0] > _MINUTE:
                filled.append((at - _MINUTE, 0))
        filled.append((at, count))
    if filled:
        filled.append((filled[-1][0] + _MINUTE, 0))
    return filled


_MINUTE = timedelta(minutes=1)


def _busiest_by_hour(minutes: Iterable[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    hours: dict[datetime, int] = {}
    for at, count in minutes:
        hour = at.replace(minute=0)
        hours[hour] = max(hours.get(hour, 0), count)
    return list(hours.items())


def _in_order(outcomes: frozenset[Outcome]) -> list[Outcome]:
    return [outcome for outcome in Outcome if outcome in outcomes]


def _words(name: str) -> str:
    return name.replace("_", " ")
