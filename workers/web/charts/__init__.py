"""Charts made of report values: rows of bars, a line, a map of hours. Pages and the HTML report draw them.

They are plain HTML and SVG, made here: nothing has to run in the browser, so they open offline, print as
they are, and keep their words readable on a phone. Each mark carries its figure as text, and no two
neighbours differ in hue alone.
"""

from collections.abc import Sequence
from dataclasses import replace

from campaigns.attempt import AGENT_SIDE, CUSTOMER_SIDE, Outcome
from campaigns.reports.figures import TALK_FROM_S, Tally
from campaigns.reports.report import Group, Report
from campaigns.rules_in_words import span_in_words
from campaigns.sentence import told
from workers.web.charts.bars import (
    in_words,
    part_of_whole,
    parts_of_whole,
    shares,
    side_by_side,
    spend,
    stacked,
)
from workers.web.charts.over_time import by_day, by_hour, by_week, pace, spend_by_day
from workers.web.charts.shapes import Bars, Chart, Grid, Part, Row
from workers.web.templating import phone

_MOST_AGENTS = 30


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
        (told("Rows"), report.subject.rows, "other"),
        (told("Accepted"), report.subject.accepted, "other"),
        (told("Dialled"), report.dialled, "customer"),
        (told("Agent picked up"), report.agent_ready, "customer"),
        (told("Connected"), report.reached, "connected"),
    )
    return shares(steps, whole=report.subject.rows)


def agent_side(outcomes: Sequence[Group]) -> Bars:
    """Show what happened when agents were rung; the whole is calls."""
    calls = {group.key: group.tally.calls for group in outcomes}
    answered = sum(group.tally.agent_answered for group in outcomes)
    lost = [(in_words(one), calls.get(one, 0), "agent") for one in _in_order(AGENT_SIDE)]
    rest = sum(calls.values()) - answered - sum(count for _, count, _ in lost)
    return parts_of_whole(
        [
            (told("agent answered"), answered, "connected"),
            *lost,
            (told("provider failed"), rest, "other"),
        ]
    )


def customer_side(outcomes: Sequence[Group]) -> Bars:
    """Show what happened once an agent was on the line; the whole is calls an agent answered."""
    answered = {group.key: group.tally.agent_answered for group in outcomes}
    lost = [(in_words(one), answered.get(one, 0), "customer") for one in _in_order(CUSTOMER_SIDE)]
    connected = answered.get(Outcome.CONNECTED, 0)
    rest = sum(answered.values()) - connected - sum(count for _, count, _ in lost)
    return parts_of_whole(
        [
            (told("connected"), connected, "connected"),
            *lost,
            (told("customer not dialled"), rest, "other"),
        ]
    )


def talk(classes: Sequence[Group]) -> Bars:
    """Show how many conversations were how long, from the shortest that came to the longest."""
    counted = {int(group.key): group.tally.connected for group in classes}
    shown = [at for at, from_s in enumerate(TALK_FROM_S) if from_s in counted]
    used = range(shown[0], shown[-1] + 1) if shown else range(0)
    bars = [(_talk_name(at), counted.get(TALK_FROM_S[at], 0), "connected") for at in used]
    return shares(bars, whole=sum(counted.values()), head=(told("talk"), told("conversations")))


def _talk_name(at: int) -> str:
    begins = [span_in_words(one) for one in TALK_FROM_S]
    if at + 1 == len(begins):
        return told("{span} and more", span=begins[at])
    return told("{span} to {end}", span=begins[at], end=begins[at + 1])


def spend_by_outcome(outcomes: Sequence[Group]) -> Bars:
    """Show what was paid for each outcome."""
    return spend([(in_words(group.key), group.tally) for group in outcomes], told("outcome"))


def by_agent(agents: Sequence[Group]) -> Bars:
    """Show the agents with most attempts, and what the others have on average."""
    ranked = _ranked(agents)
    rows: list[tuple[str, Tally]] = [(group.key, group.tally) for group in ranked[:_MOST_AGENTS]]
    if others := ranked[_MOST_AGENTS:]:
        together = Tally()
        for group in others:
            together.add(group.tally)
        rows.append(
            (told("mean of {number} others", number=len(others)), _mean(together, len(others)))
        )
    return _with_written_numbers(stacked(rows, told("agent")))


def agents_by_rate(agents: Sequence[Group]) -> Bars:
    """Set the agents with most attempts side by side, by how many of their calls were connected."""
    shown = sorted(_ranked(agents)[:_MOST_AGENTS], key=lambda one: -_connect_rate(one.tally))
    rates = [(one.key, one.tally.connected, one.tally.calls) for one in shown]
    bars = _with_written_numbers(side_by_side(rates, told("agent")))
    header = (
        *(told("agent"), told("calls"), told("agent answered"), told("agent answer rate")),
        *(told("connected"), told("connect rate")),
    )
    return replace(
        bars,
        grid=Grid(
            (*header, told("talk s"), told("mean talk s"), told("price")),
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


def _with_written_numbers(bars: Bars) -> Bars:
    """Write agents' numbers for the eye where bars are named; figures to be taken away keep all digits."""
    rows = tuple(replace(one, name=agent_in_words(one.name)) for one in bars.rows)
    return replace(bars, rows=rows)


def agent_in_words(key: str) -> str:
    """Write the agent of a table for people."""
    return phone(f"+{key}") if key.isdecimal() else key


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
                told("attempt {n}", n=group.key),
                (
                    Part(
                        "connected",
                        0,
                        1000 * share / highest,
                        told("{share:.1%} connected", share=share),
                    ),
                ),
                part_of_whole(group.tally.connected, group.tally.calls)
                if group.tally.calls
                else "–",
            )
            for group, share in yields
        ),
        grid=Grid(
            (told("attempt"), told("calls"), told("connected"), told("connect rate")),
            tuple(
                (group.key, group.tally.calls, group.tally.connected, share)
                for group, share in yields
            ),
        ),
    )


def _mean(together: Tally, count: int) -> Tally:
    return Tally(
        attempts=round(together.attempts / count),
        calls=round(together.calls / count),
        agent_answered=round(together.agent_answered / count),
        connected=round(together.connected / count),
    )


def _in_order(outcomes: frozenset[Outcome]) -> list[Outcome]:
    return [outcome for outcome in Outcome if outcome in outcomes]
