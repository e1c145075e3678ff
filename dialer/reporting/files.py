"""A report's tables, growing in every format at once."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self
from zoneinfo import ZoneInfo

from dialer.file_set import FileSet
from dialer.reporting.csv_file import CsvFile
from dialer.reporting.parquet_file import ParquetFile
from dialer.reporting.tables import Cell, Columns, Table
from dialer.reporting.xlsx_file import XlsxFile


class Format(StrEnum):
    """How a table, or with HTML the whole report, is written."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Layout:
    """How tables are written; see `write_reports` for each."""

    formats: Collection[Format]
    zone: ZoneInfo
    as_of: datetime
    raw: bool
    bom: bool
    text_numbers: bool = False


class TableFile(Protocol):
    """A file that one table is written into."""

    def write(self, columns: Columns) -> None:
        """Append rows, perhaps none."""

    def close(self) -> None:
        """Complete the file."""

    def abandon(self) -> None:
        """Let go of it without completing it; harmless after `close`."""


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


def _open_table(path: Path, format_: Format, table: Table, layout: Layout) -> TableFile:
    match format_:
        case Format.CSV:
            return CsvFile(
                path,
                table,
                zone=layout.zone,
                raw=layout.raw,
                bom=layout.bom,
                text_numbers=layout.text_numbers,
            )
        case Format.PARQUET:
            return ParquetFile(path, table, zone=layout.zone)
        case Format.XLSX:
            return XlsxFile(path, table, zone=layout.zone, raw=layout.raw, as_of=layout.as_of)
        case Format.HTML:
            raise ValueError("a page holds no single table")
