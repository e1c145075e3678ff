"""The agent's page `/a/{link}`: made for a phone, opened by a link alone, and by that for one agent.

Nothing but the link lets anybody in, so no cookie is set or read but the language's, and no other site can
send what it does not know. Addresses of this page stand in no log.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import redis
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from campaigns.agents.agent import Agent, Presence
from campaigns.plain_text import NotPlain
from campaigns.sentence import told
from dialer.access.agent_links import AgentLink, AgentLinks
from dialer.deeds import Actor, ActorKind, Deed, Did
from dialer.errors import NotDone
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.settling.disposing import Said, dispose
from dialer.store.agents import AgentStore
from dialer.watching.agent_desk import DeskView
from workers.instants import as_written, instant
from workers.web.beside import beside
from workers.web.entrance import Throttle, address_of, too_many, wants_page
from workers.web.events import Events, event_stream
from workers.web.guard import BODY_DEADLINE_S, BodyLimit, SecurityHeaders
from workers.web.languages import Languages, language_links
from workers.web.pages.rendering import Renderer
from workers.web.problems import EXPECTED_ERRORS, Problem, as_problem, invalid, not_found
from workers.web.services import Services

log = get_logger(__name__)

_HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
_PARTS = ("now", "presence", "today")
_PER_S, _BURST = 5.0, 40  # requests of one link
_CHECK_LINK_S = 5.0
_LONGEST_BREAK_MIN = 12 * 60
_NO_LINK = told(
    "This link opens nothing: it was revoked, it has expired, or not all of it was copied."
)
_KNOWN = (*EXPECTED_ERRORS, NotDone, NotPlain)


@dataclass(frozen=True, slots=True)
class _Visit:
    """An agent on their own page."""

    services: Services
    link: AgentLink
    agent: Agent
    address: str

    @property
    def name(self) -> str:
        """For reports and the trail: no number."""
        return self.agent.name or f"agent {self.agent.id}"

    def do(self, what: Did, does: Callable[[], object]) -> None:
        """Do something, and record that the agent did it."""
        actor = Actor(ActorKind.AGENT, self.agent.id, self.name, self.address)
        deed = Deed(what, actor, on=f"agent {self.agent.id}", asked={"link": self.link.id})
        with self.services.wiring.audit.recording(deed):
            does()


def agent_app(services: Services, *, body_deadline_s: float = BODY_DEADLINE_S) -> Starlette:
    """Make the pages of agents, of all accounts."""
    app = Starlette(
        routes=[
            Route("/a/{link}", show, methods=["GET"]),
            Route("/a/{link}/events", events, methods=["GET"]),
            Route("/a/{link}/presence", set_presence, methods=["POST"]),
            Route("/a/{link}/disposition", give_disposition, methods=["POST"]),
        ],
        middleware=[
            Middleware(SecurityHeaders, instead=_HEADERS),
            Middleware(Languages),
            Middleware(BodyLimit, deadline_s=body_deadline_s),
        ],
        exception_handlers=dict.fromkeys((*_KNOWN, Exception), _refuse),
    )
    app.state.services = services
    app.state.renderer = Renderer()
    app.state.throttle = Throttle(per_s=_PER_S, burst=_BURST)
    return app


async def show(request: Request) -> Response:
    """Show the page."""
    visit = await _visit(request)
    view = await visit.services.agent_feed.read(visit.agent)
    page = await beside(_renderer(request).part, "agent/page.html", **_context(request, view))
    return HTMLResponse(page)


async def events(request: Request) -> Response:
    """Send the pieces of the page that change, as they do."""
    visit = await _visit(request)
    feed, renderer = visit.services.agent_feed, _renderer(request)

    async def changes() -> Events:
        async with aclosing(feed.follow(visit.agent)) as views:
            async for view in views:
                context = _context(request, view)
                yield "desk", await beside(_news, renderer, view, context)

    async def may_stay() -> bool:
        links = AgentLinks(visit.services.wiring.db)
        return await asyncio.to_thread(links.find, request.path_params["link"]) is not None

    return event_stream(request, changes(), may_stay=may_stay, check_s=_CHECK_LINK_S)


def _news(renderer: Renderer, view: DeskView, context: Mapping[str, object]) -> str:
    """Render the pieces beside the loop: callbacks go on meanwhile."""
    talks = {
        str(one.attempt): renderer.part("agent/talk.html", talk=one, **context)
        for one in view.talks
    }
    parts = {one: renderer.part(f"agent/{one}.html", **context) for one in _PARTS}
    return json.dumps({"parts": parts, "talks": talks})


async def set_presence(request: Request) -> Response:
    """Say where the agent is."""
    visit = await _visit(request)
    form = await _form(request)
    state, minutes = form.get("state", ""), form.get("minutes", "")
    if state not in set(Presence) or (minutes and not minutes.isdecimal()):
        raise invalid(told("Say whether you are here, on a break, or off."))
    is_timed = state == Presence.BREAK and minutes and 0 < int(minutes[:5]) <= _LONGEST_BREAK_MIN
    reason = form.get("reason", "") if state != Presence.ON else ""

    def change() -> None:
        wiring = visit.services.wiring
        until_s = wiring.db.now() + 60 * int(minutes[:5]) if is_timed else None
        wiring.presences.set(
            [visit.agent], Presence(state), reason=reason, until_s=until_s, by=visit.name
        )

    await asyncio.to_thread(visit.do, Did.PRESENCE_SET, change)
    return _done(request)


async def give_disposition(request: Request) -> Response:
    """Keep what the agent says came of a conversation of theirs."""
    visit = await _visit(request)
    form = await _form(request)
    id_ = AttemptId.parse(form.get("attempt", ""))
    if id_ is None:
        raise not_found(told("There is no such conversation."))
    wiring = visit.services.wiring
    at = form.get("call_back_at", "").strip()

    def give() -> None:
        zone = wiring.campaigns.find(id_.campaign).rules.zone
        said = Said(
            form.get("disposition", ""),
            by=visit.name,
            note=form.get("note", ""),
            call_back_at=_call_back_at(at, zone, now_s=wiring.db.now()) if at else None,
            only_agent=form.get("who") == "me",
            agent=visit.agent.number,
            no=id_.no,
        )
        dispose(wiring.db, wiring.settling, id_.contact, said)

    await asyncio.to_thread(visit.do, Did.DISPOSITION_GIVEN, give)
    return _done(request)


def _call_back_at(text: str, zone: ZoneInfo, *, now_s: float) -> datetime:
    try:
        at = as_written(text, zone)
    except ValueError:
        raise invalid(told("Choose the day and time to call back.")) from None
    now = instant(now_s)
    if not now - timedelta(minutes=5) <= at <= now + timedelta(days=366):
        raise invalid(told("The time to call back lies in the past, or too far ahead."))
    return at


async def _visit(request: Request) -> _Visit:
    """Find whose link it is.

    Raises:
        Problem: Nobody's, or it asks too often, or another site sent it.
    """
    services: Services = request.app.state.services
    if not _is_from_us(request):
        raise Problem(403, "cross_site", told("The request came from another site."))
    text = request.path_params["link"]
    visit = await asyncio.to_thread(_find, services, text, address_of(request))
    if visit is None:
        log.warning("agent_link_refused", client=address_of(request))
        if wait_s := services.identifying.wait_for_wrong_s(request):
            raise too_many(wait_s)
        raise Problem(404, "no_link", _NO_LINK)
    if wait_s := request.app.state.throttle.wait_s(visit.link.id):
        raise too_many(wait_s)
    return visit


def _find(services: Services, text: str, address: str) -> _Visit | None:
    for one in services.accounts.all:
        if link := AgentLinks(one.wiring.db).find(text):
            store = AgentStore(one.wiring.db)
            number = store.number_of(link.agent)
            agent = store.get([number])[0] if number else None
            return _Visit(one, link, agent, address) if agent else None
    return None


def _is_from_us(request: Request) -> bool:
    """Tell by what browsers say. A page without referrers has them send forms with no origin."""
    if (site := request.headers.get("sec-fetch-site")) is not None and request.method == "POST":
        return site == "same-origin"
    origin = request.headers.get("origin", "null")
    return origin == "null" or urlsplit(origin).netloc == request.headers.get("host", "")


async def _form(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=10) as form:
        return {name: one for name, one in form.items() if isinstance(one, str)}


def _done(request: Request) -> Response:
    if not wants_page(request):
        return Response(status_code=204)
    return RedirectResponse(f"/a/{request.path_params['link']}", status_code=303)


def _context(request: Request, view: DeskView) -> dict[str, object]:
    services: Services = request.app.state.services
    zone = services.wiring.settings.dialer_timezone
    links = language_links(request)
    link = request.path_params["link"]
    return {"view": view, "link": link, "zone_name": zone, "language_links": links}


def _renderer(request: Request) -> Renderer:
    renderer: Renderer = request.app.state.renderer
    return renderer


async def _refuse(request: Request, error: Exception) -> Response:
    """Say what is wrong in the words of an agent; the link stands in no log."""
    problem = as_problem(error)
    if isinstance(error, redis.RedisError):
        problem = Problem(
            503, "away", told("The dialer does not answer just now; try again in a moment.")
        )
    if problem.status >= 500:
        log.error("agent_page_failed", code=problem.code, error=type(error).__name__)
    headers = dict(problem.headers or {})
    if not wants_page(request):
        return Response(_renderer(request).say(problem), problem.status, headers, "text/plain")
    page = _renderer(request).part(
        "agent/refused.html", problem=problem, language_links=language_links(request)
    )
    return HTMLResponse(page, problem.status, headers)
