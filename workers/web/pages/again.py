"""The form that makes a new list of those whom a campaign did not reach."""

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.campaign import LONGEST_NAME
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.reporting.again import FOR_GOOD, ends_of, wanted_ends
from dialer.store import Campaign
from workers.web import jobs
from workers.web.choosing import services_of
from workers.web.pages.rendering import renderer_of, require, whole_form
from workers.web.problems import Problem
from workers.web.rules_form import plain_values
from workers.web.uploads import Upload


async def show(request: Request) -> Response:
    """Ask whom, and under which name."""
    require(request, Scope.UPLOAD)
    require(request, Scope.READ)
    campaign = await _campaign(request)
    counts = await asyncio.to_thread(services_of(request).wiring.campaigns.counts, campaign.id)
    return await renderer_of(request).page(
        request,
        "again.html",
        campaign=campaign,
        ends=ends_of(counts),
        for_good=FOR_GOOD,
        name=f"{campaign.name[: LONGEST_NAME - 6]} again",
        longest_name=LONGEST_NAME,
    )


async def make(request: Request) -> Response:
    """Write them as a list, and have it judged as an upload is, with the campaign's rules."""
    form = await whole_form(request, Scope.UPLOAD)
    require(request, Scope.READ)
    campaign, services = await _campaign(request), services_of(request)
    wiring = services.wiring
    if not form.get("end"):
        raise Problem(
            422, "invalid", told("Choose at least one end of the contacts to be called again.")
        )
    counts = await asyncio.to_thread(wiring.campaigns.counts, campaign.id)
    ends = wanted_ends(counts, form["end"])
    begun = await asyncio.to_thread(wiring.templates.of_campaign, campaign.id)
    services.uploads_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    exported = await services.apart.run(
        jobs.export_again,
        lambda _: None,
        services.settings_apart,
        campaign.id,
        services.uploads_dir,
        ends=ends,
    )
    fields = {rule: [value] for rule, value in plain_values(begun).items()}
    fields |= {"name": form.get("name", [""])[-1:], "tag": list(campaign.tags)}
    upload = Upload(exported, f"{campaign.name}, again.csv", fields)
    try:
        review = services.reviews.open(upload, fields)
    finally:
        exported.unlink(missing_ok=True)  # where it was not taken
    return RedirectResponse(f"/imports/{review.id}", status_code=303)


async def _campaign(request: Request) -> Campaign:
    wiring = services_of(request).wiring
    return await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])


routes = [
    Route("/campaigns/{campaign_id}/again", show),
    Route("/campaigns/{campaign_id}/again", make, methods=["POST"]),
]
