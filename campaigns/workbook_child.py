"""Reads a workbook's list in a process of its own, which a hostile file may ruin.

    python -m campaigns.workbook_child LIMITS <workbook >rows

LIMITS are `ListLimits` as JSON. What is written is JSON, one value a line: first what the sheet is,
or why the workbook is refused; then lists of rows, each a list of texts.
"""

import json
import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, BinaryIO

from campaigns.list_source import CampaignFileError, ListLimits

MEMORY_BYTES = 1_000_000_000  # a million rows of five columns take 650 MB
CPU_S = 120  # such a sheet takes thirty

_TOGETHER_CHARS = 1 << 16


def main() -> None:
    """Read the workbook on stdin, and write its rows to stdout."""
    _limit_itself()
    limits = ListLimits(**json.loads(sys.argv[1]))
    try:
        lines = _read(sys.stdin.buffer, limits)
        head = next(lines)
    except CampaignFileError as error:
        head, lines = {"refused": str(error)}, iter(())
    out = sys.stdout
    out.write(json.dumps(head) + "\n")
    for line in lines:
        out.write(json.dumps(line) + "\n")
    out.flush()


def _limit_itself() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def _read(file: BinaryIO, limits: ListLimits) -> Iterator[Any]:
    """Give what the sheet is, then its rows, many at a time."""
    from python_calamine import (  # noqa: PLC0415 - inside the limits
        CalamineError,
        CalamineWorkbook,
        SheetTypeEnum,
        SheetVisibleEnum,
    )

    from campaigns.workbook_scan import SAVE_AGAIN, scan_workbook  # noqa: PLC0415

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
        sheet = workbook.get_sheet_by_name(names[0])
    except CalamineError as error:
        raise CampaignFileError(f"The workbook cannot be read. {SAVE_AGAIN}") from error
    yield {"sheet": sheet.name, "sheets": len(names), "height": sheet.total_height}
    yield from _together(sheet.iter_rows())


def _together(rows: Iterable[list[Any]]) -> Iterator[list[list[str]]]:
    some: list[list[str]] = []
    chars = 0
    for cells in rows:
        texts = [cell if type(cell) is str else _as_text(cell) for cell in cells]
        some.append(texts)
        chars += sum(map(len, texts)) + len(texts)
        if chars > _TOGETHER_CHARS:
            yield some
            some, chars = [], 0
    yield some


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


if __name__ == "__main__":
    main()
