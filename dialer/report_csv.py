"""A report table as CSV."""

import csv
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.spreadsheet_safety import safe_cell, safe_cells
from dialer.report_tables import Rows, Table, Type


class CsvFile:
    """UTF-8, commas, CRLF, as RFC 4180 has it.

    Args:
        raw: Leave cells as they are, even those a spreadsheet program would run.
        bom: Begin with a byte order mark, without which Excel takes the file for its own code page.
    """

    def __init__(self, path: Path, table: Table, *, zone: ZoneInfo, raw: bool, bom: bool) -> None:
        self._file = path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._as_text = [_csv_column(column.type, zone, raw=raw) for column in table.columns]
        self._writer.writerow(table.header if raw else map(safe_cell, table.header))

    def write(self, rows: Rows) -> None:
        """Append rows; converting column by column is twice as fast as cell by cell."""
        columns = zip(*rows, strict=True)
        texts = [
            column if as_text is None else as_text(column)
            for column, as_text in zip(columns, self._as_text, strict=True)
        ]
        self._writer.writerows(zip(*texts, strict=True))

    def close(self) -> None:
        """Complete the file."""
        self._file.close()

    abandon = close


Convert = Callable[[Sequence[Any]], Sequence[Any]]


def _csv_column(type_: Type, zone: ZoneInfo, *, raw: bool) -> Convert | None:
    """Tell how a column becomes text; None where the CSV writer's own way is right."""
    if type_ is Type.INSTANT:
        from_s = datetime.fromtimestamp
        return lambda cells: [
            None if cell is None else from_s(round(cell, 3), zone).isoformat("T", "milliseconds")
            for cell in cells
        ]
    if type_ is Type.TRUTH:
        return lambda cells: ["true" if cell else "false" for cell in cells]
    if type_ is Type.TEXT and not raw:
        return safe_cells
    if type_ is Type.FIGURE and not raw:
        return lambda cells: [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return None
