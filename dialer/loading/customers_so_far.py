"""The customers of campaigns that grow a contact at a time, without reading them all for each."""

import threading
from collections import OrderedDict
from collections.abc import Collection

import numpy as np

from campaigns.lists.sorted_runs import Integers
from dialer.clock import boottime_s
from dialer.store import Database
from dialer.store.contacts import customers_of

_FRESH_S = 60.0  # numbers are also forgotten, and then may come again
_MOST_CAMPAIGNS = 64
_MERGED_ABOVE = 10_000


class _Customers:
    """Those of one campaign: eight bytes each, sorted, and in a set those that came since."""

    def __init__(self) -> None:
        self.read_at_s = boottime_s()
        self.size = 0
        self._sorted: Integers = np.empty(0, dtype=np.int64)
        self._since: set[int] = set()

    def add(self, customers: Integers) -> None:
        self.size += len(customers)
        self._since.update(customers.tolist())
        if len(self._since) > _MERGED_ABOVE:
            since = np.fromiter(self._since, dtype=np.int64)
            self._sorted = np.unique(np.concatenate([self._sorted, since]))
            self._since.clear()

    def among(self, numbers: list[int]) -> set[int]:
        found = self._since.intersection(numbers)
        if self._sorted.size:
            wanted = np.array(numbers, dtype=np.int64)
            at = np.searchsorted(self._sorted, wanted)
            at[at == self._sorted.size] = 0
            found.update(wanted[self._sorted[at] == wanted].tolist())
        return found


class CustomersSoFar:
    """Remembers the customers of campaigns for a minute; threads may share it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._of: OrderedDict[str, _Customers] = OrderedDict()

    def among(self, campaign: str, numbers: Collection[str], *, size: int) -> frozenset[str]:
        """Tell which numbers are customers of a campaign's first `size` contacts, or of later ones."""
        asked = {int(number[1:]): number for number in numbers}
        if not asked:
            return frozenset()
        with self._lock:
            found = self._up_to(campaign, size).among(list(asked))
        return frozenset(asked[number] for number in found)

    def _up_to(self, campaign: str, size: int) -> _Customers:
        known = self._of.pop(campaign, None)
        if known is None or boottime_s() - known.read_at_s > _FRESH_S:
            known = _Customers()
        if known.size < size:
            known.add(customers_of(self._db, campaign, size=size, after=known.size))
        self._of[campaign] = known
        if len(self._of) > _MOST_CAMPAIGNS:
            self._of.popitem(last=False)
        return known
