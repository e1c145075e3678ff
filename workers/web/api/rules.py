"""A campaign's rules: as they are, changed, given anew, as they were, and back to that."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field, RootModel

from campaigns.rules_in_words import rules_in_words
from dialer.deeds import Did
from dialer.steering.changing_rules import changed_rules, given_rules_of, new_rules
from dialer.store import Campaign
from dialer.watching.previewing import preview
from workers.documents.rules import VersionDocument
from workers.web.api.campaigns import status_of
from workers.web.api.needs import Onlooker, Operator, Router, TheCampaign, TheServices
from workers.web.api.shapes import CampaignStatus, Open, Order, Whole
from workers.web.rules import refuse_unknown, rule_name
from workers.web.services import Services

router = Router("/campaigns/{campaign_id}/rules", "campaigns")

Given = dict[str, str | int | float | bool | list[str]]
DryRun = Annotated[bool, Query(description="Say what would change, and change nothing.")]


class RuleChanges(RootModel[Given]):
    """Rules by name, as the upload's fields are called; '' asks for the default again."""


class RulesOrder(Order):
    """All rules of a campaign anew."""

    rules: Given = Field(
        description="As `given` has them: what is not named has the account's default."
    )
    rules_version: Whole = Field(
        description="That these are based on; where it is not the newest any more, it is refused."
    )


class BackOrder(Order):
    """A version to go back to."""

    version: Whole
    rules_version: Whole = Field(description="The newest one, as far as the caller knows.")


class RulesDocument(BaseModel):
    """A campaign's rules."""

    campaign_id: str
    rules_version: int
    rules: dict[str, Any]
    rules_in_words: dict[str, str]
    given: dict[str, Any] = Field(description="Those that differ from the account's defaults.")


class RuleChangeDocument(BaseModel):
    """A rule that differs, in words."""

    rule: str
    before: str
    after: str


class Preview(Open):
    """What would change."""

    changes: list[RuleChangeDocument]
    attempts_other: int = Field(description="Waiting contacts with other attempts left.")
    sentences: list[str]


class VersionList(BaseModel):
    """The versions that are kept, the newest first."""

    items: list[VersionDocument]


@router.get("")
def campaign_rules(
    _visitor: Onlooker, services: TheServices, campaign: TheCampaign
) -> RulesDocument:
    """Tell a campaign's rules."""
    return RulesDocument(
        campaign_id=campaign.id,
        rules_version=campaign.rules_version,
        rules=campaign.rules.model_dump(mode="json"),
        rules_in_words=rules_in_words(campaign.rules),
        given=given_rules_of(services.wiring.settings, campaign.rules),
    )


@router.patch("", Did.RULES_CHANGED)
def change_rules(
    _visitor: Operator,
    services: TheServices,
    campaign: TheCampaign,
    changes: RuleChanges,
    dry_run: DryRun = False,
) -> CampaignStatus | Preview:
    """Change rules of a campaign that is not over; every call from then on is placed by them."""
    wiring, given = services.wiring, known_rules(changes.root)
    if dry_run:
        return _preview(services, campaign, changed_rules(wiring.settings, campaign.rules, given))
    wiring.changing_rules.change(campaign, given)
    return status_of(services, campaign)


@router.put("", Did.RULES_CHANGED)
def replace_rules(
    _visitor: Operator,
    services: TheServices,
    campaign: TheCampaign,
    order: RulesOrder,
    dry_run: DryRun = False,
) -> CampaignStatus | Preview:
    """Give all rules anew. Where somebody changed them meanwhile, the answer tells what differs."""
    wiring, given = services.wiring, known_rules(order.rules)
    if dry_run:
        wiring.changing_rules.check_based_on(campaign, order.rules_version)
        return _preview(services, campaign, new_rules(wiring.settings, given))
    wiring.changing_rules.replace(campaign, given, based_on=order.rules_version)
    return status_of(services, campaign)


@router.get("/versions")
def rule_versions(_visitor: Onlooker, services: TheServices, campaign: TheCampaign) -> VersionList:
    """List the rules as they were, with who made them so, and when."""
    found = services.wiring.changing_rules.versions(campaign)
    return VersionList(items=list(map(VersionDocument.of, found)))


@router.post("/back", Did.RULES_CHANGED)
def back_to_version(
    _visitor: Operator,
    services: TheServices,
    campaign: TheCampaign,
    order: BackOrder,
    dry_run: DryRun = False,
) -> CampaignStatus | Preview:
    """Make the rules of an earlier version the newest one. A start that is past is left out."""
    changing = services.wiring.changing_rules
    if dry_run:
        changing.check_based_on(campaign, order.rules_version)
        return _preview(services, campaign, changing.as_then(campaign, order.version))
    changing.go_back(campaign, order.version, based_on=order.rules_version)
    return status_of(services, campaign)


def known_rules(given: Given) -> dict[str, Any]:
    """Give rules by their own names; units may be left out.

    Raises:
        Problem: Naming those that are none.
    """
    refuse_unknown(given)
    return {rule_name(name) or "": value for name, value in given.items()}


def _preview(services: Services, campaign: Campaign, rules: Any) -> Preview:
    wiring = services.wiring
    wiring.changing_rules.check(campaign, rules)
    return Preview.model_validate(preview(wiring.db, wiring.statuses, campaign, rules).as_json())
