"""Which open window a call falls into, by Redis' clock.

The window is a fact about rules and calendar; whether *now* lies in it is asked by the gate, of
Redis' own clock. So a host whose clock is wrong may offer the wrong window, and then the gate
refuses it: it can make a call late, never early.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from campaigns.campaign_rules import CampaignRules
from campaigns.hours.calling_hours import CallingHours
from campaigns.hours.local_day import OpenWindow
from campaigns.rules.when import ZoneBy
from dialer.clock import boottime_s
from dialer.store.database import Database

_ASK_AGAIN_S = 10.0  # two quartz clocks part by well under a millisecond in this time


class Hours:
    """Finds windows around the present instant of Redis' clock."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._asked_s = float("-inf")
        self._ahead_s = 0.0
        self._open: dict[tuple[CallingHours, ZoneInfo], OpenWindow] = {}

    def now(self) -> datetime:
        """Tell Redis' time, asked now and then and carried on by this host's steady clock."""
        boottime = boottime_s()
        if boottime - self._asked_s > _ASK_AGAIN_S:
            self._ahead_s = self._db.now() - boottime
            self._asked_s = boottime
        return datetime.fromtimestamp(boottime + self._ahead_s, UTC)

    def window(
        self, rules: CampaignRules, *, row_zone: str | None = None, customer: str | None = None
    ) -> tuple[OpenWindow | None, float]:
        """Find the window a call may be placed in now, and when the next one opens.

        Args:
            row_zone: The row's own IANA zone; None: as the rules say.
            customer: E.164; for rules that go by the number's zone.

        Returns:
            The window that is open or opens next, and the epoch second it opens at; None and 0
            where none ever opens.
        """
        if row_zone is None and customer and rules.zone_by is ZoneBy.NUMBER:
            from campaigns.numbers.phone import zone_of  # noqa: PLC0415 - few campaigns ask

            row_zone = zone_of(customer)
        zone = ZoneInfo(row_zone) if row_zone else rules.zone
        found = self._next_open(rules.hours, zone)
        return found, found.from_at.timestamp() if found else 0.0

    def widest(self, rules: CampaignRules, zones: Iterable[str]) -> tuple[float, float]:
        """Find when contacts of any zone may be dialled, now or next.

        Args:
            zones: Contacts' own, beside the campaign's.

        Returns:
            From and until, epoch s; zeros where none ever opens.
        """
        now = self.now()
        found = [
            window
            for zone in {rules.timezone, *zones}
            if (window := rules.hours.next_open(now, ZoneInfo(zone)))
        ]
        if not found:
            return 0.0, 0.0
        from_at = min(window.from_at for window in found)
        until_at = max(window.until_at for window in found if window.from_at <= max(from_at, now))
        return from_at.timestamp(), until_at.timestamp()

    def _next_open(self, hours: CallingHours, zone: ZoneInfo) -> OpenWindow | None:
        """Find the window that is open or opens next; one that is open is remembered."""
        now = self.now()
        known = self._open.get((hours, zone))
        if known and known.from_at <= now < known.until_at:
            return known
        found = hours.next_open(now, zone)
        if found:
            self._open[hours, zone] = found
        return found
