"""Use case: a campaign's rules as somebody writes them, made new or changed while it rests.

Rules are given by the names of `CampaignRules`, as text or values. What is not given keeps its
default, or what it was; an empty text stands for the default again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules, names_in, with_retry
from campaigns.custom_field import CustomFieldTemplate
from campaigns.declared_rules import HOLIDAYS, RULES, is_yes_or_no
from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from dialer.call_request import check_call
from dialer.deeds import tell
from dialer.logger import get_logger
from dialer.settings import Settings
from dialer.store import Campaign, Campaigns, Database
from dialer.store.campaigns import WrongState

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RuleFault:
    """A rule that cannot be as it was given; `rule` is '' where several do not fit together."""

    rule: str
    message: str


class RulesRefused(Exception):
    """Some rules are wrong; `faults` names each."""

    def __init__(self, *faults: RuleFault) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{one.rule}: {one.message}".lstrip(": ") for one in faults))


def new_rules(settings: Settings, given: Mapping[str, Any]) -> CampaignRules:
    """Make the rules of a new campaign.

    Raises:
        RulesRefused: Naming every rule that is wrong.
    """
    _check_shapes(given)
    defaults = default_rules(settings)
    fields = defaults | _reset_to(defaults, given)
    if not fields["caller_id"]:
        raise RulesRefused(RuleFault("caller_id", "give one, or set EXOTEL_CALLER_ID"))
    return _allowed(settings, _made(fields, DEFAULT_RULES))


def changed_rules(
    settings: Settings, rules: CampaignRules, given: Mapping[str, Any]
) -> CampaignRules:
    """Make rules that differ from others in what is given.

    Raises:
        RulesRefused: As in `new_rules`.
    """
    _check_shapes(given)
    kept = rules.model_dump(mode="json", exclude={"retry"})
    reset = _reset_to(default_rules(settings), given)
    is_reset = [name for name, value in given.items() if value == "" and name not in reset]
    fields = {name: value for name, value in kept.items() if name not in is_reset} | reset
    retry = DEFAULT_RULES if given.get("retry") == "" else rules.retry
    return _allowed(settings, _made(fields, retry))


def default_rules(settings: Settings) -> dict[str, Any]:
    """Give the rules that have their defaults in the settings."""
    return {
        name: getattr(settings, rule.setting.lower())
        for name, rule in RULES.items()
        if rule.setting
    }


class ChangingRules:
    """Changes the rules of campaigns."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._campaigns = Campaigns(db)
        self._settings = settings

    def change(self, campaign: Campaign, given: Mapping[str, Any]) -> Campaign:
        """Change some rules; every call from now on is placed by the new ones.

        Raises:
            WrongState: It is running, or over.
            RulesRefused: Naming every rule that is wrong.
        """
        _check_resting(campaign)
        rules = changed_rules(self._settings, campaign.rules, given)
        check_template(rules, campaign.columns)
        if rules == campaign.rules:
            return campaign
        if rules.end_has_come(datetime.fromtimestamp(self._db.now(), UTC)):
            raise RulesRefused(RuleFault("ends_at", "has passed; name a later time, or cancel"))
        state = self._campaigns.change_rules(campaign, rules)
        if state is not None:  # it was started, or changed, meanwhile
            raise WrongState(
                f"campaign {campaign.name} was changed by somebody else; look, and change it again",
                state=state,
            )
        after = self._campaigns.find(campaign.id)
        _tell_of(campaign, after)
        log.info("rules_changed", campaign_id=campaign.id, rules_version=after.rules_version)
        return after

    def plan_start(self, campaign: Campaign, at: str) -> Campaign:
        """Have a campaign start by itself at an instant, in its own time zone unless that is said.

        Raises:
            WrongState: As in `change`.
            RulesRefused: It is no instant, or one that is past.
        """
        if not at.strip():
            raise RulesRefused(RuleFault("starts_at", "say the day and the time"))
        starts_at = changed_rules(self._settings, campaign.rules, {"starts_at": at}).starts_at
        if starts_at is None or starts_at.timestamp() <= self._db.now():
            raise RulesRefused(
                RuleFault("starts_at", "is past; choose a later time, or start it now")
            )
        return self.change(campaign, {"starts_at": at})


def check_template(rules: CampaignRules, columns: Iterable[str]) -> None:
    """Check that the custom field, and what agents see, name columns the list has.

    Raises:
        RulesRefused: They name others.
    """
    columns = tuple(columns)
    if missing := [one for one in names_in(rules.agent_sees) if one not in columns]:
        have = f"the list has {', '.join(columns[:30])}" if columns else "there is no list"
        raise RulesRefused(RuleFault("agent_sees", f"no column {missing[0]!r}; {have}"))
    if not rules.custom_field:
        return
    try:
        CustomFieldTemplate.parse(rules.custom_field, tuple(columns))
    except ValueError as error:
        raise RulesRefused(RuleFault("custom_field", str(error))) from None


def _tell_of(before: Campaign, after: Campaign) -> None:
    old, new = (one.rules.model_dump(mode="json") for one in (before, after))
    changed = [name for name in new if old.get(name) != new[name]]
    tell(
        on=f"campaign {after.name} {after.id}",
        before={name: old.get(name) for name in changed},
        after={name: new[name] for name in changed} | {"rules_version": after.rules_version},
    )


def _check_resting(campaign: Campaign) -> None:
    match campaign.state:
        case CampaignState.LOADED | CampaignState.PAUSED:
            return
        case CampaignState.RUNNING:
            message = "is running; pause it first"
        case CampaignState.LOADING:
            message = "is still being loaded"
        case _:
            message = f"is {campaign.state}; its rules stay as they are"
    raise WrongState(f"campaign {campaign.name} {message}", state=campaign.state)


def _reset_to(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was given, with the settings' default where an empty text asks for it."""
    return {
        name: defaults[name] if value == "" else value
        for name, value in given.items()
        if value is not None and (value != "" or name in defaults)
    }


def _check_shapes(given: Mapping[str, Any]) -> None:
    """Check that truths and lists stand where such are meant: JSON's `true` would count as a 1.

    Raises:
        RulesRefused: Naming every rule where something else is meant.
    """
    faults = [
        RuleFault(name, f"must be {wanted}, not {value!r}")
        for name, value in given.items()
        if name in RULES and value != ""
        for wanted, is_so in [_shape(name, value)]
        if not is_so
    ]
    if faults:
        raise RulesRefused(*faults)


def _shape(name: str, value: Any) -> tuple[str, bool]:
    """Give the words for what a rule's value must be, and whether this one is."""
    if RULES[name].several:
        return "a list of texts", value is None or isinstance(value, list | tuple)
    if is_yes_or_no(name):
        return "true or false", not isinstance(value, list | tuple)
    return "one value", not isinstance(value, bool | list | tuple)


def _made(fields: Mapping[str, Any], retry: tuple[RetryRule, ...]) -> CampaignRules:
    fields = dict(fields)
    faults: list[RuleFault] = []
    written = fields.pop("retry", ())
    try:
        fields["retry"] = with_retry(retry, tuple(map(RetryRule.parse, written)))
    except ValueError as error:
        faults.append(RuleFault("retry", str(error)))
    if isinstance(caps := fields.get("country_calls_per_day"), list | tuple):
        fields["country_calls_per_day"] = dict(_country_cap(one) for one in caps)
    if days_off := fields.pop(HOLIDAYS, None):
        fields["hours"] = f"{fields.get('hours', '')}; not {days_off}"
    try:
        rules = CampaignRules(**fields)
        if not faults:
            check_call(rules)
            return rules
    except ValidationError as error:
        faults += [_fault(problem) for problem in error.errors()]
    except ValueError as error:
        faults.append(RuleFault("", str(error)))
    raise RulesRefused(*faults)


def _allowed(settings: Settings, rules: CampaignRules) -> CampaignRules:
    faults = [RuleFault(rule, why) for rule, why in settings.allowed.objections(rules)]
    if faults:
        raise RulesRefused(*faults)
    return rules


def _country_cap(text: str) -> tuple[str, str]:
    country, _, most = text.partition("=")
    return country.strip().upper(), most.strip()


def _fault(problem: Any) -> RuleFault:
    message = str(problem["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "must be").replace("Value should have", "needs")
    rule = str(problem["loc"][0]) if problem["loc"] else ""
    found = (
        f", not {problem['input']!r}"
        if rule and isinstance(problem["input"], str | int | float)
        else ""
    )
    return RuleFault(rule, message[0].lower() + message[1:] + found)
