"""What keeps everything from being dialled stands atop every page."""

import html
import re

from dialer.access.api_keys import Scope
from dialer.store.processes import ROLES
from tests.factories import give_life
from tests.web_kit import Browser, Site, loaded

SIGN = "gives a sign of life"
PAGES = ("/", "/agents", "/suppression", "/health", "/keys", "/audit")
COMMAND = re.compile(r"\bdialer [a-z]+ [a-z]+|dramatiq|--[a-z]")
NOT_READ = re.compile(r"(?s)<(script|style).*?</\1>|<!--.*?-->|<input type=\"hidden\"[^>]*>")


def alarms(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r"</strong> ([^<]+)\.\n", page)]


def test_a_stop_a_hold_and_missing_processes_stand_atop_every_page_and_ask_for_no_command(
    web: Site, browser: Browser
) -> None:
    where = loaded(browser)
    browser.post(f"{where}/start")
    db = web.wiring.db
    db.client.hset(db.key("account"), mapping={"stopped": "HTTP 402: no credit", "stopped_at": 1})
    web.wiring.holds.set_by_hand("fire drill")

    for path in (*PAGES, where, f"{where}/contacts", f"{where}/attempts"):
        page = browser.get(path).text
        assert alarms(page) == [
            "Held by hand: fire drill",
            "The provider refuses the account: HTTP 402: no credit",
            f"No feeder {SIGN}, so no contact is released",
            f"No worker {SIGN}, so no request is sent",
            f"No results process {SIGN}, so calls that end are not settled and agents stay taken",
        ], path
        assert "nothing-dials" in page, path
        assert not COMMAND.search(NOT_READ.sub("", page)), path


def test_today_does_not_say_that_all_is_in_order_while_nothing_is_dialled(
    web: Site, browser: Browser
) -> None:
    db = web.wiring.db
    for role in ROLES:
        give_life(db, role, f"the {role}")
    before = browser.get("/").text
    db.client.hset(db.key("account"), mapping={"stopped": "HTTP 402", "stopped_at": 1})

    stopped = browser.get("/").text

    assert "all is in order" in before
    assert "nothing-dials" in stopped
    assert "all is in order" not in stopped
    assert "Only what stands above." in stopped


def test_the_banner_s_button_mends_what_it_tells_of_and_is_an_administrator_s(
    web: Site, browser: Browser
) -> None:
    db = web.wiring.db
    db.client.hset(db.key("account"), mapping={"stopped": "HTTP 402", "stopped_at": 1})
    web.wiring.holds.set_by_hand("fire drill")
    reader = web.browser(web.key(Scope.READ)).get("/agents").text
    held = re.search(r'name="hold" value="([^"]+)"', browser.get("/agents").text)
    assert held

    browser.post("/health/hold", do="release", hold=held[1])
    browser.post("/health/hold", do="lift_stop")

    assert "End the hold" not in reader
    assert not [one for one in alarms(browser.get("/agents").text) if "sign of life" not in one]
