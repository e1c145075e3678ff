"""A file's cells in its campaign's order, whatever order the file has them in.

file      Customer, City, Agent
campaign  agent, customer, plan, City     its City is new, and comes last
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from campaigns.lists.header import Header
from campaigns.lists.headings import squeezed
from campaigns.lists.judged_rows import Chunk, Rejected
from campaigns.spreadsheet_safety import as_they_were


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How a file's cells become a campaign's.

    Args:
        columns: The campaign's, new ones last.
        places: Of each of these, where the file has it; None: it does not.
        width: Columns of the file; cells beyond have no column.
        surplus: Where the file has cells that had no column; None: nowhere.
        is_unsafe: Apostrophes that made cells safe for a spreadsheet program are taken off.
    """

    columns: tuple[str, ...]
    places: tuple[int | None, ...]
    width: int
    surplus: int | None = None
    is_unsafe: bool = False

    @property
    def changes_nothing(self) -> bool:
        """The file has the campaign's columns in the campaign's order."""
        return self.places == tuple(range(self.width)) and not self.is_unsafe

    def cells(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Put the cells of a row in the campaign's order, those without a column last."""
        held = len(cells)
        arranged = (
            *("" if at is None or at >= held else cells[at] for at in self.places),
            *cells[self.width :],
            *self._surplus(cells),
        )
        return as_they_were(arranged) if self.is_unsafe else arranged

    def _surplus(self, cells: Sequence[str]) -> tuple[str, ...]:
        at = self.surplus
        return (cells[at],) if at is not None and at < len(cells) and cells[at].strip() else ()

    def chunk(self, chunk: Chunk) -> Chunk:
        """Put all rows of a chunk in the campaign's order."""
        if self.changes_nothing:
            return chunk
        return replace(
            chunk,
            accepted=tuple(row._replace(cells=self.cells(row.cells)) for row in chunk.accepted),
            rejected=tuple(map(self._row, chunk.rejected)),
            duplicates=tuple(map(self._row, chunk.duplicates)),
        )

    def _row(self, row: Rejected) -> Rejected:
        return replace(row, cells=self.cells(row.cells))


def arrange(
    header: Header,
    columns: Sequence[str],
    *,
    numbers: tuple[str | None, str | None],
    named: Sequence[str] | None = None,
    without: Iterable[int] = (),
    surplus: int | None = None,
    is_unsafe: bool,
) -> Arrangement:
    """Find a campaign's columns in a file's.

    Args:
        numbers: The campaign's columns of the agents' and customers' numbers, where they are known:
            the file's may bear another name.
        named: The campaign's columns as the file names them, where it does so otherwise.
        without: Places of the file's columns that do not become the campaign's.
        surplus: As in `Arrangement`, as is `is_unsafe`.
    """
    places = _by_name(header.columns, columns if named is None else named)
    for match, theirs in zip((header.agent, header.customer), numbers, strict=True):
        if theirs in columns:
            at = columns.index(theirs)
            if at not in places or header.columns[places[at]] != match.column:
                places = {mine: place for mine, place in places.items() if place != match.index}
                places[at] = match.index
    left_out = {*places.values(), *without}
    new = [place for place in range(len(header.columns)) if place not in left_out]
    return Arrangement(
        columns=(*columns, *(header.columns[place] for place in new)),
        places=(*(places.get(at) for at in range(len(columns))), *new),
        width=len(header.columns),
        surplus=surplus,
        is_unsafe=is_unsafe,
    )


def _by_name(own: Sequence[str], columns: Sequence[str]) -> dict[int, int]:
    """Tell where the file has each of the campaign's columns, by names alike."""
    where = {squeezed(name) or name: place for place, name in reversed([*enumerate(own)])}
    exact = {name: place for place, name in reversed([*enumerate(own)])}
    places: dict[int, int] = {}
    for at, name in enumerate(columns):
        place = exact.get(name, where.get(squeezed(name) or name))
        if place is not None and place not in places.values():
            places[at] = place
    return places
