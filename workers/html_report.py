"""The report as one page that needs nothing else: it opens offline, prints, and fits a phone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from jinja2 import Environment

from campaigns.dispositions import NONE_GIVEN
from campaigns.reports.figures import Standing
from campaigns.reports.frames import side
from campaigns.reports.indicators import Figure, Number, group_rates, is_share
from campaigns.reports.report import Group, Report
from workers.web.charts import agent_in_words, all_charts
from workers.web.templating import speaking
from workers.web.texts import texts_of

_MOST_AGENTS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class _Card:
    """A figure for those who read only the top of a page."""

    label: str
    value: str
    detail: str


def render_html_report(report: Report) -> str:
    """Render the page. Whatever people typed is escaped, and no script may run."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            subject=report.subject,
            pending=list(_pending(report)),
            cards=list(_cards(report)),
            has_dispositions=any(one.key != NONE_GIVEN for one in report.by_disposition),
            agents=[
                replace(one, key=agent_in_words(one.key))
                for one in report.by_agent[:_MOST_AGENTS_SHOWN]
            ],
            agents_left_out=max(0, len(report.by_agent) - _MOST_AGENTS_SHOWN),
            charts=all_charts(report),
        )
    )


def render_charts(report: Report, language: str) -> str:
    """Render the charts alone, for a page that colours them, in its reader's language."""
    return (
        _environment(language).get_template("parts/charts.html").render(charts=all_charts(report))
    )


def _pending(report: Report) -> Iterator[str]:
    """Tell what may still change the figures."""
    for standing in Standing:
        if standing is Standing.FINAL:
            continue
        if count := report.contacts[standing]:
            yield f"contacts {standing.replace('_', ' ')}: {count:,}"
    if report.late:
        yield f"calls whose duration or price is still to come: {report.late:,}"
    if not report.is_final:
        yield f"the campaign is {report.subject.state}"


def _cards(report: Report) -> Iterator[_Card]:
    by_name = {figure.name: figure for figure in report.kpis}
    total, limit = report.total, report.subject.pace.limit
    yield _Card(
        "Contacts reached",
        f"{report.reached:,}",
        f"{_percent(by_name['contact_rate_contacts'])} of {report.subject.accepted:,} accepted",
    )
    yield _Card(
        "Customers answered",
        _percent(by_name["customer_answer_rate"]),
        f"{total.connected:,} connected of {total.agent_answered:,} calls an agent answered",
    )
    yield _Card(
        "Agents answered",
        _percent(by_name["agent_answer_rate"]),
        f"{total.agent_answered:,} of {total.calls:,} calls",
    )
    yield _Card(
        "Mean talk",
        _duration(by_name["mean_talk_s"].value),
        f"{total.machine_answered:,} of {total.connected:,} answered by a machine",
    )
    yield _Card(
        "Busiest minute",
        f"{report.busiest:,}",
        f"requests in {report.subject.pace.window_s:g} s; the limit is {limit:,}",
    )
    yield _Card(
        "Unresolved",
        f"{report.unresolved:,}",
        f"of {total.charged:,} charged attempts: nobody knows yet what became of them",
    )


def _percent(figure: Figure) -> str:
    return "–" if figure.value is None else f"{float(figure.value):.1%}"


def _duration(seconds: Number | str | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(float(seconds)), 60)
    return f"{minutes}:{rest:02}"


def _shown(value: Number | str | None, name: str = "") -> str:
    """Write a figure for people: shares in per cent, thousands apart, nothing as a dash."""
    match value:
        case None:
            return "–"
        case str():
            return value
        case int():
            return f"{value:,}"
        case float() if is_share(name):
            return f"{value:.1%}"
        case _:
            return f"{value:,.2f}"


def _rates(group: Group) -> list[str]:
    return ["–" if one.value is None else f"{one.value:.1%}" for one in group_rates(group.tally)]


@cache
def _environment(language: str = "en") -> Environment:
    environment = speaking(texts_of(language))
    environment.filters |= {"shown": _shown, "rates": _rates}
    environment.globals["side"] = side
    environment.globals["_"] = str  # reports, and the charts made as theirs are, speak English
    return environment
