"""What became of a list's rows: accepted, rejected or duplicate, counted and written out."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from campaigns.contact import Contact
from campaigns.spreadsheet_safety import as_text_numbers, kept_cell, safe_cell


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning about a row that is taken.

    Args:
        code: A `NumberWarning` or `RowWarning`.
        column: The header of the column concerned; None: the row as a whole.
        message: For people, with row, line and column.
    """

    line: int
    row_no: int
    code: str
    column: str | None
    found: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not taken, duplicates included.

    Args:
        cells: As the file has them.
        code: A `NumberFault` or `RowFault`.
        column: As in `Remark`.
        message: What was found and expected, and how to mend it, with row and line.
        says: The same without row and line, where that is wanted too.
    """

    line: int
    row_no: int
    cells: tuple[str, ...]
    code: str
    column: str | None
    found: str
    message: str
    says: str = ""


class NotTakenRow(Protocol):
    """A row that was not taken, as far as it is written out; what is stored of it is less than it was."""

    @property
    def line(self) -> int: ...
    @property
    def cells(self) -> tuple[str, ...]: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next rows of a list, judged; each group in file order.

    Args:
        blank: Lines without a value in any cell; they are no rows.
        share_read: How much of the file is read when this chunk is: 0 … 1.
    """

    accepted: tuple[Contact, ...]
    rejected: tuple[Rejected, ...]
    duplicates: tuple[Rejected, ...]
    warnings: tuple[Remark, ...]
    blank: int
    share_read: float

    @property
    def not_taken(self) -> list[Rejected]:
        """Rejected rows and duplicates together, in file order."""
        return sorted((*self.rejected, *self.duplicates), key=lambda row: row.row_no)


_EXAMPLES = 3


@dataclass(slots=True)
class CodeCount:
    """How often a code came up, with its first messages as examples."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, message: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(message)


@dataclass(slots=True)
class Summary:
    """The sums of a list, growing chunk by chunk: rows = accepted + rejected + duplicate."""

    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0
    blank: int = 0
    faults: dict[str, CodeCount] = field(default_factory=dict)
    warnings: dict[str, CodeCount] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Data rows judged so far, without blank lines."""
        return self.accepted + self.rejected + self.duplicate

    @property
    def counts(self) -> dict[str, int]:
        """How many rows became what, by its word; blank lines are none."""
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "duplicate": self.duplicate,
        }

    def add(self, chunk: Chunk) -> None:
        """Add the next chunk."""
        self.accepted += len(chunk.accepted)
        self.rejected += len(chunk.rejected)
        self.duplicate += len(chunk.duplicates)
        self.blank += chunk.blank
        for row in chunk.not_taken:
            self.faults.setdefault(row.code, CodeCount()).add(row.message)
        for remark in chunk.warnings:
            self.warnings.setdefault(remark.code, CodeCount()).add(remark.message)


def write_rejected(
    columns: Sequence[str],
    rows: Iterable[NotTakenRow],
    *,
    text_numbers: bool = False,
    bom: bool = False,
) -> Iterator[str]:
    """Write rows not taken as CSV, ready to be mended and loaded again.

    The upload's columns stay as they are, followed by line, error_code and error. Cells without
    a column come last, where loading finds them again. What a spreadsheet program would run has an
    apostrophe in front, and so has a number with a plus, which such a program would take off; the
    apostrophe is taken off again when the mended file is loaded.

    Args:
        text_numbers: Write numbers so that a spreadsheet program keeps all their digits.
        bom: Begin with a byte order mark, without which Excel garbles other scripts.
    """
    if bom:
        yield "\ufeff"
    yield csv_line(map(safe_cell, (*columns, *remark_columns(columns))))
    for row in rows:
        cells = [*row.cells, *[""] * (len(columns) - len(row.cells))]
        own, surplus = cells[: len(columns)], cells[len(columns) :]
        told = (*own, str(row.line), row.code, row.message, *surplus)
        safe = as_text_numbers(map(safe_cell, told)) if text_numbers else map(kept_cell, told)
        yield csv_line(safe)


REMARKS = ("line", "error_code", "error")
SURPLUS = "surplus_cells"
IN_REPORTS = (*REMARKS, SURPLUS)
"""Columns that a report's table of rejected rows has behind the list's own."""


def remark_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Name the columns that a list's rejected file has beside its own."""
    return tuple(_new_name(name, taken=columns) for name in REMARKS)


def names_beside(columns: Sequence[str], taken: Iterable[str]) -> tuple[str, ...]:
    """Name a list's own columns in a report's table, where they make way for the report's."""
    names = set(taken)
    free = []
    for name in columns:
        while name in names:
            name += " (upload)"  # noqa: PLW2901 - until it is free
        names.add(name)
        free.append(name)
    return tuple(free)


def surplus_place(columns: Sequence[str]) -> int | None:
    """Tell where a report of rejected rows has the cells that had no column; None: it is none."""
    return len(columns) - 1 if tuple(columns[-len(IN_REPORTS) :]) == IN_REPORTS else None


def _new_name(name: str, *, taken: Sequence[str]) -> str:
    names = {column.casefold() for column in taken}
    number = 1
    unique = name
    while unique in names:
        number += 1
        unique = f"{name}_{number}"
    return unique


def csv_line(cells: Iterable[str | None]) -> str:
    """Write a line of a list."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
