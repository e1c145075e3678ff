"""The HTML report, as a browser without a network sees it."""

import csv
import io
from base64 import b64decode
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import pytest

from campaigns.attempt import Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from campaigns.reports.report import Report
from dialer.reporting.files import Format
from dialer.reporting.reporting import write_reports
from tests import browsing
from tests.report_samples import AS_OF, START_S, attempt, line, source
from workers.html_report import render_html_report
from workers.web import charts
from workers.web.charts.shapes import Grid

HOSTILE = '"><img src=x onerror="document.title=1"></script><script>document.title=1</script>'


@dataclass(frozen=True)
class Page:
    """A report that was made once, and where its page is."""

    report: Report
    uri: str


def a_report(folder, **campaign) -> Page:
    lines = [
        line(1, attempt(Outcome.CUSTOMER_BUSY), attempt(requested_at=START_S + 7200)),
        line(2, attempt(Outcome.AGENT_BUSY), state=ContactState.WAITING),
        line(3, end=NotDialled.CANCELLED),
    ]
    made = write_reports(
        source(lines, **campaign),
        folder,
        as_of=AS_OF,
        formats=[Format.HTML],
        render_html=render_html_report,
    )
    return Page(made.report, made.files[0].as_uri())


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Page:
    return a_report(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Page:
    """What people typed, while it runs, with a file that is here in part."""
    return a_report(
        tmp_path_factory.mktemp("hostile"),
        name=HOSTILE,
        state=CampaignState.RUNNING,
        in_part="cd" * 32,
    )


@pytest.fixture(scope="module")
def browser():
    with browsing.browser() as chromium:
        yield chromium


class Visit:
    """A page opened in a browser, and what it complained about or asked for."""

    def __init__(self, browser, uri, **context):
        self.page = browsing.visitor(browser, **context).new_page()
        self.complaints = []
        self.requests = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(uri)
        self.page.wait_for_selector("#chart-by_agent .bars")


@pytest.fixture(scope="module")
def plain_visit(browser, plain) -> Visit:
    return Visit(browser, plain.uri)


@pytest.fixture(scope="module")
def offline_visit(browser, plain) -> Visit:
    return Visit(browser, plain.uri, offline=True)


@pytest.fixture(scope="module")
def hostile_visit(browser, hostile) -> Visit:
    return Visit(browser, hostile.uri)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.browser
def test_every_chart_is_drawn_offline_and_fits_the_screen(plain, offline_visit, scheme, width):
    page = offline_visit.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)

    for name in charts.all_charts(plain.report):
        assert page.locator(f"#chart-{name} ").inner_html().strip()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert offline_visit.requests == [plain.uri]
    assert offline_visit.complaints == []


@pytest.mark.browser
def test_what_people_typed_cannot_run(hostile_visit):
    page = hostile_visit.page

    assert page.title() == f"{HOSTILE} – campaign report"
    assert page.locator("h1").inner_text() == HOSTILE


def test_the_page_is_small_brings_no_script_and_its_tables_take_the_focus(plain, hostile):
    for page in (plain, hostile):
        text = Path(unquote(page.uri.removeprefix("file://"))).read_text(encoding="utf-8")
        assert len(text) < 150_000
        assert "<script" not in text.replace(HOSTILE, "")
        assert text.count('class="table" tabindex="0"') == text.count('class="table"')


def test_each_chart_has_its_figures_as_a_table_and_as_a_file_that_add_up_to_the_report(plain):
    report = plain.report
    drawn = charts.all_charts(report)

    files = {name: csv_of(chart.grid) for name, chart in drawn.items()}

    assert all(len(rows) == len(drawn[name].grid.rows) for name, rows in files.items())
    days, hours = files["by_day"], files["by_hour"]
    assert sum(int(one["attempts"]) for one in days) == report.total.attempts
    assert sum(int(one["attempts"]) for one in hours) == report.total.attempts
    assert sum(int(one["conversations"]) for one in files["talk"]) == report.total.connected
    for name in ("spend_by_day", "spend_by_outcome"):
        assert sum(Decimal(one["price"]) for one in files[name]) == report.total.price
    assert report.total.price == {one.name: one.value for one in report.counts}["price"]
    assert [one["agent"] for one in files["agents_by_rate"]] == [one.key for one in report.by_agent]
    text = Path(unquote(plain.uri.removeprefix("file://"))).read_text(encoding="utf-8")
    for name, chart in drawn.items():
        assert (f'download="{name}.csv"' in text) == bool(chart.grid.rows)


def csv_of(grid):
    _, _, content = grid.href.partition("base64,")
    return [*csv.DictReader(io.StringIO(b64decode(content).decode("utf-8-sig")))]


def test_a_chart_s_file_is_safe_to_open():
    grid = Grid(("agent", "calls"), (("=1+1", 2),))

    assert csv_of(grid) == [{"agent": "'=1+1", "calls": "2"}]


def test_talks_are_counted_by_length_and_those_not_told_yet_are_not(tmp_path):
    talks = [0, 9, 10, 59, 60, 1799, 1800, 90_000, None]
    lines = [line(n, attempt(talk_s=talk)) for n, talk in enumerate(talks, start=1)]

    made = write_reports(source(lines), tmp_path, as_of=AS_OF, kinds=[], formats=[])

    bars = charts.talk(made.report.by_talk)
    assert [(row.name, row.figure) for row in bars.rows] == [
        ("0 s to 10 s", "2 · 25.0%"),
        ("10 s to 30 s", "1 · 12.5%"),
        ("30 s to 1 min", "1 · 12.5%"),
        ("1 min to 2 min", "1 · 12.5%"),
        ("2 min to 5 min", "0 · 0.0%"),
        ("5 min to 10 min", "0 · 0.0%"),
        ("10 min to 30 min", "1 · 12.5%"),
        ("30 min and more", "2 · 25.0%"),
    ]


@pytest.mark.browser
def test_a_script_is_refused(plain_visit):
    plain_visit.page.evaluate(
        "const alien = document.createElement('script');"
        "alien.textContent = 'document.title = 1'; document.body.append(alien)"
    )

    assert plain_visit.page.title() == "diwali – campaign report"
    assert any("Content Security Policy" in one for one in plain_visit.complaints)


@pytest.mark.browser
def test_a_provisional_report_says_so_and_why(hostile_visit):
    banner = hostile_visit.page.locator(".standing").inner_text()

    assert "Provisional" in banner
    assert "contacts waiting: 1" in banner


@pytest.mark.browser
def test_a_file_that_is_here_in_part_is_named_beside_the_sums(plain_visit, hostile_visit):
    told, of_a_whole_one = (one.page.inner_text("main") for one in (hostile_visit, plain_visit))

    assert "One file is here in part" in told
    assert "cd" * 32 in told
    assert "One file is here in part" not in of_a_whole_one


@pytest.mark.browser
def test_an_empty_campaign_has_a_page_too(tmp_path, browser):
    made = write_reports(
        source([]), tmp_path, as_of=AS_OF, formats=[Format.HTML], render_html=render_html_report
    )

    visit = Visit(browser, made.files[0].as_uri())

    assert visit.complaints == []


def test_beyond_thirty_agents_the_chart_shows_the_mean_of_the_others(plain):
    agents = [replace(plain.report.by_agent[0], key=str(number)) for number in range(40)]

    bars = charts.by_agent(agents)

    assert len(bars.rows) == 31
    assert bars.rows[-1].name == "mean of 10 others"
