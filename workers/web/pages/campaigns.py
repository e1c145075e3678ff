"""The list of campaigns, with the form that uploads a new one."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from campaigns.campaign import LONGEST_NAME, CampaignState
from dialer.steering.changing_rules import default_rules
from dialer.store import Campaign, Counts
from workers.web.choosing import services_of
from workers.web.pages.rendering import renderer_of
from workers.web.pages.views import Bar, progress, results
from workers.web.rules import rule_fields
from workers.wiring import Wiring


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in the list."""

    campaign: Campaign
    counts: Counts
    progress: Bar
    results: Bar


async def show(request: Request) -> Response:
    """List campaigns, the live ones first."""
    services = services_of(request)
    found = await asyncio.to_thread(_rows, services.wiring)
    return await renderer_of(request).page(
        request,
        "campaigns.html",
        rows=found,
        longest_name=LONGEST_NAME,
        rule_fields=rule_fields(default_rules(services.wiring.settings)),
    )


def _rows(wiring: Wiring) -> list[CampaignRow]:
    found = sorted(wiring.campaigns.all_counted(), key=lambda one: _ORDER[one[0].state])
    return [
        CampaignRow(campaign, counts, progress(campaign.id, counts), results(campaign.id, counts))
        for campaign, counts in found
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
