"""A look at a workbook before it is opened: what its cells would come to in memory.

A workbook's reader lays a sheet out as one rectangle, and copies a shared text into each cell that
names it, so that a kilobyte can come to gigabytes. The parts are streamed through here first, in
bounded memory, and what would hurt is refused by the name of its cell.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import BinaryIO, TypeVar
from xml.parsers import expat

from campaigns.lists.number_formats import masks_of
from campaigns.lists.ods_scan import CONTENT, OdsScan, is_ods
from campaigns.lists.sheet_choice import ScannedSheet, is_called
from campaigns.lists.sheet_scan import (
    Mask,
    SharedTexts,
    SheetFacts,
    SheetScan,
    local_name,
    may_be_number,
)
from campaigns.lists.source import CampaignFileError, ListLimits
from campaigns.sentence import told

SAVE_AGAIN = told("Open it, save it as .xlsx or CSV UTF-8, and load that.")

_HARMLESS_UNPACKED_BYTES = 10_000_000
_PIECE_BYTES = 1 << 16
_BINARY_BOOK = "xl/workbook.bin"
_BOOK, _BOOK_LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"

# What zipfile is known to raise on archives cut off, encrypted or overwritten.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)


def scan_workbook(
    file: BinaryIO, limits: ListLimits, wanted: str | None
) -> list[ScannedSheet] | None:
    """Hold a workbook's own figures, its texts and its cells against the limits.

    A part that unpacks to more than it declares fails its checksum here, before the spreadsheet
    library unpacks it into memory.

    Args:
        wanted: A sheet that is looked at although it is hidden.

    Returns:
        Its sheets; None of an .xlsb, whose parts are no XML.

    Raises:
        CampaignFileError: It is no workbook, damaged, or opens to more than the limits.
    """
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_size(archive.infolist(), limits)
            if _is_locked(archive):
                raise locked()
            if damaged := archive.testzip():
                raise CampaignFileError(
                    "The workbook is damaged ({part}). {fix}", part=damaged, fix=SAVE_AGAIN
                )
            if is_ods(archive):
                return _read(archive, CONTENT, OdsScan(limits)).sheets
            if _BOOK in archive.namelist():
                return _scan_sheets(archive, limits, wanted)
            if _BINARY_BOOK in archive.namelist():
                return None
            raise CampaignFileError("This archive is no workbook. {fix}", fix=SAVE_AGAIN)
    except expat.ExpatError as error:
        raise CampaignFileError("The workbook cannot be read. {fix}", fix=SAVE_AGAIN) from error
    except DAMAGE as error:
        raise CampaignFileError("The workbook is damaged. {fix}", fix=SAVE_AGAIN) from error


def locked() -> CampaignFileError:
    """Refuse a workbook under a password."""
    return CampaignFileError(
        "The workbook is protected by a password. Open it, take the password away, and save "
        "it again."
    )


def _is_locked(archive: zipfile.ZipFile) -> bool:
    """Tell an .ods under a password, whose manifest says so, or an archive under one."""
    if any(part.flag_bits & _IS_ENCRYPTED for part in archive.infolist()):
        return True
    if _MANIFEST not in archive.namelist():
        return False
    with archive.open(_MANIFEST) as manifest:
        return b"encryption-data" in manifest.read(_MANIFEST_BYTES)


_IS_ENCRYPTED = 1  # the bit of a part in a zip
_MANIFEST, _MANIFEST_BYTES = "META-INF/manifest.xml", 1_000_000


def _check_size(parts: list[zipfile.ZipInfo], limits: ListLimits) -> None:
    unpacked_bytes = sum(part.file_size for part in parts)
    packed_bytes = sum(part.compress_size for part in parts)
    is_bomb = (
        unpacked_bytes > _HARMLESS_UNPACKED_BYTES
        and unpacked_bytes > limits.max_unpack_ratio * packed_bytes
    )
    if len(parts) > limits.max_parts or unpacked_bytes > limits.max_unpacked_bytes or is_bomb:
        raise CampaignFileError(
            "The workbook unpacks to {megabytes} MB in {count} parts, more than is "
            "allowed ({most} MB, {most_parts} parts, {ratio}-fold). "
            "Save the sheet as CSV UTF-8 and load that.",
            megabytes=unpacked_bytes // 1_000_000,
            count=len(parts),
            most=limits.max_unpacked_bytes // 1_000_000,
            most_parts=limits.max_parts,
            ratio=limits.max_unpack_ratio,
        )


def _scan_sheets(
    archive: zipfile.ZipFile, limits: ListLimits, wanted: str | None
) -> list[ScannedSheet]:
    book = _read(archive, _BOOK, _Elements("sheet", "calcPr"))
    links = _read(archive, _BOOK_LINKS, _Elements("Relationship"))
    targets = {link.get("Id", ""): _part_named(link.get("Target", "")) for link in links.found}
    texts = _Texts()
    for target in targets.values():
        if target.rpartition("/")[2].lower() == "sharedstrings.xml":
            _read(archive, target, texts)
    masks = _masks(archive, targets.values())
    recalculates = any(one.get("fullCalcOnLoad") in {"1", "true"} for one in book.found)
    sheets = []
    for sheet in book.found:
        part = targets.get(next((sheet[key] for key in sheet if key.endswith(":id")), ""), "")
        if not part.startswith("xl/worksheets/"):
            continue
        name, is_shown = sheet.get("name", ""), sheet.get("state", "visible") == "visible"
        if is_shown or is_called(name, wanted):
            scan = SheetScan(texts.found, limits, masks=masks, recalculates=recalculates)
            sheets.append(_scan_sheet(archive, part, scan, name, is_shown=is_shown))
        else:
            sheets.append(ScannedSheet(name, is_shown=False, facts=SheetFacts()))
    return sheets


def _scan_sheet(
    archive: zipfile.ZipFile, part: str, scan: SheetScan, name: str, *, is_shown: bool
) -> ScannedSheet:
    try:
        _read(archive, part, scan).check_rectangle()
    except CampaignFileError as problem:
        return ScannedSheet(name, is_shown, scan.facts, problem)
    return ScannedSheet(name, is_shown, scan.facts)


def _masks(archive: zipfile.ZipFile, parts: Iterable[str]) -> dict[str, Mask]:
    styles = _Styles()
    for part in parts:
        if part.rpartition("/")[2].lower() == "styles.xml":
            _read(archive, part, styles)
    return masks_of(styles.formats, styles.used)


def _part_named(target: str) -> str:
    return target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"


class _Elements:
    """Gathers the attributes of elements of some names."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self.found: list[Mapping[str, str]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if local_name(name) in self._names:
            self.found.append(attributes)

    def end(self, name: str) -> None:
        """Nothing hangs on it."""

    def text(self, data: str) -> None:
        """Nothing hangs on it."""


class _Styles:
    """Gathers the number formats of the styles."""

    def __init__(self) -> None:
        self.formats: dict[str, str] = {}
        self.used: list[str] = []
        self._is_within = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match local_name(name):
            case "numFmt":
                self.formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            case "cellXfs":
                self._is_within = True
            case "xf" if self._is_within:
                self.used.append(attributes.get("numFmtId", ""))

    def end(self, name: str) -> None:
        if local_name(name) == "cellXfs":
            self._is_within = False

    def text(self, data: str) -> None:
        """Nothing hangs on it."""


class _Texts:
    """Measures the shared texts, and finds those that may be numbers."""

    def __init__(self) -> None:
        self.found = SharedTexts()
        self._text: list[str] = []

    def start(self, name: str, _: Mapping[str, str]) -> None:
        if local_name(name) == "si":
            self.found.lengths.append(0)
            self._text = []

    def end(self, name: str) -> None:
        if local_name(name) == "si" and may_be_number("".join(self._text)):
            self.found.numbers.add(len(self.found.lengths) - 1)

    def text(self, data: str) -> None:
        if self.found.lengths:
            if self.found.lengths[-1] < _LONGEST_NUMBER_CHARS:
                self._text.append(data)
            self.found.lengths[-1] += len(data)


_LONGEST_NUMBER_CHARS = 60


_Reader = TypeVar("_Reader", _Elements, _Texts, _Styles, SheetScan, OdsScan)


def _read(archive: zipfile.ZipFile, part: str, reader: _Reader) -> _Reader:
    """Stream a part through a reader; a part that is missing is empty."""
    if part not in archive.namelist():
        return reader
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    with archive.open(part) as stream:
        while piece := stream.read(_PIECE_BYTES):
            parser.Parse(piece, False)
    parser.Parse(b"", True)
    return reader


def _refuse_doctype(*_: object) -> None:
    """Refuse definitions of entities, which no spreadsheet program writes."""
    raise CampaignFileError("The workbook cannot be read. {fix}", fix=SAVE_AGAIN)
