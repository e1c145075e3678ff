"""The pages in a real browser: sign in, upload, review, start, watch, pause, report, decide."""

import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dialer.simulator import CallbackTrouble, Fate, SimulatorOptions, running
from tests.acceptance.rig import Rig, dialer, pairs
from tests.browsing import Complaints, shoot, visitor
from tests.patience import until
from workers.web import pages

pytestmark = [pytest.mark.browser, pytest.mark.long]

KEY = "a-key-for-the-browser-of-thirty"
expect.set_options(timeout=240_000)
SCREENS = ((360, "light"), (800, "dark"), (1440, "light"))
"""Where things stand depends on the width alone, and colours on the scheme."""

LIMIT = 1200
AWKWARD = (
    "\ufeffTelecaller;Customer Phone;name;city\r\n"
    '+919000000001;\'098765 43201;"Rao; Asha";Pune\r\n'
    "+919000000002;9.19877E+11;damaged;Pune\r\n"
    "\r\n"
    "+919000000001;+919876543201;again;Pune\r\n"
    '+919000000003;="+919876543203";Zoë <b>;Köln\r\n'
)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    options = SimulatorOptions(
        speed=30,
        latency_ms=(5, 20),
        rate_limit=LIMIT,
        outcomes={Fate.CONNECTED: 1},
        talk_s=(20, 40),
    )
    settings = {
        "DIALER_API_KEY": KEY,
        "DIALER_LOOKUP_AFTER_S": "600",
        "EXOTEL_RATE_LIMIT": str(LIMIT),
    }
    with (
        running(options) as provider,
        dialer(tmp_path_factory.mktemp("pages"), provider, **settings) as started,
    ):
        yield started


@pytest.fixture(scope="module")
def signed_in(chrome: Browser, rig: Rig) -> Iterator[Page]:
    """Sign in once for all: a window for each test is a second of work."""
    with visitor(chrome, base_url=f"http://localhost:{rig.port}") as context:
        page = context.new_page()
        page.goto("/campaigns")
        page.get_by_label("Your key").fill(KEY)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()
        yield page


@pytest.fixture(scope="module")
def complaints(signed_in: Page) -> Complaints:
    return Complaints(signed_in)


@pytest.fixture
def page(signed_in: Page, complaints: Complaints) -> Iterator[Page]:
    complaints.all.clear()
    yield signed_in
    signed_in.goto("about:blank")  # no test's page asks for news while the next one runs
    assert complaints.all == []


def upload(page: Page, name: str, content: str) -> None:
    """Upload by the button, and see the review."""
    page.goto("/campaigns")
    file = {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page.get_by_label("Choose a list").set_input_files([file])
    page.get_by_role("button", name="Upload and review").click()
    expect(page.get_by_role("heading", name="What became of the rows")).to_be_visible()


def listed(rows: list[str]) -> str:
    return "\n".join(["agent,customer,name", *rows]) + "\n"


def confirm(page: Page, button: str, *, yes: str) -> None:
    """Press a button that asks back, and say yes."""
    page.get_by_role("button", name=button, exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name=yes).click()


def test_an_awkward_list_becomes_a_campaign_that_is_watched_until_it_ends(page: Page) -> None:
    upload(page, "awkward", AWKWARD)
    expect(page.locator(".equation")).to_have_text(
        re.compile(r"4 rows\s*=\s*2 accepted\s*\+\s*1 rejected\s*\+\s*1 duplicate")
    )
    expect(page.get_by_text("digits lost")).to_be_visible()
    shoot(page, "review")
    with page.expect_download() as rejected:
        page.get_by_role("link", name="Rows not taken").click()
    assert "digits_lost" in rejected.value.path().read_text(encoding="utf-8")

    page.get_by_role("button", name="Load 2 contacts").click()
    page.get_by_role("button", name="Start now").click()

    expect(page.get_by_role("heading", name="awkward")).to_be_visible()
    expect(page.locator("[data-state-pill]")).to_have_text("completed")
    expect(page.locator('[data-part="progress"]')).to_contain_text("2 of 2 contacts final")
    expect(page.locator('[data-part="now"]')).to_contain_text("Done on")
    expect(page.locator('[data-part="agents"]')).to_have_text("No agent has contacts left.")
    page.reload()
    expect(page.locator("#chart-funnel")).to_contain_text("Agent picked up")
    for empty_for_good in ("pace", "agents", "retries", "errors", "unresolved"):
        expect(page.locator(f'[data-part="{empty_for_good}"]')).to_have_count(0)
    shoot(page, "completed")


def test_a_campaign_is_paused_resumed_and_cancelled_with_a_question_each(page: Page) -> None:
    upload(page, "steered", listed(pairs(300, agents=3)))
    page.get_by_role("button", name=re.compile("Load 300")).click()
    shoot(page, "start")
    page.get_by_role("link", name="Not now").click()
    pill = page.locator("[data-state-pill]")
    expect(pill).to_have_text("loaded")

    page.get_by_role("link", name="Start …").click()
    page.get_by_role("button", name="Start now").click()
    expect(pill).to_have_text("running")
    expect(page.locator(".agent-talking").first).to_be_visible()
    shoot(page, "running")
    confirm(page, "Pause", yes="Pause")
    expect(pill).to_have_text("paused")
    expect(page.locator('[data-part="now"]')).to_contain_text("paused")
    confirm(page, "Resume", yes="Resume")
    expect(pill).to_have_text("running")
    confirm(page, "Cancel", yes="Cancel the campaign")

    expect(pill).to_have_text("cancelled")
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()


def test_every_number_leads_to_its_rows_and_they_to_their_story(page: Page, rig: Rig) -> None:
    rig.load(pairs(30, agents=10), "--start", name="rows")
    rig.wait_for_state("completed", name="rows")
    page.goto("/campaigns")
    page.get_by_role("link", name="rows", exact=True).click()

    page.locator('[data-part="progress"]').get_by_role("link", name=re.compile("30 final")).click()

    expect(page.locator("tbody tr")).to_have_count(30)
    page.locator("tbody tr").nth(4).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Contact 5")).to_be_visible()
    expect(page.locator(".story")).to_contain_text("settled")


def rows_behind(page: Page, where: str) -> int:
    """Count the rows that a link leads to, on all its pages."""
    rows = 0
    while where:
        page.goto(where)
        rows += page.locator("tbody tr").count()
        more = page.locator('a[rel="next"]')
        where = str(more.get_attribute("href")) if more.count() else ""
        if where:
            where = page.url.split("?")[0] + where
    return rows


def test_each_number_on_a_campaign_s_page_leads_to_as_many_rows(page: Page, rig: Rig) -> None:
    rows = [row.replace("+9190000", "+9190001") for row in pairs(60, agents=20)]
    customers = [row.split(",")[1] for row in rows]
    fates = ("connected", "customer_no_answer", "customer_busy", "agent_no_answer")
    rig.order(
        connect=[{"fault": "400", "number": one} for one in customers[:6]],
        scripts={one: [fates[n % 4]] for n, one in enumerate(customers[6:])},
    )
    retries = (f"--retry={one}=1h" for one in ("customer_no_answer", "customer_busy"))
    rig.load(rows, "--start", "--retry=agent_no_answer=2m", *retries, name="told")
    until(lambda: dialled_once(rig.seen("told")), what="a call to everybody", every_s=0.5)
    rig.run("campaign", "pause", "told")
    until(lambda: not rig.seen("told")["in_flight"], what="the end of calls", every_s=0.5)
    page.goto(f"/campaigns/{rig.ids['told']}")
    links = page.locator(".live a[href^='/campaigns/'][href*='?']").evaluate_all(
        "links => links.map(one => [one.getAttribute('href'), one.textContent])"
    )
    told = {
        where: int(re.findall(r"[\d,]+", text)[0].replace(",", ""))
        for where, text in links
        if ".csv" not in where
    }

    found = {where: rows_behind(page, where) for where in told}

    assert found == told
    assert any("agent_answered" in where for where in told)
    assert any("due=" in where for where in told)
    assert any("error=" in where for where in told)


def dialled_once(status: dict[str, Any]) -> bool:
    return bool(status["attempts"] >= 60 and status["in_flight"] == 0)


def test_a_report_is_downloaded_and_the_page_of_it_opens(page: Page, rig: Rig) -> None:
    rig.load(pairs(5, agents=5), "--start", name="reported")
    rig.wait_for_state("completed", name="reported")
    page.goto("/campaigns")
    page.get_by_role("link", name="reported", exact=True).click()

    page.get_by_text("Single tables").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="attempts as csv").click()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open the report").click()

    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("attempt_id,contact_id,")
    assert len(lines) >= 6
    expect(popup.value.locator("h1")).to_be_visible()
    expect(popup.value.locator(".bars").first).to_be_visible()
    popup.value.close()


def test_an_unresolved_row_is_decided(page: Page, rig: Rig) -> None:
    # nobody but the operator tells, however long the browser takes
    rig.order(odds={"connect": {"504+placed": 1.0}, "callback": {CallbackTrouble.LOST: 1.0}})
    try:
        rig.load(pairs(1, agents=1), "--start", name="unknown fate")
        page.goto("/campaigns")
        page.get_by_role("link", name="unknown fate").click()
        page.get_by_role("link", name="Decide").click()
        shoot(page, "decide")
        confirm(page, "They talked", yes="Decide")

        expect(page.locator(".story")).to_contain_text("connected, told by operator")
    finally:
        rig.order(odds={"connect": {}, "callback": {}})


def test_a_dropped_file_is_taken_as_a_chosen_one(page: Page) -> None:
    page.goto("/campaigns")
    dropped = page.evaluate_handle(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["agent,customer\\n+919000000001,+919876543201\\n"], "dropped.csv"));
            return data;
        }"""
    )

    page.dispatch_event("#upload", "drop", {"dataTransfer": dropped})

    expect(page.get_by_text("dropped.csv")).to_be_visible()
    page.get_by_role("button", name="Upload and review").click()
    expect(page.get_by_role("heading", name="dropped.csv")).to_be_visible()


def test_the_keyboard_searches_goes_to_pages_and_tells_what_there_is(page: Page) -> None:
    page.goto("/campaigns")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("search a number or a name")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", name="Health", exact=True)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("+919999999999")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Nobody")).to_be_visible()


def test_an_upload_that_cannot_be_read_says_why_on_the_page(page: Page) -> None:
    page.goto("/campaigns")
    picture = {"name": "x.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + b"0" * 99}
    page.get_by_label("Choose a list").set_input_files([picture])

    page.get_by_role("button", name="Upload and review").click()

    expect(page.get_by_role("alert")).to_contain_text("This is a picture")


NO_PAGES = {
    "/campaigns/{campaign_id}/charts",
    "/campaigns/{campaign_id}/events",
    "/campaigns/{campaign_id}/rejected.csv",
    "/campaigns/{campaign_id}/reports/{kind}.{format}",
    "/campaigns/{campaign_id}/contacts/{n}/attempts/{no}/recording",
}
"""Files, streams and parts that a page fetches."""

PASSING = {"{review_id}", "{task_id}", "{rehearsal_id}", "{webhook_id}"}
"""What stands in the addresses of pages about something that is there for a while."""


def paths_of_pages(campaign: str, agent: str) -> list[str]:
    """Give the address of every page, as its route says it."""
    given = {"{campaign_id}": campaign, "{agent_id}": agent, "{n}": "1", "{figure}": "connected"}
    asked = {
        "/campaigns/several": f"?action=pause&campaign={campaign}",
        "/campaigns/{campaign_id}/call-back": "?outcome=connected",
    }
    modules = [
        import_module(f"{pages.__name__}.{one.name}") for one in iter_modules(pages.__path__)
    ]
    declaring = [module.pages for module in modules if hasattr(module, "pages")]
    routes = [route for one in declaring for route in one.routes]
    found = []
    for route in routes:
        if "GET" not in route.methods or route.path in NO_PAGES:
            continue
        path = re.sub(r"\{\w+\}", lambda one: given.get(one[0], one[0]), route.path)
        if not any(one in path for one in PASSING):
            found.append(path + asked.get(route.path, ""))
    assert not [path for path in found if "{" in path], "say what stands there"
    return found


def test_pages_fit_every_screen_and_can_be_read(
    page: Page, complaints: Complaints, rig: Rig
) -> None:
    """Each page is opened once, and shown on every screen: nothing of it depends on the first."""
    rig.load(pairs(40, agents=10), "--start", name="shown")
    (rig.folder / "agents.csv").write_text("number,name\n+919000000001,Asha\n")
    rig.json("agents", "load", "agents.csv")
    (agent,) = [one["agent_id"] for one in rig.json("agents", "list") if one["name"] == "Asha"]
    wrong: list[str] = []
    for path in paths_of_pages(rig.status("shown")["campaign_id"], agent):
        page.goto(path)
        for width, scheme in SCREENS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            shoot(page, "-".join([*re.findall(r"\w+", path), str(width), scheme]))
            if page.evaluate(OVERFLOW) > 0:
                wrong.append(f"{path} is wider than {width}")
            judged = [*page.evaluate(ACCESSIBILITY), *axe_violations(page), *complaints.all]
            wrong += [f"{path} at {width}, {scheme}: {one}" for one in judged]
            complaints.all.clear()
    assert not wrong, "\n".join(wrong)


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

AXE = os.environ.get("AXE_PATH", "")
"""The axe.min.js of npm's axe-core; where it is named, it judges every page too."""


def axe_violations(page: Page) -> list[str]:
    if not AXE:
        return []
    page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


ACCESSIBILITY = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")
