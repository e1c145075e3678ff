"""A report table as an Excel workbook."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.spreadsheet_safety import safe_cell, safe_cells
from dialer.reporting.cells import (
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
from dialer.reporting.tables import Column, Columns, Table, Type
from dialer.reporting.xlsx_package import BOLD, XlsxPackage


class XlsxFile:
    """One table over as many sheets as it needs, typed, with frozen header and filters.

    Cells become XML a column at a time, which takes a tenth of the time a library that is given
    cells would take.

    Args:
        raw: As in `CsvFile`; cells are text either way, never live formulas.
        as_of: Stands in the file as its date, so that equal states give equal files.
        rows_per_sheet: Header included; Excel's own most is the default.
        bytes_per_sheet: Of its XML; what a zip without extensions holds is the default, less a
            batch.
    """

    def __init__(
        self,
        path: Path,
        table: Table,
        *,
        zone: ZoneInfo,
        raw: bool,
        as_of: datetime,
        rows_per_sheet: int = 1_048_576,
        bytes_per_sheet: int = 1_900_000_000,
    ) -> None:
        self._table = table
        self._zone = zone
        self._raw = raw
        self._rows_per_sheet = rows_per_sheet
        self._bytes_per_sheet = bytes_per_sheet
        self._package = XlsxPackage(path, created_at=as_of)
        self._letters = [_letters(at) for at in range(len(table.columns))]
        self._sheets = 0
        self._used = 0  # rows of the sheet; none has begun while it is 0

    def write(self, columns: Columns) -> None:
        """Append rows, on a new sheet where the last is full."""
        while columns and columns[0]:
            if self._used and self._is_full():
                self._end_sheet()
            if not self._used:
                self._begin_sheet(columns)
            room = self._rows_per_sheet - self._used
            self._write([cells[:room] for cells in columns])
            columns = [cells[room:] for cells in columns]

    def close(self) -> None:
        """Complete the file."""
        if not self._used:
            self._begin_sheet(())
        self._end_sheet()
        self._package.close()

    def abandon(self) -> None:
        """Let go of it without completing it."""
        self._package.abandon()

    def _is_full(self) -> bool:
        return (
            self._used == self._rows_per_sheet or self._package.sheet_bytes > self._bytes_per_sheet
        )

    def _begin_sheet(self, columns: Columns) -> None:
        self._sheets += 1
        kind = str(self._table.kind)
        self._package.begin_sheet(
            kind if self._sheets == 1 else f"{kind}_{self._sheets}",
            widths=_widths(self._table, columns),
        )
        header = "".join(
            f'<c r="{letters}1" s="{BOLD}{_inline(name if self._raw else safe_cell(name))}</c>'
            for letters, name in zip(self._letters, self._table.header, strict=True)
        )
        self._package.write(f'<row r="1">{header}</row>'.encode())
        self._used = 1

    def _end_sheet(self) -> None:
        # a filter needs a row to filter
        self._package.end_sheet(column=self._letters[-1], row=max(self._used, 2))
        self._used = 0

    def _write(self, columns: Columns) -> None:
        first, count = self._used + 1, len(columns[0])
        numbers = pa.array(np.arange(first, first + count)).cast(pa.large_string())
        cells = [
            joined(f'<c r="{letters}', numbers, content, "</c>")
            for letters, column, of_column in zip(
                self._letters, self._table.columns, columns, strict=True
            )
            for content in self._contents(of_column, column)
        ]
        rows = joined('<row r="', numbers, '">', *cells, "</row>", missing="")
        self._package.write(end_to_end(rows))
        self._used += count

    def _contents(self, cells: Sequence[Any], column: Column) -> Iterator[pa.LargeStringArray]:
        """Give what follows a cell's place in its XML; a missing cell has none."""
        match column.type:
            case Type.INSTANT:
                yield self._instants(instants(cells, self._zone))
            case Type.TRUTH:
                yield text_array(
                    ['" t="b"><v>1</v>' if cell else '" t="b"><v>0</v>' for cell in cells]
                )
            case Type.MONEY:
                yield _numbers(one_by_one(cells, lambda price: str(float(price))))
            case Type.INTEGER:
                yield _numbers(integer_texts(cells))
            case Type.TEXT if not self._raw:
                yield _texts(safe_cells(cells))
            case Type.TEXT | Type.WORD:
                yield _texts(cells)
            case Type.REAL | Type.FIGURE:
                of_texts = [cell if isinstance(cell, str) else None for cell in cells]
                of_numbers = [None if isinstance(cell, str) else cell for cell in cells]
                yield _texts(of_texts if self._raw else safe_cells(of_texts))
                yield _numbers(number_texts(of_numbers))

    def _instants(self, instants_: pd.DatetimeIndex) -> pa.LargeStringArray:
        """Show local times with their offset; Excel itself knows no zones."""
        walls, styles = walls_and_offsets(instants_, self._style)
        days = pa.array((walls - _EXCELS_FIRST_DAY) / pd.Timedelta(days=1), from_pandas=True)
        return joined(styles, _numbers(days.cast(pa.large_string())))

    def _style(self, offset_s: float) -> str:
        style = self._package.style(f'yyyy-mm-dd"T"hh:mm:ss"{offset_text(offset_s)}"')
        return f'" s="{style}'


_EXCELS_FIRST_DAY = pd.Timestamp("1899-12-30")  # day 0, for every day since March 1900
_MOST_CHARS = 32_767  # Excel's, in UTF-16 as it counts
_CUT = " … [cut: Excel holds no more in one cell]"
_INSTANT_WIDTH = len("2026-11-23T18:15:00+05:30")
_WIDEST = 50
_LOOKED_AT = 100  # rows; enough to know how wide a column is

_TEXT, _TEXT_END = '" t="inlineStr"><is><t>', "</t></is>"
_ODD = r"[\x00-\x08\x0b-\x1f&<>\x{FFFE}\x{FFFF}]|_x[0-9A-Fa-f]{4}_|^\s|\s$"
"""Texts that are not written as they are."""

_ESCAPED_ALREADY = re.compile(r"_x[0-9A-Fa-f]{4}_")
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def _numbers(texts: Sequence[str | None] | pa.LargeStringArray) -> pa.LargeStringArray:
    return joined('"><v>', text_array(texts), "</v>")


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


def _widths(table: Table, columns: Columns) -> list[int]:
    """Give how wide columns are, by their header and their first cells."""
    widths = [len(name) for name in table.header]
    for at, (column, cells) in enumerate(zip(table.columns, columns, strict=False)):
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
