"""A campaign: a named list of contacts with its rules and its states."""

import unicodedata
from enum import StrEnum

from campaigns.plain_text import UNSEEN

LONGEST_NAME = 100


def is_name(text: str) -> bool:
    """Tell whether a campaign may be called so; people name it, so nearly anything goes."""
    return bool(text.strip()) and len(text) <= LONGEST_NAME and not UNSEEN.search(text)


def same_name(text: str) -> str:
    """Write a name as it is compared: names that differ in case or spaces are one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class CampaignState(StrEnum):
    """Where a campaign stands; `loading` shows only while its first list is being read."""

    LOADING = "loading"
    LOADED = "loaded"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"

    @property
    def is_over(self) -> bool:
        """Nothing waits and nothing is under way; what is appended to a completed one opens it."""
        return self in {CampaignState.COMPLETED, CampaignState.CANCELLED}

    @property
    def is_cancelled(self) -> bool:
        """It dials nobody any more, and takes no contacts; the last calls may be under way."""
        return self in {CampaignState.CANCELLING, CampaignState.CANCELLED}
