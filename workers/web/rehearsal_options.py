"""A rehearsal's command line: rules as its options, and what of the settings it is handed."""

from collections.abc import Iterator, Mapping
from typing import Any

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import RULES, is_yes_or_no
from campaigns.lists.agents_list import write_agents
from dialer.clean_environment import clean_environment
from dialer.settings import Settings
from workers.web.lists import YES
from workers.wiring import Wiring

MOST_ROWS = 10_000
# what decides how rows are judged and paced; no secret of the account is in it
_TAKEN_OVER = (
    *("exotel_caller_id", "exotel_rate_limit", "exotel_rate_window_s"),
    *("exotel_max_concurrent_calls", "dialer_allowed_countries", "dialer_default_country"),
    *("dialer_allowed_caller_ids", "dialer_allowed_url_hosts"),
    *("dialer_max_time_limit_s", "dialer_max_attempts_allowed"),
    *("dialer_calling_hours", "dialer_timezone", "dialer_max_attempts"),
    *("dialer_time_limit_s", "dialer_time_out_s", "dialer_wrap_up_s"),
)


def agents_of(wiring: Wiring) -> str:
    """Write the registered agents as a list; '' = there are none."""
    agents = wiring.registry.all()
    return "".join(write_agents(agents)) if agents else ""


def options_of(rules: CampaignRules) -> list[str]:
    """Write a campaign's rules as options; a rehearsal starts at once and has no end."""
    dumped = rules.model_dump(mode="json", exclude={"starts_at", "ends_at"})
    return list(rule_options({name: _given(dumped.get(name)) for name in RULES}))


def _given(value: Any) -> Any:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return [f"{name}={one}" for name, one in value.items()]
        case list():
            return value
        case None:
            return ""
        case _:
            return str(value)


def rule_options(given: Mapping[str, Any]) -> Iterator[str]:
    """Write rules as options; what is empty was not given."""
    for rule, value in given.items():
        if not value:
            continue
        option = dashed(rule.removesuffix("_s"))
        if is_yes_or_no(rule):
            is_on = value.lower() in YES
            yield f"--{option}" if is_on else f"--no-{option}"
        elif isinstance(value, list):
            yield from (f"--{option}={each}" for each in value)
        else:
            yield f"--{option}={value}"


def dashed(name: str) -> str:
    """Name an option as the command line does."""
    return name.replace("_", "-")


def environment(settings: Settings) -> dict[str, str]:
    """Give the child what it needs; what it prints is read as plain UTF-8."""
    given = {name.upper(): _text(getattr(settings, name)) for name in _TAKEN_OVER}
    return clean_environment({**given, "PYTHONUTF8": "1"})


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
