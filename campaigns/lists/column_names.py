"""Names for all columns of a list: nameless ones get one, and those of one name are told apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.sentence import counted, told


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


def tell_apart(cells: Sequence[str], *, below: Sequence[Sequence[str]] = ()) -> ColumnNames:
    """Name every column, so that none is lost for want of a name of its own.

    Args:
        below: Rows; a nameless column at the end is one if something stands in it.
    """
    written = [cell.strip() for cell in cells]
    width = max((place for place, name in enumerate(written, 1) if name), default=0)
    while width < len(written) and any(len(row) > width and row[width].strip() for row in below):
        width += 1
    places: dict[str, list[int]] = {}
    for place, name in enumerate(written[:width]):
        if name:
            places.setdefault(name.casefold(), []).append(place)
    taken = set(places)
    names, notes = list(written), []
    nameless: list[str] = []
    for place, name in enumerate(written[:width]):
        if not name:
            names[place] = _free(f"Column {place + 1}", taken)
            nameless.append(names[place])
        elif place != places[name.casefold()][0]:
            names[place] = _free(name, taken)
            notes.append(
                told(
                    "Another column is named '{name}'; it is taken as '{taken}'.",
                    name=name,
                    taken=names[place],
                )
            )
    doubled = frozenset(place for many in places.values() if len(many) > 1 for place in many)
    return ColumnNames(tuple(names), (*_told(nameless), *notes), doubled)


def _told(nameless: Sequence[str]) -> tuple[str, ...]:
    """Say which names were made up, however many, in one line."""
    if not nameless:
        return ()
    shown = ", ".join(f"'{one}'" for one in nameless[:_MOST_TOLD])
    more = " …" if len(nameless) > _MOST_TOLD else ""
    note = counted(
        "A column has no name and is taken as {columns}.",
        "{count} columns have no name and are taken as {columns}.",
        len(nameless),
        columns=f"{shown}{more}",
    )
    return (note,)


_MOST_TOLD = 3


def _free(name: str, taken: set[str]) -> str:
    unique, number = name, 1
    while unique.casefold() in taken:
        number += 1
        unique = f"{name} ({number})"
    taken.add(unique.casefold())
    return unique
