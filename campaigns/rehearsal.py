"""A campaign's rules on an accelerated clock: what is scaled, and what has to be left out.

Only calls can be made to pass faster, not the day: so pauses and delays shrink by the same
factor, and whatever hangs on the time of day or on midnight is left out, and said to be.
"""

from dataclasses import dataclass, replace

from campaigns.calling_hours import CallingHours
from campaigns.campaign import CampaignRules
from campaigns.retry_policy import RetryRule


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
    scaled = rules.model_copy(
        update={
            "hours": CallingHours.parse("always"),
            "retry": tuple(_scaled(rule, speed) for rule in rules.retry),
            "wrap_up_s": _shrunk(rules.wrap_up_s, speed),
            "min_gap_s": _shrunk(rules.min_gap_s, speed),
            "park_s": _shrunk(rules.park_s, speed),
            "starts_at": None,
            "ends_at": None,
            "max_calls_per_number": 0,
            "max_calls_per_day": 0,
            "max_spend_per_day": 0.0,
            "country_calls_per_day": {},
        }
    )
    return Rehearsal(scaled, tuple(_differences(rules, speed)))


def _scaled(rule: RetryRule, speed: float) -> RetryRule:
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
