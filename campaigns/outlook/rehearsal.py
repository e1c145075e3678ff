"""A campaign's rules on an accelerated clock: what is scaled, and what has to be left out.

Only calls can be made to pass faster, not the day: so pauses and delays shrink by the same
factor, and whatever hangs on the time of day or on midnight is left out, and said to be.
"""

from dataclasses import dataclass, replace
from typing import Any

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import RULES
from campaigns.dispositions import Disposition
from campaigns.hours.calling_hours import CallingHours
from campaigns.retry_policy import RetryRule
from campaigns.rules.declaring import Hurried


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Rules to rehearse by.

    Args:
        differences: From the campaign's own rules, a line each.
    """

    rules: CampaignRules
    differences: tuple[str, ...]


def rehearsed(rules: CampaignRules, *, speed: float) -> Rehearsal:
    """Scale a campaign's rules.

    Args:
        speed: Seconds that pass in one, above 0.
    """
    fields = CampaignRules.model_fields
    changed = {name: _hurried(name, getattr(rules, name), speed) for name in fields}
    scaled = rules.model_copy(update=changed | {"hours": CallingHours.parse("always")})
    return Rehearsal(scaled, tuple(_differences(rules, speed)))


def _hurried(name: str, value: Any, speed: float) -> Any:
    match RULES[name].hurried:
        case Hurried.STAYS:
            return value
        case Hurried.LEFT_OUT:
            return CampaignRules.model_fields[name].get_default(call_default_factory=True)
        case Hurried.SHRINKS if isinstance(value, tuple):
            return tuple(_scaled(one, speed) for one in value)
        case Hurried.SHRINKS:
            return _shrunk(value, speed)


def _scaled(rule: RetryRule | Disposition, speed: float) -> RetryRule | Disposition:
    if isinstance(rule, Disposition):
        return replace(rule, retry_s=_shrunk(rule.retry_s, speed))
    return replace(rule, delays_s=tuple(_shrunk(delay, speed) for delay in rule.delays_s))


def _shrunk(seconds: int, speed: float) -> int:
    """Shrink a pause; one that is there stays one."""
    return max(1, round(seconds / speed)) if seconds else 0


def _differences(rules: CampaignRules, speed: float) -> list[str]:
    told = [
        f"Ringing, talking, retry delays, wrap-up, gaps and parking pass {speed:g} times as fast.",
        f"Calling hours are left out ({rules.hours.in_words()}): it is always open.",
    ]
    if rules.starts_at or rules.ends_at:
        told.append("Start and end are left out: it starts at once and runs to its end.")
    if rules.has_daily_caps:
        told.append("Daily caps are left out: no midnight comes. `campaign plan` counts them.")
    return told
