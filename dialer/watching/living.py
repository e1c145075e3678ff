"""Which processes live; and where Redis takes no sign of life, that nobody can tell."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from campaigns.sentence import told
from dialer.store.database import Database
from dialer.store.processes import ROLES, Process, living
from dialer.store.replies import why_no_writes

_TOLD_OF = ("feeder", "results", "worker")
"""Whoever lacks one of these runs nothing, or is not told who runs."""


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
    """Count the processes that live."""
    return living_among(db, living(db))


def living_among(db: Database, found: Iterable[Process], *, asks: bool = False) -> Living:
    """Count those that were found; where needed ones are missing, see whether they could tell.

    Args:
        asks: See it whoever was found: signs of life are believed for twenty seconds.
    """
    by_role = Counter(one.role for one in found)
    is_whole = all(by_role[role] for role in _TOLD_OF)
    refusal = why_no_writes(db) if asks or not is_whole else None
    return Living(by_role, refusal.why if refusal else "")
