"""A list in an Excel workbook: its first visible sheet, every cell as the text a person sees.

Opening one takes as much memory and time as its maker likes, within what the scan lets pass; so who
opens a stranger's does it in a process of its own.
"""

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

from campaigns.lists.source import CampaignFileError, ListLimits, Row
from campaigns.lists.workbook_scan import SAVE_AGAIN, scan_workbook

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
        CampaignFileError: It is no workbook, damaged, or opens to more than the limits.
    """
    scan_workbook(file, limits)
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
        raise CampaignFileError(f"The workbook cannot be read. {SAVE_AGAIN}") from error


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
