"""Rules that were given a name, to load lists with."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from campaigns.campaign import same_name
from dialer.store.database import Database


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
        self._db = db
        self._key = db.key("templates")

    def all(self) -> list[Template]:
        """Read all, by name."""
        stored = cast("dict[bytes, bytes]", self._db.client.hgetall(self._key))
        return sorted(map(_template, stored.values()), key=lambda one: same_name(one.name))

    def find(self, name: str) -> Template | None:
        """Read one; None: there is none."""
        stored = cast("bytes | None", self._db.client.hget(self._key, same_name(name)))
        return _template(stored) if stored else None

    def put(self, template: Template) -> None:
        """Write one down, in place of one of the same name."""
        plain = json.dumps(asdict(template), ensure_ascii=False)
        self._db.client.hset(self._key, same_name(template.name), plain)

    def remove(self, name: str) -> bool:
        """Forget one; False when there is none."""
        return bool(self._db.client.hdel(self._key, same_name(name)))


def _template(stored: bytes) -> Template:
    return Template(**json.loads(stored))
