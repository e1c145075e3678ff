"""Who of some numbers is a customer of a campaign already, in eight bytes a customer."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from campaigns.lists.sorted_runs import Integers
from dialer.clock import boottime_s
from dialer.store import Database
from dialer.store.record_table import customers_of

_FRESH_S = 60.0  # numbers are also forgotten, and then may come again
_MOST_CAMPAIGNS = 64
_MERGED_ABOVE = 10_000


class Customers:
    """Customers of campaigns: sorted, so that a million cost 8 MB, and in a set those that came since."""

    def __init__(self, lists: Sequence[Integers] = ()) -> None:
        self._sorted = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *lists]))
        self._since: set[int] = set()

    def add(self, customers: Integers) -> None:
        """Add more of them."""
        self._since.update(customers.tolist())
        if len(self._since) > _MERGED_ABOVE:
            since = np.fromiter(self._since, dtype=np.int64)
            self._sorted = np.sort(np.concatenate([self._sorted, since]))
            self._since.clear()

    def among(self, numbers: Collection[str]) -> frozenset[str]:
        """Tell which of these numbers in E.164 are theirs."""
        if not (self._sorted.size or self._since):
            return frozenset()
        asked = {int(number[1:]): number for number in numbers}
        found = self._since.intersection(asked)
        if self._sorted.size:
            wanted = np.fromiter(asked, dtype=np.int64, count=len(asked))
            at = np.searchsorted(self._sorted, wanted)
            at[at == self._sorted.size] = 0
            found.update(wanted[self._sorted[at] == wanted].tolist())
        return frozenset(asked[number] for number in found)


@dataclass(slots=True)
class _SoFar:
    """Those of a campaign's first `size` contacts, as they were found from `read_at_s` on."""

    customers: Customers = field(default_factory=Customers)
    size: int = 0
    read_at_s: float = field(default_factory=boottime_s)


class CustomersSoFar:
    """Remembers the customers of campaigns that grow for a minute; threads may share it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._of: OrderedDict[str, _SoFar] = OrderedDict()

    def among(self, campaign: str, numbers: Collection[str], *, size: int) -> frozenset[str]:
        """Tell which numbers are customers of a campaign's first `size` contacts, or of later ones."""
        if not numbers:
            return frozenset()
        with self._lock:
            return self._up_to(campaign, size).among(numbers)

    def _up_to(self, campaign: str, size: int) -> Customers:
        known = self._of.pop(campaign, None)
        if known is None or boottime_s() - known.read_at_s > _FRESH_S:
            known = _SoFar()
        if known.size < size:
            more = customers_of(self._db, campaign, size=size, after=known.size)
            known.customers.add(more)
            known.size += len(more)
        self._of[campaign] = known
        if len(self._of) > _MOST_CAMPAIGNS:
            self._of.popitem(last=False)
        return known.customers
