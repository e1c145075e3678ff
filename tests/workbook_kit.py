"""Workbooks as no spreadsheet program writes them."""

import io
import zipfile
from collections.abc import Sequence

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_PACKAGE = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)
_LIST = (
    '<row r="1"><c r="A1" t="str"><v>agent</v></c><c r="B1" t="str"><v>customer</v></c></row>'
    '<row r="2"><c r="A2"><v>9000000001</v></c><c r="B2"><v>9876543201</v></c></row>'
)


def sheet(rows: str, *, before: str = "") -> str:
    return f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{_LIST}{rows}</sheetData></worksheet>'


def workbook(
    rows: str = "", *, texts: Sequence[str] = (), part: str = "", hidden: str = ""
) -> bytes:
    """Write a workbook with a list on its first sheet, and what else stands there."""
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    sheets = {"list": part or sheet(rows)} | ({"hidden": hidden} if hidden else {})
    kind = _LINKS
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _PACKAGE)
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>'
            + "".join(
                f'<sheet name="{name}" sheetId="{no}" r:id="rId{no}"'
                + (' state="hidden"' if name == "hidden" else "")
                + "/>"
                for no, name in enumerate(sheets, 1)
            )
            + "</sheets></workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            + "".join(
                f'<Relationship Id="rId{no}" Type="{kind}/worksheet" '
                f'Target="worksheets/sheet{no}.xml"/>'
                for no in range(1, len(sheets) + 1)
            )
            + f'<Relationship Id="rId9" Type="{kind}/sharedStrings" Target="sharedStrings.xml"/>'
            "</Relationships>",
        )
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{_MAIN}">{shared}</sst>')
        for no, content in enumerate(sheets.values(), 1):
            archive.writestr(f"xl/worksheets/sheet{no}.xml", content)
    return file.getvalue()
