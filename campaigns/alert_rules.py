"""Who is told of what: a rule names kinds of alerts, and where they go."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from campaigns.alerts import OF_CAMPAIGNS, AlertKind, Limits, QuietHours

_MAIL = re.compile(r"[^\s@<>,;\"\\]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class Way(StrEnum):
    """How somebody is told."""

    EMAIL = "email"
    SLACK = "slack"
    TEAMS = "teams"
    EVENTS = "events"  # of the account, for webhooks and whoever reads those


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Who is told of what.

    Args:
        to: An address, or a URL that is a secret in itself; '' for events.
        campaign: Of this one alone, by its id; '' = of all.
        quiet: Daily hours in `zone` in which nothing is told, such as `22:00-07:00`; '' = none.
        since: Completions behind this event are told.
        created_at: Epoch s.
    """

    id: str
    way: Way
    to: str
    kinds: tuple[AlertKind, ...]
    campaign: str
    limits: Limits
    quiet: str
    zone: str
    since: str
    created_at: float
    created_by: str

    def wants(self, kind: AlertKind, subject: str) -> bool:
        """Tell whether it is one of what is told."""
        is_elsewhere = self.campaign and kind in OF_CAMPAIGNS and subject != self.campaign
        return kind in self.kinds and not is_elsewhere

    def is_quiet(self, at: datetime) -> bool:
        """Tell whether nothing is told at this instant."""
        hours = QuietHours.parse(self.quiet)
        return hours is not None and hours.hold(at, ZoneInfo(self.zone))

    @property
    def whom(self) -> str:
        """Where it goes, for people: of a URL that lets anybody in who knows it, host and end alone."""
        if self.way is Way.EVENTS:
            return "events"
        if self.way is Way.EMAIL:
            return self.to
        host = self.to.split("/")[2] if self.to.count("/") > 1 else ""
        return f"https://{host}/…{self.to[-4:]}"


def is_mail_address(text: str) -> bool:
    """Tell whether it is an address of one mailbox."""
    return len(text) <= 254 and bool(_MAIL.fullmatch(text))
