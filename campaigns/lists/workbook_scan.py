"""A look at a workbook before it is opened: what its cells would come to in memory.

A workbook's reader lays a sheet out as one rectangle, and copies a shared text into each cell that
names it, so that a kilobyte can come to gigabytes. The parts are streamed through here first, in
bounded memory, and what would hurt is refused by the name of its cell.
"""

import re
import struct
import zipfile
import zlib
from array import array
from collections.abc import Mapping
from typing import BinaryIO, TypeVar
from xml.parsers import expat

from campaigns.lists.source import CampaignFileError, ListLimits

SAVE_AGAIN = "Open it, save it as .xlsx or CSV UTF-8, and load that."

_HARMLESS_UNPACKED_BYTES = 10_000_000
_PIECE_BYTES = 1 << 16
_BOOK, _BOOK_LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"

# What zipfile is known to raise on archives cut off, encrypted or overwritten.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)


def scan_workbook(file: BinaryIO, limits: ListLimits) -> None:
    """Hold a workbook's own figures, its texts and the cells of its list against the limits.

    A part that unpacks to more than it declares fails its checksum here, before the spreadsheet
    library unpacks it into memory.

    Raises:
        CampaignFileError: It is no workbook, damaged, or opens to more than the limits.
    """
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if _BOOK not in {part.filename for part in parts}:
                raise CampaignFileError(f"This archive is no .xlsx workbook. {SAVE_AGAIN}")
            _check_size(parts, limits)
            damaged = archive.testzip()
            if damaged is None:
                _check_cells(archive, limits)
    except expat.ExpatError as error:
        raise CampaignFileError(f"The workbook cannot be read. {SAVE_AGAIN}") from error
    except _DAMAGE as error:
        raise CampaignFileError(f"The workbook is damaged. {SAVE_AGAIN}") from error
    if damaged is not None:
        raise CampaignFileError(f"The workbook is damaged ({damaged}). {SAVE_AGAIN}")


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


def _check_cells(archive: zipfile.ZipFile, limits: ListLimits) -> None:
    book = _read(archive, _BOOK, _Elements("sheet"))
    links = _read(archive, _BOOK_LINKS, _Elements("Relationship"))
    targets = {link.get("Id", ""): _part_named(link.get("Target", "")) for link in links.found}
    texts = _Texts()
    for target in targets.values():
        if target.rpartition("/")[2].lower() == "sharedstrings.xml":
            _read(archive, target, texts)
    for sheet in book.found:
        part = targets.get(next((sheet[key] for key in sheet if key.endswith(":id")), ""), "")
        if sheet.get("state", "visible") == "visible" and part.startswith("xl/worksheets/"):
            cells = _read(archive, part, _Cells(texts.lengths, limits))
            cells.check_rectangle()
            return  # the list stands on the first one


def _part_named(target: str) -> str:
    return target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"


class _Elements:
    """Gathers the attributes of elements of one name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.found: list[Mapping[str, str]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if _local(name) == self._name:
            self.found.append(attributes)

    def end(self, name: str) -> None:
        """Nothing hangs on it."""

    def text(self, data: str) -> None:
        """Nothing hangs on it."""


class _Texts:
    """Measures the shared texts."""

    def __init__(self) -> None:
        self.lengths = array("Q")

    def start(self, name: str, _: Mapping[str, str]) -> None:
        if _local(name) == "si":
            self.lengths.append(0)

    def end(self, name: str) -> None:
        """The next text begins with an element of its own."""

    def text(self, data: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(data)


class _Cells:
    """Measures the cells of a sheet: where they stand, and how much text they hold.

    Args:
        shared: How long each shared text is.
    """

    def __init__(self, shared: "array[int]", limits: ListLimits) -> None:
        self._shared = shared
        self._limits = limits
        self._filled = 0
        self._text_chars = 0
        self._row = self._column = 0
        self._is_shared = self._is_value = False
        self._value = ""
        self._chars = 0
        self._top = self._left = 1 << 62
        self._lowest = self._rightmost = (0, 0)  # row and column

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match _local(name):
            case "c":
                self._row, self._column = self._position(attributes.get("r"))
                self._is_shared = attributes.get("t") == "s"
                self._value, self._chars = "", 0
            case "v" | "t":
                self._is_value = True
            case "row":
                self._row, self._column = _row_number(attributes.get("r"), self._row + 1), 0

    def end(self, name: str) -> None:
        match _local(name):
            case "c":
                if self._chars:
                    self._measure()
            case "v" | "t":
                self._is_value = False

    def text(self, data: str) -> None:
        if self._is_value:
            self._chars += len(data)
            if self._is_shared and self._chars < 20:
                self._value += data

    def check_rectangle(self) -> None:
        """Check that the cells stand together.

        Raises:
            CampaignFileError: They do not.
        """
        if not self._filled:
            return
        (lowest, _), (_, rightmost) = self._lowest, self._rightmost
        spanned = (lowest - self._top + 1) * (rightmost - self._left + 1)
        sparse = max(_ANY_SPAN, _LEAST_FILLED_PART * self._filled)
        if spanned <= min(sparse, self._limits.max_sheet_cells):
            return
        names = " and ".join(sorted({_name(*self._lowest), _name(*self._rightmost)}))
        raise CampaignFileError(
            f"The sheet reaches out to {names}: {spanned:,} cells, of which {self._filled:,} are "
            "filled. Delete what stands there by mistake, or copy the list to a new sheet."
        )

    def _position(self, reference: str | None) -> tuple[int, int]:
        found = _REFERENCE.fullmatch(reference) if reference else None
        if found is None:
            return self._row, self._column + 1
        return int(found[2]), _column_number(found[1])

    def _measure(self) -> None:
        self._filled += 1
        row, column = self._row, self._column
        if column > self._limits.max_columns:
            raise CampaignFileError(
                f"Cell {_name(row, column)} stands in column {column:,}, far outside a list (at "
                f"most {self._limits.max_columns:,} columns). Delete what stands there by mistake, "
                "or copy the list to a new sheet."
            )
        self._top, self._left = min(self._top, row), min(self._left, column)
        if row > self._lowest[0]:
            self._lowest = row, column
        if column > self._rightmost[1]:
            self._rightmost = row, column
        self._measure_text()

    def _measure_text(self) -> None:
        chars = self._shared_chars() if self._is_shared else self._chars
        self._text_chars += chars
        if chars > self._limits.max_cell_chars:
            raise CampaignFileError(
                f"Cell {_name(self._row, self._column)} holds {chars:,} characters; at most "
                f"{self._limits.max_cell_chars:,} are read. Shorten it."
            )
        if self._text_chars > self._limits.max_unpacked_bytes:
            raise CampaignFileError(
                f"Up to cell {_name(self._row, self._column)} the sheet's texts come to more than "
                f"{self._limits.max_unpacked_bytes // 1_000_000} MB. Split the list, or leave out "
                "the columns with long texts."
            )

    def _shared_chars(self) -> int:
        index = int(self._value) if self._value.strip().isdecimal() else -1
        return self._shared[index] if 0 <= index < len(self._shared) else 0


_ANY_SPAN = 2_000_000  # cells that may be spanned, however few are filled
_LEAST_FILLED_PART = 50  # beyond that one in so many is filled
_REFERENCE = re.compile(r"([A-Za-z]{1,9})([0-9]{1,18})")  # far beyond what a sheet has


_Reader = TypeVar("_Reader", _Elements, _Texts, _Cells)


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
    raise CampaignFileError(f"The workbook cannot be read. {SAVE_AGAIN}")


def _local(name: str) -> str:
    return name if ":" not in name else name.rpartition(":")[2]


def _row_number(text: str | None, otherwise: int) -> int:
    return int(text) if text and len(text) < 19 and text.isdecimal() else otherwise


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _name(row: int, column: int) -> str:
    """Name a cell as spreadsheets do: A1."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"
