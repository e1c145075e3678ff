"""Who is called again: after which outcomes, how soon, how often."""

from enum import StrEnum
from functools import partial
from typing import Self

from pydantic import Field, model_validator

from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from campaigns.rules.declaring import Hurried, Panel, declared
from campaigns.rules.kinds import Retry, Seconds, SomeRules
from campaigns.sentence import told

_rule = partial(declared, Panel.RETRIES)


class UnknownPolicy(StrEnum):
    """What follows when quarantine ends and no call was found."""

    REDIAL = "redial_after_negative"  # nothing of the old attempt can be live any more
    SKIP = "skip"
    MANUAL = "manual"


class RetryRules(SomeRules):
    """How often a contact is called, and when again."""

    max_attempts: int = _rule(
        Field(3, ge=1, le=100),
        "Most attempts",
        "most attempts of a contact, the first included; those that never reached for "
        "the customer do not count",
        "N",
        "4",
        setting="DIALER_MAX_ATTEMPTS",
    )
    retry: tuple[Retry, ...] = _rule(
        Field(DEFAULT_RULES),
        "Retries",
        "after this outcome again in so long, so often; once for each outcome, the "
        "others keep theirs; a + after the delay lets it grow by as much each time, a * "
        "doubles it, x0 means never",
        "OUTCOME=DELAY[xN]",
        "customer_busy=5mx3",
        several=True,
        hurried=Hurried.SHRINKS,
    )
    min_gap_s: Seconds = _rule(
        Field(0, ge=0, le=30 * 86400),
        "Gap",
        "least time between two calls to one customer, of any campaign",
        "S",
        "2h",
        hurried=Hurried.SHRINKS,
    )
    unknown: UnknownPolicy = _rule(
        Field(UnknownPolicy.REDIAL),
        "If nobody knows",
        "what follows where nobody could find out whether a call was placed: it is "
        "dialled again once no call of it can be live, skipped, or left to an operator",
        "WORD",
        "manual",
        words=tuple(UnknownPolicy),
    )

    @model_validator(mode="after")
    def _names_each_outcome_once(self) -> Self:
        causes = [rule.cause for rule in self.retry]
        if len(set(causes)) < len(causes):
            raise ValueError(told("retry: name each outcome once"))
        return self


def with_retry(
    rules: tuple[RetryRule, ...], changed: tuple[RetryRule, ...]
) -> tuple[RetryRule, ...]:
    """Replace the rules of the outcomes named in `changed`, keep the others."""
    named = {rule.cause for rule in changed}
    return (*(rule for rule in rules if rule.cause not in named), *changed)
