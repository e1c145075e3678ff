"""What differs between two sets of rules, and rules as somebody would give them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import RULES
from campaigns.hours.calling_hours import CallingHours
from campaigns.retry_policy import RetryRule
from campaigns.rules_in_words import (
    disposition_in_words,
    instant_in_words,
    retry_in_words,
    span_in_words,
)
from campaigns.sentence import joined, told

ONCE = frozenset({"starts_at", "ends_at"})
"""Rules that name an instant: what is made in the image of a campaign does not take them over."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that differs; before and after in words."""

    rule: str
    label: str
    before: str
    after: str


def changes_in_words(before: CampaignRules, after: CampaignRules) -> list[RuleChange]:
    """Say each rule that differs."""
    return [
        RuleChange(name, rule.label, *_apart(name, before, after))
        for name, rule in RULES.items()
        if name in CampaignRules.model_fields and _meaning(name, before) != _meaning(name, after)
    ]


def mean_the_same(one: CampaignRules, other: CampaignRules) -> bool:
    """Tell whether calls are placed in the same way by both: the order of retries says nothing."""
    return all(_meaning(name, one) == _meaning(name, other) for name in CampaignRules.model_fields)


def as_given(rules: CampaignRules, defaults: CampaignRules) -> dict[str, Any]:
    """Write rules as somebody would give them: those that differ from the defaults, as text.

    Made again from it they mean the same.
    """
    given: dict[str, Any] = {}
    for name in CampaignRules.model_fields:
        if _meaning(name, rules) != _meaning(name, defaults):
            given[name] = _written(name, rules, defaults)
    return given


def _meaning(name: str, rules: CampaignRules) -> Any:
    value = getattr(rules, name)
    if name == "retry":
        return {one.cause: one for one in value if one.times != 0}
    return value


def _apart(name: str, before: CampaignRules, after: CampaignRules) -> tuple[str, str]:
    """Say one rule of both; of retries those that differ."""
    if name != "retry":
        return _in_words(name, before), _in_words(name, after)
    old, new = _meaning(name, before), _meaning(name, after)
    causes = [cause for cause in {**old, **new} if old.get(cause) != new.get(cause)]
    was, will_be = (
        joined("; ", (retry_in_words(side.get(one) or RetryRule(one, (0,), 0)) for one in causes))
        for side in (old, new)
    )
    return was, will_be


def _in_words(name: str, rules: CampaignRules) -> str:
    match getattr(rules, name):
        case bool(value):
            return told("yes") if value else told("no")
        case CallingHours() as hours:
            return hours.in_words()
        case datetime() as at:
            return instant_in_words(at, rules)
        case int(seconds) if RULES[name].shape == "S":
            return span_in_words(seconds)
        case int() | float() as number:
            return f"{number:,g}" if number or name == "priority" else told("none")
        case tuple() as words:
            return joined(", ", map(disposition_in_words, words)) or told("none")
        case dict() as caps:
            return ", ".join(f"{one} {most:,}" for one, most in sorted(caps.items())) or told(
                "none"
            )
        case value:
            return told(str(value).replace("_", " ")) if value else told("none")


def _written(name: str, rules: CampaignRules, defaults: CampaignRules) -> Any:
    match getattr(rules, name):
        case bool(value):
            return "yes" if value else "no"
        case datetime() as at:
            return _local(at, rules.zone)
        case dict() as caps:
            return [f"{country}={most}" for country, most in sorted(caps.items())]
        case tuple() as several:
            return _retries(several, defaults) if name == "retry" else [str(one) for one in several]
        case None:
            return ""
        case value:
            return str(value)


def _retries(rules: tuple[RetryRule, ...], defaults: CampaignRules) -> list[str]:
    given = {one.cause: one for one in rules}
    usual = {one.cause: one for one in defaults.retry}
    return [
        written_retry(given.get(cause) or RetryRule(cause, (0,), 0))
        for cause in {**usual, **given}
        if given.get(cause) != usual.get(cause)
    ]


def written_retry(rule: RetryRule) -> str:
    """Write a retry as people do: `customer_busy=5mx3`."""
    times = "" if rule.times is None else f"x{rule.times}"
    return f"{rule.cause}={written_delays(rule)}{times}"


def written_delays(rule: RetryRule) -> str:
    """Write the delays of a retry, with what lets them grow."""
    return ",".join(map(written_span, rule.delays_s)) + rule.backoff.sign


def written_span(seconds: int) -> str:
    """Write a duration in its largest unit: `90s`, `5m`, `2h`, `1d`."""
    for unit, length_s in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length_s == 0:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"


def _local(at: datetime, zone: ZoneInfo) -> str:
    """Write an instant in the campaign's zone, with its offset where a clock shows it twice."""
    local = at.astimezone(zone)
    plain = local.replace(tzinfo=None)
    whole = "minutes" if not (plain.second or plain.microsecond) else "auto"
    is_clear = plain.replace(tzinfo=zone) == at
    return (plain if is_clear else local).isoformat(timespec=whole)
