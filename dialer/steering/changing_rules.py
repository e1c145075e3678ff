"""Use case: a campaign's rules as somebody writes them, made new, changed, and changed back.

Rules are given by the names of `CampaignRules`, as text or values. What is not given keeps its
default, or what it was; an empty text stands for the default again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.custom_field import CustomFieldTemplate
from campaigns.declared_rules import HOLIDAYS, RULES, is_yes_or_no
from campaigns.retry_policy import DEFAULT_RULES, RetryRule
from campaigns.rule_changes import RuleChange, as_given, changes_in_words, mean_the_same
from campaigns.rules.retries import with_retry
from campaigns.rules.turns import names_in
from campaigns.sentence import joined, told
from dialer.call_request import check_call
from dialer.deeds import tell, who_acts
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.settings import Settings
from dialer.store import Campaign, Campaigns, Database
from dialer.store.campaign import WrongState
from dialer.store.rule_versions import RULES_MAY_CHANGE, RuleVersion, RuleVersions

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RuleFault:
    """A rule that cannot be as it was given; `rule` is '' where several do not fit together."""

    rule: str
    message: str

    @property
    def told(self) -> str:
        """Both in one sentence."""
        if not self.rule:
            return self.message
        return told("{rule}: {message}", rule=self.rule, message=self.message)


class RulesRefused(Exception):
    """Some rules are wrong; `faults` names each."""

    def __init__(self, *faults: RuleFault) -> None:
        self.faults = faults
        super().__init__(joined("; ", (one.told for one in faults)))


class RulesChanged(WrongState):
    """Somebody else changed the rules since they were looked at; `changes` says how."""

    def __init__(self, campaign: Campaign, *, by: str, changes: Sequence[RuleChange]) -> None:
        differs = [
            told("{label}: {before} → {after}", label=one.label, before=one.before, after=one.after)
            for one in changes
        ]
        why = told(
            "the rules of campaign {name} were changed meanwhile{by}, they are version {version} "
            "now{differs}; look, and change them again",
            name=campaign.name,
            by=told(" by {by}", by=by) if by else "",
            version=campaign.rules_version,
            differs=told(" ({changes})", changes=joined("; ", differs)) if differs else "",
        )
        super().__init__(why, state=campaign.state)
        self.by = by
        self.version = campaign.rules_version
        self.changes = changes


def new_rules(settings: Settings, given: Mapping[str, Any]) -> CampaignRules:
    """Make the rules of a new campaign.

    Raises:
        RulesRefused: Naming every rule that is wrong.
    """
    _check_shapes(given)
    defaults = default_rules(settings)
    fields = defaults | _reset_to(defaults, given)
    if not fields["caller_id"]:
        raise RulesRefused(RuleFault("caller_id", told("give one, or set EXOTEL_CALLER_ID")))
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


def given_rules_of(settings: Settings, rules: CampaignRules) -> dict[str, Any]:
    """Write rules as somebody would give them for a new campaign of the account, as text."""
    defaults = default_rules(settings)
    defaults["caller_id"] = defaults["caller_id"] or "000"  # which nobody has
    return as_given(rules, _made(defaults, DEFAULT_RULES))


class ChangingRules:
    """Changes the rules of campaigns."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._campaigns = Campaigns(db)
        self._versions = RuleVersions(db)
        self._settings = settings

    def change(self, campaign: Campaign, given: Mapping[str, Any]) -> Campaign:
        """Change some rules; every call from now on is placed by the new ones.

        Raises:
            WrongState: It is over, or somebody else changed it meanwhile.
            RulesRefused: Naming every rule that is wrong.
        """
        return self.put(campaign, changed_rules(self._settings, campaign.rules, given))

    def replace(
        self, campaign: Campaign, given: Mapping[str, Any], *, based_on: int | None = None
    ) -> Campaign:
        """Give all rules anew; what is not given has its default.

        Args:
            based_on: The version that whoever gives them has seen; None: whichever stands.

        Raises:
            RulesChanged: Another version stands.
            WrongState: As in `change`; `RulesRefused` too.
        """
        self.check_based_on(campaign, based_on)
        return self.put(campaign, new_rules(self._settings, given))

    def go_back(self, campaign: Campaign, version: int, *, based_on: int | None = None) -> Campaign:
        """Make the rules of an earlier version the newest one.

        Raises:
            NotDone: It is not kept.
            RulesChanged: As in `replace`.
        """
        self.check_based_on(campaign, based_on)
        return self.put(campaign, self.as_then(campaign, version))

    def as_then(self, campaign: Campaign, version: int) -> CampaignRules:
        """Give the rules of an earlier version as they may stand today; a start that is past is left out.

        Raises:
            NotDone: It is not kept.
            RulesRefused: They are not allowed any more.
        """
        rules = self.version(campaign, version).rules
        if rules.starts_at and rules.starts_at.timestamp() <= self._db.now():
            rules = rules.model_copy(update={"starts_at": None})  # nothing starts by an undo
        return _allowed(self._settings, rules)

    def versions(self, campaign: Campaign) -> list[RuleVersion]:
        """Read the last versions of a campaign's rules, the newest first."""
        return self._versions.of(campaign)

    def version(self, campaign: Campaign, version: int) -> RuleVersion:
        """Read one version of the rules.

        Raises:
            NotDone: It is not kept.
        """
        found = self.versions(campaign)
        for one in found:
            if one.version == version:
                return one
        kept = ", ".join(str(one.version) for one in found)
        raise NotDone(
            told(
                "campaign {name} has no version {version} of its rules; kept: {kept}",
                name=campaign.name,
                version=version,
                kept=kept,
            )
        )

    def check_based_on(self, campaign: Campaign, version: int | None) -> None:
        """Check that a version is the one that stands.

        Raises:
            RulesChanged: It is not; tells what differs.
        """
        if version in (None, campaign.rules_version):
            return
        found = self.versions(campaign)
        seen = next((one.rules for one in found if one.version == version), None)
        changes = changes_in_words(seen, campaign.rules) if seen else []
        raise RulesChanged(campaign, by=found[0].by, changes=changes)

    def put(self, campaign: Campaign, rules: CampaignRules) -> Campaign:
        """Make these the rules of a campaign, unless they mean the same as those it has.

        Raises:
            WrongState: As in `change`.
            RulesRefused: They do not fit the campaign.
        """
        self.check(campaign, rules)
        if mean_the_same(rules, campaign.rules):
            return campaign
        state = self._versions.change(campaign, rules, by=who_acts())
        if state is not None:  # it ended, or was changed, meanwhile
            raise WrongState(
                told(
                    "campaign {name} was changed by somebody else; look, and change it again",
                    name=campaign.name,
                ),
                state=state,
            )
        after = self._campaigns.find(campaign.id)
        _tell_of(campaign, after)
        log.info("rules_changed", campaign_id=campaign.id, rules_version=after.rules_version)
        return after

    def check(self, campaign: Campaign, rules: CampaignRules) -> None:
        """Check that a campaign may get these rules.

        Raises:
            WrongState: It is over.
            RulesRefused: They do not fit it.
        """
        _check_goes_on(campaign)
        check_template(rules, campaign.columns)
        if rules.end_has_come(datetime.fromtimestamp(self._db.now(), UTC)):
            raise RulesRefused(
                RuleFault("ends_at", told("has passed; name a later time, or cancel"))
            )

    def plan_start(self, campaign: Campaign, at: str) -> Campaign:
        """Have a campaign start by itself at an instant, in its own time zone unless that is said.

        Raises:
            WrongState: As in `change`.
            RulesRefused: It is no instant, or one that is past.
        """
        if not at.strip():
            raise RulesRefused(RuleFault("starts_at", told("say the day and the time")))
        starts_at = changed_rules(self._settings, campaign.rules, {"starts_at": at}).starts_at
        if starts_at is None or starts_at.timestamp() <= self._db.now():
            raise RulesRefused(
                RuleFault("starts_at", told("is past; choose a later time, or start it now"))
            )
        return self.change(campaign, {"starts_at": at})


def check_template(rules: CampaignRules, columns: Iterable[str]) -> None:
    """Check that the custom field, and what agents see, name columns the list has.

    Raises:
        RulesRefused: They name others.
    """
    columns = tuple(columns)
    if missing := [one for one in names_in(rules.agent_sees) if one not in columns]:
        have = (
            told("the list has {columns}", columns=", ".join(columns[:30]))
            if columns
            else told("there is no list")
        )
        raise RulesRefused(
            RuleFault(
                "agent_sees", told("no column {missing!r}; {have}", missing=missing[0], have=have)
            )
        )
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


def _check_goes_on(campaign: Campaign) -> None:
    if campaign.state in RULES_MAY_CHANGE:
        return
    if campaign.state is CampaignState.LOADING:
        why = told("campaign {name} is still being loaded", name=campaign.name)
    else:
        why = told(
            "campaign {name} is {state}; its rules stay as they are",
            name=campaign.name,
            state=told(campaign.state),
        )
    raise WrongState(why, state=campaign.state)


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
        RuleFault(name, told("must be {wanted}, not {value!r}", wanted=wanted, value=value))
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
        return told("a list of texts"), value is None or isinstance(value, list | tuple)
    if is_yes_or_no(name):
        return told("true or false"), not isinstance(value, list | tuple)
    return told("one value"), not isinstance(value, bool | list | tuple)


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
    rule = str(problem["loc"][0]) if problem["loc"] else ""
    message = _why(problem)
    if rule and isinstance(problem["input"], str | int | float):
        message = told("{why}, not {input!r}", why=message, input=problem["input"])
    return RuleFault(rule, message)


_SAID = (
    told("must be greater than {bound}"),
    told("must be greater than or equal to {bound}"),
    told("must be less than {bound}"),
    told("must be less than or equal to {bound}"),
    told("must be a valid integer, unable to parse string as an integer"),
    told("must be a valid number, unable to parse string as a number"),
    told("must be a valid boolean, unable to interpret input"),
    told("extra inputs are not permitted"),
)
"""What pydantic says of a rule; a bound is the last word of it."""


def _why(problem: Any) -> str:
    """Say what is wrong so that it goes on behind the rule's name."""
    if isinstance(error := problem.get("ctx", {}).get("error"), ValueError):
        return str(error)
    message = str(problem["msg"])
    message = message.replace("Input should be", "must be").replace("Value should have", "needs")
    message = message[0].lower() + message[1:]
    before, _, last = message.rpartition(" ")
    if (bound := f"{before} {{bound}}") in _SAID:
        return told(bound, bound=last)
    return told(message)  # as it is where there are no texts of it
