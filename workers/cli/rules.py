"""The options that set a campaign's rules, the same for every command that takes them."""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import HOLIDAYS, RULES, default_text, is_yes_or_no, written_name
from campaigns.hours.holiday_dates import parse_holiday_dates
from dialer.settings import Settings
from dialer.steering.changing_rules import RulesRefused, new_rules
from workers.cli.faults import WrongUse

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


def takes_rules(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all rules; it gets what was given as `given`."""
    own = [one for one in inspect.signature(command).parameters.values() if one.name != "given"]

    @functools.wraps(command)
    def with_rules(**values: Any) -> None:
        given = {rule: values.pop(written_name(rule)) for rule in RULES}
        command(**values, given=_tidied(given))

    parameters = [*own, *map(_parameter, RULES)]
    # Typer reads the signature and nothing else
    with_rules.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_rules.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_rules


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


def _tidied(given: Mapping[str, Any]) -> GivenRules:
    """Leave out what was not given, and read the file of days off."""
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
