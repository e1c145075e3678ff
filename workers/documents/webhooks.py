"""Who is told of what over HTTP."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from campaigns.events import EventKind
from dialer.webhooks.receivers import Line
from workers.instants import instant, instant_or_none


class WebhookDocument(BaseModel):
    """A receiver, and where it stands."""

    webhook_id: str
    url: str
    events: list[EventKind]
    campaign_id: str | None
    batch: int
    created_at: datetime
    state: str = Field(description="Where it stands, in words.")
    paused: str | None = Field(description="Why nothing is sent until somebody resumes it.")
    failing_since: datetime | None
    next_try_at: datetime | None
    cursor: str = Field(description="Everything up to here was taken, or stands aside.")
    behind_s: float
    delivered: int
    aside: int = Field(description="Events tried by themselves.")
    dead: int = Field(description="Events given up.")

    @classmethod
    def of(cls, line: Line) -> Self:
        """Tell a receiver; without its secrets."""
        webhook, standing = line.webhook, line.standing
        return cls(
            webhook_id=webhook.id,
            url=webhook.shown_url,
            events=list(webhook.kinds),
            campaign_id=webhook.campaign or None,
            batch=webhook.batch,
            created_at=instant(webhook.created_at),
            state=line.state,
            paused=standing.paused or None,
            failing_since=instant_or_none(standing.failing_since),
            next_try_at=instant_or_none(standing.next_at),
            cursor=standing.cursor,
            behind_s=line.behind_s,
            delivered=standing.delivered,
            aside=standing.aside,
            dead=standing.dead,
        )
