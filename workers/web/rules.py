"""A campaign's rules from form fields, named as the command's options with underscores:
`time_limit`, `max_attempts`, `retry`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.campaign import CampaignRules
from dialer.changing_rules import HOLIDAYS

_SEVERAL = frozenset({"retry", "country_calls_per_day"})


def rule_name(field: str) -> str | None:
    """Tell which rule a form field is; None when it is none. Units may be left out."""
    known = (*CampaignRules.model_fields, HOLIDAYS)
    return next((one for one in (field, f"{field}_s") if one in known), None)


def given_rules(fields: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Give the rules among some form fields, as text; an empty field was not given."""
    given: dict[str, Any] = {}
    for field, values in fields.items():
        filled = [one.strip() for one in values if one.strip()]
        rule = rule_name(field)
        if rule is None or not filled:
            continue
        given[rule] = " ".join(filled).split() if rule in _SEVERAL else filled[-1]
    return given
