"""An agent's page in a phone's browser: narrow, slow, offline, by keyboard, and read aloud."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dialer.store.attempts import decode
from tests.acceptance.test_pages import ACCESSIBILITY, OVERFLOW, axe_violations
from tests.browsing import Complaints, shoot
from tests.desk_kit import Desk, next_desk
from tests.patience import until
from tests.web_kit import one_site

pytestmark = [pytest.mark.browser, pytest.mark.long]

expect.set_options(timeout=240_000)
PHONE = {"width": 360, "height": 740}
MOST_BYTES = (
    60_000  # a page with its style and script, as it travels: some ten seconds at 50 kbit/s
)


web = one_site()


desk = next_desk


@pytest.fixture
def phone(chrome: Browser) -> Iterator[BrowserContext]:
    context = chrome.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    context.set_default_timeout(240_000)
    yield context
    context.close()


def opened(phone: BrowserContext, desk: Desk) -> Page:
    page = phone.new_page()
    page.goto(f"{desk.web.url}{desk.path}")
    expect(page.get_by_role("heading", name="What came of it?")).to_be_visible()
    return page


def said(desk: Desk) -> str | None:
    campaign = desk.contact.partition("-")[0]
    db = desk.web.wiring.db
    (stored,) = db.client.hvals(db.key("c", campaign, "attempts", 0))
    return decode(stored).disposition


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_small_phone_and_can_be_read_by_everybody(
    chrome: Browser, desk: Desk, scheme: str
) -> None:
    context = chrome.new_context(viewport=PHONE, is_mobile=True, color_scheme=scheme)
    page = opened(context, desk)
    complaints = Complaints(page)
    for summary in page.locator("summary").all():
        summary.click()

    shoot(page, f"agent-360-{scheme}")
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(ACCESSIBILITY) == []
    assert axe_violations(page) == []
    assert page.locator("[aria-live=polite]").count() == 1
    assert page.get_by_role("status").count() == 1
    assert complaints.all == []
    context.close()


def test_a_slow_link_gets_little_and_nothing_moves_under_the_thumb(
    phone: BrowserContext, desk: Desk
) -> None:
    page = phone.new_page()
    slow = phone.new_cdp_session(page)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 300,
            "downloadThroughput": 50_000,
            "uploadThroughput": 50_000,
        },
    )
    travelled: list[float] = []
    slow.on("Network.loadingFinished", lambda one: travelled.append(one["encodedDataLength"]))
    page.add_init_script(MOVED)
    page.goto(f"{desk.web.url}{desk.path}")
    expect(page.get_by_role("button", name="Sale")).to_be_visible()
    desk.web.wiring.presences.set([desk.agent], "break", reason="tea")  # type: ignore[arg-type]
    expect(page.get_by_text("On a break: tea")).to_be_visible()

    assert 0 < sum(travelled) < MOST_BYTES
    assert page.evaluate("window.moved") < 0.1


MOVED = """
window.moved = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.moved += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def test_what_is_pressed_in_a_tunnel_arrives_at_the_other_end(
    phone: BrowserContext, desk: Desk
) -> None:
    page = opened(phone, desk)
    phone.set_offline(True)
    page.get_by_label("Note").fill("pays on the 5th")
    page.get_by_role("button", name="Sale").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    assert said(desk) is None

    phone.set_offline(False)

    expect(page.get_by_role("heading", name="What came of it?")).to_have_count(0)
    assert said(desk) == "sale"


def test_what_was_not_sent_is_sent_though_the_phone_closed_the_page(
    phone: BrowserContext, desk: Desk
) -> None:
    page = opened(phone, desk)
    phone.set_offline(True)
    page.get_by_role("button", name="Sale").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    kept = page.evaluate("JSON.stringify(localStorage)")
    page.close()
    phone.set_offline(False)

    again = phone.new_page()
    again.goto(f"{desk.web.url}{desk.path}")

    until(lambda: said(desk) == "sale", within_s=60, what="what was not sent")
    expect(again.get_by_text("Kept: what was not sent yet")).to_be_visible()
    assert desk.link[10:] not in kept
    assert again.evaluate("Object.values(localStorage).join()") in {"", "{}"}


def test_where_an_agent_is_is_not_sent_hours_later(phone: BrowserContext, desk: Desk) -> None:
    page = opened(phone, desk)
    phone.set_offline(True)
    page.get_by_role("button", name="Off").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()

    assert page.evaluate("Object.values(localStorage).join()") in {"", "{}"}


def test_a_page_that_lost_its_connection_says_so_and_goes_on(
    phone: BrowserContext, desk: Desk
) -> None:
    page = opened(phone, desk)
    page.evaluate("window.stays = true")
    expect(page.locator("[data-connection]")).to_have_text("")

    phone.set_offline(True)
    desk.web.wiring.presences.set([desk.agent], "break", reason="tea")  # type: ignore[arg-type]
    phone.set_offline(False)

    expect(page.get_by_text("On a break: tea")).to_be_visible()
    assert page.evaluate("window.stays"), "it was loaded anew"


def test_the_keyboard_gives_a_disposition_and_the_focus_is_not_lost(
    phone: BrowserContext, desk: Desk
) -> None:
    page = opened(phone, desk)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Sale":
            break
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("Kept: Sale")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert said(desk) == "sale"
