"""What lets campaigns be dialled: two people who want one to start, and its turns while it is open."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from dialer.store.campaign import Campaign
from dialer.store.database import Database, text
from dialer.store.scripts import gives

_TURNS_TOGETHER = 200  # a script holds everybody up while it runs


class CampaignWindow(NamedTuple):
    """When a campaign may dial next, epoch s; zeros: never; None: as known."""

    campaign: str
    open_from: float | None
    open_until: float | None


@gives("open_windows")
class OpenWindows(NamedTuple):
    """When campaigns may dial next."""

    campaigns: Sequence[CampaignWindow]


def ask_to_start(db: Database, campaign: Campaign, *, who: str) -> str:
    """Note who wants a campaign to start, and tell who wanted it first."""
    key = db.key("c", campaign.id)
    db.client.hsetnx(key, "asked_by", who)
    return text(db.client.hget(key, "asked_by"))


def confirm_start(db: Database, campaign: Campaign, *, by: str) -> None:
    """Note that two people want it to start with the contacts it has."""
    key = db.key("c", campaign.id)
    noted = {
        "confirmed": campaign.accepted,
        "added_confirmed": campaign.added,
        "confirmed_by": by,
    }
    db.client.hset(key, mapping=cast("dict[Any, Any]", noted))
    db.client.hdel(key, "asked_by")


def take_turns(db: Database, windows: Mapping[str, tuple[float, float] | None]) -> None:
    """Let running campaigns take turns, where they may: one has opened, or its cap is over.

    Args:
        windows: By campaign, when release may dial it next, from and until, epoch s, zeros for
            never; None: as release knows it.
    """
    opening = [CampaignWindow(id_, *(window or (None, None))) for id_, window in windows.items()]
    for at in range(0, len(opening), _TURNS_TOGETHER):
        db.run_for_each(OpenWindows(opening[at : at + _TURNS_TOGETHER]))
