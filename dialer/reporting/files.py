"""A report's tables, growing in every format at once."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack, suppress
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self

from dialer.file_set import FileSet
from dialer.reporting.csv_file import CsvFile
from dialer.reporting.parquet_file import ParquetFile
from dialer.reporting.tables import Cell, Columns, Layout, Table
from dialer.reporting.xlsx_file import Workbook


class Format(StrEnum):
    """How each table (CSV, Parquet) or the whole report (XLSX, HTML) is written."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    HTML = "html"


class TableFile(Protocol):
    """A file that one table is written into."""

    def write(self, columns: Columns) -> None:
        """Append rows, perhaps none."""

    def close(self) -> None:
        """Complete the file."""

    def abandon(self) -> None:
        """Let go of it without completing it; harmless after `close`."""


class TableFiles:
    """One table growing in every format at once, a batch of rows at a time.

    Args:
        formats: In each of these it has a file of its own.
        book: The workbook it is in; None: in none.
    """

    def __init__(
        self,
        files: FileSet,
        stem: str,
        table: Table,
        layout: Layout,
        *,
        formats: Collection[Format],
        book: Workbook | None,
    ) -> None:
        self._rows: list[Sequence[Cell]] = []
        self._files: list[TableFile] = [book.table(table)] if book else []
        with ExitStack() as stack:
            stack.push(self)
            for format_ in (one for one in _OF_A_TABLE if one in formats):
                path = files.place(f"{stem}.{format_}")
                self._files.append(_open_table(path, format_, table, layout))
            stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            with suppress(OSError):  # a full disk refuses the last bytes again
                file.abandon()

    def write(self, columns: Columns) -> None:
        """Append a batch of rows."""
        for file in self._files:
            file.write(columns)

    def extend(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Append rows of a table whose rows are few, or come one by one."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) >= _BATCH:
                self._write_waiting()

    def close(self) -> None:
        """Complete the files."""
        self._write_waiting()
        for file in self._files:
            file.close()

    def _write_waiting(self) -> None:
        self.write([*zip(*self._rows, strict=True)])
        self._rows = []


_BATCH = 5_000
_OF_A_TABLE = (Format.CSV, Format.PARQUET)


def _open_table(path: Path, format_: Format, table: Table, layout: Layout) -> TableFile:
    if format_ is Format.PARQUET:
        return ParquetFile(path, table, zone=layout.zone)
    return CsvFile(path, table, layout)
