"""Names for all columns of a list: nameless ones get one, and those of one name are told apart."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names, each of which stands once.

    Args:
        names: In the file's order; empty ones at its end stay empty.
        notes: What was done, in words.
        doubled: Places of columns that share their name in the file with another.
    """

    names: tuple[str, ...]
    notes: tuple[str, ...]
    doubled: frozenset[int]


def tell_apart(cells: Sequence[str]) -> ColumnNames:
    """Name every column, so that none is lost for want of a name of its own."""
    written = [cell.strip() for cell in cells]
    width = max((place for place, name in enumerate(written, 1) if name), default=0)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(written[:width]):
        if name:
            places.setdefault(name.casefold(), []).append(place)
    taken = set(places)
    names, notes = list(written), []
    for place, name in enumerate(written[:width]):
        if not name:
            names[place] = _free(f"Column {place + 1}", taken)
            notes.append(f"Column {place + 1} has no name and is taken as '{names[place]}'.")
        elif place != places[name.casefold()][0]:
            names[place] = _free(name, taken)
            notes.append(f"Another column is named '{name}'; it is taken as '{names[place]}'.")
    doubled = frozenset(place for many in places.values() if len(many) > 1 for place in many)
    return ColumnNames(tuple(names), tuple(notes), doubled)


def _free(name: str, taken: set[str]) -> str:
    unique, number = name, 1
    while unique.casefold() in taken:
        number += 1
        unique = f"{name} ({number})"
    taken.add(unique.casefold())
    return unique
