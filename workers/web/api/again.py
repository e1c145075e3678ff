"""A new campaign of those whom another one did not reach."""

import asyncio

from pydantic import Field

from campaigns.campaign import LONGEST_NAME
from campaigns.lists.sieve import Dedupe
from campaigns.tags import MOST_TAGS, tags_of
from dialer.deeds import Did
from dialer.loading.loading import LoadOptions
from dialer.reporting.again import wanted_ends
from dialer.steering.changing_rules import new_rules
from workers.documents.loads import LoadDocument
from workers.web import jobs
from workers.web.api.campaigns import load_or_judge
from workers.web.api.needs import Router, TheCampaign, TheServices, Uploader
from workers.web.api.rules import Given, known_rules
from workers.web.api.shapes import Order, Truth
from workers.web.lists import check_name

router = Router("/campaigns/{campaign_id}/again", "campaigns")


class AgainOrder(Order):
    """Who is to be called again, and how."""

    name: str = Field(max_length=LONGEST_NAME, description="Of the new campaign.")
    ends: list[str] = Field(
        default_factory=list,
        description="Of the contacts that are taken, as `outcomes` names them; empty: all that "
        "mean that nobody was reached.",
    )
    rules: Given = Field(
        default_factory=dict, description="Others than the campaign's, which are taken over."
    )
    tags: list[str] = Field(default_factory=list, max_length=MOST_TAGS)
    dedupe: Dedupe = Dedupe.ACTIVE
    dry_run: Truth = False


@router.post("", Did.LIST_LOADED, status_code=201)
async def call_again(
    visitor: Uploader, services: TheServices, campaign: TheCampaign, order: AgainOrder
) -> LoadDocument:
    """Load those who were not reached as a new campaign, with this one's rules.

    Each row's `contact_id` names where it came from. Starting it is asked for by itself.
    """
    wiring = services.wiring
    check_name(order.name)
    begun = await asyncio.to_thread(wiring.templates.of_campaign, campaign.id)
    rules = new_rules(wiring.settings, begun | known_rules(order.rules))
    counts = await asyncio.to_thread(wiring.campaigns.counts, campaign.id)
    ends = wanted_ends(counts, order.ends)
    exported = await services.work(jobs.export_again, campaign.id, services.uploads_dir, ends=ends)
    file = jobs.ListFile(exported, LoadOptions(dedupe=order.dedupe, tags=tags_of(order.tags)))
    name = "" if order.dry_run else order.name
    try:
        done = await load_or_judge(services, visitor, file, rules, name)
    finally:
        exported.unlink(missing_ok=True)
    return LoadDocument.model_validate(done)
