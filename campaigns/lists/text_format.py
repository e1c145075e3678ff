"""How a text file is written: which encoding, which delimiter."""

import codecs
import csv
import io
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO

from campaigns.lists.source import CampaignFileError
from campaigns.sentence import told

_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a delimited text file is written.

    Args:
        encoding: A codec's name.
        delimiter: One character.
        has_spaces_before_quotes: `1, "Kumar, Ram"` is two cells here, as its author meant.
        hint_lines: 1 when Excel's `sep=;` stands above the header.
    """

    encoding: str
    delimiter: str
    has_spaces_before_quotes: bool
    hint_lines: int

    @property
    def description(self) -> str:
        """The format for people."""
        encoding = _ENCODING_NAMES[self.encoding]
        separator = _DELIMITER_NAMES[self.delimiter]
        return told(
            "text in {encoding}, separated by {separator}", encoding=encoding, separator=separator
        )


def recognise(file: BinaryIO) -> TextFormat:
    """Find out how a text file is written; reads the whole file once, a block at a time.

    Raises:
        CampaignFileError: It is no text, or one with lines too long to be a list.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    is_whole = not file.read(1)
    encoding = _encoding_of(file, head)
    text = codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    lines = list(io.StringIO(text, newline=""))
    if not is_whole:
        lines = lines[:-1] or lines  # the last one is cut in the middle
    hint = _delimiter_hint(lines)
    delimiter = hint or _likeliest_delimiter(lines)
    return TextFormat(
        encoding=encoding,
        delimiter=delimiter,
        has_spaces_before_quotes=any(f'{delimiter} "' in line for line in lines),
        hint_lines=1 if hint else 0,
    )


# ── encoding ─────────────────────────────────────────────────────────────────────────────────────

_ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
}
_MARKS = (  # UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _encoding_of(file: BinaryIO, head: bytes) -> str:
    line = None
    candidates = _candidate_encodings(head)
    for encoding in candidates:
        line = _undecodable_line(file, encoding)
        if line is None:
            return encoding
    named = " nor ".join(_ENCODING_NAMES[encoding] for encoding in candidates)
    raise CampaignFileError(
        "The characters of line {line} are not {encodings}. Save the list as CSV UTF-8.",
        encodings=named,
        line=line,
    )


def _candidate_encodings(head: bytes) -> tuple[str, ...]:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return (encoding,)
    # Names of columns, digits and delimiters have a zero byte each in UTF-16.
    if head[1::2].count(0) > 0.3 * len(head):
        return ("utf-16-le",)
    if head[0::2].count(0) > 0.3 * len(head):
        return ("utf-16-be",)
    first_line = head.lstrip().partition(b"\n")[0]
    if _control_bytes(first_line) or _control_bytes(head) > 0.3 * len(head):
        raise CampaignFileError(
            "This is not a text file. Save the list as .xlsx or CSV UTF-8 and load that."
        )
    return ("utf-8", "cp1252")


def _control_bytes(text: bytes) -> int:
    return len(text) - len(text.translate(None, delete=_CONTROL_BYTES))


_CONTROL_BYTES = bytes({*range(32)} - {*b"\t\n\r\f\v\x1a"})


def _undecodable_line(file: BinaryIO, encoding: str) -> int | None:
    """Read the whole file, so that no row deep inside turns out to be unreadable later."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    is_over = False
    file.seek(0)
    while not is_over:
        block = file.read(_BLOCK_BYTES)
        is_over = not block
        try:
            text = decoder.decode(block, final=is_over)
        except UnicodeDecodeError as error:
            return line + block.count(b"\n", 0, error.start)
        if len(text) > _BLOCK_BYTES // 8 and "\n" not in text and "\r" not in text:
            raise CampaignFileError(
                "Line {line} is longer than any row of a list. Save the list as CSV UTF-8 "
                "with one row per line.",
                line=line,
            )
        line += text.count("\n") or text.count("\r")
    return None


# ── delimiter ────────────────────────────────────────────────────────────────────────────────────

_DELIMITER_NAMES = {
    ",": told("commas"),
    ";": told("semicolons"),
    "\t": told("tabs"),
    "|": told("pipes"),
}
_SAMPLE_ROWS = 50


def _delimiter_hint(lines: list[str]) -> str | None:
    """Excel's own first line, `sep=;`."""
    hint = lines[0].rstrip("\r\n") if lines else ""
    if hint[:4].lower() == "sep=" and hint[4:] in _DELIMITER_NAMES:
        return hint[4:]
    return None


def _likeliest_delimiter(lines: list[str]) -> str:
    """The one by which most rows have as many cells as the header; the more cells the better."""
    return max(_DELIMITER_NAMES, key=lambda delimiter: _agreement(lines, delimiter))


def _agreement(lines: list[str], delimiter: str) -> tuple[bool, int, int]:
    rows = csv.reader(lines, delimiter=delimiter)
    widths = [len(cells) for cells in itertools.islice(filter(any, rows), _SAMPLE_ROWS)]
    below_titles = list(itertools.dropwhile(lambda width: width == 1, widths))
    if not below_titles:
        return False, 0, 0
    alike = Counter(below_titles)[below_titles[0]]
    parts_the_first = len(below_titles) == len(widths) and (alike > 1 or len(widths) == 1)
    return parts_the_first, alike, below_titles[0]
