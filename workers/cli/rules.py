"""The options that set a campaign's rules, the same for every command that takes them."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import HOLIDAYS, RULES, default_text, is_yes_or_no, written_name
from campaigns.hours.holiday_dates import parse_holiday_dates
from dialer.settings import Settings
from dialer.steering.changing_rules import RulesRefused, new_rules
from workers.cli.faults import WrongUse
from workers.cli.shared_options import shares

GivenRules = dict[str, Any]
"""What was given, by the names of `CampaignRules`; '' asks for the default again."""


def _parameter(rule: str) -> inspect.Parameter:
    """Make the command's parameter of a rule."""
    declared = RULES[rule]
    kind: Any = list[str] if declared.several else bool if is_yes_or_no(rule) else str
    metavar = "FILE|DATES" if rule == HOLIDAYS else "|".join(declared.words) or declared.shape
    such_as = "" if declared.words or kind is bool else f" Such as: {declared.example}"
    option = typer.Option(
        metavar=metavar or None,
        help=f"{declared.help[0].upper()}{declared.help[1:]}.{such_as}",
        show_default=default_text(rule) or False,
        rich_help_panel=declared.panel,
    )
    return inspect.Parameter(
        written_name(rule),
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def campaign_rules(settings: Settings, given: Mapping[str, Any]) -> CampaignRules:
    """Make the rules of a new campaign; what is not given is taken from the settings.

    Raises:
        WrongUse: Naming every option that is wrong.
    """
    try:
        return new_rules(settings, given)
    except RulesRefused as error:
        raise wrong_options(error) from None


def wrong_options(refused: RulesRefused) -> WrongUse:
    """Name the options of the rules that were refused."""
    lines = []
    for fault in refused.faults:
        option = written_name(fault.rule).replace("_", "-")
        lines.append(f"--{option}: {fault.message}" if option else fault.message)
    return WrongUse("; ".join(lines))


def _tidied(options: Mapping[str, Any]) -> GivenRules:
    """Leave out what was not given, and read the file of days off."""
    given = {rule: options[written_name(rule)] for rule in RULES}
    tidied = {
        rule: "" if value == [""] else value
        for rule, value in given.items()
        if value not in (None, [])
    }
    if days_off := tidied.get(HOLIDAYS):
        tidied[HOLIDAYS] = _days_off(days_off)
    return tidied


def _days_off(text: str) -> str:
    file = Path(text)
    if not file.is_file():
        if file.suffix:
            raise WrongUse(f"--holidays {text}: there is no such file")
        return text
    try:
        with file.open(encoding="utf-8-sig") as lines:
            dates = parse_holiday_dates(lines)
    except (ValueError, OSError) as error:
        raise WrongUse(f"--holidays {text}: {error}") from None
    return ",".join(str(date) for date in sorted(dates))


takes_rules = shares("given", [_parameter(rule) for rule in RULES], _tidied)
"""Give a command the options of all rules; it gets what was given as `given`."""
