"""Use case: rules are kept under a name, and lists are loaded with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.campaign import LONGEST_NAME, is_name
from campaigns.campaign_rules import CampaignRules
from campaigns.plain_text import did_you_mean
from campaigns.rule_changes import ONCE
from campaigns.sentence import told
from dialer.deeds import tell, who_acts
from dialer.errors import NotDone
from dialer.settings import Settings
from dialer.steering.changing_rules import RuleFault, RulesRefused, given_rules_of, new_rules
from dialer.store import Campaigns, Database
from dialer.store.templates import Template, Templates

MOST_TEMPLATES = 100
_ANY_CALLER = "+918000000000"  # made up: which is shown is asked when a list is loaded


class NoSuchTemplate(NotDone):
    """No template has this name."""


@dataclass(frozen=True, slots=True)
class KnownTemplate:
    """A template as it stands today.

    Args:
        rules: None where they comply no more; `faults` says with what.
    """

    template: Template
    rules: CampaignRules | None
    faults: tuple[RuleFault, ...] = ()


class RuleTemplates:
    """Keeps the templates of one account, and gives the rules that a list is to be loaded with."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._templates = Templates(db)
        self._campaigns = Campaigns(db)
        self._settings = settings

    def all(self) -> list[KnownTemplate]:
        """Give all, by name."""
        return list(map(self._known, self._templates.all()))

    def find(self, name: str) -> KnownTemplate:
        """Give one.

        Raises:
            NoSuchTemplate: There is none.
        """
        return self._known(self._find(name))

    def save(self, name: str, given: Mapping[str, Any]) -> KnownTemplate:
        """Keep rules under a name, in place of those that stood there.

        Raises:
            RulesRefused: Naming every rule that is wrong.
            NotDone: The name does not serve, or there are too many.
        """
        name = " ".join(name.split())
        if not is_name(name):
            raise NotDone(
                told(
                    "a template's name has 1 to {most} characters on one line",
                    most=LONGEST_NAME,
                )
            )
        kept = {rule: value for rule, value in given.items() if value not in ("", [], None)}
        if days := sorted(ONCE & kept.keys()):
            why = told("a template names no day; give it when a list is loaded")
            raise RulesRefused(*(RuleFault(rule, why) for rule in days))
        self._rules(kept)
        before = self._templates.find(name)
        if before is None and len(self._templates.all()) >= MOST_TEMPLATES:
            raise NotDone(
                told(
                    "there are {most} templates; remove one first",
                    most=MOST_TEMPLATES,
                )
            )
        template = Template(name, kept, self._db.now(), who_acts())
        self._templates.put(template)
        tell(
            on=f"template {name}",
            before={"rules": dict(before.given)} if before else {},
            after={"rules": kept},
        )
        return self._known(template)

    def tidied(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out what is the account's default anyway, as a form gives it that shows all rules.

        Raises:
            RulesRefused: As in `save`.
        """
        tidy = given_rules_of(self._settings, self._rules(given))
        return tidy if given.get("caller_id") else {**tidy, "caller_id": ""}

    def remove(self, name: str) -> Template:
        """Forget one; campaigns that were loaded with it keep their rules.

        Raises:
            NoSuchTemplate: There is none.
        """
        found = self._find(name)
        self._templates.remove(name)
        tell(on=f"template {found.name}", before={"rules": dict(found.given)})
        return found

    def of_campaign(self, id_or_name: str) -> dict[str, Any]:
        """Give a campaign's rules as they would be given for a new one: without its days.

        Raises:
            CampaignNotFound: There is none.
        """
        campaign = self._campaigns.find(id_or_name)
        given = given_rules_of(self._settings, campaign.rules)
        return {rule: value for rule, value in given.items() if rule not in ONCE}

    def given(self, *, template: str = "", like: str = "") -> dict[str, Any]:
        """Give the rules to begin with: a template's, a campaign's, or none.

        Raises:
            NoSuchTemplate: There is no such template.
            CampaignNotFound: There is no such campaign.
            NotDone: Both are named.
        """
        if template and like:
            raise NotDone(told("name a template, or a campaign whose rules are taken, not both"))
        if template:
            return dict(self._find(template).given)
        return self.of_campaign(like) if like else {}

    def _find(self, name: str) -> Template:
        found = self._templates.find(name)
        if found is None:
            names = [one.name for one in self._templates.all()]
            known = told("; there are: {names}", names=", ".join(names[:10])) if names else ""
            near = did_you_mean(name, names)
            raise NoSuchTemplate(
                told("there is no template {name!r}{known}", name=name, known=near or known)
            )
        return found

    def _known(self, template: Template) -> KnownTemplate:
        try:
            return KnownTemplate(template, self._rules(template.given))
        except RulesRefused as error:
            return KnownTemplate(template, None, error.faults)

    def _rules(self, given: Mapping[str, Any]) -> CampaignRules:
        settings = self._settings
        if not settings.exotel_caller_id and not given.get("caller_id"):
            allowed = sorted(settings.allowed.caller_ids or [_ANY_CALLER])
            settings = settings.model_copy(update={"exotel_caller_id": allowed[0]})
        return new_rules(settings, given)
