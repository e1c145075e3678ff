"""A new campaign of those whom another one did not reach."""

import asyncio

from pydantic import Field

from campaigns.campaign import LONGEST_NAME
from campaigns.lists.sieve import Dedupe
from campaigns.tags import MOST_TAGS, tags_of
from dialer.access.api_keys import Scope
from dialer.deeds import Did, tell
from dialer.loading.loading import LoadOptions
from dialer.reporting.again import wanted_ends
from dialer.steering.changing_rules import new_rules
from workers.web import jobs
from workers.web.api.needs import Router, TheCampaign, TheServices, Uploader
from workers.web.api.rules import Given, known_rules
from workers.web.api.shapes import LoadDocument, Order, Truth
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
    wiring, settings = services.wiring, services.settings_apart
    check_name(order.name)
    begun = await asyncio.to_thread(wiring.templates.of_campaign, campaign.id)
    rules = new_rules(wiring.settings, begun | known_rules(order.rules))
    counts = await asyncio.to_thread(wiring.campaigns.counts, campaign.id)
    ends = wanted_ends(counts, order.ends)
    services.uploads_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    exported = await services.apart.run(
        jobs.export_again, _ignore, settings, campaign.id, services.uploads_dir, ends=ends
    )
    file = jobs.ListFile(exported, LoadOptions(dedupe=order.dedupe, tags=tags_of(order.tags)))
    try:
        if order.dry_run:
            done = await services.apart.run(
                jobs.check_list, _ignore, settings, file, rules, jobs.NOWHERE
            )
            tell(what=Did.LIST_REVIEWED, after={"dry_run": True})
        else:
            done = await services.apart.run(
                jobs.load_list,
                _ignore,
                settings,
                file,
                rules,
                order.name,
                may_start=visitor.may(Scope.OPERATE),
            )
            jobs.tell_loaded(done)
    finally:
        exported.unlink(missing_ok=True)
    return LoadDocument.model_validate(done)


def _ignore(_share_done: float) -> None:
    """Programs wait; only people look at progress."""
