"""Who is told of what is wrong, and what is."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from campaigns.alert_rules import AlertRule, Way
from campaigns.alerts import AlertKind
from dialer.alerting.desk import AlertDesk
from dialer.store.alerts import Alert
from workers.instants import instant, instant_or_none


class AlertRuleDocument(BaseModel):
    """Who is told of what."""

    id: str
    way: Way
    to: str = Field(description="Of a URL, which is a secret, host and end alone.")
    kinds: list[AlertKind]
    campaign_id: str | None
    idle_min: int
    unresolved: int
    connect_rate: int
    balance: int
    quiet: str
    timezone: str
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, rule: AlertRule) -> Self:
        """Tell a rule."""
        return cls(
            id=rule.id,
            way=rule.way,
            to=rule.whom,
            kinds=list(rule.kinds),
            campaign_id=rule.campaign or None,
            idle_min=rule.limits.idle_min,
            unresolved=rule.limits.unresolved,
            connect_rate=rule.limits.connect_rate,
            balance=rule.limits.balance,
            quiet=rule.quiet,
            timezone=rule.zone,
            created_at=instant(rule.created_at),
            created_by=rule.created_by,
        )


class StandingAlert(BaseModel):
    """What stands, or is over and not told yet."""

    id: str
    rule_id: str
    kind: AlertKind
    subject: str = Field(description="A campaign's id, the role of a process; empty: the account.")
    words: str
    begun_at: datetime
    told_at: datetime | None
    over_at: datetime | None
    error: str = Field(description="What the last try to tell came to; empty: it went well.")

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """Tell an alert."""
        return cls(
            id=alert.id,
            rule_id=alert.rule,
            kind=alert.kind,
            subject=alert.subject.partition("@")[0],
            words=alert.words,
            begun_at=instant(alert.begun_at),
            told_at=instant_or_none(alert.told_at),
            over_at=instant_or_none(alert.over_at),
            error=alert.error,
        )


class AlertsDocument(BaseModel):
    """Rules, the oldest first; what stands, the newest first."""

    rules: list[AlertRuleDocument]
    standing: list[StandingAlert]

    @classmethod
    def of(cls, desk: AlertDesk) -> Self:
        """Tell all of an account."""
        return cls(
            rules=[AlertRuleDocument.of(one) for one in desk.rules()],
            standing=[StandingAlert.of(one) for one in desk.standing()],
        )
