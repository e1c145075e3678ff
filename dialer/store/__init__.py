"""Campaigns, contacts and attempts in Redis: the only truth, changed only by the scripts."""

from dialer.store.attempts import Attempts, Follows, OpenAttempt, Settle, Stale
from dialer.store.callback_inbox import CallbackInbox, Fact
from dialer.store.campaign import Campaign, Counts
from dialer.store.campaigns import Campaigns
from dialer.store.database import Database
from dialer.store.holds import Hold, Holds
from dialer.store.record import ContactRecord

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
