"""Agents: what became of a list of them, and the links to their own pages."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from dialer.access.agent_links import AgentLink
from dialer.agents.registry import AgentsLoaded

_FIRST_REJECTED = 100


class RejectedAgent(BaseModel):
    """A row that is no agent."""

    line: int
    code: str
    message: str


class AgentsLoadedDocument(BaseModel):
    """What became of a list of agents: rows = taken + rejected."""

    rows: int
    new: int
    changed: int
    rejected_count: int
    rejected: list[RejectedAgent] = Field(description="The first hundred.")
    columns_ignored: list[str]


def agents_document(loaded: AgentsLoaded, *, most: int = _FIRST_REJECTED) -> dict[str, Any]:
    """Tell what became of a list, as an `AgentsLoadedDocument`; its sentences keep their languages.

    Args:
        most: Rejected rows of which it is told why.
    """
    listed = loaded.listed
    return {
        "rows": len(listed.taken) + len(listed.rejected),
        "new": loaded.new,
        "changed": loaded.changed,
        "rejected_count": len(listed.rejected),
        "rejected": [
            {"line": one.line, "code": one.code, "message": one.message}
            for one in listed.rejected[:most]
        ],
        "columns_ignored": list(listed.ignored),
    }


class LinkDocument(BaseModel):
    """A link, without its secret."""

    link_id: str
    made_at: datetime
    expires_at: datetime
    made_by: str

    @classmethod
    def of(cls, link: AgentLink) -> Self:
        """Tell a link."""
        return cls(
            link_id=link.id, made_at=link.made_at, expires_at=link.expires_at, made_by=link.by
        )
