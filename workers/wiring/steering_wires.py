"""Wires what loads, steers and shows campaigns, and who calls for them."""

# ruff: noqa: PLC0415

from functools import cached_property
from typing import TYPE_CHECKING

from dialer.store import Campaigns
from dialer.watching.status import Statuses
from workers.wiring.ground import Ground

if TYPE_CHECKING:
    from dialer.account_day import AccountDay
    from dialer.agents.presence import Presences
    from dialer.agents.registry import Registry
    from dialer.audit import Audit
    from dialer.loading.adding import Adding
    from dialer.loading.loading import Loading
    from dialer.steering.changing_rules import ChangingRules
    from dialer.steering.starting import Starting
    from dialer.steering.suppressing import Suppressing
    from dialer.steering.templates import RuleTemplates
    from dialer.store import Attempts, CallbackInbox, Holds


class SteeringWires(Ground):
    """What loads, steers and shows campaigns."""

    @cached_property
    def holds(self) -> "Holds":
        """What holds all dialling, set by hand or by the machine."""
        from dialer.store import Holds

        return Holds(self.db)

    @cached_property
    def attempts(self) -> "Attempts":
        """Attempts."""
        from dialer.store import Attempts

        return Attempts(self.db)

    @cached_property
    def campaigns(self) -> Campaigns:
        """Campaigns and their counts."""
        return Campaigns(self.db)

    @cached_property
    def loading(self) -> "Loading":
        """Loads files."""
        from dialer.loading.loading import Loading

        return Loading(
            self.db,
            phone_rules=self.phone_rules,
            data_dir=self.settings.dialer_data_dir,
            is_indexed=self.settings.dialer_search_index,
        )

    @cached_property
    def adding(self) -> "Adding":
        """Adds contacts one at a time."""
        from dialer.loading.adding import Adding

        return Adding(
            self.db,
            phone_rules=self.phone_rules,
            second_above=self.settings.dialer_second_person_above,
            is_indexed=self.settings.dialer_search_index,
        )

    @cached_property
    def callback_inbox(self) -> "CallbackInbox":
        """The stream of callbacks."""
        from dialer.store import CallbackInbox

        return CallbackInbox(self.db)

    @cached_property
    def statuses(self) -> Statuses:
        """Where campaigns stand."""
        return Statuses(
            self.db,
            pacing=self.pacing,
            max_concurrent_calls=self.settings.exotel_max_concurrent_calls,
        )

    @cached_property
    def starting(self) -> "Starting":
        """Starts campaigns."""
        from dialer.steering.starting import Starting

        return Starting(self.db, second_above=self.settings.dialer_second_person_above)

    @cached_property
    def account_day(self) -> "AccountDay":
        """What the account has used of its day."""
        from dialer.account_day import AccountDay

        settings = self.settings
        return AccountDay(self.db, settings.account_caps, self.zone)

    @cached_property
    def audit(self) -> "Audit":
        """Records who did what."""
        from dialer.audit import Audit

        return Audit(self.db)

    @cached_property
    def registry(self) -> "Registry":
        """Who the agents are."""
        from dialer.agents.registry import Registry

        zone = self.zone
        return Registry(self.db, phone_rules=self.phone_rules, zone=zone)

    @cached_property
    def presences(self) -> "Presences":
        """Where the agents are."""
        from dialer.agents.presence import Presences

        return Presences(self.db)

    @cached_property
    def changing_rules(self) -> "ChangingRules":
        """Changes the rules of campaigns."""
        from dialer.steering.changing_rules import ChangingRules

        return ChangingRules(self.db, self.settings)

    @cached_property
    def templates(self) -> "RuleTemplates":
        """Rules under a name, to load lists with."""
        from dialer.steering.templates import RuleTemplates

        return RuleTemplates(self.db, self.settings)

    @cached_property
    def suppressing(self) -> "Suppressing":
        """The numbers that are never called."""
        from dialer.steering.suppressing import Suppressing

        return Suppressing(self.db, default_country=self.settings.dialer_default_country)

    @cached_property
    def suppressing_for_all(self) -> "Suppressing":
        """The numbers that no account ever calls.

        Raises:
            NotDone: There is one account.
        """
        from dialer.steering.suppressing import Suppressing

        country = self.settings.dialer_default_country
        return Suppressing(self.db, default_country=country, for_all=True)
