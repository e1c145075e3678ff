"""What all campaigns have used of the account's day."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from dialer.account_day import Today


class UseDocument(BaseModel):
    """One cap of the day."""

    used: float = Field(description="Reservations of calls under way included.")
    most: float | None = Field(description="With what was added for today; null: no cap.")
    added: float = Field(description="For today, by an administrator.")


class TodayDocument(BaseModel):
    """What all campaigns have used of the account's day."""

    day: date
    ends_at: datetime
    calls: UseDocument
    minutes: UseDocument
    spend: UseDocument
    reached: str | None = Field(description="The cap that keeps calls from going now.")
    burst: str | None = Field(description="Far more calls this hour than is usual.")

    @classmethod
    def of(cls, today: Today) -> Self:
        """Tell a day."""
        calls, minutes, spend = (
            UseDocument(used=round(one.used, 4), most=one.most or None, added=one.added)
            for one in today.uses
        )
        return cls(
            day=date.fromisoformat(today.day),
            ends_at=today.ends_at,
            calls=calls,
            minutes=minutes,
            spend=spend,
            reached=today.reached or None,
            burst=str(today.burst) if today.burst else None,
        )
