"""Lists of numbers that are never called: of all accounts, the account's, and one of each campaign.

A number is its E.164 digits without the plus; an entry tells when and why, as JSON.
"""

from collections.abc import Iterator, Sequence
from typing import Self, cast

from dialer.store.database import Database, text

_READ_TOGETHER = 1_000


class SuppressionList:
    """One of the lists.

    Args:
        key: Where it stands.
    """

    def __init__(self, db: Database, key: str) -> None:
        self._db = db
        self._key = key

    @classmethod
    def of(cls, db: Database, campaign: str | None) -> Self:
        """Give a campaign's list; None: the account's."""
        return cls(db, db.key("c", campaign, "suppressed") if campaign else db.key("suppressed"))

    @classmethod
    def of_all_accounts(cls, db: Database) -> Self | None:
        """Give the list that all accounts heed; None where this one is alone."""
        return cls(db, f"{db.shared_prefix}suppressed") if db.shared_prefix else None

    def add(self, digits: Sequence[str], entry: str) -> int:
        """Put numbers there, in one round trip; gives how many did not stand there before."""
        with self._db.client.pipeline(transaction=False) as pipe:
            for one in digits:
                pipe.hsetnx(self._key, one, entry)
            return sum(cast("list[int]", pipe.execute()))

    def remove(self, digits: str) -> bool:
        """Take a number off; False when it was not there."""
        return bool(self._db.client.hdel(self._key, digits))

    def entry_of(self, digits: str) -> bytes | None:
        """Read a number's entry; None: it does not stand there."""
        return cast("bytes | None", self._db.client.hget(self._key, digits))

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
    own = [SuppressionList.of(db, one) for one in ((None, campaign) if campaign else (None,))]
    lists = (*own, SuppressionList.of_all_accounts(db))
    return [one for one in lists if one and one.has_some()]
