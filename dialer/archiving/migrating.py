"""Use case: what earlier versions stored is brought into the form of this one, in small steps.

This version reads both forms, so nothing waits for it, it may break off anywhere, and asking again goes
on where it broke off. Only a process of another version might not read the new form: while one
lives, nothing is changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from campaigns.sentence import told
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.store.archived import archived_unnoted
from dialer.store.database import Database
from dialer.store.packing import archived_unpacked, note_archived, pack_archived
from dialer.store.processes import living_of_others

log = get_logger(__name__)


class NotMigrated(NotDone):
    """What is stored cannot be brought into another form now."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One form that took the place of another.

    Args:
        says: What becomes of each, for people.
        left: Names those that have the old form.
        step: Gives one of them the new form; to repeat it does nothing.
    """

    says: str
    left: Callable[[Database], Sequence[str]]
    step: Callable[[Database, str], bool]


MIGRATIONS = (
    Migration(
        told("archived campaigns to be packed, some 3 kB to less than 1 kB each"),
        archived_unpacked,
        pack_archived,
    ),
    Migration(
        told("archived campaigns to be found by their tags and by how they ended"),
        archived_unnoted,
        note_archived,
    ),
)
"""In the order in which they are done; each stays as long as a version that wrote the old form is out."""


class Migrating:
    """Brings one account's keys into this version's form.

    Args:
        version: This one's.
    """

    def __init__(self, db: Database, *, version: str) -> None:
        self._db = db
        self._version = version

    def pending(self) -> dict[str, int]:
        """Tell what is left to be done, and of how many."""
        counted = {one.says: len(one.left(self._db)) for one in MIGRATIONS}
        return {says: count for says, count in counted.items() if count}

    def run(self, on_step: Callable[[], None] = lambda: None) -> dict[str, int]:
        """Do it all; gives what was done, and for how many.

        Raises:
            NotMigrated: A process of another version lives.
        """
        self._require_no_other()
        done: dict[str, int] = {}
        for one in MIGRATIONS:
            for name in one.left(self._db):
                done[one.says] = done.get(one.says, 0) + one.step(self._db, name)
                on_step()
        tell(after=dict(done))
        log.info("migrated", version=self._version, steps=sum(done.values()))
        return done

    def _require_no_other(self) -> None:
        others = living_of_others(self._db, self._version)
        if others:
            told = sorted(f"{one.name} of {one.version or '0.2.0 or before'}" for one in others)
            raise NotMigrated(
                f"processes of another version live ({', '.join(told)}); stop them, or install "
                f"{self._version} there, and ask again in half a minute"
            )
