"""Campaigns, contacts and attempts in Redis: the only truth, changed only by the scripts.

What stands here is imported when it is first asked for: a command that shows where a campaign stands needs
neither attempts nor callbacks.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dialer.store.attempts import Attempts, Follows, OpenAttempt, Settle, Stale
    from dialer.store.callback_inbox import CallbackInbox, Fact
    from dialer.store.campaign import Campaign, Counts
    from dialer.store.campaigns import Campaigns
    from dialer.store.database import Database
    from dialer.store.holds import Hold, Holds
    from dialer.store.record import ContactRecord

_HOMES = {
    "Attempts": "attempts",
    "CallbackInbox": "callback_inbox",
    "Campaign": "campaign",
    "Campaigns": "campaigns",
    "ContactRecord": "record",
    "Counts": "campaign",
    "Database": "database",
    "Fact": "callback_inbox",
    "Follows": "attempts",
    "Hold": "holds",
    "Holds": "holds",
    "OpenAttempt": "attempts",
    "Settle": "attempts",
    "Stale": "attempts",
}

__all__ = [
    "Attempts",
    "CallbackInbox",
    "Campaign",
    "Campaigns",
    "ContactRecord",
    "Counts",
    "Database",
    "Fact",
    "Follows",
    "Hold",
    "Holds",
    "OpenAttempt",
    "Settle",
    "Stale",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
