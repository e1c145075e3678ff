"""Plotly figures from report values; pages and the HTML report show the same ones.

Colours are mid-tones that read on white and on near-black alike; text and grid colours are left to
the page, which knows whether it is light, dark or on paper.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import plotly.graph_objects as go

from campaigns.attempt import AGENT_SIDE, CUSTOMER_SIDE, Outcome
from campaigns.figures import Tally
from campaigns.report import Group, Report

_CONNECTED = "#1f9d6b"
_CUSTOMER = "#3d7fd6"
_AGENT = "#c9761b"
_OTHER = "#868e99"
_LIMIT = "#d64550"

_MOST_AGENTS = 30
_MOST_MINUTES = 1_440


def all_charts(report: Report) -> dict[str, go.Figure]:
    """Draw every chart of a report, by name."""
    return {
        "funnel": funnel(report),
        "agent_side": agent_side(report.by_outcome),
        "customer_side": customer_side(report.by_outcome),
        "by_hour": by_hour(report.by_hour),
        "by_agent": by_agent(report.by_agent),
        "retries": retries(report.by_attempt),
        "pace": pace(report.requests_by_minute, limit=report.subject.pace.limit),
    }


def funnel(report: Report) -> go.Figure:
    """Draw how many rows became contacts, were dialled, and ended in a conversation."""
    steps = (
        ("Rows", report.subject.rows),
        ("Accepted", report.subject.accepted),
        ("Dialled", report.dialled),
        ("Agent picked up", report.agent_ready),
        ("Connected", report.reached),
    )
    names, counts = zip(*steps, strict=True)
    chart = go.Figure(
        go.Bar(
            x=counts,
            y=names,
            orientation="h",
            marker_color=[_OTHER, _OTHER, _CUSTOMER, _CUSTOMER, _CONNECTED],
            text=[f"{count:,} · {_percent(count, counts[0])}" for count in counts],
            textposition="auto",
            hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )
    return _laid_out(chart, height=260, y_reversed=True)


def agent_side(outcomes: Sequence[Group]) -> go.Figure:
    """Draw what happened when agents were rung; the whole is calls."""
    calls = {group.key: group.tally.calls for group in outcomes}
    answered = sum(group.tally.agent_answered for group in outcomes)
    lost = [(outcome, calls.get(outcome, 0)) for outcome in _in_order(AGENT_SIDE)]
    rest = sum(calls.values()) - answered - sum(count for _, count in lost)
    return _shares(
        [
            ("agent answered", answered, _CONNECTED),
            *((_words(outcome), count, _AGENT) for outcome, count in lost),
            ("provider failed", rest, _OTHER),
        ]
    )


def customer_side(outcomes: Sequence[Group]) -> go.Figure:
    """Draw what happened once an agent was on the line; the whole is calls an agent answered."""
    answered = {group.key: group.tally.agent_answered for group in outcomes}
    lost = [(outcome, answered.get(outcome, 0)) for outcome in _in_order(CUSTOMER_SIDE)]
    connected = answered.get(Outcome.CONNECTED, 0)
    rest = sum(answered.values()) - connected - sum(count for _, count in lost)
    return _shares(
        [
            ("connected", connected, _CONNECTED),
            *((_words(outcome), count, _CUSTOMER) for outcome, count in lost),
            ("customer not dialled", rest, _OTHER),
        ]
    )


def by_hour(hours: Sequence[Group]) -> go.Figure:
    """Draw the hours of the day, all days together, with the share of customers who answered."""
    of_day = [Tally() for _ in range(24)]
    for group in hours:
        of_day[datetime.fromisoformat(group.key).hour].add(group.tally)
    used = [hour for hour, tally in enumerate(of_day) if tally.attempts] or [0]
    shown = range(used[0], used[-1] + 1)
    names = [f"{hour:02}:00" for hour in shown]
    chart = _stacked(names, [of_day[hour] for hour in shown])
    chart.add_scatter(
        x=names,
        y=[_share(of_day[hour].connected, of_day[hour].agent_answered) for hour in shown],
        name="customer answer rate",
        mode="lines+markers",
        line={"color": _LIMIT, "width": 2},
        yaxis="y2",
        hovertemplate="%{y:.1%} of customers answered<extra></extra>",
    )
    chart.update_layout(
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "tickformat": ".0%",
            "rangemode": "tozero",
            "showgrid": False,
        }
    )
    return _laid_out(chart, height=340)


def by_agent(agents: Sequence[Group]) -> go.Figure:
    """Draw the agents with most attempts, and the others together."""
    ranked = sorted(agents, key=lambda group: (-group.tally.attempts, group.key))
    shown = [(group.key, group.tally) for group in ranked[:_MOST_AGENTS]]
    if others := ranked[_MOST_AGENTS:]:
        shown.append((f"{len(others)} others", _together(group.tally for group in others)))
    chart = _stacked([key for key, _ in shown], [tally for _, tally in shown], flat=True)
    # an agent's digits must stay a name: as a number it would become a place on the axis
    chart.update_yaxes(type="category")
    return _laid_out(chart, height=130 + 24 * max(len(shown), 1), y_reversed=True)


def retries(attempts: Sequence[Group]) -> go.Figure:
    """Draw how often the first, second, third … attempt connects."""
    chart = go.Figure(
        go.Bar(
            x=[f"attempt {group.key}" for group in attempts],
            y=[_share(group.tally.connected, group.tally.calls) for group in attempts],
            marker_color=_CONNECTED,
            text=[f"{group.tally.connected:,} of {group.tally.calls:,}" for group in attempts],
            textposition="auto",
            hovertemplate="%{x}: %{y:.1%} connected<extra></extra>",
        )
    )
    chart.update_yaxes(tickformat=".0%", rangemode="tozero")
    return _laid_out(chart, height=280)


def pace(minutes: Sequence[tuple[datetime, int]], *, limit: int) -> go.Figure:
    """Draw requests per minute against the limit; of a long campaign, each hour's busiest."""
    shown = _gaps_filled(minutes)
    name = "requests per minute"
    if len(shown) > _MOST_MINUTES:
        shown, name = _busiest_by_hour(minutes), "requests in each hour's busiest minute"
    # local time as people read it; Plotly would move an offset to UTC
    times = [at.replace(tzinfo=None).isoformat() for at, _ in shown]
    chart = go.Figure(
        go.Scatter(
            x=times,
            y=[count for _, count in shown],
            name=name,
            mode="lines",
            line={"color": _CUSTOMER, "width": 1.5, "shape": "hv"},
            fill="tozeroy",
            hovertemplate="%{x|%d %b %H:%M}: %{y:,}<extra></extra>",
        )
    )
    chart.add_hline(
        y=limit,
        line={"color": _LIMIT, "dash": "dash", "width": 1.5},
        annotation={
            "text": f"limit {limit:,}",
            "font": {"color": _LIMIT},
            "xanchor": "right",
            "yanchor": "bottom",
        },
    )
    chart.update_yaxes(range=[0, 1.15 * max([limit, *(count for _, count in shown)])])
    chart.update_xaxes(type="date")
    return _laid_out(chart, height=280)


def _shares(parts: Sequence[tuple[str, int, str]]) -> go.Figure:
    whole = sum(count for _, count, _ in parts)
    shown = [part for part in parts if part[1]] or list(parts[:1])
    names, counts, colours = zip(*shown, strict=True)
    chart = go.Figure(
        go.Bar(
            x=counts,
            y=names,
            orientation="h",
            marker_color=colours,
            text=[f"{count:,} · {_percent(count, whole)}" for count in counts],
            textposition="auto",
            hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )
    return _laid_out(chart, height=90 + 34 * len(shown), y_reversed=True)


def _stacked(names: Sequence[str], tallies: Sequence[Tally], *, flat: bool = False) -> go.Figure:
    layers = (
        ("connected", _CONNECTED, [tally.connected for tally in tallies]),
        (
            "only the agent answered",
            _CUSTOMER,
            [tally.agent_answered - tally.connected for tally in tallies],
        ),
        ("agent did not answer", _AGENT, [tally.calls - tally.agent_answered for tally in tallies]),
        ("no call", _OTHER, [tally.attempts - tally.calls for tally in tallies]),
    )
    chart = go.Figure()
    for name, colour, counts in layers:
        chart.add_bar(
            x=counts if flat else names,
            y=names if flat else counts,
            orientation="h" if flat else "v",
            name=name,
            marker_color=colour,
            hovertemplate=f"{name}: %{{{'x' if flat else 'y'}:,}}<extra></extra>",
        )
    chart.update_layout(barmode="stack")
    return chart


def _laid_out(chart: go.Figure, *, height: int, y_reversed: bool = False) -> go.Figure:
    chart.update_layout(
        template=go.layout.Template(),
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        bargap=0.25,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        hovermode="closest",
    )
    chart.update_xaxes(automargin=True, fixedrange=True)
    chart.update_yaxes(automargin=True, fixedrange=True)
    if y_reversed:
        chart.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return chart


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


def _together(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole


def _in_order(outcomes: frozenset[Outcome]) -> list[Outcome]:
    return [outcome for outcome in Outcome if outcome in outcomes]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
