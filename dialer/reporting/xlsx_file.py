"""A report as one Excel workbook."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.reports.indicators import is_share
from campaigns.spreadsheet_safety import safe_cell, safe_cells
from dialer.reporting.cells import (
    changes_clocks,
    end_to_end,
    instants,
    integer_texts,
    joined,
    number_texts,
    offset_text,
    one_by_one,
    text_array,
    walls_and_offsets,
)
from dialer.reporting.tables import Column, Columns, Kind, Table, Type
from dialer.reporting.xlsx_package import BOLD, XlsxPackage, XlsxSheet
from dialer.threads import OneBehind


class Workbook:
    """A report's tables in one file, each over as many sheets as it needs, typed, with formats.

    Args:
        raw: As in `CsvFile`; cells are text either way, never live formulas.
        as_of: Stands in the file as its date, so that equal states give equal files.
        kinds: The tables it will have; where they are several, the first sheet tells of all.
        rows_per_sheet: Header included; Excel's own most is the default.
        bytes_per_sheet: Of its XML; what a zip without extensions holds is the default, less a
            batch.
    """

    def __init__(
        self,
        path: Path,
        *,
        zone: ZoneInfo,
        raw: bool,
        as_of: datetime,
        kinds: Collection[Kind],
        rows_per_sheet: int = 1_048_576,
        bytes_per_sheet: int = 1_900_000_000,
    ) -> None:
        self.zone = zone
        self.raw = raw
        self.rows_per_sheet = rows_per_sheet
        self.bytes_per_sheet = bytes_per_sheet
        self._tells_offsets = changes_clocks(zone, as_of.year)
        self.package = XlsxPackage(path, created_at=as_of)
        self._folder = path.parent
        self._order = [kind for kind in _MEANINGS if kind in kinds]
        self._tables: dict[str, SheetsOfTable] = {}
        self.behind = OneBehind()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.behind.end()
        with suppress(OSError):  # a full disk refuses the last bytes again
            for table in self._tables.values():
                table.abandon()
            self.package.abandon()

    def table(self, table: Table) -> "SheetsOfTable":
        """Begin a table; several may grow side by side."""
        made = self._tables[table.kind] = SheetsOfTable(self, table)
        return made

    def begin_sheet(self, name: str, widths: Sequence[int]) -> XlsxSheet:
        """Begin a sheet."""
        opens_with = _CONTENTS if len(self._order) > 1 else str(self._order[0])
        return XlsxSheet(name, widths=widths, is_shown=name == opens_with, beside=self._folder)

    def time_format(self, ahead_s: float) -> str:
        """Give how a time is shown, so far ahead of UTC."""
        return f'{_TIME}"{offset_text(ahead_s)}"' if self._tells_offsets else _TIME

    def close(self) -> None:
        """Complete the file, once all its tables are."""
        told = [self._tables[kind] for kind in self._order]
        if len(told) > 1:
            contents = SheetsOfTable(self, _CONTENTS_TABLE)
            contents.write([*zip(*(row for one in told for row in one.told()), strict=True)])
            contents.close()
            told.insert(0, contents)
        self.package.close([sheet for one in told for sheet in one.sheets])


class SheetsOfTable:
    """One table of a workbook, with frozen header and filters, what people look for first.

    Cells become XML a column at a time, which takes a tenth of the time a library that is given
    cells would take. The book's thread does it while the next rows are made.
    """

    def __init__(self, book: Workbook, table: Table) -> None:
        self.sheets: list[XlsxSheet] = []
        self._rows: list[int] = []  # of each sheet, its header included
        self._book = book
        self._kind = table.kind
        # those that lead come first, the others as they stand
        self._at = sorted(range(len(table.columns)), key=lambda at: table.columns[at].leads or 99)
        self._columns = [table.columns[at] for at in self._at]
        self._letters = [_letters(at) for at in range(len(table.columns))]
        self._names_at = self._at.index(0)  # of figures, what each is

    def write(self, columns: Columns) -> None:
        """Append rows, on a new sheet where the last is full."""
        self._book.behind.do(self._append, columns)

    def _append(self, columns: Columns) -> None:
        columns = [columns[at] for at in self._at] if columns else ()
        while columns and columns[0]:
            if not self._rows or self._is_full():
                self._end_sheet()
                self._begin_sheet(columns)
            room = self._book.rows_per_sheet - self._rows[-1]
            self._write([cells[:room] for cells in columns])
            columns = [cells[room:] for cells in columns]

    def close(self) -> None:
        """Complete the table; one without rows has its header."""
        self._book.behind.wait()
        if not self._rows:
            self._begin_sheet(())
        self._end_sheet()

    def abandon(self) -> None:
        """Let go of it; harmless after `close`."""
        self._book.behind.end()
        for sheet in self.sheets:
            sheet.close()

    def told(self) -> Iterator[tuple[str, int, str]]:
        """Tell each sheet's name, how many rows it has, and what it is."""
        for at, (sheet, rows) in enumerate(zip(self.sheets, self._rows, strict=True)):
            what = _MEANINGS[self._kind] if not at else f"goes on from {self.sheets[at - 1].name}"
            goes_on = at + 1 < len(self.sheets)
            yield sheet.name, rows - 1, f"{what}; {_SPLIT}" if goes_on else what

    def _is_full(self) -> bool:
        book = self._book
        return (
            self._rows[-1] == book.rows_per_sheet
            or self.sheets[-1].size_bytes > book.bytes_per_sheet
        )

    def _begin_sheet(self, columns: Columns) -> None:
        kind, number = str(self._kind), len(self.sheets) + 1
        names = [self._heading(column) for column in self._columns]
        sheet = self._book.begin_sheet(
            kind if number == 1 else f"{kind}_{number}", _widths(self._columns, names, columns)
        )
        self.sheets.append(sheet)
        header = "".join(
            f'<c r="{letters}1" s="{BOLD}{_inline(name)}</c>'
            for letters, name in zip(self._letters, names, strict=True)
        )
        sheet.write(f'<row r="1">{header}</row>'.encode())
        self._rows.append(1)

    def _heading(self, column: Column) -> str:
        """Name a column; of times the zone too, since Excel knows none."""
        name = column.name if self._book.raw else safe_cell(column.name)
        return f"{name} ({self._book.zone.key})" if column.type in _TIMES else name

    def _end_sheet(self) -> None:
        if self.sheets:  # a filter needs a row to filter
            self.sheets[-1].end(column=self._letters[-1], row=max(self._rows[-1], 2))

    def _write(self, columns: Columns) -> None:
        first, count = self._rows[-1] + 1, len(columns[0])
        numbers = pa.array(np.arange(first, first + count)).cast(pa.large_string())
        cells = [
            joined(f'<c r="{letters}', numbers, content, "</c>")
            for letters, column, of_column in zip(
                self._letters, self._columns, columns, strict=True
            )
            for content in self._contents(of_column, column, names=columns[self._names_at])
        ]
        rows = joined('<row r="', numbers, '">', *cells, "</row>", missing="")
        self.sheets[-1].write(end_to_end(rows))
        self._rows[-1] += count

    def _contents(
        self, cells: Sequence[Any], column: Column, *, names: Sequence[Any]
    ) -> Iterator[pa.LargeStringArray]:
        """Give what follows a cell's place in its XML; a missing cell has none.

        Args:
            names: Of each row; a table of figures has one a row, which tells its format.
        """
        raw = self._book.raw
        match column.type:
            case Type.INSTANT:
                yield self._instants(instants(cells, self._book.zone))
            case Type.HOUR:
                at_s = [datetime.fromisoformat(cell).timestamp() for cell in cells]
                yield self._instants(instants(at_s, self._book.zone))
            case Type.TRUTH:
                yield text_array(
                    ['" t="b"><v>1</v>' if cell else '" t="b"><v>0</v>' for cell in cells]
                )
            case Type.MONEY:
                of_few = one_by_one(cells, lambda price: str(float(price)))
                yield self._numbers(of_few, _MONEY)
            case Type.INTEGER:
                shown = _SECONDS if column.name.endswith("_s") else ""
                yield self._numbers(integer_texts(cells), shown)
            case Type.SHARE:
                yield self._numbers(number_texts(cells), _PER_CENT)
            case Type.TEXT if not raw:
                yield _texts(safe_cells(cells))
            case Type.TEXT | Type.WORD:
                yield _texts(cells)
            case Type.REAL | Type.FIGURE:
                of_texts = [cell if isinstance(cell, str) else None for cell in cells]
                of_numbers = [None if isinstance(cell, str) else cell for cell in cells]
                yield _texts(of_texts if raw else safe_cells(of_texts))
                styles = [self._style(_figures_format(name)) for name in names]
                shown_as = text_array(styles) if column.name == "value" else _PLAIN
                yield joined(shown_as, number_texts(of_numbers), "</v>")

    def _numbers(
        self, texts: Sequence[str | None] | pa.LargeStringArray, shown: str
    ) -> pa.LargeStringArray:
        return joined(self._style(shown), text_array(texts), "</v>")

    def _style(self, number_format: str) -> str:
        if not number_format:
            return _PLAIN
        return f'" s="{self._book.package.style(number_format)}{_PLAIN}'

    def _instants(self, instants_: pd.DatetimeIndex) -> pa.LargeStringArray:
        """Show local times; where clocks are put back, with the offset that tells two hours apart."""
        walls, styles = walls_and_offsets(
            instants_,
            lambda ahead_s: self._style(self._book.time_format(ahead_s)),
        )
        days = pa.array((walls - _EXCELS_FIRST_DAY) / pd.Timedelta(days=1), from_pandas=True)
        return joined(styles, days.cast(pa.large_string()), "</v>")


_MEANINGS: dict[str, str] = {
    Kind.SUMMARY: "what the report is about, all counts with their sums, all indicators",
    Kind.KPIS: "the indicators, each with its numerator and denominator",
    Kind.BY_OUTCOME: "attempts by outcome",
    Kind.BY_AGENT: "attempts by agent",
    Kind.BY_HOUR: "attempts by the hour they were made in",
    Kind.BY_ATTEMPT: "attempts by their number: what another try brings",
    Kind.BY_DISPOSITION: "conversations by what the agent said came of them",
    Kind.CONTACTS: "a row an accepted row of the list, dialled or not",
    Kind.ATTEMPTS: "a row an attempt",
    Kind.UNRESOLVED: "a row a question that is open",
    Kind.REJECTED: "a row a line that was not taken, with the reason",
}
"""What each table is, in the order of the sheets."""
_CONTENTS = "contents"
_CONTENTS_TABLE = Table(
    _CONTENTS,
    (
        Column("sheet", Type.WORD),
        Column("rows", Type.INTEGER),
        Column("what it holds", Type.WORD),
    ),
)
_SPLIT = "goes on in the next sheet, as Excel's hold 1,048,576 rows and a part of a zip 2 GB"

_TIMES = frozenset({Type.INSTANT, Type.HOUR})
_TIME = "yyyy-mm-dd hh:mm:ss"
_PER_CENT = "0.0%"
_SECONDS = '#,##0" s"'
_MONEY = "#,##0.00##"
_PLAIN = '"><v>'


def _figures_format(name: str) -> str:
    """Tell how a figure of this name is shown."""
    if is_share(name):
        return _PER_CENT
    if name.endswith("_s"):
        return _SECONDS
    return _MONEY if name == "price" else ""


_EXCELS_FIRST_DAY = pd.Timestamp("1899-12-30")  # day 0, for every day since March 1900
_MOST_CHARS = 32_767  # Excel's, in UTF-16 as it counts
_CUT = " … [cut: Excel holds no more in one cell]"
_INSTANT_WIDTH = len("2026-11-23 18:15:00+05:30")
_WIDEST = 50
_LOOKED_AT = 100  # rows; enough to know how wide a column is

_TEXT, _TEXT_END = '" t="inlineStr"><is><t>', "</t></is>"
_ODD = r"[\x00-\x08\x0b-\x1f&<>\x{FFFE}\x{FFFF}]|_x[0-9A-Fa-f]{4}_|^\s|\s$"
"""Texts that are not written as they are."""

_ESCAPED_ALREADY = re.compile(r"_x[0-9A-Fa-f]{4}_")
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def _texts(cells: Sequence[str | None]) -> pa.LargeStringArray:
    """Make a column of texts; hardly any is odd, and these are made one by one."""
    texts = text_array(cells)
    too_long = pc.greater(pc.binary_length(texts), _MOST_CHARS)
    odd = pc.fill_null(pc.or_(too_long, pc.match_substring_regex(texts, _ODD)), False)
    as_they_are = joined(_TEXT, texts, _TEXT_END)
    if not pc.any(odd).as_py():
        return as_they_are
    made = text_array([_inline(text) for text in texts.filter(odd).to_pylist()])
    return pc.replace_with_mask(as_they_are, odd, made)


def _inline(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) > 2 * _MOST_CHARS:
        kept = units[: 2 * (_MOST_CHARS - len(_CUT))]
        text = kept.decode("utf-16-le", errors="ignore") + _CUT
    begin = _TEXT
    if text != text.strip():
        begin = begin.replace("<t>", '<t xml:space="preserve">')
    # what Excel writes for characters that XML has no place for, and for what only looks like it
    text = _ESCAPED_ALREADY.sub(r"_x005F\g<0>", text)
    text = _NOT_IN_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return f"{begin}{escape(text)}{_TEXT_END}"


def _widths(of: Sequence[Column], headings: Sequence[str], columns: Columns) -> list[int]:
    """Give how wide columns are, by their heading and their first cells."""
    widths = [len(name) for name in headings]
    for at, (column, cells) in enumerate(zip(of, columns, strict=False)):
        shown = [cell for cell in cells[:_LOOKED_AT] if cell is not None]
        if column.type is Type.INSTANT:
            longest = _INSTANT_WIDTH if shown else 0
        else:
            longest = max((len(str(cell)) for cell in shown), default=0)
        widths[at] = max(widths[at], longest)
    return [min(width + 2, _WIDEST) for width in widths]


def _letters(at: int) -> str:
    """Name a column: A … Z, AA …"""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
