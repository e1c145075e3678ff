"""The page of a campaign's rules: as they are, what a change would mean, and as they were."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import RULES
from campaigns.rule_changes import RuleChange, changes_in_words
from campaigns.rules_in_words import rules_in_words
from dialer.access.api_keys import Scope
from dialer.steering.changing_rules import (
    RuleFault,
    RulesChanged,
    RulesRefused,
    default_rules,
    new_rules,
)
from dialer.store import Campaign
from dialer.store.rule_versions import RULES_MAY_CHANGE, RuleVersion
from dialer.watching.previewing import Preview, preview
from workers.web.choosing import services_of
from workers.web.pages.rendering import digits_in, renderer_of, require, whole_form
from workers.web.rules import rule_fields
from workers.web.rules_form import CAUSES, MOST_FIELDS, read_form, values_of, week
from workers.wiring import Wiring


@dataclass(frozen=True, slots=True)
class _Change:
    """A form that was sent, or a version to go back to.

    Args:
        values: Of its fields.
        shown: What it would change; None where that is not known.
        faults: Why it cannot be.
        conflict: Somebody else changed the rules since the form was shown.
    """

    values: dict[str, str]
    shown: Preview | None = None
    faults: tuple[RuleFault, ...] = ()
    conflict: RulesChanged | None = None


async def show(request: Request) -> Response:
    """Show the form, with the rules as they are, or as they were in an earlier version."""
    require(request, Scope.READ_MASKED)
    campaign, wiring = await _campaign(request), services_of(request).wiring
    version = int(digits_in(request.query_params.get("version", "")) or 0)
    if version and version != campaign.rules_version:
        change = await asyncio.to_thread(_back, wiring, campaign, version)
    else:
        change = _Change(values_of(wiring.settings, campaign.rules))
    return await _page(request, campaign, change, back_to=version)


async def save(request: Request) -> Response:
    """Say what the form would change, or save it."""
    fields = await whole_form(request, Scope.OPERATE, most=MOST_FIELDS)
    require(request, Scope.READ)  # to whom numbers are masked, the form shows them so
    campaign, wiring = await _campaign(request), services_of(request).wiring
    saves = "".join(fields.pop("do", [])) == "save"
    based_on = int(digits_in("".join(fields.pop("rules_version", []))) or 0)
    change = await asyncio.to_thread(_changed, wiring, campaign, fields, based_on, saves=saves)
    if change is None:
        return RedirectResponse(f"/campaigns/{campaign.id}/rules?saved=yes", status_code=303)
    return await _page(request, campaign, change)


def _changed(
    wiring: Wiring,
    campaign: Campaign,
    fields: dict[str, list[str]],
    based_on: int,
    *,
    saves: bool,
) -> _Change | None:
    """Save what was sent, or tell why not, or what it would change; None: it is saved."""
    values = {name: texts[-1] for name, texts in fields.items()}
    conflict = None
    try:
        given, values = read_form(fields)
        rules = new_rules(wiring.settings, given)
        try:
            wiring.changing_rules.check_based_on(campaign, based_on)
            if saves:
                wiring.changing_rules.put(campaign, rules)
                return None
        except RulesChanged as error:
            conflict = error
        return _Change(values, _previewed(wiring, campaign, rules), conflict=conflict)
    except RulesRefused as error:
        return _Change(values, faults=error.faults)


def _back(wiring: Wiring, campaign: Campaign, version: int) -> _Change:
    rules = wiring.changing_rules.as_then(campaign, version)
    return _Change(values_of(wiring.settings, rules), _previewed(wiring, campaign, rules))


def _previewed(wiring: Wiring, campaign: Campaign, rules: CampaignRules) -> Preview:
    wiring.changing_rules.check(campaign, rules)
    return preview(wiring.db, wiring.statuses, campaign, rules)


async def _page(
    request: Request, campaign: Campaign, change: _Change, *, back_to: int = 0
) -> Response:
    wiring = services_of(request).wiring
    versions = await asyncio.to_thread(wiring.changing_rules.versions, campaign)
    return await renderer_of(request).page(
        request,
        "rules.html",
        status_code=409 if change.conflict else 422 if change.faults else 200,
        campaign=campaign,
        zone=campaign.rules.zone,
        may_change=campaign.state in RULES_MAY_CHANGE,
        rules=rules_in_words(campaign.rules),
        change=change,
        back_to=back_to,
        is_saved=request.query_params.get("saved") == "yes" and not change.shown,
        versions=list(_told(versions)),
        **form_context(wiring, change.values),
        faults=told_faults(change.faults),
    )


def form_context(wiring: Wiring, values: dict[str, str]) -> dict[str, Any]:
    """Give what the fields of the form are made from."""
    return {
        "fields": rule_fields(default_rules(wiring.settings)),
        "values": values,
        "week": week(values),
        "causes": CAUSES,
    }


def told_faults(faults: tuple[RuleFault, ...]) -> list[tuple[str, str]]:
    """Name what is wrong as the form names it."""
    return [
        (RULES[one.rule].label if one.rule in RULES else one.rule, one.message) for one in faults
    ]


def _told(found: list[RuleVersion]) -> Any:
    """Give each version with what it changed; nothing is known of what the last one did."""
    for one, before in zip(found, [*found[1:], None], strict=True):
        changes: list[RuleChange] = changes_in_words(before.rules, one.rules) if before else []
        yield one, changes


async def _campaign(request: Request) -> Campaign:
    wiring = services_of(request).wiring
    return await asyncio.to_thread(wiring.campaigns.find, request.path_params["campaign_id"])


routes = [
    Route("/campaigns/{campaign_id}/rules", show),
    Route("/campaigns/{campaign_id}/rules", save, methods=["POST"]),
]
