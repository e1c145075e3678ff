"""Use case: the rows behind the figures of today, of all campaigns: calls that are live, and those of the day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaigns.campaign import CampaignState
from campaigns.day_figures import DayFigures
from dialer.store import Attempts, Campaign, Database, OpenAttempt
from dialer.store.snapshot import tried_lines

_MOST_READ = 20_000  # contacts a page; some 0.4 s

LIVE = "live"
OF_THE_DAY = ("calls", "answered", "connected")
"""What may be asked for: attempts that are not settled, or those that count in such a figure."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """An attempt, and whose it is."""

    campaign: Campaign
    one: OpenAttempt


@dataclass(frozen=True, slots=True)
class DayRows:
    """Some of them; `after` says where to read on: a campaign's id and a contact's number."""

    rows: tuple[DayRow, ...]
    after: tuple[str, int] | None = None


def live_rows(db: Database, campaigns: Sequence[Campaign], *, most: int) -> DayRows:
    """Give the attempts that are not settled, those that are looked at first before the others."""
    by_id = {one.id: one for one in campaigns}
    found = Attempts(db).all_open(most=most)
    return DayRows(tuple(DayRow(by_id[one.id.campaign], one) for one in found))


def rows_of_day(
    db: Database,
    campaigns: Sequence[Campaign],
    figure: str,
    *,
    since_s: float,
    after: tuple[str, int] | None,
    most: int,
) -> DayRows:
    """Give attempts requested since then that count in a figure.

    Args:
        figure: One of `OF_THE_DAY`.
        since_s: When the day began, epoch s.
        after: Contacts to pass over; None begins.
    """
    found: list[DayRow] = []
    read = 0
    for campaign, first in _from(_of_the_day(campaigns, since_s), after):
        for line in tried_lines(db, campaign.id, size=campaign.accepted, after=first):
            read += 1
            found += (
                DayRow(campaign, one)
                for one in line.attempts
                if one.attempt.requested_at >= since_s
                and getattr(DayFigures.of(one.attempt), figure)
            )
            if len(found) >= most or read >= _MOST_READ:
                return DayRows(tuple(found), (campaign.id, line.n))
    return DayRows(tuple(found))


def _of_the_day(campaigns: Sequence[Campaign], since_s: float) -> list[Campaign]:
    """Leave out campaigns that never began, or were over before the day, and rows that are in files."""
    return [
        one
        for one in campaigns
        if one.archived_at is None
        and (one.started_at is not None or one.state is not CampaignState.LOADED)
        and (one.ended_at is None or one.ended_at >= since_s)
    ]


def _from(
    campaigns: Sequence[Campaign], after: tuple[str, int] | None
) -> Iterator[tuple[Campaign, int]]:
    ids = [one.id for one in campaigns]
    begin = ids.index(after[0]) if after and after[0] in ids else 0
    for place, campaign in enumerate(campaigns[begin:]):
        yield campaign, after[1] if after and not place and after[0] in ids else 0
