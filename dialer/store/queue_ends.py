"""Who stands behind whom in the agents' queues, as contacts are appended to a campaign."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from campaigns.lists.sorted_runs import Integers, SortedRuns
from dialer.store.record import APART, LAST

NO_HEADS: Mapping[int, int] = MappingProxyType({})
_FORGOTTEN = 0  # digits of a number that was purged


@dataclass(frozen=True, slots=True)
class Places:
    """Where the contacts of a block stand.

    Args:
        nexts: For each contact the one behind it, or LAST or APART.
        newcomers: Contacts that are the first of an agent nobody had heard of.
        joining: Contacts that are not behind one of their block: (the end of their agent's queue
            as far as it is known, 0 = none; the contact), by the former.
    """

    nexts: Integers
    newcomers: Integers
    joining: Integers


def has_forgotten_ends(agents: Integers, nexts: Integers) -> bool:
    """Tell whether a queue ends with a contact that was closed and forgotten."""
    return bool(_forgotten_ends(agents, nexts).size)


class QueueEnds:
    """Remembers the last contact of each agent's queue, in sixteen bytes an agent."""

    def __init__(self) -> None:
        self._runs = SortedRuns()  # of agents and contact numbers, 0 = nobody stands in the queue

    def read(self, agents: Integers, nexts: Integers, heads: Mapping[int, int] = NO_HEADS) -> None:
        """Take in the contacts a campaign has; before any is added.

        Args:
            heads: Whose queue begins with a contact, by the contact's number; needed where
                `has_forgotten_ends` says so.
        """
        agents = _remembered(agents, nexts, heads)
        whose, which = np.unique(agents, return_inverse=True)
        table: Integers = np.array([whose, np.zeros_like(whose)])
        is_last = nexts == LAST
        table[1, which[is_last]] = np.flatnonzero(is_last) + 1
        self._runs.remember(table)

    def add(
        self,
        agents: Integers,
        is_plain: "np.ndarray[Any, np.dtype[np.bool_]]",
        *,
        before: int,
    ) -> Places:
        """Let the next contacts of the campaign stand behind those before them.

        Args:
            agents: Of these contacts, E.164 digits as numbers.
            is_plain: Which of them stand in their agent's queue; the others wait elsewhere.
            before: Contacts the campaign had before these.
        """
        whose, first_places, which = np.unique(agents, return_index=True, return_inverse=True)
        table: Integers = np.array([whose, np.zeros_like(whose)])
        is_known = self._runs.recall(table)

        plain = np.flatnonzero(is_plain)
        plain = plain[np.argsort(which[plain], kind="stable")]  # agent by agent
        is_behind = which[plain[1:]] == which[plain[:-1]]
        nexts: Integers = np.full(len(agents), APART, dtype=np.int64)
        nexts[plain] = LAST
        nexts[plain[:-1][is_behind]] = plain[1:][is_behind] + before + 1

        edge = np.ones(min(len(plain), 1), dtype=np.bool_)
        foremost = plain[np.concatenate([edge, ~is_behind])]
        hindmost = plain[np.concatenate([~is_behind, edge])]
        is_new = ~is_known[which[foremost]] & (first_places[which[foremost]] == foremost)
        behind = foremost[~is_new]
        joining: Integers = np.array([table[1, which[behind]], behind + before + 1])

        table[1, which[hindmost]] = hindmost + before + 1
        self._runs.renew(table[:, is_known])
        self._runs.remember(table[:, ~is_known])
        return Places(
            nexts,
            newcomers=np.sort(foremost[is_new]) + before + 1,
            joining=joining[:, np.argsort(joining[0], kind="stable")].T,
        )


def _forgotten_ends(agents: Integers, nexts: Integers) -> Integers:
    ends: Integers = np.flatnonzero((nexts == LAST) & (agents == _FORGOTTEN)) + 1
    return ends


def _remembered(agents: Integers, nexts: Integers, heads: Mapping[int, int]) -> Integers:
    """Give the agents with those of forgotten ends filled in, as who stands before them tells."""
    ends = _forgotten_ends(agents, nexts)
    if not ends.size:
        return agents
    agents = agents.copy()
    by_next = np.argsort(nexts, kind="stable")
    ordered = nexts[by_next]
    for end in ends.tolist():
        n = end
        while n not in heads and agents[n - 1] == _FORGOTTEN:
            place = int(np.searchsorted(ordered, n))
            if place == len(ordered) or ordered[place] != n:
                break  # the first of its queue, which nobody will ever go on with
            n = int(by_next[place]) + 1
        agents[end - 1] = heads.get(n, agents[n - 1])
    return agents
