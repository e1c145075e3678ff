"""Go or no go: all that should be known before a campaign starts, and the one button that starts it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from campaigns.campaign import CampaignState
from campaigns.outlook.binding import in_the_way
from campaigns.outlook.plan import Account, Assumptions, Plan, plan_campaign
from campaigns.outlook.situation import Binding, Constraint, Situation
from campaigns.rules_in_words import rules_in_words
from campaigns.sentence import capital, told
from dialer.access.api_keys import Scope
from dialer.agents.workload import workload
from dialer.deeds import Did, tell
from dialer.steering.changing_rules import RulesRefused
from dialer.store import Campaign
from workers.web import jobs
from workers.web.choosing import services_of
from workers.web.downloads import REPORT_POLICY
from workers.web.live import Reading
from workers.web.pages import views
from workers.web.pages.rendering import plain_form, renderer_of, require, visitor_of
from workers.web.problems import Problem
from workers.web.rehearsal_options import MOST_ROWS, agents_of, environment, options_of
from workers.web.rehearsals import AlreadyRehearsing, RehearsalNotFound, RehearsalState
from workers.web.services import Services

_SPEED = 30
_NOT_TOLD_BEFORE = {Constraint.AGENTS, Constraint.RETRY_TIMERS, Constraint.LIMIT}
_EXPORTED_COLUMNS = ("--agent-column=dialer_agent", "--customer-column=dialer_customer")


@dataclass(frozen=True, slots=True)
class BoundBar:
    """When the campaign would be done if one thing alone slowed it.

    Args:
        width: Per mille of the longest.
        is_tightest: It is what binds.
    """

    sentence: str
    done_at: datetime
    width: float
    is_tightest: bool


async def show(request: Request) -> Response:
    """Show what a start would mean."""
    require(request, Scope.READ_MASKED)
    return await _sheet(request)


async def start(request: Request) -> Response:
    """Start now, or note the time at which it starts by itself."""
    form = await plain_form(request, Scope.OPERATE)
    campaign = await _campaign(request)
    try:
        await asyncio.to_thread(
            _start, services_of(request), campaign, form, who=visitor_of(request).id
        )
    except RulesRefused as error:
        return await _sheet(request, problem=str(error), at=form.get("at", ""))
    return RedirectResponse(f"/campaigns/{campaign.id}", status_code=303)


def _start(services: Services, campaign: Campaign, form: dict[str, str], *, who: str) -> None:
    wiring = services.wiring
    if form.get("when") != "later":
        wiring.starting.start(campaign, who=who)
        return
    tell(what=Did.RULES_CHANGED)
    changed = wiring.changing_rules.plan_start(campaign, form.get("at", ""))
    wiring.starting.ask(changed, who=who)


async def rehearse(request: Request) -> Response:
    """Play the campaign's own contacts and rules through the simulator."""
    await plain_form(request, Scope.UPLOAD)
    require(request, Scope.READ)
    campaign, services = await _campaign(request), services_of(request)
    services.uploads_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    exported = await services.apart.run(
        jobs.export_list,
        lambda _: None,
        services.settings_apart,
        campaign.id,
        services.uploads_dir,
        most=MOST_ROWS,
    )
    options = [f"--speed={_SPEED}", "--dedupe=none", *_EXPORTED_COLUMNS]
    options += options_of(campaign.rules)
    try:
        id_ = await services.rehearsals.start(
            exported,
            options,
            environment(services.wiring.settings),
            agents=await asyncio.to_thread(agents_of, services.wiring),
        )
    except AlreadyRehearsing:
        exported.unlink(missing_ok=True)
        raise Problem(
            409, "already_rehearsing", told("Another rehearsal runs; wait until it has ended.")
        ) from None
    return RedirectResponse(f"/campaigns/{campaign.id}/start?rehearsal={id_}", status_code=303)


async def rehearsal_report(request: Request) -> Response:
    """Show the report of a rehearsal."""
    require(request, Scope.READ)
    files = services_of(request).rehearsals.files(request.path_params["rehearsal_id"])
    path = next((one for name, one in files.items() if name.endswith(".html")), None)
    if path is None:
        raise HTTPException(404, told("There is no such report, or not yet."))
    return FileResponse(path, media_type="text/html; charset=utf-8", headers=REPORT_POLICY)


async def _sheet(request: Request, *, problem: str = "", at: str = "") -> Response:
    campaign, services = await _campaign(request), services_of(request)
    if campaign.state is not CampaignState.LOADED:
        return RedirectResponse(f"/campaigns/{campaign.id}", status_code=303)
    wiring = services.wiring
    reading = await services.watching.read(campaign.id)
    today = await asyncio.to_thread(wiring.account_day.read)
    now = reading.status.situation
    plan = await asyncio.to_thread(_plan, reading, services)
    return await renderer_of(request).page(
        request,
        "start.html",
        status_code=422 if problem else 200,
        campaign=campaign,
        counts=reading.status.counts,
        now=now,
        zone=campaign.rules.zone,
        in_the_way=_in_the_way(now),
        plan=plan,
        bounds=_bars(plan) if plan else [],
        agent_counts=views.agent_counts(reading),
        rules=rules_in_words(campaign.rules),
        today=today,
        reached=capital(today.reached),
        needs_second=campaign.needs_second(above=wiring.settings.dialer_second_person_above),
        rehearsal=_rehearsal(request, services),
        most_rehearsed=MOST_ROWS,
        problem=problem,
        at=at,
    )


def _in_the_way(now: Situation) -> list[Binding]:
    """Tell what would keep it from dialling if it ran now; whose turn it is comes later."""
    running = replace(now, state=CampaignState.RUNNING)
    return [one for one in in_the_way(running) if one.constraint not in _NOT_TOLD_BEFORE]


def _plan(reading: Reading, services: Services) -> Plan | None:
    """Forecast it; None while its agents are still being counted."""
    if reading.overview is None:
        return None
    settings, status = services.wiring.settings, reading.status
    work = workload(
        services.wiring.db,
        {one.number: one.open for one in reading.overview.agents.values() if one.open},
        [(one.team, one.open) for one in reading.overview.teams.values() if one.open],
    )
    return plan_campaign(
        status.campaign.rules,
        work.contacts.values(),
        busiest=work.busiest,
        account=Account(
            settings.exotel_rate_limit,
            settings.exotel_rate_window_s,
            settings.exotel_max_concurrent_calls,
        ),
        assumptions=Assumptions(),
        at=datetime.fromtimestamp(status.as_of, UTC),
    )


def _bars(plan: Plan) -> Collection[BoundBar]:
    if plan.starts_at is None or plan.done_at is None:
        return []
    longest_s = max(1.0, (plan.done_at - plan.starts_at).total_seconds())
    return [
        BoundBar(
            one.sentence,
            one.done_at,
            max(4.0, 1000 * (one.done_at - plan.starts_at).total_seconds() / longest_s),
            is_tightest=one is plan.bounds[0],
        )
        for one in plan.bounds
    ]


def _rehearsal(request: Request, services: Services) -> dict[str, object] | None:
    """Tell how the rehearsal that the address names stands."""
    id_ = request.query_params.get("rehearsal", "")
    if not services.rehearsals.has(id_):
        return None
    try:
        standing = services.rehearsals.standing(id_)
    except RehearsalNotFound:
        return None
    is_running = standing.state is RehearsalState.RUNNING
    return {
        "id": id_,
        "state": standing.state,
        "error": standing.error,
        "line": services.rehearsals.last_line(id_) if is_running else "",
        "summary": None if is_running else services.rehearsals.summary(id_),
    }


async def _campaign(request: Request) -> Campaign:
    wiring = services_of(request).wiring
    return await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])


routes = [
    Route("/campaigns/{campaign_id}/start", show),
    Route("/campaigns/{campaign_id}/start", start, methods=["POST"]),
    Route("/campaigns/{campaign_id}/rehearse", rehearse, methods=["POST"]),
    Route("/rehearsals/{rehearsal_id}/report", rehearsal_report),
]
