"""Alerts: what stands, who is told of what, a test, and an end to it; for those with an admin key."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from campaigns.alert_rules import Way
from campaigns.alerts import AlertKind, Limits
from dialer.deeds import Did
from workers.documents.alerts import AlertRuleDocument, AlertsDocument
from workers.web.api.needs import Admin, Router, TheServices
from workers.web.api.shapes import Order, Whole

router = Router("/alerts", "alerts")

RuleId = Annotated[str, Path(max_length=20)]


class AlertOrder(Order):
    """Somebody to tell."""

    way: Way
    to: str = Field(
        "", max_length=2000, description="An e-mail address or a URL; empty for events."
    )
    kinds: set[AlertKind] = Field(default_factory=set, description="Empty: all.")
    campaign_id: str = Field("", max_length=8, description="Of this one alone; empty: of all.")
    idle_min: Whole = Field(10, ge=1, le=1440, description="Minutes without a call.")
    unresolved: Whole = Field(20, ge=0, description="More attempts in quarantine than that.")
    connect_rate: Whole = Field(15, ge=1, le=100, description="Fewer conversations, in percent.")
    balance: Whole = Field(1000, ge=0, description="Less money at the provider; 0: never told.")
    quiet: str = Field("", max_length=20, description="Such as `22:00-07:00`; empty: never.")
    timezone: str = Field(
        "", max_length=64, description="Of the quiet hours; empty: the account's."
    )


class AlertTest(BaseModel):
    """What became of a test."""

    is_told: bool
    error: str


@router.get("")
def list_alerts(_visitor: Admin, services: TheServices) -> AlertsDocument:
    """Tell what stands, and who is told of what."""
    return AlertsDocument.of(services.wiring.alert_desk)


@router.post("", Did.ALERT_ADDED, status_code=201)
def add_alert(visitor: Admin, services: TheServices, order: AlertOrder) -> AlertRuleDocument:
    """Tell somebody from now on: of what begins, once, and when it is over."""
    rule = services.wiring.alert_desk.add(
        order.way,
        order.to,
        kinds=order.kinds,
        campaign=order.campaign_id,
        limits=Limits(order.idle_min, order.unresolved, order.connect_rate, order.balance),
        quiet=order.quiet,
        zone=order.timezone,
        by=visitor.name,
    )
    return AlertRuleDocument.of(rule)


@router.delete("/{rule_id}", Did.ALERT_REMOVED, status_code=204)
def remove_alert(_visitor: Admin, services: TheServices, rule_id: RuleId) -> None:
    """Tell them no more."""
    services.wiring.alert_desk.remove(rule_id)


@router.post("/{rule_id}/test", Did.ALERT_TESTED)
def try_alert(_visitor: Admin, services: TheServices, rule_id: RuleId) -> AlertTest:
    """Tell them now that this is a test."""
    error = services.wiring.alert_desk.test(rule_id)
    return AlertTest(is_told=not error, error=error)
