"""Which contact of a campaign is the first of its agent: the one that opens the agent's queue."""

from typing import Any

import numpy as np

from campaigns.sorted_runs import Integers, SortedRuns


class FirstContacts:
    """Remembers the number of each agent's first contact, in sixteen bytes an agent."""

    def __init__(self) -> None:
        self._runs = SortedRuns()  # of agents and contact numbers

    def add(self, agents: "np.ndarray[Any, Any]", *, before: int) -> Integers:
        """Add the next contacts of the campaign; gives for each the first contact of its agent.

        Args:
            agents: Of these contacts, E.164 digits as numbers.
            before: Contacts the campaign had before these.
        """
        whose, first_places, which = np.unique(agents, return_index=True, return_inverse=True)
        table: Integers = np.array([whose, first_places + before + 1], dtype=np.int64)
        is_known = self._runs.recall(table)
        self._runs.remember(table[:, ~is_known])
        firsts: Integers = table[1][which]
        return firsts
