"""Where each customer of a list, and each external id, stood first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.contact import Contact
from campaigns.lists.external_ids import digest_of
from campaigns.lists.sorted_runs import Integers, SortedRuns
from campaigns.numbers.as_integers import as_integers


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
        rows = np.empty((3, len(contacts)), dtype=np.int64)
        rows[0] = as_integers([row.customer for row in contacts])
        rows[1] = as_integers([row.agent for row in contacts])
        rows[2] = [row.source_line for row in contacts]
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


class FirstIds:
    """Remembers on which line each external id stands, by 63 bits of its digest."""

    def __init__(self) -> None:
        self._runs = SortedRuns()  # of digests and lines

    def lines(self, contacts: Sequence[Contact]) -> list[int | None]:
        """Tell for each contact on which line its id stands already; None: nowhere, or it has none."""
        lines: list[int | None] = [None] * len(contacts)
        places = [place for place, contact in enumerate(contacts) if contact.external_id]
        table = _ids_and_lines([contacts[place] for place in places])
        here = dict(zip(reversed(table[0].tolist()), reversed(places), strict=True))
        is_known = self._runs.recall(table)
        for place, id_, line, known in zip(places, *table.tolist(), is_known, strict=True):
            if known or here[id_] != place:
                lines[place] = line if known else contacts[here[id_]].source_line
        return lines

    def remember(self, contacts: Sequence[Contact]) -> None:
        """Remember contacts, none of whose ids is known."""
        table = _ids_and_lines([contact for contact in contacts if contact.external_id])
        self._runs.remember(table[:, np.argsort(table[0], kind="stable")])


def _ids_and_lines(contacts: Sequence[Contact]) -> Integers:
    ids = [int.from_bytes(digest_of(one.external_id)[:8], "little") >> 1 for one in contacts]
    return np.array([ids, [one.source_line for one in contacts]], dtype=np.int64).reshape(2, -1)
