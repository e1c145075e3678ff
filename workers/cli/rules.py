"""The options that set a campaign's rules, the same for every command that takes them."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.campaign import CampaignRules, UnknownPolicy, ZoneBy
from campaigns.holiday_dates import parse_holiday_dates
from dialer.changing_rules import HOLIDAYS, RulesRefused, new_rules
from dialer.exotel.request import PlaybackTo, RecordingChannels, RecordingFormat, StreamBegin
from dialer.settings import Settings
from workers.cli.faults import WrongUse

_WHEN, _RETRIES, _AGENTS = "When", "Retries", "Agents and turns"
_CAPS, _CALL = "Caps", "The call"
_SPAN = "S"  # seconds; 30s, 5m, 2h and 1d are understood too

GivenRules = dict[str, Any]
"""What was given, by the names of `CampaignRules`; '' asks for the default again."""


@dataclass(frozen=True, slots=True)
class _RuleOption:
    """An option of a rule.

    Args:
        rule: A field of `CampaignRules`, or `holidays`.
        default: What help shows; a setting's name, or a value.
    """

    rule: str
    panel: str
    metavar: str
    help: str
    default: str = ""
    kind: Any = str

    @property
    def name(self) -> str:
        """The option's name as Python has it: units stand in its metavar."""
        return self.rule.removesuffix("_s")

    def parameter(self) -> inspect.Parameter:
        """Make the command's parameter."""
        option = typer.Option(
            metavar=None if self.kind is bool else self.metavar,
            help=self.help,
            show_default=self.default or False,
            rich_help_panel=self.panel,
        )
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[self.kind | None, option],
        )


_OPTIONS = (
    _RuleOption(
        "hours",
        _WHEN,
        "HOURS",
        "When calls may be placed: 09:00-21:00, 'mon-fri 10:00-13:00,14:00-18:00; sat 10:00-14:00', "
        "or india, india-recovery, always.",
        "DIALER_CALLING_HOURS",
    ),
    _RuleOption("timezone", _WHEN, "TZ", "IANA zone of the hours.", "DIALER_TIMEZONE"),
    _RuleOption(
        "zone_by",
        _WHEN,
        "|".join(ZoneBy),
        "Whose time the hours mean where a row names no zone: the campaign's, or the one the "
        "customer's number belongs to.",
        ZoneBy.CAMPAIGN,
    ),
    _RuleOption(
        HOLIDAYS,
        _WHEN,
        "FILE|DATES",
        "Days off, added to the hours: a file with a date a line, or 2026-01-26,IN,IN-MH.",
    ),
    _RuleOption("starts_at", _WHEN, "TIME", "Start by itself then: 2026-11-24T09:00."),
    _RuleOption(
        "ends_at", _WHEN, "TIME", "No call from then on; who still waits is closed as ended."
    ),
    _RuleOption(
        "max_attempts",
        _RETRIES,
        "N",
        "Most attempts a contact, the first included; those that never reached for the customer "
        "do not count.",
        "DIALER_MAX_ATTEMPTS",
    ),
    _RuleOption(
        "retry",
        _RETRIES,
        "OUTCOME=DELAY[xN]",
        "After this outcome again in DELAY, at most N times: customer_busy=5mx3, "
        "customer_no_answer=30m,2h,1d, machine=1h. A + after the delay lets it grow by as much "
        "each time, a * doubles it, x0 means never. Once for each outcome; the others keep theirs.",
        kind=list[str],
    ),
    _RuleOption("min_gap_s", _RETRIES, _SPAN, "Least time between two calls to a customer.", "0"),
    _RuleOption(
        "unknown",
        _RETRIES,
        "|".join(UnknownPolicy),
        "What follows where nobody could find out whether a call was placed.",
        UnknownPolicy.REDIAL,
    ),
    _RuleOption("wrap_up_s", _AGENTS, _SPAN, "An agent's rest after a call.", "DIALER_WRAP_UP_S"),
    _RuleOption(
        "park_after",
        _AGENTS,
        "N",
        "Leave an agent alone who missed so many calls in a row; 0: never.",
        "5",
    ),
    _RuleOption("park_s", _AGENTS, _SPAN, "For how long.", "300"),
    _RuleOption("priority", _AGENTS, "N", "-99 … 99; the higher campaign goes first.", "0"),
    _RuleOption("weight", _AGENTS, "W", "Share of turns among equal priorities.", "1"),
    _RuleOption("max_calls_per_day", _CAPS, "N", "Of the campaign; 0: no cap.", "0"),
    _RuleOption(
        "max_spend_per_day",
        _CAPS,
        "MONEY",
        "Each call sets aside its price at the time limit; 0: no cap.",
        "0",
    ),
    _RuleOption("price_per_min", _CAPS, "MONEY", "What a minute costs."),
    _RuleOption(
        "max_calls_per_number",
        _CAPS,
        "N",
        "A day to one customer, over all campaigns that set this; 0: no cap.",
        "0",
    ),
    _RuleOption(
        "country_calls_per_day",
        _CAPS,
        "CC=N",
        "A day to a country: AE=50. Once for each country.",
        kind=list[str],
    ),
    _RuleOption(
        "max_concurrent_calls",
        _CAPS,
        "N",
        "Of the campaign at once, two channels each; 0: no cap.",
        "0",
    ),
    _RuleOption(
        "caller_id", _CALL, "NUMBER", "The ExoPhone shown to both sides.", "EXOTEL_CALLER_ID"
    ),
    _RuleOption("time_limit_s", _CALL, _SPAN, "Longest call, 1–14400 s.", "DIALER_TIME_LIMIT_S"),
    _RuleOption("time_out_s", _CALL, _SPAN, "Ring time per leg, 1–60 s.", "DIALER_TIME_OUT_S"),
    _RuleOption("record", _CALL, "", "Record the conversation.", "no-record", kind=bool),
    _RuleOption(
        "recording_channels",
        _CALL,
        "|".join(RecordingChannels),
        "One for both, or one each.",
        RecordingChannels.SINGLE,
    ),
    _RuleOption(
        "recording_format", _CALL, "|".join(RecordingFormat), "Its quality.", RecordingFormat.MP3
    ),
    _RuleOption(
        "wait_url", _CALL, "URL", "A WAV the agent hears while the customer's phone rings."
    ),
    _RuleOption("playback_url", _CALL, "URL", "Played before the two are joined."),
    _RuleOption("playback_to", _CALL, "|".join(PlaybackTo), "To whom.", PlaybackTo.CUSTOMER),
    _RuleOption("stream_url", _CALL, "URL", "Stream the live audio there, ws:// or wss://."),
    _RuleOption("stream_begin", _CALL, "|".join(StreamBegin), "From when."),
    _RuleOption(
        "custom_field",
        _CALL,
        "TEXT",
        "Travels with each call; columns in braces: '{plan}/{city}'.",
    ),
)


def takes_rules(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all rules; it gets what was given as `given`."""
    own = [one for one in inspect.signature(command).parameters.values() if one.name != "given"]

    @functools.wraps(command)
    def with_rules(**values: Any) -> None:
        given = {one.rule: values.pop(one.name) for one in _OPTIONS}
        command(**values, given=_tidied(given))

    parameters = [*own, *(one.parameter() for one in _OPTIONS)]
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
        option = fault.rule.removesuffix("_s").replace("_", "-")
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
