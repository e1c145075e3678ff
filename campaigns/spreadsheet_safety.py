"""Cells that a spreadsheet program would run as formulas, made plain text.

An apostrophe in front is what spreadsheet programs themselves use to say "this is text", and what
loading a list takes off again. <https://owasp.org/www-community/attacks/CSV_Injection>
"""

import re
from collections.abc import Iterable

# The full-width signs are read as the plain ones by Japanese and Chinese editions; spaces and
# line breaks in front are skipped by some importers.
_SUSPECT = frozenset("=+-@\t\r\n\0 ＝＋－＠")
SUSPECT = r"^(?:[=@\t\r\n\x00 ＝＋－＠]|[+\-](?:[^0-9]|[0-9]+[^0-9]|$))"
"""What `safe_cell` has to look at, as a regular expression of any dialect: not a phone number."""
_RUNS = re.compile(r"[\t\r\n\0]|\s*[=+\-@＝＋－＠]")
_LONG_NUMBER = re.compile(r"(\+?[0-9]{9,}|0[0-9]+)\Z")
_WITH_PLUS = re.compile(r"\+[0-9]{7,}\Z")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*\Z")


def safe_cell(text: str) -> str:
    """Put an apostrophe before what would be run; plain numbers such as -12.50 stay numbers."""
    if not text or text[0] not in _SUSPECT:
        return text
    if text[0] in "+-" and text[1:].isdecimal():
        return text  # what follows says so too, but a list's phone numbers are worth a shortcut
    if not _RUNS.match(text) or _PLAIN_NUMBER.match(text):
        return text
    return f"'{text}"


def kept_cell(text: str) -> str:
    """Make a cell safe that comes back, and a number keep its plus.

    A spreadsheet program takes the plus off; +65 9123 4567 would come back as a number of India's.
    """
    return f"'{text}" if _WITH_PLUS.match(text) else safe_cell(text)


def as_text_numbers(cells: Iterable[str | None]) -> list[str | None]:
    """Write long numbers, and those with a leading zero, so that a spreadsheet program keeps them whole.

    `="919876543210"` is a text to all of them, and loading a list takes it for the number it is.
    """
    return [f'="{cell}"' if cell and _LONG_NUMBER.match(cell) else cell for cell in cells]


def as_they_were(cells: Iterable[str]) -> tuple[str, ...]:
    """Take the apostrophes off that `safe_cell` and `kept_cell` have put there."""
    return tuple(cell[1:] if cell[:1] == "'" and _is_run(cell[1:]) else cell for cell in cells)


def _is_run(text: str) -> bool:
    return kept_cell(text) != text


def safe_cells(cells: Iterable[str | None]) -> list[str | None]:
    """Make a whole column safe; hardly any cell needs more than a look at its first character."""
    return [safe_cell(cell) if cell and cell[0] in _SUSPECT else cell for cell in cells]
