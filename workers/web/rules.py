"""A campaign's rules from form fields; what is not given is taken from the settings.

Fields are named as the command's options, with underscores: `time_limit`, `max_attempts`, `retry`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from campaigns.campaign import CampaignRules, with_retry
from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from dialer.settings import Settings
from workers.web.problems import Problem


def default_rules(settings: Settings) -> dict[str, Any]:
    """Give the rules a campaign has where its owner says nothing."""
    return {
        "caller_id": settings.exotel_caller_id,
        "time_limit_s": settings.dialer_time_limit_s,
        "time_out_s": settings.dialer_time_out_s,
        "hours": settings.dialer_calling_hours,
        "timezone": settings.dialer_timezone,
        "max_attempts": settings.dialer_max_attempts,
        "wrap_up_s": settings.dialer_wrap_up_s,
    }


def is_rule(name: str) -> bool:
    """Tell whether a form field is a rule."""
    return _rule_name(name) is not None


def rules_from(settings: Settings, fields: Mapping[str, Sequence[str]]) -> CampaignRules:
    """Make the rules. An empty field stands for the default.

    Raises:
        Problem: Naming every field that is wrong.
    """
    given = {name: [one for one in values if one.strip()] for name, values in fields.items()}
    rules = default_rules(settings)
    rules |= {
        rule: values[-1].strip()
        for name, values in given.items()
        if values and (rule := _rule_name(name)) and rule != "retry"
    }
    if not rules["caller_id"]:
        raise _wrong([("caller_id", "give one, or set EXOTEL_CALLER_ID")])
    try:
        if retry := given.get("retry"):
            named = [one for line in retry for one in line.split()]
            rules["retry"] = with_retry(DEFAULT_RULES, tuple(map(RetryRule.parse, named)))
        return CampaignRules(**rules)
    except ValidationError as error:
        raise _wrong(list(_faults(error))) from None
    except ValueError as error:
        raise _wrong([("retry", str(error))]) from None


def _rule_name(name: str) -> str | None:
    known = CampaignRules.model_fields
    return next((one for one in (name, f"{name}_s") if one in known), None)


def _faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    for problem in error.errors():
        name = str(problem["loc"][0]).removesuffix("_s") if problem["loc"] else "rules"
        yield name, problem["msg"].removeprefix("Value error, ")


def _wrong(faults: list[tuple[str, str]]) -> Problem:
    return Problem(
        422,
        "invalid",
        "; ".join(f"{where}: {what}" for where, what in faults),
        faults=[{"where": where, "what": what} for where, what in faults],
    )
