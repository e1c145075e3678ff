"""A campaign's rules as they were."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from dialer.store.rule_versions import RuleVersion
from workers.instants import instant


class VersionDocument(BaseModel):
    """The rules from an instant on."""

    version: int
    at: datetime
    by: str = Field(description="Empty for those that the campaign was loaded with.")
    rules: dict[str, Any]

    @classmethod
    def of(cls, one: RuleVersion) -> Self:
        """Tell a version."""
        rules = one.rules.model_dump(mode="json")
        return cls(version=one.version, at=instant(one.at), by=one.by, rules=rules)
