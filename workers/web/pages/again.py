"""The form that makes a new list of those whom a campaign did not reach."""

import asyncio

from campaigns.campaign import LONGEST_NAME
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.reporting.again import FOR_GOOD, ends_of, wanted_ends
from workers.web import jobs
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import invalid
from workers.web.rules_form import plain_values
from workers.web.uploads import Upload

pages = Pages()


@pages.get("/campaigns/{campaign_id}/again", Scope.UPLOAD, Scope.READ)
def show(asked: Asked) -> Answer:
    """Ask whom, and under which name."""
    campaign = asked.campaign
    return page(
        "again.html",
        campaign=campaign,
        ends=ends_of(asked.wiring.campaigns.counts(campaign.id)),
        for_good=FOR_GOOD,
        name=f"{campaign.name[: LONGEST_NAME - 6]} again",
        longest_name=LONGEST_NAME,
    )


@pages.post("/campaigns/{campaign_id}/again", Scope.UPLOAD, Scope.READ, does=Did.LIST_REVIEWED)
async def make(asked: Asked) -> Answer:
    """Write them as a list, and have it judged as an upload is, with the campaign's rules."""
    campaign, services, wiring = asked.campaign, asked.services, asked.wiring
    if "end" not in asked.fields:
        raise invalid(told("Choose at least one end of the contacts to be called again."))
    counts = await asyncio.to_thread(wiring.campaigns.counts, campaign.id)
    ends = wanted_ends(counts, asked.fields["end"])
    begun = await asyncio.to_thread(wiring.templates.of_campaign, campaign.id)
    exported = await services.work(jobs.export_again, campaign.id, services.uploads_dir, ends=ends)
    fields = {rule: [value] for rule, value in plain_values(begun).items()}
    fields |= {"name": [asked.form.get("name", "")], "tag": list(campaign.tags)}
    upload = Upload(exported, f"{campaign.name}, again.csv", fields)
    try:
        review = services.reviews.open(upload, fields)
    finally:
        exported.unlink(missing_ok=True)  # where it was not taken
    return to(f"/imports/{review.id}")
