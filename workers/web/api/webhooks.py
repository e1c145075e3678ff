"""Who is told of what over HTTP."""

from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import BaseModel, Field

from campaigns.events import EventKind
from dialer.deeds import Did
from dialer.store.webhooks import Webhook
from dialer.webhooks.receivers import MOST_A_BATCH
from dialer.webhooks.sending import Meaning
from workers.documents.webhooks import WebhookDocument
from workers.web.api.needs import Admin, Router, TheServices
from workers.web.api.shapes import Order, Whole
from workers.web.services import Services

router = Router("/webhooks", "webhooks")
one = Router("/webhooks/{webhook_id}", "webhooks")


class WebhookOrder(Order):
    """A receiver to be told."""

    url: str = Field(max_length=2000)
    events: list[EventKind] = Field([], description="These alone; none: all.")
    campaign_id: str = Field("", max_length=8, description="Of this one alone.")
    batch: Whole = Field(1, ge=1, le=MOST_A_BATCH, description="Most events a delivery.")
    after: str | None = Field(
        None, max_length=40, description="Also what happened behind this cursor; null: from now on."
    )


class ReplayOrder(Order):
    """What to send again."""

    after: str = Field("", max_length=40, description="Behind this cursor; '' all that is kept.")
    campaign_id: str = Field("", max_length=8, description="Of this one alone.")


class NewWebhookDocument(WebhookDocument):
    """A new receiver; its secret is told this once."""

    secret: str


class WebhookList(BaseModel):
    """All receivers, the oldest first."""

    items: list[WebhookDocument]


class DeliveriesDocument(BaseModel):
    """The last deliveries with the answer to each, and the events given up; the newest first."""

    items: list[dict[str, Any]]
    dead: list[dict[str, Any]]


class ReplyDocument(BaseModel):
    """What a receiver answered."""

    taken: bool
    answer: str
    took_s: float


class SecretDocument(BaseModel):
    """A new secret; for a day deliveries are signed with the one before, too."""

    secret: str


def find_webhook(
    webhook_id: Annotated[str, Path(pattern=r"^[0-9a-z]{8}$")], services: TheServices
) -> Webhook:
    """Read the webhook a path names."""
    return services.wiring.receivers.find(webhook_id)


TheWebhook = Annotated[Webhook, Depends(find_webhook)]


@router.get("")
def list_webhooks(_visitor: Admin, services: TheServices) -> WebhookList:
    """List the receivers and where they stand."""
    return WebhookList(items=[WebhookDocument.of(line) for line in services.wiring.receivers.all()])


@router.post("", Did.WEBHOOK_ADDED, status_code=201)
def add_webhook(visitor: Admin, services: TheServices, order: WebhookOrder) -> NewWebhookDocument:
    """Have a receiver told what happens."""
    wiring = services.wiring
    made = wiring.receivers.add(
        order.url,
        kinds=order.events,
        campaign=_campaign(services, order.campaign_id),
        batch=order.batch,
        since=order.after,
        by=visitor.name,
    )
    told = WebhookDocument.of(wiring.receivers.line(made)).model_dump()
    return NewWebhookDocument(**told, secret=made.secrets[0].value)


@one.delete("", Did.WEBHOOK_REMOVED, status_code=204)
def remove_webhook(_visitor: Admin, services: TheServices, webhook: TheWebhook) -> None:
    """Tell it no more."""
    services.wiring.receivers.remove(webhook)


@one.get("/deliveries")
def list_deliveries(
    _visitor: Admin, services: TheServices, webhook: TheWebhook
) -> DeliveriesDocument:
    """Show the last deliveries, with the answers, and what was given up."""
    receivers = services.wiring.receivers
    return DeliveriesDocument(items=receivers.deliveries(webhook), dead=receivers.dead(webhook))


@one.post("/test", Did.WEBHOOK_TESTED)
def try_webhook(_visitor: Admin, services: TheServices, webhook: TheWebhook) -> ReplyDocument:
    """Send one delivery at once that is about nothing."""
    reply = services.wiring.receivers.test(webhook)
    taken = reply.meaning is Meaning.TAKEN
    return ReplyDocument(taken=taken, answer=reply.text, took_s=round(reply.took_s, 3))


@one.post("/replay", Did.WEBHOOK_REPLAYED, status_code=204)
def replay_webhook(
    _visitor: Admin, services: TheServices, webhook: TheWebhook, order: ReplayOrder
) -> None:
    """Send again what happened until now, under the same ids."""
    campaign = _campaign(services, order.campaign_id)
    services.wiring.receivers.replay(webhook, cursor=order.after, campaign=campaign)


@one.post("/pause", Did.WEBHOOK_CHANGED, status_code=204)
def pause_webhook(_visitor: Admin, services: TheServices, webhook: TheWebhook) -> None:
    """Send it nothing until it is resumed; everything waits."""
    services.wiring.receivers.pause(webhook)


@one.post("/resume", Did.WEBHOOK_CHANGED, status_code=204)
def resume_webhook(_visitor: Admin, services: TheServices, webhook: TheWebhook) -> None:
    """Go on where it was paused, at once."""
    services.wiring.receivers.resume(webhook)


@one.post("/rotate", Did.WEBHOOK_CHANGED)
def rotate_webhook(_visitor: Admin, services: TheServices, webhook: TheWebhook) -> SecretDocument:
    """Give it a new secret."""
    return SecretDocument(secret=services.wiring.receivers.rotate(webhook))


def _campaign(services: Services, id_: str) -> str:
    return services.wiring.campaigns.find(id_).id if id_ else ""
