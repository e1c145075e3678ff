"""Use case: keep a few seconds of due contacts in the queue, never more.

Little is ever queued, so a pause acts at once, turns stay fair, and a million waiting contacts
cost the queue nothing.
"""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from campaigns.campaign import CampaignState
from dialer import failpoints
from dialer.agents.shifts import Shifts
from dialer.agents.teams import TeamBook
from dialer.clock import boottime_s
from dialer.dialing.open_campaigns import OpenCampaigns
from dialer.ids import ContactId, new_nonce
from dialer.logger import get_logger
from dialer.open_windows import Hours
from dialer.pacing import Allowance
from dialer.store import Campaign, Campaigns, Database
from dialer.store.campaign import WrongState
from dialer.store.database import may_pass, text
from dialer.store.scripts import gives
from dialer.store.starting import take_turns
from dialer.store.work import CalledFor, wait_for_call
from dialer.store.zones_and_teams import zones_in

log = get_logger(__name__)

RELEASE_LEASE_S = 10.0
"""A release not used by then is taken back: its worker is gone, and no call was made."""

OTHER_SETTINGS = "other settings"
"""Why a feeder releases nothing whose settings are not the account's."""


@gives("release", kept=True)
class Release(NamedTuple):
    """What a tick asks for.

    Args:
        most: Contacts released lately, at most.
        lease_s: Of a release.
        token: Unique.
        most_live: Calls at once; 0 = no cap.
        epoch: As the caller remembers it.
        used_within_s: A release usually has been used by then.
        queued: Messages that wait in the queue, used or not.
        terms: Fingerprint of the caller's; with others than the account's it releases nothing.
        clock_from: Redis' clock stands behind that if nobody set it, epoch s.
        clock_until: And before that.
    """

    most: int
    lease_s: float
    token: str
    most_live: int
    epoch: int
    used_within_s: float
    queued: int
    terms: str
    clock_from: float
    clock_until: float


_AHEAD_S = 3.0
_FEWEST, _MOST = 8, 2000


@dataclass(frozen=True, slots=True)
class Released:
    """A contact handed out, and the token that proves it."""

    contact: ContactId
    token: str


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick did.

    Args:
        released: To be sent to the queue now.
        held_by: Why no more was released: `nothing`, `stopped`, `capped`, `blocked`, `hold`,
            `channels`, `other settings`, `clock`;
            empty when enough is.
        idle_s: How long there is nothing to release, unless somebody calls.
        is_closing: Contacts of a cancelled campaign are still to be closed.
        damaged: What in Redis could not be worked on, and why, if only the first; '' = nothing.
    """

    released: tuple[Released, ...]
    held_by: str
    idle_s: float = 0.0
    is_closing: bool = False
    damaged: str = ""


class Feeding:
    """Releases due contacts; any number of feeders may tick, Redis decides who gets which."""

    def __init__(
        self, db: Database, *, allowance: Allowance, max_concurrent_calls: int, terms: str = ""
    ) -> None:
        self._db = db
        self._terms = terms
        self._slots_kept_s = allowance.lease_s
        self._cap = max_concurrent_calls
        self._ahead = min(_MOST, max(_FEWEST, math.ceil(_AHEAD_S / allowance.spacing_s)))
        # a slow pace takes longer to use the fewest
        self._used_within_s = max(_AHEAD_S, self._ahead * allowance.spacing_s)
        self._campaigns = Campaigns(db)
        self._going_on = OpenCampaigns(self._campaigns)
        self._cancelling: deque[str] = deque()
        self._hours = Hours(db)
        self._shifts = Shifts(db)
        self._teams = TeamBook(db)
        self._epoch = 0

    def tick(self, *, queued: int = 0) -> Tick:
        """Take back releases that ran out, wake who waited, release what is due.

        Before that some contacts of a cancelled campaign are closed, and no more of them than others can
        wait for: their calls go on while a million are closed.

        Args:
            queued: Messages in the queue that no worker has taken.
        """
        is_closing = self.cancel_some()
        clock = self._db.clock.bounds(slots_kept_s=self._slots_kept_s)
        answer = self._db.run(
            Release(
                most=self._ahead,
                lease_s=RELEASE_LEASE_S,
                token=new_nonce(),
                most_live=self._cap,
                epoch=self._epoch,
                used_within_s=self._used_within_s,
                queued=queued,
                terms=self._terms,
                clock_from=clock.clock_from,
                clock_until=clock.clock_until,
            )
        )
        self._epoch = max(self._epoch, int(float(answer[1])))
        failpoints.reach("released")
        held_by = text(answer[0])
        if held_by == "clock":
            self._db.clock.look(slots_kept_s=self._slots_kept_s)
        return Tick(
            tuple(_released(answer[4:])), held_by, float(answer[2]), is_closing, text(answer[3])
        )

    def wait_for_call(self, *, within_s: float) -> CalledFor:
        """Wait until there may be something to do: a campaign was steered, or has somebody to ring.

        One of several feeders hears it. A call that is missed costs the wait, nothing else.
        """
        return wait_for_call(self._db, within_s=within_s)

    def keep_schedules(self) -> None:
        """Start and end what is due, shifts too, tell release when campaigns may dial; call every second."""
        now = self._hours.now()
        self._shifts.keep(now)
        self._teams.keep()
        windows: dict[str, tuple[float, float] | None] = {}
        for campaign in self._going_on.read():
            with _left_alone(campaign.id):
                self._keep(campaign, now, windows)
        take_turns(self._db, windows)

    def _keep(
        self, campaign: Campaign, now: datetime, windows: dict[str, tuple[float, float] | None]
    ) -> None:
        if campaign.state is CampaignState.CANCELLING:
            self._close(campaign)
        elif campaign.state is CampaignState.LOADING:
            return
        elif campaign.rules.end_has_come(now):
            self._campaigns.end(campaign)
            self._close(campaign)
        elif campaign.state is CampaignState.RUNNING:
            windows[campaign.id] = self._new_window(campaign)
        elif _starts_by_itself(campaign, now):
            with suppress(WrongState):  # somebody else has just steered it elsewhere
                self._campaigns.move(campaign, CampaignState.RUNNING)
            windows[campaign.id] = self._new_window(campaign)

    def _close(self, campaign: Campaign) -> None:
        if campaign.id not in self._cancelling:  # whose turn it was to be closed keeps it
            self._cancelling.append(campaign.id)

    def cancel_some(self) -> bool:
        """Close some waiting contacts of one of the campaigns being cancelled, in turn; True while there are more."""
        if self._cancelling:
            campaign = self._cancelling.popleft()
            with _left_alone(campaign):
                if self._campaigns.cancel_some(campaign):
                    self._cancelling.append(campaign)
        return bool(self._cancelling)

    def _new_window(self, campaign: Campaign) -> tuple[float, float] | None:
        """Find when a campaign may be dialled next; None where what release knows still holds."""
        if campaign.open_from <= self._hours.now().timestamp() < campaign.open_until:
            return None
        # a contact of another zone is sent back by the gate until its own hours open
        return self._hours.widest(campaign.rules, zones_in(self._db, campaign.id))


@contextmanager
def _left_alone(campaign: str) -> Iterator[None]:
    """Leave a campaign alone on whose data a step cannot work: the others must not wait for it."""
    try:
        yield
    except Exception as error:
        if may_pass(error):
            raise
        _say_now_and_then(campaign, str(error), minute=int(boottime_s() // 60))


@lru_cache(maxsize=256)
def _say_now_and_then(campaign: str, message: str, *, minute: int) -> None:
    """Say it once in a minute, however often it is tried."""
    del minute
    log.error("campaign_left_alone", campaign_id=campaign, message=message)


def _starts_by_itself(campaign: Campaign, now: datetime) -> bool:
    """Tell whether a start is due, and there is somebody to call."""
    at = campaign.rules.starts_at
    is_due = campaign.state is CampaignState.LOADED and at is not None and at <= now
    return is_due and campaign.has_a_start_ahead and campaign.accepted > 0


def _released(answer: list[bytes]) -> Iterator[Released]:
    for campaign, n, token in zip(answer[::3], answer[1::3], answer[2::3], strict=True):
        yield Released(ContactId(text(campaign), int(n)), text(token))
