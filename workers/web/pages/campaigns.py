"""Today, over all campaigns of the account, their list, and the form that uploads a new one."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from campaigns.campaign import LONGEST_NAME, CampaignState, same_name
from dialer.steering.changing_rules import default_rules
from dialer.store import Campaign, Counts
from dialer.watching.today import read_today
from workers.web.choosing import services_of
from workers.web.pages.rendering import renderer_of
from workers.web.pages.views import Bar, progress, results
from workers.web.rules import rule_fields


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in the list."""

    campaign: Campaign
    counts: Counts
    progress: Bar
    results: Bar


async def show(request: Request) -> Response:
    """Show how the day goes, and list campaigns, the live ones first."""
    services = services_of(request)
    wiring = services.wiring
    asked = request.query_params.get("name", "")[:LONGEST_NAME]
    state = request.query_params.get("state", "")
    found = await asyncio.to_thread(wiring.campaigns.all_counted)
    today = await asyncio.to_thread(
        read_today,
        wiring.db,
        wiring.account_day,
        wiring.pacing,
        found,
        zone=ZoneInfo(wiring.settings.dialer_timezone),
    )
    return await renderer_of(request).page(
        request,
        "campaigns.html",
        rows=_rows(found, name=asked, state=state),
        today=today,
        asked={"name": asked, "state": state},
        states=list(CampaignState),
        how_many=len(found),
        longest_name=LONGEST_NAME,
        rule_fields=rule_fields(default_rules(services.wiring.settings)),
    )


def _rows(found: Iterable[tuple[Campaign, Counts]], *, name: str, state: str) -> list[CampaignRow]:
    wanted = same_name(name)
    return [
        CampaignRow(campaign, counts, progress(campaign.id, counts), results(campaign.id, counts))
        for campaign, counts in sorted(found, key=lambda one: _ORDER[one[0].state])
        if wanted in same_name(campaign.name) and state in {"", campaign.state}
    ]


_ORDER = {
    CampaignState.RUNNING: 0,
    CampaignState.CANCELLING: 0,
    CampaignState.PAUSED: 1,
    CampaignState.LOADING: 2,
    CampaignState.LOADED: 2,
    CampaignState.COMPLETED: 3,
    CampaignState.CANCELLED: 3,
}

routes = [Route("/", show)]
