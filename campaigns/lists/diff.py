"""What a changed list would change against the contacts already loaded.

loaded  ──▶ pairs and fingerprints, sorted ──┐
uploaded ──▶ in chunks ──────────────────────┴──▶ new, unchanged, changed, missing
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from campaigns.contact import Contact

_CHUNK_CONTACTS = 10_000
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class ListVersion:
    """A list as it was or is.

    Args:
        columns: The names of the contacts' cells.
        number_columns: The two that hold the numbers; their spelling is no change.
        contacts: Read once, from the first to the last.
    """

    columns: tuple[str, ...]
    number_columns: frozenset[str]
    contacts: Iterable[Contact]


@dataclass(frozen=True, slots=True)
class PairGroup:
    """Some agent–customer pairs: how many, and the first three in E.164."""

    count: int = 0
    examples: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: "PairGroup") -> "PairGroup":
        return PairGroup(self.count + other.count, (self.examples + other.examples)[:_EXAMPLES])


@dataclass(frozen=True, slots=True)
class ListDiff:
    """The uploaded list against the loaded one, pair by pair.

    Args:
        new: Uploaded and not loaded.
        unchanged: In both, with the same other columns, in whatever order these stand.
        changed: In both, with other columns that differ.
        missing: Loaded and not uploaded.
    """

    new: PairGroup
    unchanged: PairGroup
    changed: PairGroup
    missing: PairGroup


def diff_lists(loaded: ListVersion, uploaded: ListVersion) -> ListDiff:
    """Compare two versions of a list; a loaded contact takes 25 bytes while it runs.

    A pair that is listed several times is compared with its first loaded row.
    """
    pairs, fingerprints = _index(loaded)
    is_met = np.zeros(len(pairs), dtype=np.bool_)
    new = unchanged = changed = PairGroup()
    for chunk_pairs, chunk_fingerprints in _fingerprinted(uploaded):
        places = np.searchsorted(pairs, chunk_pairs)
        places[places == len(pairs)] = 0
        is_loaded = pairs[places] == chunk_pairs if len(pairs) else np.zeros(len(places), np.bool_)
        is_met[places[is_loaded]] = True
        is_same = is_loaded.copy()
        is_same[is_loaded] = fingerprints[places[is_loaded]] == chunk_fingerprints[is_loaded]
        new += _group(chunk_pairs[~is_loaded])
        unchanged += _group(chunk_pairs[is_same])
        changed += _group(chunk_pairs[is_loaded & ~is_same])
    return ListDiff(new, unchanged, changed, missing=_group(pairs[~is_met]))


# A pair is one complex number: it sorts by customer, then agent, and its two doubles hold the
# fifteen digits of E.164 exactly.
_Pairs = NDArray[np.complex128]
_Fingerprints = NDArray[np.int64]


def _index(version: ListVersion) -> tuple[_Pairs, _Fingerprints]:
    """Sort a list's pairs, each once, with the fingerprint of its first row."""
    parts = list(_fingerprinted(version))
    if not parts:
        return np.empty(0, np.complex128), np.empty(0, np.int64)
    pairs, firsts = np.unique(np.concatenate([pairs for pairs, _ in parts]), return_index=True)
    return pairs, np.concatenate([fingerprints for _, fingerprints in parts])[firsts]


def _fingerprinted(version: ListVersion) -> Iterator[tuple[_Pairs, _Fingerprints]]:
    """Read a list in chunks of pairs and of hashes over each row's other cells."""
    others = sorted(
        (name, index)
        for index, name in enumerate(version.columns)
        if name not in version.number_columns
    )
    names = hash(tuple(name for name, _ in others))
    indexes = [index for _, index in others]
    contacts = iter(version.contacts)
    while chunk := list(itertools.islice(contacts, _CHUNK_CONTACTS)):
        yield (
            np.array([complex(int(row.customer), int(row.agent)) for row in chunk]),
            np.array([hash((names, *(row.cells[i] for i in indexes))) for row in chunk], np.int64),
        )


def _group(pairs: _Pairs) -> PairGroup:
    examples = tuple(
        (f"+{int(pair.imag)}", f"+{int(pair.real)}") for pair in pairs[:_EXAMPLES].tolist()
    )
    return PairGroup(len(pairs), examples)
