"""Rules that were given a name, to load lists with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from campaigns.campaign import same_name
from dialer.store.database import Database
from dialer.store.json_records import JsonRecords


@dataclass(frozen=True, slots=True)
class Template:
    """Rules under a name.

    Args:
        given: As somebody would give them: what is not named has the account's default.
        saved_at: Epoch s; `saved_by`: for people.
    """

    name: str
    given: Mapping[str, Any]
    saved_at: float
    saved_by: str


class Templates:
    """Reads and writes them; names that differ in case or spaces are one."""

    def __init__(self, db: Database) -> None:
        self._records = JsonRecords(db, "templates")

    def all(self) -> list[Template]:
        """Read all, by name."""
        found = (Template(**one) for one in self._records.all().values())
        return sorted(found, key=lambda one: same_name(one.name))

    def find(self, name: str) -> Template | None:
        """Read one; None: there is none."""
        stored = self._records.get(same_name(name))
        return Template(**stored) if stored else None

    def put(self, template: Template) -> None:
        """Write one down, in place of one of the same name."""
        self._records.put(same_name(template.name), asdict(template))

    def remove(self, name: str) -> bool:
        """Forget one; False when there is none."""
        return self._records.remove(same_name(name))
