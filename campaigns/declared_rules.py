"""Every rule that may be given, as it declares itself: for the command line, forms, API and docs."""

from campaigns.campaign_rules import CampaignRules
from campaigns.rules.declaring import Panel, Rule

HOLIDAYS = "holidays"
"""May be given beside the rules: days off, such as `2026-01-26,IN-MH`, added to the hours."""

_HOLIDAYS = Rule(
    Panel.WHEN,
    "Days off",
    "days off, added to the hours: dates, countries or states with commas between",
    "DATES",
    "2026-12-25,IN-MH",
)


def _declared() -> dict[str, Rule]:
    found = {
        name: one
        for name, field in CampaignRules.model_fields.items()
        for one in field.metadata
        if isinstance(one, Rule)
    }
    found[HOLIDAYS] = _HOLIDAYS
    return dict(sorted(found.items(), key=lambda one: [*Panel].index(one[1].panel)))


RULES = _declared()
"""By name, panel by panel."""


def written_name(rule: str) -> str:
    """Name a rule as people write it: units stand in what is told of it."""
    return rule.removesuffix("_s")


def is_yes_or_no(rule: str) -> bool:
    """Tell whether it is a question and no value."""
    return (
        rule in CampaignRules.model_fields and CampaignRules.model_fields[rule].annotation is bool
    )


def default_text(rule: str) -> str:
    """Write what holds where nothing is given: a setting's name, or a value; '' where nothing does."""
    if RULES[rule].setting or rule == HOLIDAYS:
        return RULES[rule].setting
    match CampaignRules.model_fields[rule].get_default(call_default_factory=True):
        case bool(value):
            return "yes" if value else "no"
        case str(value):
            return str(value)
        case int() | float() as number:
            return f"{number:g}"
        case _:
            return ""
