"""One campaign, live: the page, the pieces of it that are sent anew each second, and its buttons."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from campaigns.rules_in_words import rules_in_words
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.reporting.files import Format
from dialer.reporting.tables import WHOLE, Kind
from dialer.settling.deciding import Decision, decide
from dialer.store.imports import Imports
from workers.web import jobs
from workers.web.api.campaigns import STEERS, Action
from workers.web.api.campaigns import steer as steer_campaign
from workers.web.api.contacts import attempt_of
from workers.web.downloads import rejected_csv, report_response
from workers.web.events import Events, event_stream
from workers.web.languages import language
from workers.web.live import Reading
from workers.web.pages import views
from workers.web.pages.banners import Banner, banners
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.pages.rendering import Renderer, form_tokens, renderer_of
from workers.web.services import Services
from workers.web.templating import words

pages = Pages()

_PARTS = (
    "now",
    "progress",
    "results",
    "pace",
    "agents",
    "retries",
    "errors",
    "unresolved",
)


_MOST_CHARTS = 50


@pages.get("/campaigns/{campaign_id}", Scope.READ_MASKED)
async def show(asked: Asked) -> Answer:
    """Show a campaign as it stands."""
    campaign = asked.campaign
    reading = await asked.services.watching.read(campaign.id)
    imports = await asyncio.to_thread(Imports(asked.wiring.db).history, campaign.id)
    return page(
        "campaign.html",
        **_context(reading),
        parts=_PARTS,
        rules=rules_in_words(campaign.rules),
        imports=imports,
        kinds=[one for one in Kind if one is not Kind.REJECTED],
        formats=[one for one in Format if one is not Format.HTML],
    )


@pages.get("/campaigns/{campaign_id}/events", Scope.READ_MASKED)
async def events(asked: Asked) -> Answer:
    """Send the live pieces of the page, those that changed."""
    campaign, services, visitor = asked.campaign, asked.services, asked.visitor
    renderer = renderer_of(asked.request)
    token, _ = await asyncio.to_thread(form_tokens, services, visitor)
    seen_by = {"is_admin": visitor.may(Scope.ADMIN), "csrf_token": token}

    async def changes() -> Events:
        sent, state = _Shown([], {}), None
        async with aclosing(services.watching.follow(campaign.id, who=visitor.id)) as readings:
            async for reading in readings:
                seen = await shown_to(services, renderer, reading, masked=visitor.is_masked)
                news = {
                    name: html for name, html in seen.parts.items() if sent.parts.get(name) != html
                }
                if state is None or seen.banners != sent.banners:
                    stops = renderer.part("parts/stops.html", banners=seen.banners, **seen_by)
                    news["stops"] = stops
                has_news = bool(news) or state != reading.status.campaign.state
                sent, state = seen, reading.status.campaign.state
                if has_news:
                    told = {"state": state, "words": renderer.say(words(state)), "parts": news}
                    yield "parts", json.dumps(told)
                if reading.status.is_over and reading.overview:
                    return

    async def may_stay() -> bool:
        return await services.identifying.may_stay(asked.request)

    return event_stream(asked.request, changes(), may_stay=may_stay)


@pages.get(
    "/campaigns/{campaign_id}/reports/{kind}.{format}", Scope.READ_MASKED, does=Did.REPORT_TAKEN
)
async def report(asked: Asked) -> Answer:
    """Send a table of the report; the page of it is shown."""
    kind, format_ = asked.named("kind"), asked.named("format")
    if kind not in {*Kind, WHOLE} or format_ not in set(Format):
        raise HTTPException(404)
    return await report_response(
        asked.services,
        asked.campaign,
        kind,
        Format(format_),
        asked.visitor,
        text_numbers=_wants_texts(asked),
        inline=format_ == Format.HTML and kind == WHOLE,
    )


@pages.get("/campaigns/{campaign_id}/charts", Scope.READ_MASKED)
async def charts(asked: Asked) -> Answer:
    """Send the charts of a campaign that is over; they are made once, unless it changes."""
    campaign, services, masked = asked.campaign, asked.services, asked.visitor.is_masked
    if not campaign.state.is_over:
        raise HTTPException(404, told("The campaign goes on; its report has its charts."))
    counts = await asyncio.to_thread(services.wiring.campaigns.counts, campaign.id)
    key = (campaign.id, masked, language())
    of = (counts, campaign.rewritten, campaign.purged_at)
    known = services.charts.get(key)
    if known is None or known[0] != of:
        made = await services.work(
            jobs.campaign_charts,
            campaign.id,
            account=services.wiring.name,
            masked=masked,
            language=language(),
        )
        while len(services.charts) >= _MOST_CHARTS:
            services.charts.pop(next(iter(services.charts)))
        known = services.charts[key] = (of, made)
    return HTMLResponse(known[1])


@pages.get("/campaigns/{campaign_id}/rejected.csv", Scope.READ, does=Did.REJECTED_TAKEN)
async def rejected(asked: Asked) -> Answer:
    """Send the rows that were not taken."""
    return await rejected_csv(asked.services, asked.campaign, text_numbers=_wants_texts(asked))


def _wants_texts(asked: Asked) -> bool:
    return asked.query("text_numbers") == "yes"


@pages.post(
    "/campaigns/{campaign_id}/unresolved/{attempt_id}", Scope.OPERATE, does=Did.ATTEMPT_DECIDED
)
def decide_unresolved(asked: Asked) -> Answer:
    """Decide an attempt of which nobody knows."""
    wiring, said = asked.wiring, asked.form.get("decision")
    id_ = attempt_of(asked.campaign, asked.named("attempt_id"))
    if said not in set(Decision):
        raise HTTPException(400)
    decide(wiring.db, wiring.settling, id_, Decision(said), who=asked.visitor.id)
    return to(f"/campaigns/{asked.campaign.id}/contacts/{id_.n}")


@pages.post("/campaigns/{campaign_id}/{action}", Scope.OPERATE, does=STEERS)
def steer(asked: Asked) -> Answer:
    """Start, pause, resume or cancel."""
    if asked.named("action") not in set(Action):
        raise HTTPException(404)
    action = Action(asked.named("action"))
    steer_campaign(asked.wiring, asked.campaign, action, who=asked.visitor.id)
    return to(f"/campaigns/{asked.campaign.id}")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A reading as pages show it.

    Args:
        parts: The HTML of those that are sent anew, but of what stops the account: that has buttons.
    """

    banners: list[Banner]
    parts: dict[str, str]


async def shown_to(
    services: Services, renderer: Renderer, reading: Reading, *, masked: bool
) -> _Shown:
    """Show a reading, once for all who see the same of it, and off the loop: callbacks go on meanwhile."""
    seen_by = (language(), masked)
    if seen_by not in reading.shown:
        showing = asyncio.to_thread(_show, services, renderer, reading, masked=masked)
        reading.shown[seen_by] = asyncio.create_task(showing)
    return cast("_Shown", await asyncio.shield(reading.shown[seen_by]))


def _show(services: Services, renderer: Renderer, reading: Reading, *, masked: bool) -> _Shown:
    context = _context(reading) | {"masked": masked}
    return _Shown(
        banners(services.wiring.db, reading.stops, reading.status.processes),
        {name: renderer.part(f"parts/{name}.html", **context) for name in _PARTS},
    )


def _context(reading: Reading) -> dict[str, Any]:
    status = reading.status
    campaign, counts, overview = status.campaign, status.counts, reading.overview
    retries_due = overview.retries_due if overview else {}
    retries = sum(retries_due.values())
    return {
        "status": status,
        "campaign": campaign,
        "counts": counts,
        "zone": campaign.rules.zone,
        "overview": overview,
        "retries_due": retries_due,
        "progress": views.progress(campaign.id, counts, retries),
        "results": views.results(campaign.id, counts),
        "agent_side": views.agent_side(campaign.id, counts),
        "customer_side": views.customer_side(campaign.id, counts),
        "neither_side": views.neither_side(campaign.id, counts),
        "pace": views.pace(reading),
        "agents": views.agent_lines(reading),
        "agent_counts": views.agent_counts(reading),
        "errors": sorted(overview.errors.values(), key=lambda one: -one.count) if overview else [],
        "unresolved": overview.unresolved if overview else [],
    }
