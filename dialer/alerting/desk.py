"""Use case: who is told of what: made, tried, taken away."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

from campaigns.alert_rules import AlertRule, Way, is_mail_address
from campaigns.alerts import AlertKind, Limits, QuietHours
from campaigns.sentence import told
from dialer.alerting.telling import Telling, message
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import new_nonce
from dialer.store import Campaigns, Database
from dialer.store.alerts import Alert, Alerts
from dialer.store.events import EventStream

MOST_RULES = 50


class BadAlertRule(NotDone):
    """A rule that cannot be kept; says what to give instead."""


class NoSuchRule(NotDone):
    """No rule has this id."""


class AlertDesk:
    """Keeps the rules of one account.

    Args:
        account: Its name where there are several; '' where it is alone.
        zone: Of quiet hours where a rule names none.
        keeps_events: Whether events are kept, of which completions are taken.
    """

    def __init__(
        self, db: Database, telling: Telling, *, account: str, zone: str, keeps_events: bool
    ) -> None:
        self._db = db
        self._alerts = Alerts(db)
        self._telling = telling
        self._account = account
        self._zone = zone
        self._keeps_events = keeps_events

    def rules(self) -> list[AlertRule]:
        """Give the rules, the oldest first."""
        return self._alerts.rules()

    def standing(self) -> list[Alert]:
        """Give what stands or is not told yet, the newest first."""
        return self._alerts.standing()

    def add(
        self,
        way: Way,
        to: str,
        *,
        kinds: Collection[AlertKind] = (),
        campaign: str = "",
        limits: Limits | None = None,
        quiet: str = "",
        zone: str = "",
        by: str = "",
    ) -> AlertRule:
        """Tell somebody from now on.

        Args:
            kinds: Of what; none: of all.
            campaign: Of this one alone, by id or name.

        Raises:
            BadAlertRule: It cannot be; nothing was kept.
            CampaignNotFound: There is no such campaign.
        """
        wanted = tuple(kind for kind in AlertKind if kind in kinds or not kinds)
        if AlertKind.COMPLETED in kinds and not self._keeps_events:
            raise BadAlertRule(
                told(
                    "campaign_completed is taken from the account's events, and "
                    "DIALER_EVENTS_DAYS is 0"
                )
            )
        if len(self.rules()) >= MOST_RULES:
            raise BadAlertRule(
                told("there are {most} rules already; remove one first", most=MOST_RULES)
            )
        rule = AlertRule(
            id=new_nonce(),
            way=way,
            to=self._checked(way, to.strip()),
            kinds=wanted,
            campaign=Campaigns(self._db).find(campaign).id if campaign else "",
            limits=limits or Limits(),
            quiet=_quiet(quiet),
            zone=_zone(zone or self._zone),
            since=EventStream(self._db).ends()[1],
            created_at=self._db.now(),
            created_by=by,
        )
        self._alerts.put(rule)
        tell(on=f"alert {rule.id}", after={"way": way, "to": rule.whom, "kinds": list(wanted)})
        return rule

    def get(self, id_: str) -> AlertRule:
        """Give a rule.

        Raises:
            NoSuchRule: There is none.
        """
        found = next((rule for rule in self.rules() if rule.id == id_), None)
        if found is None:
            raise NoSuchRule(told("there is no alert rule {id}", id=id_))
        return found

    def remove(self, id_: str) -> AlertRule:
        """Tell somebody no more.

        Raises:
            NoSuchRule: There is none.
        """
        rule = self.get(id_)
        self._alerts.remove(id_)
        tell(on=f"alert {id_}", before={"way": rule.way, "to": rule.whom})
        return rule

    def test(self, id_: str) -> str:
        """Tell a rule's people now that this is a test; gives why that failed, '' = it did not.

        Raises:
            NoSuchRule: There is none.
            BadAlertRule: It tells by events, which happen or do not.
        """
        rule = self.get(id_)
        if rule.way is Way.EVENTS:
            raise BadAlertRule(
                told("alerts as events are tried where they arrive: test the webhook")
            )
        tried = message(
            f"{id_}-test-{new_nonce()}",
            "this is a test, nothing is the matter",
            account=self._account,
            at_s=self._db.now(),
            is_over=False,
        )
        error = self._telling.tell(rule, tried)
        tell(on=f"alert {id_}", after={"to": rule.whom, "error": error})
        return error

    def _checked(self, way: Way, to: str) -> str:
        match way:
            case Way.EVENTS:
                if not self._keeps_events:
                    raise BadAlertRule(told("no events are kept: DIALER_EVENTS_DAYS is 0"))
                return ""
            case Way.EMAIL:
                if not is_mail_address(to):
                    raise BadAlertRule(told("an address such as ops@example.com is needed"))
                if not self._telling.has_mail:
                    raise BadAlertRule(
                        told(
                            "no e-mail can be sent: set DIALER_SMTP_URL and DIALER_SMTP_FROM, "
                            "here and for all processes"
                        )
                    )
                return to
            case _:
                return self._telling.posting.check(to)


def _quiet(text: str) -> str:
    try:
        return str(QuietHours.parse(text) or "")
    except ValueError as error:
        raise BadAlertRule(str(error)) from None


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise BadAlertRule(
            told("{name!r} is no IANA time zone, such as Asia/Kolkata", name=name[:50])
        ) from None
