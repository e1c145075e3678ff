"""Tables written as CSV, Parquet and XLSX, a batch of rows at a time; files that appear whole."""

import csv
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from campaigns.spreadsheet_safety import safe_cell, safe_cells
from dialer.report_tables import Cell, Column, Table, Type

Rows = Sequence[Sequence[Cell]]


class Format(StrEnum):
    """How a table, or with HTML the whole report, is written."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    HTML = "html"


class FileSet:
    """Files that appear together and whole, or not at all; what they replace stays until then.

    Each grows under a hidden name beside its place, so that renaming stays within one disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = secrets.token_hex(4)
        self._growing: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for growing in self._growing.values():
            growing.unlink(missing_ok=True)

    def place(self, name: str) -> Path:
        """Give the path under which a file of this name may grow."""
        growing = self._folder / f".{name}.{self._mark}.part"
        self._growing[self._folder / name] = growing
        return growing

    def publish(self) -> tuple[Path, ...]:
        """Bring all files to disk, then under their names."""
        for growing in self._growing.values():
            with growing.open("rb") as file:
                os.fsync(file.fileno())
        for final, growing in self._growing.items():
            growing.replace(final)
        _sync_folder(self._folder)
        return tuple(self._growing)


class TableFile(Protocol):
    """A file that one table is written into."""

    def write(self, rows: Rows) -> None:
        """Append rows; each has a cell for every column."""

    def close(self) -> None:
        """Complete the file."""

    def abandon(self) -> None:
        """Let go of it without completing it; harmless after `close`."""


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


class ParquetFile:
    """Typed columns, zstd; text is as it is in our books, since nothing here runs formulas."""

    def __init__(self, path: Path, table: Table, *, zone: ZoneInfo) -> None:
        self._schema = pa.schema(
            [(column.name, _arrow_type(column.type, zone)) for column in table.columns]
        )
        self._as_values = [_ARROW_VALUES.get(column.type) for column in table.columns]
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []

    def write(self, rows: Rows) -> None:
        """Append rows."""
        columns = [
            pa.array(column if as_values is None else as_values(column), type=field.type)
            for column, as_values, field in zip(
                zip(*rows, strict=True), self._as_values, self._schema, strict=True
            )
        ]
        self._batches.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        if sum(batch.num_rows for batch in self._batches) >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Complete the file."""
        self._flush()
        self._file.close()

    def abandon(self) -> None:
        """Let go of it without completing it."""
        self._batches.clear()
        self._file.close()

    def _flush(self) -> None:
        if self._batches:
            table = pa.Table.from_batches(self._batches, schema=self._schema)
            self._file.write_table(table, row_group_size=table.num_rows)
            self._batches.clear()


_ROW_GROUP = 100_000


class XlsxFile:
    """One table over as many sheets as it needs, typed, with frozen header and filters.

    Args:
        raw: As in `CsvFile`; cells are text either way, never live formulas.
        as_of: Stands in the file as its date, so that equal states give equal files.
    """

    def __init__(
        self, path: Path, table: Table, *, zone: ZoneInfo, raw: bool, as_of: datetime
    ) -> None:
        self._table = table
        self._zone = zone
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

    def write(self, rows: Rows) -> None:
        """Append rows, on a new sheet where the last is full."""
        for row in rows:
            if self._used > _MOST_XLSX_ROWS - 1:
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
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{_MOST_XLSX_ROWS}"})

    def _write(self, at: int, cell: Cell, column: Column) -> None:
        sheet, row = self._sheet, self._used
        if self._used < 100:  # enough to know how wide a column is
            shown = _INSTANT_WIDTH if column.type is Type.INSTANT else len(str(cell))
            self._widths[at] = max(self._widths[at], shown)
        match column.type:
            case Type.INSTANT:
                local = datetime.fromtimestamp(round(cast("float", cell), 3), self._zone)
                sheet.write_datetime(row, at, local.replace(tzinfo=None), self._instant(local))
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


_MOST_XLSX_ROWS = 1_048_576  # Excel's, header included, as are the next
_MOST_XLSX_CHARS = 32_767
_CUT = " … [cut: Excel holds no more in one cell]"
_INSTANT_WIDTH = len("2026-11-23T18:15:00+05:30")


@dataclass(frozen=True, slots=True)
class Layout:
    """How tables are written; see `write_reports` for each."""

    formats: Collection[Format]
    zone: ZoneInfo
    as_of: datetime
    raw: bool
    bom: bool


class TableFiles:
    """One table growing in every format at once, a batch of rows at a time."""

    def __init__(self, files: FileSet, stem: str, table: Table, layout: Layout) -> None:
        self._rows: list[Sequence[Cell]] = []
        self._files: list[TableFile] = []
        with ExitStack() as stack:
            stack.push(self)
            for format_ in Format:
                if format_ in layout.formats and format_ is not Format.HTML:
                    path = files.place(f"{stem}.{format_}")
                    self._files.append(_open_table(path, format_, table, layout))
            stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files:
            with suppress(OSError):  # a full disk refuses the last bytes again
                file.abandon()

    def append(self, row: Sequence[Cell]) -> None:
        """Append a row."""
        self._rows.append(row)
        self._write_if(len(self._rows) >= _BATCH)

    def extend(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Append rows."""
        self._rows.extend(rows)
        self._write_if(len(self._rows) >= _BATCH)

    def close(self) -> None:
        """Complete the files."""
        self._write_if(bool(self._rows))
        for file in self._files:
            file.close()

    def _write_if(self, now: bool) -> None:
        if now:
            for file in self._files:
                file.write(self._rows)
            self._rows = []


_BATCH = 5_000


def _open_table(path: Path, format_: Format, table: Table, layout: Layout) -> TableFile:
    match format_:
        case Format.CSV:
            return CsvFile(path, table, zone=layout.zone, raw=layout.raw, bom=layout.bom)
        case Format.PARQUET:
            return ParquetFile(path, table, zone=layout.zone)
        case Format.XLSX:
            return XlsxFile(path, table, zone=layout.zone, raw=layout.raw, as_of=layout.as_of)
        case Format.HTML:
            raise ValueError("a page holds no single table")


ColumnOfCells = Sequence[Any]
Convert = Callable[[ColumnOfCells], ColumnOfCells]


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


def _arrow_type(type_: Type, zone: ZoneInfo) -> Any:
    match type_:
        case Type.WORD | Type.TEXT | Type.FIGURE:
            return pa.string()
        case Type.INTEGER:
            return pa.int64()
        case Type.REAL:
            return pa.float64()
        case Type.MONEY:
            return pa.decimal128(18, 6)
        case Type.INSTANT:
            return pa.timestamp("ms", tz=zone.key)
        case Type.TRUTH:
            return pa.bool_()


_SIX_PLACES = Decimal("0.000001")
_ARROW_VALUES: dict[Type, Convert] = {
    Type.FIGURE: lambda cells: [None if cell is None else str(cell) for cell in cells],
    Type.REAL: lambda cells: [None if cell is None else float(cell) for cell in cells],
    Type.MONEY: lambda cells: [
        None if cell is None else Decimal(cell).quantize(_SIX_PLACES) for cell in cells
    ],
    Type.INSTANT: lambda cells: [None if cell is None else round(cell * 1000) for cell in cells],
}


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
