"""Go or no go: all that should be known before a campaign starts, and the one button that starts it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from campaigns.campaign import CampaignState
from campaigns.outlook.binding import in_the_way
from campaigns.outlook.plan import Assumptions, Plan
from campaigns.outlook.situation import Binding, Constraint, Situation
from campaigns.rules_in_words import rules_in_words
from campaigns.sentence import capital, told
from dialer.access.api_keys import Scope
from dialer.deeds import Did, tell
from dialer.steering.changing_rules import RulesRefused
from dialer.store import Campaign
from workers.planning import planned
from workers.web import jobs
from workers.web.downloads import REPORT_POLICY
from workers.web.live import Reading
from workers.web.pages import views
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import Problem
from workers.web.rehearsal_options import MOST_ROWS, agents_of, environment, options_of
from workers.web.rehearsals import AlreadyRehearsing, RehearsalNotFound, RehearsalState
from workers.web.services import Services
from workers.wiring import Wiring

pages = Pages()

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


@pages.get("/campaigns/{campaign_id}/start", Scope.READ_MASKED)
async def show(asked: Asked) -> Answer:
    """Show what a start would mean."""
    return await _sheet(asked)


@pages.post("/campaigns/{campaign_id}/start", Scope.OPERATE, does=Did.CAMPAIGN_STARTED)
async def start(asked: Asked) -> Answer:
    """Start now, or note the time at which it starts by itself."""
    campaign, form = asked.campaign, asked.form
    try:
        await asyncio.to_thread(_start, asked.wiring, campaign, form, who=asked.visitor.id)
    except RulesRefused as error:
        return await _sheet(asked, problem=str(error), at=form.get("at", ""))
    return to(f"/campaigns/{campaign.id}")


def _start(wiring: Wiring, campaign: Campaign, form: dict[str, str], *, who: str) -> None:
    if form.get("when") != "later":
        wiring.starting.start(campaign, who=who)
        return
    tell(what=Did.RULES_CHANGED)
    changed = wiring.changing_rules.plan_start(campaign, form.get("at", ""))
    wiring.starting.ask(changed, who=who)


@pages.post(
    "/campaigns/{campaign_id}/rehearse", Scope.UPLOAD, Scope.READ, does=Did.REHEARSAL_STARTED
)
async def rehearse(asked: Asked) -> Answer:
    """Play the campaign's own contacts and rules through the simulator."""
    campaign, services = asked.campaign, asked.services
    exported = await services.work(
        jobs.export_list, campaign.id, services.uploads_dir, most=MOST_ROWS
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
    return to(f"/campaigns/{campaign.id}/start?rehearsal={id_}")


@pages.get("/rehearsals/{rehearsal_id}/report", Scope.READ)
def rehearsal_report(asked: Asked) -> Answer:
    """Show the report of a rehearsal."""
    files = asked.services.rehearsals.files(asked.named("rehearsal_id"))
    path = next((one for name, one in files.items() if name.endswith(".html")), None)
    if path is None:
        raise HTTPException(404, told("There is no such report, or not yet."))
    return FileResponse(path, media_type="text/html; charset=utf-8", headers=REPORT_POLICY)


async def _sheet(asked: Asked, *, problem: str = "", at: str = "") -> Answer:
    campaign, services = asked.campaign, asked.services
    if campaign.state is not CampaignState.LOADED:
        return to(f"/campaigns/{campaign.id}")
    wiring = services.wiring
    reading = await services.watching.read(campaign.id)
    today = await asyncio.to_thread(wiring.account_day.read)
    now = reading.status.situation
    plan = await asyncio.to_thread(_plan, reading, services)
    return page(
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
        rehearsal=_rehearsal(services, asked.query("rehearsal")),
        most_rehearsed=MOST_ROWS,
        problem=problem,
        at=at,
    )


def _in_the_way(now: Situation) -> list[Binding]:
    """Tell what would keep it from dialling if it ran now; whose turn it is comes later."""
    running = now._replace(state=CampaignState.RUNNING)
    return [one for one in in_the_way(running) if one.constraint not in _NOT_TOLD_BEFORE]


def _plan(reading: Reading, services: Services) -> Plan | None:
    """Forecast it; None while its agents are still being counted."""
    if reading.overview is None:
        return None
    return planned(
        services.wiring,
        reading.status.campaign.rules,
        {one.number: one.open for one in reading.overview.agents.values() if one.open},
        [(one.team, one.open) for one in reading.overview.teams.values() if one.open],
        at_s=reading.status.as_of,
        assumptions=Assumptions(),
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


def _rehearsal(services: Services, id_: str) -> dict[str, object] | None:
    """Tell how a rehearsal stands."""
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
