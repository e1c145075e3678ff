"""The page of a campaign's rules: as they are, what a change would mean, and as they were."""

from dataclasses import dataclass
from typing import Any

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import RULES
from campaigns.rule_changes import RuleChange, changes_in_words
from campaigns.rules_in_words import rules_in_words
from dialer.access.api_keys import Scope
from dialer.deeds import Did
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
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.pages.rendering import digits_in
from workers.web.rules import rule_fields
from workers.web.rules_form import CAUSES, MOST_FIELDS, read_form, values_of, week
from workers.wiring import Wiring

pages = Pages()


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


@pages.get("/campaigns/{campaign_id}/rules", Scope.READ_MASKED)
def show(asked: Asked) -> Answer:
    """Show the form, with the rules as they are, or as they were in an earlier version."""
    campaign, wiring = asked.campaign, asked.wiring
    version = int(digits_in(asked.query("version")) or 0)
    if version and version != campaign.rules_version:
        return _page(asked, _back(wiring, campaign, version), back_to=version)
    return _page(asked, _Change(values_of(wiring.settings, campaign.rules)), back_to=version)


# to whom numbers are masked, the form shows them so: it is not theirs to send
@pages.post(
    "/campaigns/{campaign_id}/rules",
    Scope.OPERATE,
    Scope.READ,
    does=Did.RULES_CHANGED,
    most=MOST_FIELDS,
)
def save(asked: Asked) -> Answer:
    """Say what the form would change, or save it."""
    fields, campaign = dict(asked.fields), asked.campaign
    saves = "".join(fields.pop("do", [])) == "save"
    based_on = int(digits_in("".join(fields.pop("rules_version", []))) or 0)
    change = _changed(asked.wiring, campaign, fields, based_on, saves=saves)
    if change is None:
        return to(f"/campaigns/{campaign.id}/rules?saved=yes")
    return _page(asked, change)


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


def _page(asked: Asked, change: _Change, *, back_to: int = 0) -> Answer:
    wiring, campaign = asked.wiring, asked.campaign
    return page(
        "rules.html",
        status_code=409 if change.conflict else 422 if change.faults else 200,
        campaign=campaign,
        zone=campaign.rules.zone,
        may_change=campaign.state in RULES_MAY_CHANGE,
        rules=rules_in_words(campaign.rules),
        change=change,
        back_to=back_to,
        is_saved=asked.query("saved") == "yes" and not change.shown,
        versions=list(_told(wiring.changing_rules.versions(campaign))),
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
