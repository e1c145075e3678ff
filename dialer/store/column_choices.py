"""Which columns people chose for files of which headings."""

import hashlib
import json
from collections.abc import Sequence
from typing import cast

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.headings import squeezed
from dialer.store.database import Database

_WHY = "as chosen before for files with these columns"


class ColumnChoices:
    """Remembers them, the last choice of each."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._key = db.key("columns_chosen")

    def recall(self, columns: Sequence[str]) -> ColumnChoice | None:
        """Tell what was chosen for a file of these columns; None: nobody had to choose."""
        stored = cast("bytes | None", self._db.client.hget(self._key, _signature(columns)))
        return ColumnChoice(**json.loads(stored), why=_WHY) if stored else None

    def remember(self, columns: Sequence[str], chosen: ColumnChoice) -> None:
        """Remember a choice."""
        plain = {"agent": chosen.agent, "customer": chosen.customer, "name": chosen.name}
        self._db.client.hset(self._key, _signature(columns), json.dumps(plain))


def _signature(columns: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(map(squeezed, columns)).encode()).hexdigest()[:32]
