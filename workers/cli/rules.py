"""A campaign's rules from options; what is not given is taken from the settings."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from campaigns.campaign import CampaignRules, with_retry
from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from dialer.settings import Settings
from workers.cli.faults import WrongUse


def campaign_rules(settings: Settings, *, retry: Sequence[str] = (), **given: Any) -> CampaignRules:
    """Make the rules.

    Args:
        retry: As `RetryRule.parse` reads them; the other outcomes keep their defaults.
        given: Fields of `CampaignRules`; None stands for the default.

    Raises:
        WrongUse: One line per option that is wrong.
    """
    fields = _defaults(settings) | {
        name: value for name, value in given.items() if value is not None
    }
    if not fields["caller_id"]:
        raise WrongUse("no caller id: give --caller-id, or set EXOTEL_CALLER_ID")
    try:
        if retry:
            fields["retry"] = with_retry(DEFAULT_RULES, tuple(map(RetryRule.parse, retry)))
        return CampaignRules(**fields)
    except ValidationError as error:
        raise WrongUse("; ".join(map(_option_line, error.errors()))) from None
    except ValueError as error:
        raise WrongUse(f"--retry: {error}") from None


def _defaults(settings: Settings) -> dict[str, Any]:
    return {
        "caller_id": settings.exotel_caller_id,
        "time_limit_s": settings.dialer_time_limit_s,
        "time_out_s": settings.dialer_time_out_s,
        "hours": settings.dialer_calling_hours,
        "timezone": settings.dialer_timezone,
        "max_attempts": settings.dialer_max_attempts,
        "wrap_up_s": settings.dialer_wrap_up_s,
    }


def _option_line(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "must be").replace("Value should have", "needs")
    if not problem["loc"]:
        return message
    name = str(problem["loc"][0]).removesuffix("_s").replace("_", "-")
    return f"--{name}: {message[0].lower() + message[1:]}, not {problem['input']!r}"
