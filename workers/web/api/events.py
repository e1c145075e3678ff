"""What happened, from a cursor on."""

from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field

from campaigns.event_document import Event
from campaigns.events import EventKind
from dialer.events.outbox import Wanted
from workers.web.api.needs import Reader, Router, TheServices

router = Router("/events", "events")


class EventPage(BaseModel):
    """Events in the order in which they happened; a page may be short, or empty, and not the last."""

    items: list[Event]
    next_cursor: str = Field(description="Ask again with `after` set to this, now or later.")
    is_last: bool = Field(description="Nothing more has happened by now.")


@router.get("", response_model_exclude_none=True)
def read_events(
    _visitor: Reader,
    services: TheServices,
    *,
    after: Annotated[str, Query(max_length=40, description="A cursor; '' is the beginning.")] = "",
    kind: Annotated[list[EventKind] | None, Query(description="These alone; repeatable.")] = None,
    campaign: Annotated[str, Query(max_length=8, description="Of this one alone, by its id.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> EventPage:
    """Read what happened after a cursor: the id of the last event that was read."""
    outbox = services.wiring.outbox
    page = outbox.after(after, most=limit, wanted=Wanted(kind or (), campaign))
    return EventPage(items=outbox.told(page), next_cursor=page.cursor, is_last=page.is_last)


def tell_of_webhooks(app: FastAPI) -> None:
    """Let the API's document say what receivers of webhooks are sent."""

    def receive(body: Event) -> None:
        """Answer 2xx within fifteen seconds; anything else is tried again. `webhook-id` is the event's."""

    for kind in EventKind:
        app.webhooks.post(kind, summary=kind, operation_id=f"on_{kind.replace('.', '_')}")(receive)
