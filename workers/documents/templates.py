"""Rules under a name."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from campaigns.rules_in_words import rules_in_words
from dialer.steering.templates import KnownTemplate
from workers.instants import instant


class TemplateFault(BaseModel):
    """Why a template cannot be used as it is."""

    where: str
    what: str


class TemplateDocument(BaseModel):
    """Rules under a name."""

    name: str
    given: dict[str, Any] = Field(description="What is not named has the account's default.")
    saved_at: datetime
    saved_by: str
    rules_in_words: dict[str, str] | None
    faults: list[TemplateFault] = Field(description="What of it is not allowed any more.")

    @classmethod
    def of(cls, found: KnownTemplate) -> Self:
        """Tell a template."""
        template = found.template
        return cls(
            name=template.name,
            given=dict(template.given),
            saved_at=instant(template.saved_at),
            saved_by=template.saved_by,
            rules_in_words=rules_in_words(found.rules) if found.rules else None,
            faults=[TemplateFault(where=one.rule, what=one.message) for one in found.faults],
        )
