"""Numbers that are never called."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from dialer.steering.suppressing import Added, Suppressed


class SuppressedDocument(BaseModel):
    """A number that is never called."""

    number: str
    at: datetime | None
    source: str
    why: str

    @classmethod
    def of(cls, one: Suppressed) -> Self:
        """Tell a number."""
        return cls(number=one.number, at=one.at, source=one.source, why=one.why)


class BadLineDocument(BaseModel):
    """A line that holds no number."""

    line: int
    message: str


class AddedDocument(BaseModel):
    """What became of the numbers."""

    added: int
    already: int
    bad: list[BadLineDocument] = Field(description="The first hundred.")
    bad_count: int

    @classmethod
    def of(cls, added: Added) -> Self:
        """Tell what was added."""
        return cls(
            added=added.added,
            already=added.already,
            bad=[BadLineDocument(line=each.line, message=each.message) for each in added.bad],
            bad_count=added.bad_count,
        )
