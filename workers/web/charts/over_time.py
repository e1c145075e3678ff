"""Charts over time: days, hours of the day, a week's hours, requests per minute."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from campaigns.reports.figures import Tally
from campaigns.reports.report import Group
from campaigns.sentence import told
from workers.web.charts.bars import share_answered, spend, stacked
from workers.web.charts.shapes import Bars, Cell, Grid, Line, Week

_MOST_MINUTES = 1_440
_MOST_DAYS = 62
_WEEKDAYS = (
    *(told("Mon"), told("Tue"), told("Wed"), told("Thu"), told("Fri"), told("Sat"), told("Sun")),
)
_SHADES = 5


def by_day(hours: Sequence[Group]) -> Bars:
    """Show the days; of a longer campaign the last two months."""
    return stacked(_days(hours), told("day"))


def _days(hours: Sequence[Group]) -> list[tuple[str, Tally]]:
    days: dict[str, Tally] = {}
    for group in hours:
        days.setdefault(group.key[:10], Tally()).add(group.tally)
    shown = sorted(days)[-_MOST_DAYS:]
    return [(_named(datetime.fromisoformat(day)), days[day]) for day in shown]


def _named(day: datetime) -> str:
    return told("{date} {weekday}", date=f"{day:%Y-%m-%d}", weekday=_WEEKDAYS[day.weekday()])


def by_hour(hours: Sequence[Group]) -> Bars:
    """Show the hours of the day, all days together, with the share of customers who answered."""
    of_day = [Tally() for _ in range(24)]
    for group in hours:
        of_day[datetime.fromisoformat(group.key).hour].add(group.tally)
    used = [hour for hour, tally in enumerate(of_day) if tally.attempts]
    shown = range(used[0], used[-1] + 1) if used else range(0)
    return stacked([(f"{hour:02}:00", of_day[hour]) for hour in shown], told("hour"))


def by_week(hours: Sequence[Group]) -> Week:
    """Map the share of customers who answered, hour by weekday."""
    of_week = {(day, hour): Tally() for day in range(7) for hour in range(24)}
    for group in hours:
        at = datetime.fromisoformat(group.key)
        of_week[at.weekday(), at.hour].add(group.tally)
    used = sorted({hour for (_, hour), tally in of_week.items() if tally.agent_answered})
    shown = range(used[0], used[-1] + 1) if used else range(0)
    highest = max((share_answered(one) for one in of_week.values()), default=0.0)
    return Week(
        tuple(f"{hour:02}" for hour in shown),
        tuple(
            (name, tuple(_cell(name, hour, of_week[day, hour], highest) for hour in shown))
            for day, name in enumerate(_WEEKDAYS)
        ),
        Grid(
            _HEAD_OF_WEEK,
            tuple(
                (
                    name,
                    f"{hour:02}:00",
                    tally.agent_answered,
                    tally.connected,
                    share_answered(tally),
                )
                for day, name in enumerate(_WEEKDAYS)
                for hour in shown
                if (tally := of_week[day, hour]).agent_answered
            ),
        ),
    )


_HEAD_OF_WEEK = (
    *(told("weekday"), told("hour"), told("agent answered"), told("connected")),
    told("customers answered"),
)


def spend_by_day(hours: Sequence[Group]) -> Bars:
    """Show what the calls of each day cost, as far as prices have come."""
    return spend(_days(hours), told("day"))


def pace(minutes: Sequence[tuple[datetime, int]], *, limit: int) -> Line:
    """Show requests per minute against the limit; of a long campaign, each hour's busiest."""
    shown, what = (
        _gaps_filled(minutes),
        told("Requests in each minute: {most:,} at most, {limit:,} allowed."),
    )
    if len(shown) > _MOST_MINUTES:
        shown, what = (
            _busiest_by_hour(minutes),
            told("Requests in each hour's busiest minute: {most:,} at most, {limit:,} allowed."),
        )
    if not shown:
        return Line("", "", 0.0, limit, "", "", told("No request was sent."))
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
        told=told(what, most=most, limit=limit),
        grid=Grid(
            (told("from"), told("requests"), told("limit")),
            tuple((at.isoformat(timespec="minutes"), count, limit) for at, count in shown if count),
        ),
    )


def _cell(day: str, hour: int, tally: Tally, highest: float) -> Cell:
    if not tally.agent_answered:
        return Cell("", None, told("{day} {at}: no calls", day=day, at=f"{hour:02}:00"))
    share = share_answered(tally)
    shade = min(_SHADES - 1, int(_SHADES * share / highest)) if highest else 0
    answered = told(
        "{day} {at}: {part:,} of {whole:,} customers answered",
        day=day,
        at=f"{hour:02}:00",
        part=tally.connected,
        whole=tally.agent_answered,
    )
    return Cell(f"{share:.0%}", shade, answered)


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
