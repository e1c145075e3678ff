"""A list in an Excel workbook: its first visible sheet, every cell as the text a person sees."""

import struct
import zipfile
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from campaigns.list_source import CampaignFileError, ListLimits, Row

ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Workbook:
    """The sheet of a workbook that holds the list."""

    sheet: CalamineSheet
    sheets: int

    @property
    def description(self) -> str:
        """How the file was understood, for people."""
        return f"sheet '{self.sheet.name}', the first visible of {self.sheets}"

    def rows(self) -> Generator[Row, None, None]:
        """Read every row of the sheet; a row's line is its number in the spreadsheet."""
        for line, cells in enumerate(self.sheet.iter_rows(), start=1):
            yield Row(line, [cell if type(cell) is str else _as_text(cell) for cell in cells])

    def share_read(self, line: int) -> float:
        """How much of the sheet is read when row `line` has been: 0 … 1."""
        return line / self.sheet.total_height


def open_workbook(file: BinaryIO, limits: ListLimits) -> Workbook:
    """Open an .xlsx file.

    Raises:
        CampaignFileError: It is no workbook, damaged, or unpacks to more than the limits.
    """
    _refuse_bombs(file, limits)
    file.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        names = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]
        if not names:
            raise CampaignFileError("The workbook has no visible sheet. Put the list on one.")
        return Workbook(workbook.get_sheet_by_name(names[0]), sheets=len(names))
    except CalamineError as error:
        raise CampaignFileError(f"The workbook cannot be read. {_SAVE_AGAIN}") from error


_SAVE_AGAIN = "Open it, save it as .xlsx or CSV UTF-8, and load that."
_HARMLESS_UNPACKED_BYTES = 10_000_000


def _refuse_bombs(file: BinaryIO, limits: ListLimits) -> None:
    """Hold the archive's own figures against the limits, then check that they are true.

    A part that unpacks to more than it declares fails its checksum here, before the spreadsheet
    library unpacks it into memory.
    """
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise CampaignFileError(f"This archive is no .xlsx workbook. {_SAVE_AGAIN}")
            _check_size(parts, limits)
            damaged = archive.testzip()
    except _DAMAGE as error:
        raise CampaignFileError(f"The workbook is damaged. {_SAVE_AGAIN}") from error
    if damaged is not None:
        raise CampaignFileError(f"The workbook is damaged ({damaged}). {_SAVE_AGAIN}")


# What zipfile is known to raise on archives cut off, encrypted or overwritten.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)


def _check_size(parts: list[zipfile.ZipInfo], limits: ListLimits) -> None:
    unpacked_bytes = sum(part.file_size for part in parts)
    packed_bytes = sum(part.compress_size for part in parts)
    is_bomb = (
        unpacked_bytes > _HARMLESS_UNPACKED_BYTES
        and unpacked_bytes > limits.max_unpack_ratio * packed_bytes
    )
    if len(parts) > limits.max_parts or unpacked_bytes > limits.max_unpacked_bytes or is_bomb:
        raise CampaignFileError(
            f"The workbook unpacks to {unpacked_bytes // 1_000_000} MB in {len(parts)} parts, more "
            f"than is allowed ({limits.max_unpacked_bytes // 1_000_000} MB, {limits.max_parts} "
            f"parts, {limits.max_unpack_ratio}-fold). Save the sheet as CSV UTF-8 and load that."
        )


_EXACT_FLOAT_BELOW = 1e15  # spreadsheets keep fifteen digits


def _as_text(cell: Any) -> str:
    """Write a typed cell as the spreadsheet shows it: 919876543210.0 as 919876543210."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_FLOAT_BELOW:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
