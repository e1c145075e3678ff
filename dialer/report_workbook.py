"""A report table as an Excel workbook."""

import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from campaigns.spreadsheet_safety import safe_cell
from dialer.report_frames import cells_of
from dialer.report_tables import Column, Table, Type


class XlsxFile:
    """One table over as many sheets as it needs, typed, with frozen header and filters.

    Args:
        raw: As in `CsvFile`; cells are text either way, never live formulas.
        as_of: Stands in the file as its date, so that equal states give equal files.
        rows_per_sheet: Header included; Excel's own most is the default.
    """

    def __init__(
        self,
        path: Path,
        table: Table,
        *,
        raw: bool,
        as_of: datetime,
        rows_per_sheet: int = 1_048_576,
    ) -> None:
        self._rows_per_sheet = rows_per_sheet
        self._table = table
        self._raw = raw
        # rows pass through temporary files here, which this folder's disk must hold anyway
        self._scratch = path.with_name(f"{path.name}.rows")
        self._scratch.mkdir()
        self._book = xlsxwriter.Workbook(
            path,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
                "tmpdir": str(self._scratch),
            },
        )
        self._book.set_properties({"created": as_of.replace(tzinfo=None)})
        self._bold = self._book.add_format({"bold": True, "bottom": 1})
        self._instants: dict[timedelta | None, Any] = {}
        self._sheet_numbers = count(1)
        self._add_sheet()

    def write(self, frame: pd.DataFrame) -> None:
        """Append rows, on a new sheet where the last is full."""
        columns = [cells_of(frame[name]) for name in self._table.header]
        for row in zip(*columns, strict=True):
            if self._used == self._rows_per_sheet:
                self._end_sheet()
                self._add_sheet()
            for at, (cell, column) in enumerate(zip(row, self._table.columns, strict=True)):
                if cell is not None:
                    self._write(at, cell, column)
            self._used += 1

    def close(self) -> None:
        """Complete the file."""
        self._end_sheet()
        self._book.close()
        shutil.rmtree(self._scratch)

    def abandon(self) -> None:
        """Let go of it without completing it."""
        self._book.fileclosed = True  # or its destructor would complete it
        for sheet in self._book.worksheets():
            with suppress(OSError):
                sheet.row_data_fh.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _add_sheet(self) -> None:
        number = next(self._sheet_numbers)
        name = str(self._table.kind)
        self._sheet = self._book.add_worksheet(name if number == 1 else f"{name}_{number}")
        self._sheet.freeze_panes(1, 0)
        self._widths = [len(name) for name in self._table.header]
        self._used = 1
        for at, name in enumerate(self._table.header):
            self._sheet.write_string(0, at, self._text(name), self._bold)

    def _end_sheet(self) -> None:
        last = len(self._widths) - 1
        self._sheet.autofilter(0, 0, max(self._used - 1, 1), last)
        for at, width in enumerate(self._widths):
            self._sheet.set_column(at, at, min(width + 2, 50))
        self._sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})

    def _write(self, at: int, cell: Any, column: Column) -> None:
        sheet, row = self._sheet, self._used
        if self._used < 100:  # enough to know how wide a column is
            shown = _INSTANT_WIDTH if column.type is Type.INSTANT else len(str(cell))
            self._widths[at] = max(self._widths[at], shown)
        match column.type:
            case Type.INSTANT:
                wall = cell.replace(tzinfo=None)
                sheet.write_datetime(row, at, wall, self._instant(cell))
            case Type.TRUTH:
                sheet.write_boolean(row, at, cell)
            case Type.MONEY:
                sheet.write_number(row, at, float(Decimal(str(cell))))
            case _ if isinstance(cell, str):
                sheet.write_string(row, at, self._text(cell))
            case _:
                sheet.write_number(row, at, cell)

    def _text(self, text: str) -> str:
        text = text if self._raw else safe_cell(text)
        if len(text) > _MOST_XLSX_CHARS:
            text = text[: _MOST_XLSX_CHARS - len(_CUT)] + _CUT
        return text

    def _instant(self, local: datetime) -> Any:
        """Give the format that shows a local time with its offset; Excel itself knows no zones."""
        offset = local.utcoffset()
        if offset not in self._instants:
            shown = f'yyyy-mm-dd"T"hh:mm:ss"{local.isoformat()[-6:]}"'
            self._instants[offset] = self._book.add_format({"num_format": shown})
        return self._instants[offset]


_MOST_XLSX_CHARS = 32_767  # Excel's
_CUT = " … [cut: Excel holds no more in one cell]"
_INSTANT_WIDTH = len("2026-11-23T18:15:00+05:30")
