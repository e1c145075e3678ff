"""Plotly figures from report values; pages and the HTML report show the same ones.

Colours are mid-tones that read on white and on near-black alike; text and grid colours are left to
the page, which knows whether it is light, dark or on paper.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import plotly.graph_objects as go

from campaigns.attempt import AGENT_SIDE, CUSTOMER_SIDE, Outcome
from campaigns.reports.figures import Tally
from campaigns.reports.report import Group, Report

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
    colours = (_OTHER, _OTHER, _CUSTOMER, _CUSTOMER, _CONNECTED)
    return _labelled_bars(
        [(name, count, colour) for (name, count), colour in zip(steps, colours, strict=True)],
        whole=report.subject.rows,
    )


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
    names = [f"{hour:02}" for hour in shown]
    chart = _stacked(names, _layers([of_day[hour] for hour in shown]))
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
            "tickmode": "auto",
            "nticks": 6,
            "rangemode": "tozero",
            "showgrid": False,
        }
    )
    chart.update_xaxes(type="category", showgrid=False, tickangle=0)
    return _laid_out(chart, height=340, has_legend=True)


def by_agent(agents: Sequence[Group]) -> go.Figure:
    """Draw the agents with most attempts, and what the others have on average."""
    ranked = sorted(agents, key=lambda group: (-group.tally.attempts, group.key))
    names = [group.key for group in ranked[:_MOST_AGENTS]]
    layers = _layers([group.tally for group in ranked[:_MOST_AGENTS]])
    if others := ranked[_MOST_AGENTS:]:
        names.append(f"mean of {len(others)} others")
        for layer, of_others in zip(
            layers, _layers([group.tally for group in others]), strict=True
        ):
            layer.counts.append(round(sum(of_others.counts) / len(others), 1))
    chart = _stacked(names, layers, flat=True)
    # an agent's digits must stay a name: as a number it would become a place on the axis
    chart.update_yaxes(type="category", showgrid=False)
    return _laid_out(chart, height=70 + 24 * max(len(names), 1), y_reversed=True, has_legend=True)


def retries(attempts: Sequence[Group]) -> go.Figure:
    """Draw how often the first, second, third … attempt connects."""
    yields = [_share(group.tally.connected, group.tally.calls) for group in attempts]
    highest = max((one for one in yields if one), default=1)
    chart = go.Figure(
        go.Bar(
            x=[f"attempt {group.key}" for group in attempts],
            y=yields,
            marker_color=_CONNECTED,
            text=[f"{group.tally.connected:,} of {group.tally.calls:,}" for group in attempts],
            textposition="outside",
            textangle=0,
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.1%} connected<extra></extra>",
        )
    )
    chart.update_yaxes(tickformat=".0%", range=[0, 1.15 * highest])
    chart.update_xaxes(showgrid=False)
    return _laid_out(chart, height=250)


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
    return _laid_out(chart, height=250)


def _shares(parts: Sequence[tuple[str, int, str]]) -> go.Figure:
    whole = sum(count for _, count, _ in parts)
    return _labelled_bars([part for part in parts if part[1]] or parts[:1], whole=whole)


def _labelled_bars(bars: Sequence[tuple[str, int, str]], *, whole: int) -> go.Figure:
    names, counts, colours = zip(*bars, strict=True)
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
    chart.update_xaxes(visible=False)  # each bar carries its figure
    chart.update_yaxes(showgrid=False)
    return _laid_out(chart, height=30 + 40 * len(bars), y_reversed=True)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One colour of stacked bars."""

    name: str
    colour: str
    counts: list[float]


def _layers(tallies: Sequence[Tally]) -> list[_Layer]:
    """Split attempts into four parts that add up."""
    return [
        _Layer("connected", _CONNECTED, [one.connected for one in tallies]),
        _Layer(
            "only the agent answered",
            _CUSTOMER,
            [one.agent_answered - one.connected for one in tallies],
        ),
        _Layer("agent did not answer", _AGENT, [one.calls - one.agent_answered for one in tallies]),
        _Layer("no call", _OTHER, [one.attempts - one.calls for one in tallies]),
    ]


def _stacked(names: Sequence[str], layers: Iterable[_Layer], *, flat: bool = False) -> go.Figure:
    chart = go.Figure()
    for layer in layers:
        chart.add_bar(
            x=layer.counts if flat else names,
            y=names if flat else layer.counts,
            orientation="h" if flat else "v",
            name=layer.name,
            marker_color=layer.colour,
            hovertemplate=f"{layer.name}: %{{{'x' if flat else 'y'}:,}}<extra></extra>",
        )
    chart.update_layout(barmode="stack")
    return chart


def _laid_out(
    chart: go.Figure, *, height: int, y_reversed: bool = False, has_legend: bool = False
) -> go.Figure:
    chart.update_layout(
        template=go.layout.Template(),
        height=height,
        margin={"l": 4, "r": 4, "t": 28 if has_legend else 6, "b": 4},
        showlegend=has_legend,
        separators=".,",
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


def _in_order(outcomes: frozenset[Outcome]) -> list[Outcome]:
    return [outcome for outcome in Outcome if outcome in outcomes]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
