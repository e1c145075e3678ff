"""Waiting contacts that were given to somebody else."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from dialer.store.moves import Move
from workers.instants import instant


class MoveDocument(BaseModel):
    """A move; it can be undone for seven days."""

    move_id: str
    agent_id: str | None = Field(description="Whose contacts they were; null: not registered.")
    to: str = Field(description="Who they wait for: an agent's id, or a group.")
    by: str
    at: datetime
    moved: int
    is_whole: bool = Field(description="false: it goes on, or broke off; ask again for the rest.")
    undoes: str | None
    undone_by: str | None

    @classmethod
    def of(cls, move: Move) -> Self:
        """Tell a move."""
        return cls(
            move_id=move.id,
            agent_id=move.agent_id or None,
            to=move.to,
            by=move.by,
            at=instant(move.at),
            moved=move.moved,
            is_whole=move.ended_at is not None,
            undoes=move.undoes or None,
            undone_by=move.undone_by or None,
        )
