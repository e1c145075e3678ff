"""The pages of webhooks: which there are, where each stands, its last deliveries, and what to do about it."""

from collections.abc import Callable

from pydantic import ValidationError

from campaigns.events import EventKind
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.store.webhooks import Webhook
from dialer.webhooks.receivers import MOST_A_BATCH, Receivers
from dialer.webhooks.sending import Reply
from workers.web.api.webhooks import WebhookOrder, add_webhook, find_webhook
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import invalid

pages = Pages()

_MOST_FIELDS = 100
_SHOWN = 30


@pages.get("/webhooks", Scope.ADMIN)
def show_all(asked: Asked) -> Answer:
    """List the receivers."""
    return _list(asked)


@pages.post("/webhooks", Scope.ADMIN, does=Did.WEBHOOK_ADDED, most=_MOST_FIELDS)
def add(asked: Asked) -> Answer:
    """Register a receiver, and show its secret this once."""
    form, fields = asked.form, asked.fields
    try:
        order = WebhookOrder(
            url=form.get("url", "").strip(),
            events=[EventKind(one) for one in fields.get("event", [])],
            campaign_id=form.get("campaign", ""),
            batch=int(form.get("batch") or 1),
        )
    except (ValidationError, ValueError):
        raise invalid(
            told("Write a URL, and how many events a delivery has, 1 to {most}.", most=MOST_A_BATCH)
        ) from None
    made = add_webhook(asked.visitor, asked.services, order)
    return _list(asked, secret=made.secret, of=made.webhook_id)


@pages.get("/webhooks/{webhook_id}", Scope.ADMIN)
def show(asked: Asked) -> Answer:
    """Show one, its last deliveries and what was given up."""
    return _one(asked)


@pages.post("/webhooks/{webhook_id}/test", Scope.ADMIN, does=Did.WEBHOOK_TESTED)
def test(asked: Asked) -> Answer:
    """Send it one delivery that is about nothing, and show what it answered."""
    return _one(asked, reply=asked.wiring.receivers.test(_webhook(asked)))


@pages.post("/webhooks/{webhook_id}/rotate", Scope.ADMIN, does=Did.WEBHOOK_CHANGED)
def rotate(asked: Asked) -> Answer:
    """Give it a new secret, and show it this once."""
    return _one(asked, secret=asked.wiring.receivers.rotate(_webhook(asked)))


def do(asked: Asked) -> Answer:
    """Do to one what a button says."""
    webhook, deed = _webhook(asked), asked.request.url.path.rpartition("/")[2]
    _DEEDS[deed](asked.wiring.receivers, webhook)
    return to("/webhooks" if deed == "remove" else f"/webhooks/{webhook.id}")


_DEEDS: dict[str, Callable[[Receivers, Webhook], object]] = {
    "pause": Receivers.pause,
    "resume": Receivers.resume,
    "replay": Receivers.replay,
    "remove": Receivers.remove,
}
_ONE = "/webhooks/{webhook_id}"
pages.post(f"{_ONE}/pause", Scope.ADMIN, does=Did.WEBHOOK_CHANGED)(do)
pages.post(f"{_ONE}/resume", Scope.ADMIN, does=Did.WEBHOOK_CHANGED)(do)
pages.post(f"{_ONE}/replay", Scope.ADMIN, does=Did.WEBHOOK_REPLAYED)(do)
pages.post(f"{_ONE}/remove", Scope.ADMIN, does=Did.WEBHOOK_REMOVED)(do)


def _webhook(asked: Asked) -> Webhook:
    return find_webhook(asked.named("webhook_id"), asked.services)


def _list(asked: Asked, *, secret: str = "", of: str = "") -> Answer:
    campaigns = asked.wiring.campaigns.unarchived()
    return page(
        "webhooks.html",
        lines=asked.wiring.receivers.all(),
        campaigns=campaigns,
        names={one.id: one.name for one in campaigns},
        kinds=list(EventKind),
        most_a_batch=MOST_A_BATCH,
        secret=secret,
        of=of,
    )


def _one(asked: Asked, *, secret: str = "", reply: Reply | None = None) -> Answer:
    webhook, receivers = _webhook(asked), asked.wiring.receivers
    return page(
        "webhook.html",
        line=receivers.line(webhook),
        deliveries=receivers.deliveries(webhook)[:_SHOWN],
        dead=receivers.dead(webhook)[:_SHOWN],
        secret=secret,
        reply=reply,
    )
