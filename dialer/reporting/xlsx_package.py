"""An .xlsx file: sheets that grow side by side, rows that are XML already, one zip in the end.

A sheet is deflated as it comes, into a file without a name beside the workbook, which is gone when its
process is. Nothing is kept in memory, and nothing is deflated twice: the zip takes what is there.
What the parts say is told in ECMA-376, part 1, chapters 15 and 18.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

BOLD = 1
"""The style of a header's cells; 0 is that of all others."""

_FASTEST = 1  # the next levels that save anything take twice as long, and save a tenth


class XlsxSheet:
    """A sheet with one header row, which stays in sight and filters.

    Args:
        name: A word; what a formula would have to quote is not escaped.
        widths: Letters a column.
        is_shown: The workbook opens with it.
        beside: The folder it grows in.
    """

    def __init__(self, name: str, *, widths: Sequence[int], is_shown: bool, beside: Path) -> None:
        self.name = name
        self.filtered = ""
        self.size_bytes = 0
        self._sum = 0
        self._deflate = zlib.compressobj(_FASTEST, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._file = TemporaryFile(dir=beside)  # noqa: SIM115 - `close` ends it
        self.write(_sheet_head(widths, is_shown=is_shown).encode())

    def write(self, rows: bytes | memoryview) -> None:
        """Append `row` elements."""
        self._sum = zlib.crc32(rows, self._sum)
        self.size_bytes += len(rows)
        self._file.write(self._deflate.compress(rows))

    def end(self, *, column: str, row: int) -> None:
        """End the sheet, whose last cell is in this column and row."""
        self.write(_sheet_tail(f"A1:{column}{row}").encode())
        self._file.write(self._deflate.flush())
        self.filtered = f"{self.name}!$A$1:${column}${row}"

    def move_into(self, archive: ZipFile, path: str) -> None:
        """Become a part of the zip, deflated as it is; the file beside it goes."""
        file = archive.fp
        if file is None:
            raise ValueError("the zip is closed")
        part = ZipInfo(path)
        part.compress_type = ZIP_DEFLATED
        part.CRC, part.file_size, part.compress_size = self._sum, self.size_bytes, self._file.tell()
        file.seek(archive.start_dir)
        part.header_offset = archive.start_dir
        file.write(part.FileHeader(zip64=False))
        self._file.seek(0)
        copyfileobj(self._file, file, _COPIED)
        archive.start_dir = file.tell()  # where the next part begins, or the list of all
        archive.filelist.append(part)
        self.close()

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


_COPIED = 1 << 20


class XlsxPackage:
    """A workbook's parts.

    Args:
        created_at: Stands in the file as its date.
    """

    def __init__(self, path: Path, *, created_at: datetime) -> None:
        self._zip = ZipFile(path, "w", ZIP_DEFLATED, compresslevel=_FASTEST)
        self._created_at = created_at
        self._formats: list[str] = []

    def style(self, number_format: str) -> int:
        """Give the style of numbers shown in this format."""
        if number_format not in self._formats:
            self._formats.append(number_format)
        return BOLD + 1 + self._formats.index(number_format)

    def close(self, sheets: Sequence[XlsxSheet]) -> None:
        """Complete the file with sheets that have ended, in their order."""
        for name, part in self._parts(sheets):
            with self._zip.open(name, "w") as file:  # writestr() would put the time beside it
                file.write(part.encode())
        for number, sheet in enumerate(sheets, start=1):
            sheet.move_into(self._zip, _sheet_path(number))
        self._zip.close()

    def abandon(self) -> None:
        """Let go of it without completing it; harmless after `close`."""
        self._zip.close()

    def _parts(self, sheets: Sequence[XlsxSheet]) -> Iterator[tuple[str, str]]:
        numbers = range(1, len(sheets) + 1)
        yield "[Content_Types].xml", _content_types(numbers)
        yield "_rels/.rels", _relations({"xl/workbook.xml": _OFFICE, "docProps/core.xml": _CORE})
        yield "docProps/core.xml", _properties(self._created_at)
        yield "xl/workbook.xml", _workbook(sheets)
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


def _workbook(sheets: Sequence[XlsxSheet]) -> str:
    listed = "".join(
        f'<sheet name="{sheet.name}" sheetId="{number}" r:id="rId{number}"/>'
        for number, sheet in enumerate(sheets, start=1)
    )
    filtered = "".join(  # Excel asks for the name beside the filter itself
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{at}" hidden="1">'
        f"{sheet.filtered}</definedName>"
        for at, sheet in enumerate(sheets)
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
