"""An .ods workbook as its XML passes by; what is gathered of each sheet is as in `sheet_scan`."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from campaigns.lists.sheet_choice import ScannedSheet
from campaigns.lists.sheet_scan import SharedTexts, SheetScan, local_name, may_be_number, row_number
from campaigns.lists.source import CampaignFileError, ListLimits

CONTENT = "content.xml"
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_SHOWN_BY_FORMAT = re.compile(r"[0+][0-9+\-\s()]{2,}")
_KEPT_CHARS = 200


@dataclass(slots=True)
class _Table:
    name: str
    is_shown: bool
    scan: SheetScan
    row: int = 0
    column: int = 0
    columns: int = 0
    rows_at_once: int = 1
    is_hidden_row: bool = False
    problem: CampaignFileError | None = None


@dataclass(slots=True)
class _Cell:
    attributes: Mapping[str, str]
    text: list[str] = field(default_factory=list)
    chars: int = 0


class OdsScan:
    """Gathers the facts of all sheets."""

    def __init__(self, limits: ListLimits) -> None:
        self.tables: list[_Table] = []
        self._limits = limits
        self._undisplayed: set[str] = set()
        self._style = ""
        self._cell: _Cell | None = None
        self._is_text = False

    @property
    def sheets(self) -> list[ScannedSheet]:
        """The sheets in their order."""
        return [_sheet(table) for table in self.tables]

    def start(self, name: str, named: Mapping[str, str]) -> None:
        """Take an element's beginning."""
        attributes = {local_name(key): value for key, value in named.items()}
        match local_name(name):
            case "style":
                self._style = attributes.get("name", "")
            case "table-properties" if attributes.get("display") == "false":
                self._undisplayed.add(self._style)
            case "table":
                is_shown = attributes.get("style-name", "") not in self._undisplayed
                scan = SheetScan(SharedTexts(), self._limits, masks={}, recalculates=False)
                self.tables.append(_Table(attributes.get("name", ""), is_shown, scan))
            case "table-column" if self.tables:
                self._take_columns(self.tables[-1], attributes)
            case "table-row" if self.tables:
                table = self.tables[-1]
                table.row, table.column = table.row + 1, 0
                table.rows_at_once = row_number(attributes.get("number-rows-repeated"), 1)
                table.is_hidden_row = attributes.get("visibility") in {"collapse", "filter"}
            case "table-cell" | "covered-table-cell" if self.tables:
                # an error's own value-type is of another namespace than its text's
                if any(k.startswith("calcext:") and v == "error" for k, v in named.items()):
                    attributes["is-error"] = "true"
                self._cell = _Cell(attributes)
            case "p":
                self._is_text = self._cell is not None

    def end(self, name: str) -> None:
        """Take an element's end."""
        match local_name(name):
            case "table-cell" | "covered-table-cell" if self._cell and self.tables:
                self._end_cell(self.tables[-1], self._cell)
                self._cell = None
            case "table-row" if self.tables:
                self.tables[-1].row += self.tables[-1].rows_at_once - 1
            case "p":
                self._is_text = False

    def text(self, data: str) -> None:
        """Take text."""
        if self._is_text and self._cell:
            self._cell.chars += len(data)
            if self._cell.chars <= _KEPT_CHARS:
                self._cell.text.append(data)

    def _take_columns(self, table: _Table, attributes: Mapping[str, str]) -> None:
        count = row_number(attributes.get("number-columns-repeated"), 1)
        if attributes.get("visibility") in {"collapse", "filter"}:
            first = table.columns + 1
            table.scan.facts.hidden_columns.append((first, table.columns + count))
        table.columns += count

    def _end_cell(self, table: _Table, cell: _Cell) -> None:
        column = table.column + 1
        repeated = row_number(cell.attributes.get("number-columns-repeated"), 1)
        table.column += repeated
        text = "".join(cell.text)
        told = _what_to_tell(cell.attributes, text)
        value = cell.attributes.get("value", text)
        if table.problem or (not cell.chars and not value and told is None):
            return
        try:
            for row in range(table.row, min(table.row + table.rows_at_once, _MOST_ROWS + 1)):
                for at in range(column, min(column + repeated, _MOST_COLUMNS + 1)):
                    table.scan.take(
                        row,
                        at,
                        chars=cell.chars,
                        told=told,
                        is_number=may_be_number(value) or may_be_number(text),
                        is_hidden=table.is_hidden_row,
                    )
        except CampaignFileError as problem:
            table.problem = problem
        spanned = row_number(cell.attributes.get("number-rows-spanned"), 1)
        if spanned > 1:
            spans = table.scan.facts.merged.setdefault(table.row, [])
            spans.append((column, table.row + spanned - 1))


def _what_to_tell(attributes: Mapping[str, str], text: str) -> str | None:
    formula = attributes.get("formula", "")
    if "is-error" in attributes or text.startswith(("#N/A", "#REF!", "Err:")):
        return text or "#ERROR!"
    if formula and "value-type" not in attributes and not text:
        return "=" + formula.removeprefix("of:").removeprefix("=")
    if attributes.get("value-type") == "float" and _SHOWN_BY_FORMAT.fullmatch(text):
        return text
    return None


def _sheet(table: _Table) -> ScannedSheet:
    problem = table.problem
    if problem is None:
        try:
            table.scan.check_rectangle()
        except CampaignFileError as error:
            problem = error
    return ScannedSheet(table.name, table.is_shown, table.scan.facts, problem)


def is_ods(archive: zipfile.ZipFile) -> bool:
    """Whether an archive is an OpenDocument spreadsheet."""
    names = archive.namelist()
    if CONTENT not in names or "mimetype" not in names:
        return False
    with archive.open("mimetype") as kind:
        return kind.read(100).startswith(b"application/vnd.oasis.opendocument.spreadsheet")
