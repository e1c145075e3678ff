"""Sessions of the pages, and the forms of whoever has one."""

import hashlib
import re

import httpx
import pytest

from dialer.access.api_keys import Scope
from tests.web_kit import ADMIN_KEY, LIST, Browser, Site, loaded
from workers.web.services import Services


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
