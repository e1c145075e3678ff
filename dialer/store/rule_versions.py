"""The rules of a campaign, version by version: a change makes a new one and keeps the last."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from dialer.store.campaign import Campaign, read_rules
from dialer.store.database import Database, text, texts
from dialer.store.scripts import Argument, gives

MOST_VERSIONS = 50
"""Of a campaign's rules that are kept; the audit trail has all."""

RULES_MAY_CHANGE = (CampaignState.LOADED, CampaignState.RUNNING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """The rules of a campaign as they were from an instant on.

    Args:
        at: Epoch s.
        by: Who made them so, for people; '' = not known, or whoever loaded the campaign.
    """

    version: int
    at: float
    by: str
    rules: CampaignRules

    @property
    def stored(self) -> str:
        """It as it is kept, JSON."""
        rules = self.rules.model_dump(mode="json")
        return json.dumps(
            {"version": self.version, "at": self.at, "by": self.by, "rules": rules},
            ensure_ascii=False,
        )


@gives("change_rules")
class ChangeRules(NamedTuple):
    """Rules in place of the version that was read.

    Args:
        states: In which they may change, commas between.
        before: The version that was read, JSON, where none is kept yet; `entry`: the new one.
        kept: Versions, at most.
        fields: And values in turn.
    """

    campaign: str
    version: int
    states: str
    before: str
    entry: str
    kept: int
    fields: Sequence[Argument]


class RuleVersions:
    """Reads and writes versions of rules."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def change(
        self, campaign: Campaign, rules: CampaignRules, *, by: str = ""
    ) -> CampaignState | None:
        """Write new rules as the next version; every gate from now on knows it.

        Args:
            by: Who changes them, for people.

        Returns:
            None; or its state, where it may not change, or somebody changed it meanwhile.
        """
        fields = rules_fields(rules, version=campaign.rules_version + 1)
        after = RuleVersion(campaign.rules_version + 1, self._db.now(), by, rules)
        answer = self._db.run(
            ChangeRules(
                campaign.id,
                campaign.rules_version,
                ",".join(RULES_MAY_CHANGE),
                before=_as_it_stands(campaign).stored,
                entry=after.stored,
                kept=MOST_VERSIONS,
                fields=[part for item in fields.items() for part in item],
            )
        )
        return CampaignState(text(answer)) if answer else None

    def of(self, campaign: Campaign) -> list[RuleVersion]:
        """Read the last versions of a campaign's rules, the newest first; one of an archive is alone."""
        key = self._db.key("c", campaign.id, "versions")
        stored = texts(self._db.client.lrange(key, 0, -1))
        found = [_version_of(one) for one in reversed(stored)]
        return found or [_as_it_stands(campaign)]


def rules_fields(rules: CampaignRules, *, version: int) -> "dict[Any, Any]":
    """Give what a campaign's hash has of its rules."""
    return {
        "rules": rules.model_dump_json(),
        "rules_version": version,
        "priority": rules.priority,
        "weight": rules.weight,
        "most_live": rules.max_concurrent_calls,
    }


def _as_it_stands(campaign: Campaign) -> RuleVersion:
    return RuleVersion(campaign.rules_version, campaign.created_at, "", campaign.rules)


def _version_of(stored: str) -> RuleVersion:
    plain = json.loads(stored)
    rules = read_rules(json.dumps(plain["rules"]))
    return RuleVersion(plain["version"], plain["at"], plain["by"], rules)
