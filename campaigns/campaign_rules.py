"""How a campaign dials: all its rules, each declared by its subject in `campaigns/rules`."""

import math

from pydantic import ConfigDict

from campaigns.rules.call import CallRules
from campaigns.rules.caps import CapRules
from campaigns.rules.retries import RetryRules
from campaigns.rules.turns import TurnRules
from campaigns.rules.when import WhenRules


class CampaignRules(CallRules, CapRules, TurnRules, RetryRules, WhenRules):
    """How a campaign dials. Frozen: a change makes a new version.

    Names that end in `_s` are seconds. Bases stand last first, as fields are taken over from them.
    """

    model_config = ConfigDict(defer_build=False)

    @property
    def reserved_spend(self) -> float:
        """What one call can cost at most, in the billing currency."""
        return self.price_per_min * math.ceil(self.time_limit_s / 60)
