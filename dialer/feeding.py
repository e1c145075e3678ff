"""Use case: keep a few seconds of due contacts in the queue, never more.

Little is ever queued, so a pause acts at once, turns stay fair, and a million waiting contacts
cost the queue nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from campaigns.campaign import CampaignState
from campaigns.contact_state import NotDialled
from dialer import failpoints
from dialer.ids import ContactId, new_nonce
from dialer.pacing import Allowance
from dialer.store import Campaign, Campaigns, Database
from dialer.store.contacts import code_of
from dialer.store.database import text
from dialer.windows import Hours

RELEASE_LEASE_S = 10.0
"""A release not used by then is taken back: its worker is gone, and no call was made."""

_NOT_OVER = (CampaignState.LOADED, CampaignState.RUNNING, CampaignState.PAUSED)
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
        held_by: Why no more was released: `nothing`, `stopped`, `blocked`, `hold`, `channels`;
            empty when enough is.
    """

    released: tuple[Released, ...]
    held_by: str


class Feeding:
    """Releases due contacts; any number of feeders may tick, Redis decides who gets which."""

    def __init__(self, db: Database, *, allowance: Allowance, max_concurrent_calls: int) -> None:
        self._db = db
        self._cap = max_concurrent_calls
        self._ahead = min(_MOST, max(_FEWEST, math.ceil(_AHEAD_S / allowance.spacing_s)))
        # a slow pace takes longer to use the fewest
        self._used_within_s = max(_AHEAD_S, self._ahead * allowance.spacing_s)
        self._campaigns = Campaigns(db)
        self._hours = Hours(db)
        self._epoch = 0

    def tick(self) -> Tick:
        """Take back releases that ran out, wake who waited, release what is due."""
        answer = self._db.run(
            "release",
            self._ahead,
            RELEASE_LEASE_S,
            new_nonce(),
            self._cap,
            code_of(NotDialled.EXPIRED),
            code_of(NotDialled.SUPPRESSED),
            code_of(NotDialled.POISON),
            self._epoch,
            self._used_within_s,
        )
        self._epoch = max(self._epoch, int(float(answer[1])))
        failpoints.reach("released")
        return Tick(tuple(_released(answer[2:])), text(answer[0]))

    def keep_schedules(self) -> None:
        """Start and end what is due, tell release when campaigns may dial; call every second."""
        now = self._hours.now()
        now_s = now.timestamp()
        for campaign in self._campaigns.in_state(*_NOT_OVER):
            ends_at, starts_at = campaign.rules.ends_at, campaign.rules.starts_at
            if ends_at and ends_at <= now:
                self._campaigns.end(campaign)
                continue
            if campaign.state is CampaignState.LOADED and starts_at and starts_at <= now:
                self._campaigns.move(campaign, CampaignState.RUNNING)
            elif campaign.state is not CampaignState.RUNNING:
                continue
            known_from_s, known_until_s = self._campaigns.open_until(campaign.id)
            if known_from_s <= now_s < known_until_s:
                self._campaigns.take_turns(campaign.id)
            else:
                self._open(campaign)

    def cancel_some(self) -> bool:
        """Close waiting contacts of campaigns being cancelled; True while there are more."""
        cancelling = list(self._campaigns.in_state(CampaignState.CANCELLING))
        more = [self._campaigns.cancel_some(campaign.id) for campaign in cancelling]
        return any(more)

    def _open(self, campaign: Campaign) -> None:
        # a contact of another zone is sent back by the gate until its own hours open
        from_s, until_s = self._hours.widest(campaign.rules, self._campaigns.zones(campaign.id))
        self._campaigns.set_open_window(campaign.id, from_s=from_s, until_s=until_s)


def _released(answer: list[bytes]) -> Iterator[Released]:
    for campaign, n, token in zip(answer[::3], answer[1::3], answer[2::3], strict=True):
        yield Released(ContactId(text(campaign), int(n)), text(token))
