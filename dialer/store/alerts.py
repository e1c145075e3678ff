"""Alerts in Redis: who is told of what, what stands, and what the watch reads besides.

One process of the account's watches at a time; see dialer/alerting/watch.py.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from campaigns.alert_rules import AlertRule, Way
from campaigns.alerts import AlertKind, Balance, Limits
from dialer.store.database import Database, text
from dialer.store.json_records import JsonRecords
from dialer.store.scripts import gives


@dataclass(frozen=True, slots=True)
class Alert:
    """What one rule's people are told of, until they know that it is over.

    Args:
        id: Of the telling; the same whenever it is told again.
        subject: A campaign's id, the role of a process, '' = the account.
        mark: While it stays, it is the same.
        begun_at: Epoch s, as are the other instants.
        told_at: 0: nobody was told yet.
        over_at: 0: it stands.
        next_at: It is tried again then; `error`: what the last try came to.
    """

    id: str
    rule: str
    kind: AlertKind
    subject: str
    words: str
    mark: str
    begun_at: float
    told_at: float = 0.0
    over_at: float = 0.0
    tries: int = 0
    next_at: float = 0.0
    error: str = ""

    @property
    def field(self) -> str:
        """Its name among all that stand."""
        return f"{self.rule} {self.kind} {self.subject}"


@dataclass(frozen=True, slots=True)
class AskedBalance:
    """What the provider told of the account's balance.

    Args:
        next_at: It is asked again then, epoch s.
        balance: None: it was told nothing yet.
    """

    next_at: float = 0.0
    balance: Balance | None = None


@gives("alert")
class NoteAlert(NamedTuple):
    """An alert that begins, or that is over.

    Args:
        field: Its name among all that stand.
        alert: JSON; '' = it is over.
        tells: The kind of event that tells of it; '' = none does.
        campaign: It is about; '' = none.
        details: Of that event, JSON.
    """

    field: str
    alert: str
    tells: str
    campaign: str
    details: str


class Alerts:
    """Reads and writes rules, and what stands."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rules = JsonRecords(db, "alert_rules")
        self._standing = JsonRecords(db, "alerts")

    def rules(self) -> list[AlertRule]:
        """Read who is told of what, the oldest first."""
        return sorted(map(_rule, self._rules.all().values()), key=lambda one: one.created_at)

    def put(self, rule: AlertRule) -> None:
        """Write a rule down."""
        self._rules.put(rule.id, asdict(rule))

    def remove(self, rule: str) -> bool:
        """Forget a rule; False when there is none. What stood by it is dropped by the watch."""
        return self._rules.remove(rule)

    def standing(self) -> list[Alert]:
        """Read what stands, or is over and not told yet, the newest first."""
        found = (
            Alert(**{**one, "kind": AlertKind(one["kind"])})
            for one in self._standing.all().values()
        )
        return sorted(found, key=lambda one: -one.begun_at)

    def begin(
        self, alert: Alert, *, tells: str = "", campaign: str = "", details: str = ""
    ) -> bool:
        """Write that an alert stands, and tell of it in the same step; False when it did already."""
        return bool(
            self._db.run(
                NoteAlert(alert.field, json.dumps(asdict(alert)), tells, campaign, details)
            )
        )

    def drop(self, alert: Alert, *, tells: str = "", campaign: str = "", details: str = "") -> bool:
        """Forget an alert that is over, and tell of that in the same step; False when it was gone."""
        return bool(self._db.run(NoteAlert(alert.field, "", tells, campaign, details)))

    def note(self, alert: Alert) -> None:
        """Write how far an alert is that stands."""
        self._standing.put(alert.field, asdict(alert))

    def read_to(self) -> str:
        """Tell up to which event completions were looked for; '' = none yet."""
        return text(self._db.client.get(self._db.key("alerts_read")))

    def note_read(self, cursor: str) -> None:
        """Note up to which event completions were looked for."""
        self._db.client.set(self._db.key("alerts_read"), cursor)

    def balance(self) -> AskedBalance:
        """Read what was told of the account's balance last."""
        stored = text(self._db.client.get(self._db.key("balance")))
        if not stored:
            return AskedBalance()
        next_at, balance = json.loads(stored)
        return AskedBalance(next_at, Balance(*balance) if balance else None)

    def note_balance(self, asked: AskedBalance) -> None:
        """Write what was told of it, and when it is asked again."""
        self._db.client.set(self._db.key("balance"), json.dumps([asked.next_at, asked.balance]))


def with_work_now(db: Database, campaigns: Sequence[str]) -> list[bool]:
    """Tell of each of some campaigns whether a free agent has a contact that is due."""
    with db.client.pipeline(transaction=False) as pipe:
        for campaign in campaigns:
            pipe.exists(db.key("c", campaign, "ready"))
            pipe.exists(db.key("c", campaign, "newcomers"))
        found = pipe.execute()
    return [bool(ready or new) for ready, new in zip(found[::2], found[1::2], strict=True)]


def _rule(told: dict[str, Any]) -> AlertRule:
    known = set(AlertKind)
    return AlertRule(
        **{
            **told,
            "way": Way(told["way"]),
            "kinds": tuple(AlertKind(one) for one in told["kinds"] if one in known),
            "limits": Limits(**told["limits"]),
        }
    )
