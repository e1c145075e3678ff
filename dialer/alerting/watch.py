"""The watch: one process of an account's looks every few seconds, and tells what begins and what is over.

What stands is written before anybody is told, and that they were told after it: a process that dies in
between leaves it to its successor, which tells it again under the same id. Each rule's people are told
by a thread of their own, so that a mail server that hangs holds up nobody.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from campaigns.alert_rules import AlertRule, Way
from campaigns.alerts import OF_CAMPAIGNS, AlertKind, Condition, Key, Since, conditions, judge
from campaigns.events import EventKind
from dialer.alerting.looking import BalanceAt, Looking
from dialer.alerting.telling import Message, Telling, message
from dialer.events.outbox import Outbox, Wanted
from dialer.ids import new_nonce
from dialer.logger import get_logger
from dialer.masking import mask_text
from dialer.store import Campaigns, Database
from dialer.store.alerts import Alert, Alerts
from dialer.store.events import place
from dialer.store.lease import Lease

log = get_logger(__name__)

TICK_S = 15.0
_LEASE_S = 60.0
_MOST_AT_ONCE = 20  # messages to one rule's people a tick
_FIRST_WAIT_S, _LONGEST_WAIT_S = 60.0, 1800.0
_GIVEN_UP_S = 86_400.0
_PAGE, _MOST_PAGES = 500, 10
_COMPLETIONS = Wanted((EventKind.CAMPAIGN_COMPLETED,))

_LOOKED_AT = OF_CAMPAIGNS - {AlertKind.COMPLETED}


class Watch:
    """Watches one account.

    Args:
        account: Its name where there are several; '' where it is alone.
        holder: Names this process among all hosts'.
        why: Tells in a sentence why a campaign is not dialling; '' = nothing is known.
        balance_at: Asked only where somebody wants to be told of it.
    """

    def __init__(
        self,
        db: Database,
        outbox: Outbox,
        telling: Telling,
        *,
        account: str,
        holder: str,
        why: Callable[[str], str],
        balance_at: BalanceAt,
    ) -> None:
        self._db = db
        self._alerts = Alerts(db)
        self._outbox = outbox
        self._telling = telling
        self._account = account
        self._why = why
        self._lease = Lease(db, "alerts_watched_by", holder, lasts_s=_LEASE_S)
        self._looking = Looking(db, balance_at)
        self._waiting: dict[str, Mapping[Key, Since]] = {}
        self._under_way: dict[str, threading.Thread] = {}

    def tick(self) -> None:
        """Look once; returns before anybody was told."""
        rules = self._alerts.rules()
        if not rules or not self._lease.take():
            self._waiting.clear()  # somebody else watches
            return
        now_s = self._db.now()
        self._look(rules, now_s)
        self._tell_completions(rules)
        by_id = {rule.id: rule for rule in rules}
        due: dict[str, list[Alert]] = {}
        for alert in reversed(self._alerts.standing()):
            rule = by_id.get(alert.rule)
            if rule is None:
                self._alerts.drop(alert)
            elif self._is_due(rule, alert, now_s):
                due.setdefault(rule.id, []).append(alert)
        for id_, alerts in due.items():
            self._tell_apart(by_id[id_], alerts[:_MOST_AT_ONCE])

    def settle(self, within_s: float) -> None:
        """Wait until those are done who tell now."""
        for thread in list(self._under_way.values()):
            thread.join(within_s)

    def _look(self, rules: Sequence[AlertRule], now_s: float) -> None:
        kinds = {kind for rule in rules for kind in rule.kinds}
        now = self._looking.look(
            now_s,
            with_campaigns=not kinds.isdisjoint(_LOOKED_AT),
            with_balance=AlertKind.BALANCE in kinds,
        )
        standing = [one for one in self._alerts.standing() if one.kind is not AlertKind.COMPLETED]
        for rule in rules:
            mine = {
                (one.kind, one.subject): one
                for one in standing
                if one.rule == rule.id and not one.over_at
            }
            wanted = [
                one
                for one in conditions(now, rule.limits, standing=mine)
                if rule.wants(one.kind, one.subject)
            ]
            marks = {key: one.mark for key, one in mine.items()}
            judged = judge(wanted, marks, self._waiting.get(rule.id, {}), at=now_s)
            self._waiting[rule.id] = judged.waiting
            for one in judged.begun:
                self._begin(rule, one, now_s)
            for key in judged.over:
                self._end(rule, mine[key], now_s)

    def _begin(self, rule: AlertRule, one: Condition, now_s: float) -> None:
        words = one.words
        if one.kind is AlertKind.NOTHING_DIALLED and (why := self._why(one.subject)):
            words = f"{words}. {why.rstrip('.')}"
        alert = Alert(
            id=f"{rule.id}-{new_nonce()}",
            rule=rule.id,
            kind=one.kind,
            subject=one.subject,
            words=mask_text(words),
            mark=one.mark,
            begun_at=now_s,
        )
        self._write(rule, alert)

    def _write(self, rule: AlertRule, alert: Alert) -> None:
        event = {}
        if rule.way is Way.EVENTS:
            alert = replace(alert, told_at=alert.begun_at)
            event = _as_event(alert, EventKind.ALERT_BEGUN)
        if self._alerts.begin(alert, **event):
            log.warning("alert_begun", kind=alert.kind, subject=alert.subject, rule=rule.id)

    def _end(self, rule: AlertRule, alert: Alert, now_s: float) -> None:
        log.info("alert_over", kind=alert.kind, subject=alert.subject, rule=rule.id)
        if rule.way is Way.EVENTS:
            self._alerts.drop(alert, **_as_event(alert, EventKind.ALERT_OVER))
        elif alert.told_at:
            self._alerts.note(replace(alert, over_at=now_s, tries=0, next_at=0.0, error=""))
        else:
            self._alerts.drop(alert)  # nobody knows of it

    def _tell_completions(self, rules: Sequence[AlertRule]) -> None:
        """Take completed campaigns from the account's events: each is told, however short it stood so."""
        wanting = [rule for rule in rules if AlertKind.COMPLETED in rule.kinds]
        if not wanting:
            return
        cursor = self._alerts.read_to() or wanting[0].since
        for _ in range(_MOST_PAGES):
            page = self._outbox.after(cursor, most=_PAGE, wanted=_COMPLETIONS)
            for entry in page.entries:
                for rule in wanting:
                    campaign = entry.campaign or ""
                    is_news = place(entry.id) > place(rule.since)
                    if is_news and rule.wants(AlertKind.COMPLETED, campaign):
                        self._complete(rule, entry.id, campaign)
            if page.cursor != cursor:
                cursor = page.cursor
                self._alerts.note_read(cursor)
            if page.is_last:
                return

    def _complete(self, rule: AlertRule, event: str, campaign: str) -> None:
        found = Campaigns(self._db).readable([campaign])
        if not found:
            return
        counts = Campaigns(self._db).counts(campaign)
        words = (
            f"campaign {found[0].name} is completed: {counts.final:,} contacts, "
            f"{counts.attempt_outcomes.get('connected', 0):,} conversations"
        )
        alert = Alert(
            id=f"{rule.id}-{event}",
            rule=rule.id,
            kind=AlertKind.COMPLETED,
            subject=f"{campaign}@{event}",
            words=mask_text(words),
            mark="",
            begun_at=found[0].ended_at or self._db.now(),
        )
        self._write(rule, alert)
        if rule.way is Way.EVENTS:
            self._alerts.drop(alert)

    def _is_due(self, rule: AlertRule, alert: Alert, now_s: float) -> bool:
        if rule.way is Way.EVENTS or (alert.told_at and not alert.over_at):
            return False
        if (alert.over_at or alert.begun_at) < now_s - _GIVEN_UP_S and _is_history(alert):
            self._alerts.drop(alert)
            return False
        return alert.next_at <= now_s and not rule.is_quiet(datetime.fromtimestamp(now_s, UTC))

    def _tell_apart(self, rule: AlertRule, alerts: Sequence[Alert]) -> None:
        before = self._under_way.get(rule.id)
        if before and before.is_alive():
            return
        thread = threading.Thread(
            target=self._tell_all, args=(rule, alerts), name=f"alerts to {rule.id}", daemon=True
        )
        self._under_way[rule.id] = thread
        thread.start()

    def _tell_all(self, rule: AlertRule, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            try:
                error = self._telling.tell(rule, self._message(alert))
                self._note(alert, error)
            except Exception:
                log.exception("alert_not_told", rule=rule.id)
                return
            if error:
                log.warning("alert_not_told", rule=rule.id, message=error)
                return  # the others wait for the next try with it

    def _note(self, alert: Alert, error: str) -> None:
        now_s = self._db.now()
        if error:
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**alert.tries)
            tried = {"tries": alert.tries + 1, "next_at": now_s + wait_s, "error": error}
            self._alerts.note(replace(alert, **tried))
        elif _is_history(alert):
            self._alerts.drop(alert)
        else:
            self._alerts.note(replace(alert, told_at=now_s, tries=0, next_at=0.0, error=""))

    def _message(self, alert: Alert) -> Message:
        is_over = bool(alert.over_at)
        return message(
            f"{alert.id}-over" if is_over else alert.id,
            alert.words,
            account=self._account,
            at_s=alert.over_at or alert.begun_at,
            is_over=is_over,
        )


def _is_history(alert: Alert) -> bool:
    """Tell whether nothing follows once it is told."""
    return bool(alert.over_at) or alert.kind is AlertKind.COMPLETED


def _as_event(alert: Alert, kind: EventKind) -> dict[str, str]:
    campaign = alert.subject.partition("@")[0] if alert.kind in OF_CAMPAIGNS else ""
    told = {
        "alert_id": alert.id,
        "alert": alert.kind,
        "subject": alert.subject.partition("@")[0],
        "words": alert.words,
    }
    return {"tells": kind, "campaign": campaign, "details": json.dumps(told)}
