"""Which columns people chose for files of which headings."""

import hashlib
from collections.abc import Sequence

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.headings import squeezed
from dialer.store.database import Database
from dialer.store.json_records import JsonRecords

_WHY = "as chosen before for files with these columns"


class ColumnChoices:
    """Remembers them, the last choice of each."""

    def __init__(self, db: Database) -> None:
        self._records = JsonRecords(db, "columns_chosen")

    def recall(self, columns: Sequence[str]) -> ColumnChoice | None:
        """Tell what was chosen for a file of these columns; None: nobody had to choose."""
        stored = self._records.get(_signature(columns))
        return ColumnChoice(**stored, why=_WHY) if stored else None

    def remember(self, columns: Sequence[str], chosen: ColumnChoice) -> None:
        """Remember a choice."""
        plain = {"agent": chosen.agent, "customer": chosen.customer, "name": chosen.name}
        self._records.put(_signature(columns), plain)


def _signature(columns: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(map(squeezed, columns)).encode()).hexdigest()[:32]
