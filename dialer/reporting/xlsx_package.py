"""An .xlsx file written straight into its zip: sheet after sheet, rows that are XML already.

Nothing is kept in memory and nothing is written twice, so the disk holds no more than the file.
What the parts say is told in ECMA-376, part 1, chapters 15 and 18.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

BOLD = 1
"""The style of a header's cells; 0 is that of all others."""


class XlsxPackage:
    """A workbook of sheets with one header row each, which stays in sight and filters.

    Args:
        created_at: Stands in the file as its date.
    """

    def __init__(self, path: Path, *, created_at: datetime) -> None:
        # the fastest level: the next that save anything take twice as long, and save a tenth
        self._zip = ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1)
        self._created_at = created_at
        self._sheet: IO[bytes] = io.BytesIO()  # until the first one begins
        self._sheets: list[tuple[str, str]] = []
        self._formats: list[str] = []
        self.sheet_bytes = 0

    def style(self, number_format: str) -> int:
        """Give the style of numbers shown in this format."""
        if number_format not in self._formats:
            self._formats.append(number_format)
        return BOLD + 1 + self._formats.index(number_format)

    def begin_sheet(self, name: str, *, widths: Sequence[int]) -> None:
        """Begin a sheet; the one before has ended.

        Args:
            name: A word; what a formula would have to quote is not escaped.
            widths: Letters a column.
        """
        number = len(self._sheets) + 1
        self._sheets.append((name, ""))
        self._sheet = self._zip.open(_sheet_path(number), "w")
        self.sheet_bytes = 0
        self.write(_sheet_head(widths, is_shown=number == 1).encode())

    def write(self, rows: bytes | memoryview) -> None:
        """Append `row` elements to the sheet."""
        self._sheet.write(rows)
        self.sheet_bytes += len(rows)

    def end_sheet(self, *, column: str, row: int) -> None:
        """End the sheet, whose last cell is in this column and row."""
        self.write(_sheet_tail(f"A1:{column}{row}").encode())
        self._sheet.close()
        name, _ = self._sheets.pop()
        self._sheets.append((name, f"{name}!$A$1:${column}${row}"))

    def close(self) -> None:
        """Complete the file."""
        for name, part in self._parts():
            with self._zip.open(name, "w") as file:  # writestr() would put the time beside it
                file.write(part.encode())
        self._zip.close()

    def abandon(self) -> None:
        """Let go of it without completing it; harmless after `close`."""
        with suppress(OSError, RuntimeError):  # a full disk; more bytes than a zip's part may have
            self._sheet.close()
        self._zip.close()

    def _parts(self) -> Iterator[tuple[str, str]]:
        numbers = range(1, len(self._sheets) + 1)
        yield "[Content_Types].xml", _content_types(numbers)
        yield "_rels/.rels", _relations({"xl/workbook.xml": _OFFICE, "docProps/core.xml": _CORE})
        yield "docProps/core.xml", _properties(self._created_at)
        yield "xl/workbook.xml", _workbook(self._sheets)
        yield "xl/styles.xml", _styles(self._formats)
        targets = {_sheet_path(number).removeprefix("xl/"): _SHEET for number in numbers}
        yield "xl/_rels/workbook.xml.rels", _relations(targets | {"styles.xml": _STYLES})


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_CORE = f"{_PACKAGE}/relationships/metadata/core-properties"
_OFFICE, _SHEET, _STYLES = (
    f"{_RELATED}/{kind}" for kind in ("officeDocument", "worksheet", "styles")
)
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FIRST_OWN_FORMAT = 164  # the numbers below are Excel's own


def _sheet_path(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _sheet_head(widths: Sequence[int], *, is_shown: bool) -> str:
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{width}.71" customWidth="1"/>'  # .71 is the margin
        for at, width in enumerate(widths, start=1)
    )
    shown = ' tabSelected="1"' if is_shown else ""
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView{shown} workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        '<selection pane="bottomLeft"/></sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols><sheetData>'
    )


def _sheet_tail(table: str) -> str:
    return (
        f'</sheetData><autoFilter ref="{table}"/><ignoredErrors>'
        '<ignoredError sqref="A1:XFD1048576" numberStoredAsText="1"/></ignoredErrors></worksheet>'
    )


def _content_types(sheets: Sequence[int]) -> str:
    parts = {
        "xl/workbook.xml": f"{_CONTENT}.sheet.main+xml",
        "xl/styles.xml": f"{_CONTENT}.styles+xml",
        "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
    } | {_sheet_path(number): f"{_CONTENT}.worksheet+xml" for number in sheets}
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(
            f'<Override PartName="/{part}" ContentType="{type_}"/>' for part, type_ in parts.items()
        )
        + "</Types>"
    )


def _relations(targets: dict[str, str]) -> str:
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{type_}" Target="{target}"/>'
        for number, (target, type_) in enumerate(targets.items(), start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'


def _properties(created_at: datetime) -> str:
    instant = f"{created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    dates = "".join(
        f'<dcterms:{name} xsi:type="dcterms:W3CDTF">{instant}</dcterms:{name}>'
        for name in ("created", "modified")
    )
    return (
        f'{_HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dcterms="http://purl.org/dc/terms/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{dates}</cp:coreProperties>'
    )


def _workbook(sheets: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
        for number, (name, _) in enumerate(sheets, start=1)
    )
    filtered = "".join(  # Excel asks for the name beside the filter itself
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{at}" hidden="1">{table}'
        "</definedName>"
        for at, (_, table) in enumerate(sheets)
    )
    return (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><bookViews><workbookView/>'
        f"</bookViews><sheets>{listed}</sheets><definedNames>{filtered}</definedNames></workbook>"
    )


def _styles(formats: Sequence[str]) -> str:
    numbered = list(enumerate(formats, start=_FIRST_OWN_FORMAT))
    declared = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(one)}/>' for number, one in numbered
    )
    used = "".join(
        f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0" xfId="0" '
        'applyNumberFormat="1"/>'
        for number, _ in numbered
    )
    font = '<sz val="11"/><name val="Calibri"/><family val="2"/>'
    no_border = "<left/><right/><top/>"
    return (
        f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
        + (f'<numFmts count="{len(formats)}">{declared}</numFmts>' if formats else "")
        + f'<fonts count="2"><font>{font}</font><font><b/>{font}</font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        f'<borders count="2"><border>{no_border}<bottom/><diagonal/></border>'
        f'<border>{no_border}<bottom style="thin"><color auto="1"/></bottom><diagonal/></border>'
        '</borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        f'</cellStyleXfs><cellXfs count="{len(formats) + 2}">'
        '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="0" fontId="1" fillId="0" borderId="1" xfId="0" applyFont="1" '
        f'applyBorder="1"/>{used}</cellXfs><cellStyles count="1">'
        '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
