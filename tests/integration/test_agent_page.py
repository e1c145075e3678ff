"""The agent's page: one link, one agent, and nothing that is anybody else's."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from campaigns.agents.agent import Agent
from dialer.access.agent_links import AgentLinks
from dialer.store import Database
from dialer.store.agent_desk import DeskStore
from dialer.watching.agent_desk import desk_views
from tests.desk_kit import Desk, desk_of
from tests.factories import agent, customer
from tests.patience import until
from tests.web_kit import Site
from workers.web.agent_page import agent_app


@pytest.fixture
def desk(web: Site) -> Desk:
    return desk_of(web, 1)


def test_a_link_shows_its_agents_day_and_what_is_asked_of_them(desk: Desk) -> None:
    page = desk.get()

    assert page.status_code == 200
    assert "Agent 1" in page.text
    assert "Customer 1" in page.text
    assert "secret" not in page.text
    assert "What came of it?" in page.text
    for word in ("Sale", "Call back", "Never call"):
        assert word in page.text
    for number in (customer(1), customer(1)[3:], agent(1)[3:]):
        assert number not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers


def test_a_disposition_by_the_page_is_the_agents_word(desk: Desk) -> None:
    answer = desk.post("/disposition", attempt=desk.attempt, disposition="sale", note="on the 5th")

    assert answer.status_code == 204, answer.text
    (kept,) = desk.web.api("GET", f"/campaigns/{desk.contact[:8]}/attempts").json()["items"]
    assert (kept["disposition"], kept["disposition_by"]) == ("sale", "Agent 1")
    assert kept["note"] == "on the 5th"
    assert "What came of it?" not in desk.get().text
    told = desk.web.api("GET", "/audit").text
    assert '"disposition_given"' in told
    assert '"agent"' in told


def test_a_form_without_scripts_comes_back_to_the_page(desk: Desk) -> None:
    headers = {"Accept": "text/html", "Origin": "null"}

    answer = desk.post("/presence", headers=headers, state="break", reason="tea", minutes="10")

    assert answer.status_code == 303
    assert answer.headers["location"] == desk.path
    page = desk.get().text
    assert "On a break: tea" in page


def test_presence_is_set_by_the_agent_and_counts(desk: Desk) -> None:
    desk.post("/presence", state="off")
    (at,) = desk.web.wiring.presences.of([desk.agent])
    assert (at.state, at.by) == ("off", "Agent 1")

    desk.post("/presence", state="on")

    (at,) = desk.web.wiring.presences.of([desk.agent])
    assert at.state == "on"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/presence", {"state": "full"}),
        ("/presence", {"state": "nowhere"}),
        ("/presence", {"state": "break", "minutes": "soon"}),
        ("/presence", {}),
        ("/disposition", {"disposition": "sale"}),
        ("/disposition", {"attempt": "x", "disposition": "sale"}),
        ("/disposition", {"attempt": "00000000-1-1-0000000000", "disposition": "sale"}),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_changes_nothing(
    desk: Desk, path: str, form: dict[str, str]
) -> None:
    answer = desk.post(path, **form)

    assert answer.status_code in {404, 409, 422}
    assert "Traceback" not in answer.text
    assert 0 < len(answer.text) < 200


@pytest.mark.parametrize("at", ["2020-01-01T10:00", "soon", "9999-01-01T00:00"])
def test_a_call_back_is_agreed_for_a_time_that_comes(desk: Desk, at: str) -> None:
    answer = desk.post(
        "/disposition", attempt=desk.attempt, disposition="call_back", call_back_at=at
    )

    assert answer.status_code == 422
    assert "call back" in answer.text


def test_a_call_back_is_for_anyone_or_for_me_alone(desk: Desk) -> None:
    assert "only me" in desk.get().text

    refused = desk.post("/disposition", attempt=desk.attempt, disposition="sale", who="me")
    taken = desk.post("/disposition", attempt=desk.attempt, disposition="call_back", who="me")

    assert (refused.status_code, taken.status_code) == (409, 204), refused.text


################################################################ somebody else's


def test_a_link_gives_no_word_on_anothers_conversation(desk: Desk) -> None:
    other = desk_of(desk.web, 2)

    answer = desk.post("/disposition", attempt=other.attempt, disposition="sale")

    assert answer.status_code == 409
    assert "not this agent's" in answer.text
    assert "What came of it?" in other.get().text


ROUTES = {
    "GET /a/{link}": {},
    "GET /a/{link}/events": {},
    "POST /a/{link}/presence": {"state": "off"},
    "POST /a/{link}/disposition": {"disposition": "sale"},
}
"""What is asked of each route of agents' pages; one that is added gets its line here."""


def ask(desk: Desk, route: str, link: str, **form: str) -> tuple[int, str]:
    """Ask a route with some link; of a stream, its first lines."""
    method, _, path = route.partition(" ")
    headers = {"Accept": "text/plain", "Sec-Fetch-Site": "same-origin"}
    where = path.replace("{link}", link)
    with desk.web.client.stream(method, where, data=form or None, headers=headers) as answer:
        is_stream = "event-stream" in answer.headers.get("content-type", "")
        text = next(answer.iter_lines()) if is_stream else answer.read().decode()
        return answer.status_code, text


def test_every_route_of_agents_pages_is_walked() -> None:
    app = agent_app(None)  # type: ignore[arg-type]  # nothing is asked of it
    found = {
        f"{method} {one.path}"
        for one in app.routes
        for method in one.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert found == set(ROUTES)


def test_no_route_does_or_shows_anything_of_another_agents(desk: Desk) -> None:
    other = desk_of(desk.web, 2)
    before = everything(desk.web, other)
    theirs = {"attempt": other.attempt, "contact": other.contact, "agent": other.agent.id}
    strange = {"key": other.link, "number": other.agent.number, "who": "me"}

    for route, form in ROUTES.items():
        status, text = ask(desk, route, desk.link, **form, **theirs, **strange)
        assert status in {200, 204, 409}, route
        for one in ("Customer 2", "Agent 2", "campaign 2", other.agent.number[3:]):
            assert one not in text, route

    assert everything(desk.web, other) == before


def everything(web: Site, desk: Desk) -> dict[str, object]:
    db, campaign = web.wiring.db, desk.contact.partition("-")[0]
    return {
        "attempts": db.client.hgetall(db.key("c", campaign, "attempts", 0)),
        "contacts": db.client.get(db.key("c", campaign, "contacts", 0)),
        "presence": web.wiring.presences.of([desk.agent]),
        "links": AgentLinks(db).of(desk.agent.id),
    }


@pytest.mark.parametrize("how", ["revoked", "expired", "removed", "guessed", "of another account"])
def test_no_route_opens_with_a_link_that_is_not_in_force(desk: Desk, how: str) -> None:
    db, link = desk.web.wiring.db, desk.link
    if how == "revoked":
        AgentLinks(db).revoke(desk.agent.id)
    elif how == "expired":
        record = json.loads(db.client.hget(db.key("agent_links"), link[:10]))  # type: ignore[arg-type]
        db.client.hset(db.key("agent_links"), link[:10], json.dumps(record | {"expires_at": 1.0}))
    elif how == "removed":
        desk.web.wiring.registry.remove([desk.agent])
    elif how == "guessed":
        link = link[:10] + secrets.token_urlsafe(24)
    else:
        other = Database(db.client, account="another")
        _, link = AgentLinks(other).make(desk.agent.id, by="a test")
    before = everything(desk.web, desk)

    for route, form in ROUTES.items():
        status, text = ask(desk, route, link, **form, attempt=desk.attempt)
        assert status == 404, route
        assert "Customer 1" not in text

    assert everything(desk.web, desk) == before


def test_a_page_shows_nothing_of_another_agents(desk: Desk) -> None:
    other = desk_of(desk.web, 2)

    seen = desk.get().text + json.dumps(desk.event())

    for one in ("Agent 2", "Customer 2", "campaign 2", other.contact, other.agent.id):
        assert one not in seen


@pytest.mark.parametrize("mend", ["", "x", "other", "cut", "long", "id alone"])
def test_a_wrong_link_opens_nothing_and_says_whom_to_ask(desk: Desk, mend: str) -> None:
    link = {
        "": "0" * 42,
        "x": desk.link[:-1] + ("A" if desk.link[-1] != "A" else "B"),
        "other": desk.link[:10] + secrets.token_urlsafe(24),
        "cut": desk.link[:-3],
        "long": desk.link + "x" * 5_000,
        "id alone": desk.link[:10],
    }[mend]
    page = desk.web.client.get(f"/a/{link}", headers={"Accept": "text/html"})

    assert page.status_code == 404
    assert "Ask whoever runs your desk" in page.text
    assert "Agent 1" not in page.text
    for path in ("/presence", "/disposition"):
        assert desk.web.client.post(f"/a/{link}{path}", data={"state": "off"}).status_code == 404


def test_a_revoked_link_opens_nothing_from_then_on(desk: Desk) -> None:
    listed = desk.web.api("GET", f"/agents/{desk.agent.id}/links").json()["items"]
    gone = desk.web.api("DELETE", f"/agents/{desk.agent.id}/links/{listed[0]['link_id']}")

    assert gone.status_code == 204
    assert desk.get().status_code == 404
    assert desk.post("/presence", state="off").status_code == 404


def test_an_expired_link_opens_nothing(desk: Desk) -> None:
    db = desk.web.wiring.db
    record = json.loads(db.client.hget(db.key("agent_links"), desk.link[:10]))  # type: ignore[arg-type]
    record["expires_at"] = db.now() - 1
    db.client.hset(db.key("agent_links"), desk.link[:10], json.dumps(record))

    assert desk.get().status_code == 404


def test_whoever_tries_links_has_to_wait(desk: Desk) -> None:
    codes = [desk.web.client.get(f"/a/{n:042}").status_code for n in range(40)]

    assert 429 in codes
    assert desk.get().status_code == 200  # who has one is let in all the same


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ],
)
def test_what_another_site_sends_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    assert desk.post("/presence", headers=headers, state="off").status_code == 403
    (at,) = desk.web.wiring.presences.of([desk.agent])
    assert at.state == "on"


def test_a_key_is_not_asked_for_and_a_link_opens_nothing_else(desk: Desk) -> None:
    for path in ("/", "/agents", "/api/v1/agents", f"/campaigns/{desk.contact[:8]}"):
        answer = desk.web.client.get(path, headers={"Authorization": f"Bearer {desk.link}"})
        assert answer.status_code in {303, 401}


def test_no_log_holds_a_link(desk: Desk) -> None:
    with capture_logs() as logs:
        desk.get()
        desk.post("/presence", state="break")
        desk.post("/disposition", attempt="x", disposition="sale")
        desk.web.client.get(f"/a/{desk.link[:-1]}")

    assert logs
    assert desk.link[10:40] not in json.dumps(logs, default=str)
    assert desk.link not in desk.web.api("GET", "/audit").text


def test_what_stands_in_redis_opens_nothing(desk: Desk) -> None:
    db = desk.web.wiring.db
    stored = db.client.hgetall(db.key("agent_links"))

    assert desk.link[10:].encode() not in b"".join(part for one in stored.items() for part in one)


################################################################ live


def test_the_page_hears_of_what_changes(desk: Desk) -> None:
    with desk.web.client.stream("GET", f"{desk.path}/events") as answer:
        news = (
            json.loads(line[6:])
            for line in answer.iter_lines()
            if line.startswith("data: {") and "parts" in line
        )
        first = next(news)
        desk.web.wiring.presences.set([desk.agent], "break", reason="tea")  # type: ignore[arg-type]
        second = next(news)

    assert list(first["talks"]) == [desk.attempt]
    assert "On a break: tea" in second["parts"]["now"]


def test_a_stream_ends_with_its_link(desk: Desk) -> None:
    with desk.web.client.stream("GET", f"{desk.path}/events") as answer:
        lines = answer.iter_lines()
        next(line for line in lines if line.startswith("data"))
        AgentLinks(desk.web.wiring.db).revoke(desk.agent.id)
        assert any(line == "event: signed_out" for line in lines)


@contextmanager
def open_events(desk: Desk) -> Iterator[Iterator[str]]:
    """The lines of a page's events."""
    with desk.web.client.stream("GET", f"{desk.path}/events") as answer:
        yield answer.iter_lines()


def test_one_agent_opens_a_few_pages_and_no_more(desk: Desk) -> None:
    streams = [desk.web.opened.enter_context(open_events(desk)) for _ in range(4)]
    until(lambda: all(next(one) for one in streams), what="four pages")

    with open_events(desk) as fifth:
        assert any(line == "event: full" for line in fifth)


def test_a_notice_is_shown_and_taken_away(desk: Desk) -> None:
    desk.web.api("PUT", "/agents/notice", json={"text": "Prices went up <b>"})
    assert "Prices went up &lt;b&gt;" in desk.get().text

    desk.web.api("PUT", "/agents/notice", json={"text": ""})

    assert "Prices" not in desk.get().text
    assert DeskStore(desk.web.wiring.db).notice() == ""


def test_many_pages_cost_a_few_commands_each(desk: Desk) -> None:
    db, zone = desk.web.wiring.db, ZoneInfo("Asia/Kolkata")
    many = desk.web.wiring.registry.put([Agent(agent(n)) for n in range(2, 51)])
    sent: list[int] = []

    def commands() -> int:
        return int(db.client.info("stats")["total_commands_processed"])

    for some in ([desk.agent], [desk.agent, *many]):
        before = commands()
        views = desk_views(db, some, zone)
        sent.append(commands() - before)
        assert views[0].talks

    assert sent[1] - sent[0] <= 49 * 4, sent
