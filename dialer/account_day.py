"""Use case: what the account has used of its day, what it may use, and more of it for today.

The gate counts and refuses, in the step that lets a call go. A call reserves its time limit, and its
price where the campaign knows one; what it took in the end takes the place of that once it is told.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from campaigns.caps import AccountCaps, cap_in_words, local_day
from dialer.deeds import tell
from dialer.logger import get_logger
from dialer.store import Database
from dialer.store.account import read_closed
from dialer.store.day import add_to_caps, calls_by_hour, used_of

log = get_logger(__name__)

BURST_TIMES = 3
BURST_LEAST = 100  # calls in an hour; fewer are no burst, whatever is usual
_USUAL_DAYS = 7
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Use:
    """One cap of the day.

    Args:
        used: Reservations of calls under way included.
        most: With what was added for today; 0 = no cap.
        added: By an administrator, for today.
    """

    name: str
    used: float
    most: float
    added: float


@dataclass(frozen=True, slots=True)
class Burst:
    """Far more calls this hour than is usual.

    Args:
        usual: The mean of the last seven days' hours in which there were calls.
    """

    calls: int
    usual: float

    def __str__(self) -> str:
        """Say it in a sentence."""
        return f"{self.calls:,} calls this hour, {self.usual:,.0f} are usual"


@dataclass(frozen=True, slots=True)
class Today:
    """The account's day.

    Args:
        day: The local date.
        reached: The cap that keeps calls from going now; '' = none.
    """

    day: str
    ends_at: datetime
    uses: tuple[Use, ...]
    reached: str
    burst: Burst | None


class AccountDay:
    """Reads and raises the account's caps of the day.

    Args:
        zone: Whose midnight ends the day.
    """

    def __init__(self, db: Database, caps: AccountCaps, zone: ZoneInfo) -> None:
        self._db = db
        self._caps = caps
        self._zone = zone

    def read(self) -> Today:
        """Read what was used, and whether a cap is reached."""
        now_s = self._db.now()
        day, ends_at = local_day(datetime.fromtimestamp(now_s, UTC), self._zone)
        used = used_of(self._db, day)
        uses = tuple(
            Use(name, used.get(name, 0.0) / unit, most + added if most else 0, added)
            for name, most, unit in self._caps.named()
            for added in [used.get(f"added_{name}", 0.0) / unit]
        )
        return Today(day, ends_at, uses, cap_reached(self._db, now_s), self._burst(now_s))

    def add_for_today(self, *, calls: int = 0, minutes: int = 0, spend: int = 0) -> Today:
        """Raise caps for today; with nothing to add, only ask the gate again.

        Raises:
            ValueError: A cap cannot be lowered here.
        """
        if min(calls, minutes, spend) < 0:
            raise ValueError("a cap is raised for today, never lowered; lower the setting instead")
        day, _ = local_day(datetime.fromtimestamp(self._db.now(), UTC), self._zone)
        add_to_caps(self._db, day, {"calls": calls, "seconds": 60 * minutes, "spend": spend})
        tell(after={"calls": calls, "minutes": minutes, "spend": spend})
        log.warning("caps_raised", calls=calls, minutes=minutes, spend=spend)
        return self.read()

    def _burst(self, now_s: float) -> Burst | None:
        """Compare this hour with those of the last seven days in which there were calls."""
        now_h = int(now_s // _HOUR_S)
        hours = calls_by_hour(self._db, first=now_h - 24 * _USUAL_DAYS)
        this_hour = hours.pop(now_h, 0)
        earlier = [calls for calls in hours.values() if calls]
        if not earlier or this_hour < BURST_LEAST:
            return None
        usual = sum(earlier) / len(earlier)
        return Burst(this_hour, usual) if this_hour > BURST_TIMES * usual else None


def cap_reached(db: Database, now_s: float) -> str:
    """Say which cap of the account's day keeps calls from going; '' where none does."""
    closed = read_closed(db)
    return cap_in_words(closed.capped_by, closed.capped_until, now_s)
