"""Lists of numbers that are never called: the account's, and one of each campaign.

A number is its E.164 digits without the plus; an entry tells when and why, as JSON.
"""

from collections.abc import Iterator, Sequence
from typing import cast

from dialer.store.database import Database, text

_READ_TOGETHER = 1_000


class SuppressionList:
    """One of the lists.

    Args:
        campaign: An id; None: the account's list.
    """

    def __init__(self, db: Database, campaign: str | None) -> None:
        self._db = db
        self._key = db.key("c", campaign, "suppressed") if campaign else db.key("suppressed")

    def add(self, digits: Sequence[str], entry: str) -> int:
        """Put numbers there, in one round trip; gives how many did not stand there before."""
        with self._db.client.pipeline(transaction=False) as pipe:
            for one in digits:
                pipe.hsetnx(self._key, one, entry)
            return sum(cast("list[int]", pipe.execute()))

    def remove(self, digits: str) -> bool:
        """Take a number off; False when it was not there."""
        return bool(self._db.client.hdel(self._key, digits))

    def entries(self) -> Iterator[tuple[str, bytes]]:
        """Read all numbers with their entries, in no order."""
        for digits, entry in self._db.client.hscan_iter(self._key, count=_READ_TOGETHER):
            yield text(digits), entry

    def has_some(self) -> bool:
        """Tell whether any number stands there."""
        return bool(self._db.client.exists(self._key))

    def holds(self, digits: Sequence[str]) -> list[bool]:
        """Tell which of these numbers stand there, in their order."""
        entries = cast("list[bytes | None]", self._db.client.hmget(self._key, list(digits)))
        return [bool(entry) for entry in entries]


def lists_with_numbers(db: Database, campaign: str | None) -> list[SuppressionList]:
    """Give those lists that a campaign has to heed and that hold any number.

    Args:
        campaign: An id; None: one that is not known yet.
    """
    heeded = [None, campaign] if campaign else [None]
    lists = [SuppressionList(db, one) for one in heeded]
    return [one for one in lists if one.has_some()]
