"""Rows of integers found by their first column, in eight bytes an integer.

A dictionary would take some 110 bytes a row; at a million rows that is the difference between a
third of the memory allowed and a tenth.
"""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
_LONGEST_MERGED_RUN = 1 << 18  # beyond it, merging costs more memory than it saves time


class SortedRuns:
    """Remembers rows, asked and told many at a time. A table has one line for each column."""

    def __init__(self) -> None:
        self._runs: list[Integers] = []  # tables, each sorted by its first line

    def recall(self, table: Integers) -> NDArray[np.bool_]:
        """Write what is remembered of its keys over a table's columns; tell which are known."""
        keys = table[0].copy()
        is_known = np.zeros(len(keys), dtype=np.bool_)
        for run in self._runs:
            is_here, places = _find(keys, run)
            table[:, is_here] = run[:, places]
            is_known |= is_here
        return is_known

    def renew(self, table: Integers) -> None:
        """Write a table's columns over what is remembered of its keys, all of which are known."""
        for run in self._runs:
            is_here, places = _find(table[0], run)
            run[:, places] = table[:, is_here]

    def remember(self, table: Integers) -> None:
        """Remember rows whose keys are not known yet, sorted by key."""
        if table.shape[1] == 0:
            return
        run = table
        # merged with those before that are no longer than it
        while self._runs and self._runs[-1].shape[1] <= run.shape[1] < _LONGEST_MERGED_RUN:
            run = np.concatenate([self._runs.pop(), run], axis=1)
            run = run[:, np.argsort(run[0], kind="stable")]
        self._runs.append(run)


def _find(keys: Integers, run: Integers) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Tell which keys are in a run, and the places of those."""
    places = np.searchsorted(run[0], keys)
    places[places == run.shape[1]] = 0
    is_here = run[0][places] == keys
    return is_here, places[is_here]
