"""Values nobody would type, in every place where a request carries one: refused, never a 500."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.declared_rules import RULES, is_yes_or_no
from dialer.access.api_keys import Scope
from tests.web_kit import Browser, Site, one_site

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ODD = (
    *("²", "٣", "9" * 4_400, "-1", "+1e9", "NaN", "0x10", "", " ", "\x00", "\x1b[2J", "\u202egnp"),
    *(
        "\ud7ff\U0001f4a5",
        "%",
        "%zz",
        "//[",
        "http://[",
        "../..",
        "a" * 5_000,
        "'\"<x>",
        "\r\nX: y",
    ),
)
PARAMETERS = {
    "/suppression": ("added", "already", "bad", "number"),
    "/campaigns/{c}/contacts": ("state", "outcome", "agent", "number", "error", "cursor"),
    "/campaigns/{c}/attempts": ("state", "outcome", "agent", "number", "error", "cursor"),
    "/sign-in": ("next",),
}
PATHS = (
    *("/campaigns/{x}", "/campaigns/{c}/contacts/{x}", "/campaigns/{x}/contacts/{x}"),
    *("/campaigns/{c}/reports/{x}.csv", "/imports/{x}", "/imports/{x}/progress", "/static/{x}"),
    *("/imports/{x}/rejected.csv", "/campaigns/{x}/rejected.csv", "/{x}", "/api/v1/{x}"),
    "/callbacks/exotel/{x}/{x}/{x}",
    *("/api/v1/campaigns/{x}", "/api/v1/campaigns/{c}/contacts/{x}", "/api/v1/rehearsals/{x}"),
)
FORMS = {
    "/suppression": ("number", "why"),
    "/suppression/remove": ("number",),
    "/health/hold": ("do", "why"),
    "/campaigns/{c}/{x}": ("csrf_token",),
    "/campaigns/{c}/attempts/{x}/decide": ("decision",),
    "/sign-in": ("key", "next"),
}


web = one_site()


@pytest.fixture(scope="module")
def campaign(web: Site) -> str:
    return str(web.upload().json()["campaign_id"])


@pytest.fixture
def key(web: Site) -> str:
    return web.key(Scope.ADMIN)  # one for each test: a key may send so many requests a second


@pytest.fixture
def browser(web: Site, key: str) -> Browser:
    return web.browser(key)


def filled(path: str, campaign: str, value: str) -> str:
    return path.replace("{c}", campaign).replace("{x}", quote(value, safe=""))


@pytest.mark.parametrize("value", ODD, ids=lambda one: repr(one[:12]))
def test_no_odd_value_in_a_query_is_an_error_of_ours(
    browser: Browser, campaign: str, value: str
) -> None:
    for path, names in PARAMETERS.items():
        for name in names:
            query = f"{filled(path, campaign, '')}?{name}={quote(value, safe='')}"
            assert browser.get(query).status_code < 500, query[:80]


@pytest.mark.parametrize("value", ODD, ids=lambda one: repr(one[:12]))
def test_no_odd_value_in_a_path_is_an_error_of_ours(
    key: str, browser: Browser, campaign: str, value: str
) -> None:
    for path in PATHS:
        where = filled(path, campaign, value)
        for method in ("GET", "POST"):
            headers = {"Authorization": f"Bearer {key}"} if "/api/" in path else {}
            answer = browser.client.request(method, where, headers=headers)
            assert answer.status_code < 500, (method, where[:80])


@pytest.mark.parametrize("value", ODD, ids=lambda one: repr(one[:12]))
def test_no_odd_value_in_a_form_is_an_error_of_ours(
    browser: Browser, campaign: str, value: str
) -> None:
    token = browser.token()
    for path, names in FORMS.items():
        for name in names:
            where = filled(path, campaign, value[:100])
            answer = browser.post(where, **{"token": token, name: value})
            assert answer.status_code < 500, (where[:80], name)


def schemas(document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, what in methods.items():
            body = what.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if properties := document["components"]["schemas"].get(name, {}).get("properties"):
                yield method.upper(), path.removeprefix("/api/v1"), properties


def test_no_order_takes_true_for_one_or_a_member_nobody_knows(
    web: Site, key: str, browser: Browser
) -> None:
    """Raising the day's cap by `true` would raise it; a misspelt member would do nothing, silently."""
    found = list(schemas(browser.get("/api/openapi.json").json()))
    assert {path for _, path, _ in found} > {"/health/caps", "/keys", "/numbers/search"}
    for method, path, properties in found:
        asked = path.replace("{campaign_id}", "a" * 8).replace("{attempt_id}", "a")
        numbers = [name for name, one in properties.items() if one.get("type") == "integer"]
        for name in [*numbers, "nobody_knows"]:
            answer = web.api(method, asked, key=key, json={name: True})
            wrong = [one["where"] for one in answer.json().get("faults", [])]
            assert answer.status_code in {404, 422}, (path, name)
            assert answer.status_code == 404 or name in wrong, (path, name, answer.text)


@pytest.mark.parametrize("name", sorted(RULES))
def test_no_rule_takes_a_truth_or_a_list_for_something_else(
    web: Site, key: str, campaign: str, name: str
) -> None:
    wrong: list[Any] = [{"a": 1}, None]
    wrong += [] if is_yes_or_no(name) else [True]
    wrong += [5, "x"] if RULES[name].several else [["1", "2"]]
    for value in wrong:
        answer = web.api("PATCH", f"/campaigns/{campaign}/rules", key=key, json={name: value})
        assert answer.status_code == 422, (name, value, answer.text)


@pytest.mark.parametrize("name", ["origin", "host", "cookie", "authorization", "accept"])
@pytest.mark.parametrize(
    "value", [one for one in ODD if one.strip() and one.isascii() and one.isprintable()]
)
def test_no_odd_header_is_an_error_of_ours(web: Site, name: str, value: str) -> None:
    for path in ("/", "/api/v1/campaigns", "/sign-in"):
        answer = web.client.post(path, headers={name: value[:2_000]})
        assert answer.status_code < 500


@given(st.sampled_from(sorted(PARAMETERS)), st.data())
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_whatever_a_query_says_it_is_answered(
    browser: Browser, campaign: str, path: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(PARAMETERS[path]))
    value = data.draw(st.text(max_size=40) | st.from_regex(r"\d{1,5000}", fullmatch=True))
    encoded = quote(value.encode("utf-8", "surrogatepass"), safe="")

    assert browser.get(f"{filled(path, campaign, '')}?{name}={encoded}").status_code < 500


@pytest.mark.parametrize(
    "reason", ["\x1b]0;gone\x07", "two\nlines", "\u202edesrever", "\x9b2J", "x" * 201]
)
def test_a_reason_that_a_terminal_would_obey_is_refused_at_the_door(
    web: Site, key: str, browser: Browser, reason: str
) -> None:
    order = {"number": "+919876500000", "why": reason}

    assert web.api("PUT", "/suppressions", json=order).status_code == 422
    assert web.api("PUT", "/health/hold", json={"why": reason}).status_code == 422
    assert browser.post("/suppression", **order).status_code == 422
    assert browser.post("/health/hold", do="hold", why=reason).status_code == 422
    assert web.upload(name=f"camp{reason}aign").status_code == 422
    made = web.api("POST", "/keys", json={"name": reason + "x", "scopes": ["read"]})
    assert made.status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/suppression", "/suppression/remove", "/suppression/file", "/health/hold"),
        *("/health", "/agents", "/sign-in", "/sign-out", "/imports", "/imports/0123456789abcdef"),
        *("/campaigns/{c}", "/campaigns/{c}/append", "/campaigns/{c}/start"),
        *("/api/v1/campaigns", "/api/v1/campaigns/{c}", "/api/v1/campaigns/{c}/contacts"),
        *("/api/v1/suppressions", "/api/v1/health/hold", "/api/v1/keys", "/api/v1/rehearsals"),
        "/api/v1/campaigns/{c}/rules",
    ],
)
def test_an_answer_that_a_method_is_not_allowed_names_those_that_are(
    key: str, browser: Browser, campaign: str, path: str
) -> None:
    where = filled(path, campaign, "")
    headers = {"Authorization": f"Bearer {key}"} if "/api/" in path else {}
    answers = {one: browser.client.request(one, where, headers=headers) for one in METHODS}

    refused = {one for one, answer in answers.items() if answer.status_code == 405}
    assert refused, path
    for one in refused:
        told = set(re.split(r",\s*", answers[one].headers["allow"]))
        assert told == set(METHODS) - refused, (path, one)
    assert not [one for one, answer in answers.items() if answer.status_code >= 500]
