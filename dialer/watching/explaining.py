"""Use case: why a campaign is not dialling, counted contact by contact."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress
from typing import Any

import numpy as np

from campaigns.outlook.blockers import Blocker, HeldNumbers, Numbers, WaitingContacts, blockers
from dialer.agreeing import Dissenter, dissenters
from dialer.store import Campaign, Database
from dialer.store.phones import read_taken
from dialer.store.suppressed import lists_with_numbers
from dialer.store.waiting import waiting_of
from dialer.store.zones_and_teams import teams_in
from dialer.watching.status import Status, Statuses
from dialer.watching.teams_now import teams_taken

_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is in the way of a campaign.

    Args:
        blockers: Of the whole campaign first; then of single contacts, each counted at most once.
        dissenters: Processes that take no part, since their settings are not the account's.
        next_due_at: When the first contact that waits for its time is due; None: none does.
    """

    status: Status
    blockers: tuple[Blocker, ...]
    next_due_at: datetime | None
    dissenters: tuple[Dissenter, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Tell it in JSON's terms; durations in s, instants in ISO 8601."""
        status = self.status.as_json()
        kept = (
            "campaign_id",
            "name",
            "state",
            "waiting",
            "in_flight",
            "unresolved",
            "open",
            "final",
        )
        forecast = ("blocked_by", "blocked_why", "eta_s", "eta_assuming", "as_of")
        return {
            **{name: status[name] for name in (*kept, *forecast)},
            "sick_hosts": list(self.status.situation.sick_hosts),
            "next_due_at": _iso(self.next_due_at),
            "settings_differ": [one.sentence for one in self.dissenters],
            "blockers": [
                {
                    "name": one.name,
                    "contacts": one.contacts,
                    "until": _iso(one.until),
                    "why": one.sentence,
                }
                for one in self.blockers
            ],
        }


def explain(db: Database, statuses: Statuses, id_or_name: str) -> Explanation:
    """Tell what is in the way; reads every contact, a million in a few seconds.

    Raises:
        CampaignNotFound: There is none of this id or name.
    """
    status = statuses.of(id_or_name)
    campaign = status.campaign
    waiting = waiting_of(db, campaign.id, size=campaign.accepted)
    found = blockers(status.situation, waiting, _held(db, campaign, waiting))
    later = waiting.due_s[waiting.due_s > status.as_of]
    next_due_at = datetime.fromtimestamp(int(later.min()), UTC) if later.size else None
    return Explanation(status, tuple(found), next_due_at, dissenters(db))


def _held(db: Database, campaign: Campaign, waiting: WaitingContacts) -> HeldNumbers:
    taken = read_taken(db, resting_after=db.now())
    teams = teams_taken(db, teams_in(db, campaign.id), taken)
    away = taken.away | teams.away
    return HeldNumbers(
        on_call=_numbers(taken.on_call.keys() | teams.on_call),
        resting=_numbers(taken.resting),
        parked=_numbers(taken.parked),
        suppressed=_suppressed(db, campaign, waiting),
        away=_numbers(away),
        away_until=np.array(list(away.values()), dtype=np.float64),
    )


def _suppressed(db: Database, campaign: Campaign, waiting: WaitingContacts) -> Numbers:
    lists = lists_with_numbers(db, campaign.id)
    if not lists:
        return _numbers(())
    asked = np.unique(np.concatenate([waiting.agent, waiting.customer]))
    found: list[int] = []
    for first in range(0, len(asked), _BATCH):
        batch = asked[first : first + _BATCH].tolist()
        for one in lists:
            found += compress(batch, one.holds([str(number) for number in batch]))
    return np.array(found, dtype=np.int64)


def _numbers(digits: Iterable[str]) -> Numbers:
    return np.array([int(one) for one in digits], dtype=np.int64)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
