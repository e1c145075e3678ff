"""Which processes live; and where Redis takes no sign of life, that nobody can tell."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from campaigns.sentence import told
from dialer.store.database import Database
from dialer.store.processes import ROLES, Process, living
from dialer.store.refusals import Refusal
from dialer.store.replies import why_no_writes

_NEEDED = {"feeder", "results", "worker"}
"""Where one of these is missing nothing runs, or nobody is told who runs."""


class Living(NamedTuple):
    """How many processes of each role gave a sign of life lately.

    Args:
        untold: Why Redis takes none, so that whoever gave none may live; '' = it takes them.
    """

    by_role: Mapping[str, int]
    untold: str = ""

    @property
    def says(self) -> str:
        """Tell what follows from that for who wonders why nothing goes on; '' = nothing does."""
        why = self.untold
        return told("Redis takes no writes, so nothing is dialled: {why}", why=why) if why else ""

    @property
    def missing(self) -> list[str]:
        """Roles of which none lives, as far as that can be known."""
        return [] if self.untold else [role for role in ROLES if not self.by_role.get(role)]


def who_lives(db: Database) -> Living:
    """Count the processes that live; where needed ones are missing, see whether they could tell."""
    found = living(db)
    is_whole = {one.role for one in found} >= _NEEDED
    return living_among(found, None if is_whole else why_no_writes(db))


def living_among(found: Iterable[Process], refusal: Refusal | None) -> Living:
    """Count those that were found.

    Args:
        refusal: Why Redis takes no writes; None: it does, as far as is known.
    """
    return Living(Counter(one.role for one in found), refusal.why if refusal else "")
