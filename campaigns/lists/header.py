"""A list's columns, as they are understood, or in doubt."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from campaigns.lists.source import CampaignFileError


class Role(StrEnum):
    """What a column can be to us; every other column travels untouched into the reports."""

    AGENT = "agent"
    CUSTOMER = "customer"
    NAME = "name"
    PRIORITY = "priority"
    NOT_BEFORE = "not_before"
    EXPIRES_AT = "expires_at"
    TIMEZONE = "timezone"
    CUSTOM_FIELD = "custom_field"
    EXTERNAL_ID = "external_id"
    # instead of an agent, or beside one; see team_cells.py
    AGENT_GROUP = "agent_group"
    BACKUP = "backup"
    AGENT_LANGUAGE = "agent_language"
    AGENT_SKILLS = "agent_skills"


TEAM_ROLES = (Role.AGENT_GROUP, Role.BACKUP, Role.AGENT_LANGUAGE, Role.AGENT_SKILLS)


@dataclass(frozen=True, slots=True)
class MatchedColumn:
    """A header and what it was understood as, with the reason in words."""

    role: Role
    column: str
    index: int
    why: str


class ColumnsUnclear(CampaignFileError):
    """Nobody has said which columns the numbers are in, and their headings leave a doubt.

    Args:
        suggestion: By role, the column it may be, with the reason; empty where nothing tells.
    """

    def __init__(
        self,
        says: str,
        /,
        *,
        suggestion: tuple[tuple[str, str, str], ...] = (),
        **more: Any,
    ) -> None:
        super().__init__(says, **more)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Header:
    """A list's columns.

    Args:
        columns: Names in the file's order, nameless ones at the end dropped.
        optional: Those of the optional columns that are there.
        is_suggested: The numbers' columns are likely, and nobody has said that they are right.
        is_ours: A report of ours comes back: its numbers are E.164 without the plus.
    """

    columns: tuple[str, ...]
    agent: MatchedColumn
    customer: MatchedColumn
    optional: tuple[MatchedColumn, ...]
    is_suggested: bool = False
    is_ours: bool = False

    @property
    def matched(self) -> tuple[MatchedColumn, ...]:
        """Every column that means something to us, with the reason."""
        return (self.agent, self.customer, *self.optional)

    @property
    def name(self) -> MatchedColumn | None:
        """The column of the customers' names."""
        return next((match for match in self.optional if match.role is Role.NAME), None)
