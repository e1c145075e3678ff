"""The page of alerts: what stands, who is told of what, a test, and an end to it."""

from pydantic import ValidationError

from campaigns.alert_rules import Way
from campaigns.alerts import AlertKind, Limits
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from workers.web.api.alerts import (
    AlertOrder,
    AlertTest,
    add_alert,
    list_alerts,
    remove_alert,
    try_alert,
)
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import invalid

pages = Pages()

_NUMBERS = ("idle_min", "unresolved", "connect_rate", "balance")


@pages.get("/alerts", Scope.ADMIN)
def show(asked: Asked) -> Answer:
    """Show what stands and who is told."""
    return _page(asked)


@pages.post("/alerts", Scope.ADMIN, does=Did.ALERT_ADDED)
def add(asked: Asked) -> Answer:
    """Tell somebody from now on."""
    add_alert(asked.visitor, asked.services, _order_of(asked))
    return to("/alerts")


@pages.post("/alerts/{rule_id}/test", Scope.ADMIN, does=Did.ALERT_TESTED)
def test(asked: Asked) -> Answer:
    """Tell them now that this is a test, and show what came of it."""
    tried = try_alert(asked.visitor, asked.services, asked.named("rule_id"))
    return _page(asked, tried=tried)


@pages.post("/alerts/{rule_id}/remove", Scope.ADMIN, does=Did.ALERT_REMOVED)
def remove(asked: Asked) -> Answer:
    """Tell them no more."""
    remove_alert(asked.visitor, asked.services, asked.named("rule_id"))
    return to("/alerts")


def _order_of(asked: Asked) -> AlertOrder:
    form = {name: value.strip() for name, value in asked.form.items()}
    try:
        return AlertOrder(
            way=Way(form.get("way", "")),
            to=form.get("to", ""),
            kinds={AlertKind(kind) for kind in asked.fields.get("kind", [])},
            quiet=form.get("quiet", ""),
            **{name: int(form[name]) for name in _NUMBERS if form.get(name)},
        )
    except (ValidationError, ValueError):
        raise invalid(
            told("Choose a way, write where to, and whole numbers for the limits.")
        ) from None


def _page(asked: Asked, *, tried: AlertTest | None = None) -> Answer:
    return page(
        "alerts.html",
        found=list_alerts(asked.visitor, asked.services),
        tried=tried,
        ways=_WAYS,
        kinds=_KINDS,
        usual=Limits(),
    )


_WAYS = {
    Way.EMAIL: told("by e-mail"),
    Way.SLACK: "Slack",
    Way.TEAMS: "Teams",
    Way.EVENTS: told("as events, for webhooks"),
}
_KINDS = {
    AlertKind.COMPLETED: told("a campaign is completed"),
    AlertKind.PAUSED: told("a campaign pauses by itself"),
    AlertKind.NOTHING_DIALLED: told("nothing is dialled although contacts are due"),
    AlertKind.STOPPED: told("the provider refuses the account"),
    AlertKind.HELD: told("the account is on hold"),
    AlertKind.CAPPED: told("a cap of the day is reached"),
    AlertKind.BALANCE: told("the balance at the provider is low"),
    AlertKind.UNRESOLVED: told("many attempts are unresolved"),
    AlertKind.CONNECT_RATE: told("few calls connect"),
    AlertKind.PROCESS_MISSING: told("a process is missing"),
}
