"""A list in a workbook: the sheet that holds it, every cell as the text a person sees.

Opening one takes as much memory and time as its maker likes, within what the scan lets pass; so who
opens a stranger's does it in a process of its own.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain, islice, repeat
from typing import Any, BinaryIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from campaigns.lists.sheet_choice import (
    ScannedSheet,
    choose_sheet,
    description,
    is_called,
    skipped_rows,
)
from campaigns.lists.sheet_scan import SheetFacts, may_be_number
from campaigns.lists.source import (
    CampaignFileError,
    HiddenRows,
    ListLimits,
    ReadingChoice,
    Row,
)
from campaigns.lists.workbook_scan import SAVE_AGAIN, locked, scan_workbook

ZIP_MAGIC = b"PK\x03\x04"
OLD_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Workbook:
    """The sheet of a workbook that holds the list.

    Args:
        description: How the file was understood, for people.
        skipped: Rows that are not read.
    """

    sheet: CalamineSheet
    facts: SheetFacts
    description: str
    skipped: frozenset[int] = frozenset()

    @property
    def height(self) -> int:
        """Rows, blank ones included."""
        last = self.sheet.end[0] + 1 if self.sheet.end else 0
        return max(last, max(self.facts.told, default=0))

    @property
    def hidden_columns(self) -> frozenset[int]:
        """Places of the columns that the sheet does not show, from 0."""
        left, right = self._left, self.sheet.end[1] + 1 if self.sheet.end else 0
        return frozenset(
            column - 1 - left
            for first, last in self.facts.hidden_columns
            for column in range(max(first, left + 1), min(last, right) + 1)
        )

    @property
    def _left(self) -> int:
        """How many columns stand empty before the first."""
        told = (column - 1 for cells in self.facts.told.values() for column in cells)
        start = self.sheet.start
        return min(told, default=0) if start is None else min(start[1], *told, start[1])

    def rows(self) -> Generator[Row, None, None]:
        """Read every row of the sheet; a row's line is its number in the spreadsheet."""
        merged = _Merged(self.facts, self._left)
        told, left = self.facts.told, self._left
        margin = [""] * ((self.sheet.start[1] if self.sheet.start else left) - left)
        read = chain(self.sheet.iter_rows(), repeat([]))
        for line, cells in enumerate(islice(read, self.height), start=1):
            texts = [cell if type(cell) is str else _as_text(cell) for cell in cells]
            if margin:
                texts = margin + texts
            if line in told:
                _put(texts, {column - 1 - left: text for column, text in told[line].items()})
            if merged.is_at(line):
                merged.fill(line, texts)
            if line not in self.skipped:
                yield Row(line, texts)

    def close(self) -> None:
        """Nothing is kept beside the file."""

    def share_read(self, line: int) -> float:
        """How much of the sheet is read when row `line` has been: 0 … 1."""
        return line / self.height if self.height else 1.0


def _put(cells: list[str], told: dict[int, str]) -> None:
    cells.extend([""] * (max(told) + 1 - len(cells)))
    for place, text in told.items():
        cells[place] = text


@dataclass(slots=True)
class _Merged:
    """Merged cells: what stands in the first means each of its rows."""

    facts: SheetFacts
    left: int
    _open: dict[int, tuple[int, str]] = field(default_factory=dict)  # column: last row, text

    def is_at(self, line: int) -> bool:
        return bool(self._open) or line in self.facts.merged

    def fill(self, line: int, cells: list[str]) -> None:
        is_blank = not any(cells)  # it is merged beyond the last row
        for place, (last, text) in list(self._open.items()):
            if line > last:
                del self._open[place]
            elif not is_blank and not (place < len(cells) and cells[place]):
                _put(cells, {place: text})
        for column, last in self.facts.merged.get(line, ()):
            place = column - 1 - self.left
            if 0 <= place < len(cells) and cells[place]:
                self._open[place] = (last, cells[place])


def open_workbook(file: BinaryIO, limits: ListLimits, reading: ReadingChoice) -> Workbook:
    """Open an .xlsx, .ods, .xlsb or .xls file.

    Raises:
        CampaignFileError: It is no workbook, damaged, locked, opens to more than the limits, or it is
            not certain which rows are meant.
    """
    file.seek(0)
    is_old = file.read(len(OLD_MAGIC)) == OLD_MAGIC
    sheets = None if is_old else scan_workbook(file, limits, reading.sheet)
    if is_old:
        _check_unlocked(file, limits)
    if sheets is None:
        _check_nothing_hidden_is_missed(reading)
    else:
        choose_sheet(sheets, reading.sheet)  # before the library lays its cells out
    file.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        sheets = sheets or _looked_at(workbook, reading.sheet)
        chosen = choose_sheet(sheets, reading.sheet)
        skipped = skipped_rows(chosen, reading)
        sheet = workbook.get_sheet_by_name(chosen.name)
    except PasswordError as error:
        raise locked() from error
    except CalamineError as error:
        raise CampaignFileError("The workbook cannot be read. {fix}", fix=SAVE_AGAIN) from error
    taken = 0 if skipped else len(chosen.facts.hidden_rows)
    read_as = description(chosen, sheets, len(skipped), taken)
    return Workbook(sheet, chosen.facts, read_as, skipped)


_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_BLOCK_BYTES = 1 << 20


def _check_unlocked(file: BinaryIO, limits: ListLimits) -> None:
    """Tell a workbook under a password, which is an .xlsx wrapped into an old format, by its parts."""
    if file.seek(0, 2) > limits.max_unpacked_bytes:
        raise CampaignFileError(
            "The workbook has more than {most} MB. {fix}",
            most=limits.max_unpacked_bytes // 1_000_000,
            fix=SAVE_AGAIN,
        )
    file.seek(0)
    before = b""
    while block := file.read(_BLOCK_BYTES):
        if _ENCRYPTED_STREAM in before + block:
            raise locked()
        before = block[-len(_ENCRYPTED_STREAM) :]


def _check_nothing_hidden_is_missed(reading: ReadingChoice) -> None:
    if reading.hidden_rows == HiddenRows.TAKE:
        return
    raise CampaignFileError(
        "Of an .xls or .xlsb file it cannot be told which rows are hidden and which cells are "
        "errors. Save it as .xlsx, or say that hidden rows are to be taken, should there be "
        "any.",
        choice="hidden_rows",
        choices=(HiddenRows.TAKE,),
    )


_ROWS_LOOKED_AT = 1_000


def _looked_at(workbook: CalamineWorkbook, wanted: str | None) -> list[ScannedSheet]:
    """Look into the sheets of a format that is not scanned."""
    sheets = []
    for one in workbook.sheets_metadata:
        if one.typ != SheetTypeEnum.WorkSheet:
            continue
        is_shown = one.visible == SheetVisibleEnum.Visible
        facts = SheetFacts()
        if is_shown or is_called(one.name, wanted):
            _look(workbook.get_sheet_by_name(one.name), facts)
        sheets.append(ScannedSheet(one.name, is_shown, facts))
    return sheets


def _look(sheet: CalamineSheet, facts: SheetFacts) -> None:
    for cells in islice(sheet.iter_rows(), _ROWS_LOOKED_AT):
        texts = [text for text in map(_as_text, cells) if text]
        facts.filled += len(texts)
        facts.numbers += sum(map(may_be_number, texts))
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top:
            facts.merged.setdefault(top + 1, []).append((left + 1, bottom + 1))


_EXACT_FLOAT_BELOW = 1e15  # spreadsheets keep fifteen digits
_HALF_A_MILLISECOND = timedelta(microseconds=500)


def _as_text(cell: Any) -> str:
    """Write a typed cell as the spreadsheet shows it: 919876543210.0 as 919876543210."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        if abs(cell) >= _EXACT_FLOAT_BELOW:
            return str(cell)
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime):
        near = cell + _HALF_A_MILLISECOND  # an instant is a fraction of days, and never quite exact
        return near.replace(microsecond=near.microsecond // 1000 * 1000).isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(cell)
