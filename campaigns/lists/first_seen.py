"""Where each customer of a list stood first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.contact import Contact
from campaigns.lists.sorted_runs import SortedRuns


@dataclass(frozen=True, slots=True)
class Earlier:
    """The kept row with the same customer: its line, and whether the agent is the same too."""

    line: int
    is_same_pair: bool


class FirstSeen:
    """Remembers the first row of each customer, asked and told in chunks.

    Numbers are kept as integers: E.164 has at most fifteen digits and no leading zero, so no two
    numbers share one.
    """

    def __init__(self) -> None:
        self._runs = SortedRuns()  # of customers, agents and lines

    def add(self, contacts: Sequence[Contact]) -> list[Earlier | None]:
        """Add a chunk; tell for each contact which row of its customer came earlier, if any."""
        if not contacts:
            return []
        rows = np.array(
            [
                [int(row.customer) for row in contacts],
                [int(row.agent) for row in contacts],
                [row.source_line for row in contacts],
            ],
            dtype=np.int64,
        )
        _, first_places, which = np.unique(rows[0], return_index=True, return_inverse=True)
        firsts = rows[:, first_places]
        is_known = self._runs.recall(firsts)
        self._runs.remember(firsts[:, ~is_known])
        is_kept = (first_places[which] == np.arange(len(contacts))) & ~is_known[which]
        same_pair = rows[1] == firsts[1][which]
        earlier: list[Earlier | None] = [None] * len(contacts)
        for place in np.flatnonzero(~is_kept):
            earlier[place] = Earlier(int(firsts[2][which[place]]), bool(same_pair[place]))
        return earlier
