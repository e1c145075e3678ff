"""What a spreadsheet did to a number on its way to the file, undone where no digit is lost."""

import re
import unicodedata
from enum import StrEnum


class SpreadsheetDamage(StrEnum):
    """What was done to the number."""

    DECIMAL = "decimal"  # 9876543214.0: all digits are there
    EXPONENT = "exponent"  # 9.19876543210E+11: all digits are there
    DIGITS_LOST = "digits_lost"  # 9.19877E+11: what is missing cannot be known


def mend(text: str) -> tuple[str, SpreadsheetDamage | None]:
    """Take off wrappers and invisible marks, and write a damaged number out in full.

    Returns the text as it is to be read, and what had been done to it. When digits are lost, the
    text is the damaged one.
    """
    bare = _without_wrappers(text)
    if decimal := _DECIMAL.fullmatch(bare):
        return decimal[1], SpreadsheetDamage.DECIMAL
    if exponent := _EXPONENT.fullmatch(bare):
        return _written_out(exponent)
    return bare, None


def is_error(text: str) -> bool:
    """Whether a spreadsheet's own error stands in a cell: #N/A, #REF!, Err:502."""
    return _ERROR.fullmatch(text) is not None


def is_formula(text: str) -> bool:
    """Whether a cell that holds no number holds a formula instead of its result."""
    return _FORMULA.match(text) is not None


_ERROR = re.compile(r"#(?:N/A|[A-Z]+(?:/0)?[!?]|GETTING_DATA)|Err:[0-9]{3}|#N/V|#BEZUG!")
_FORMULA = re.compile(r"\s*'?=\s*\S")
# No number is shorter than seven digits, so 12.0 stays what it is: no number.
_DECIMAL = re.compile(r"(\+?[0-9]{7,})[.,]0+")
_EXPONENT = re.compile(r"(\+?)([0-9])(?:[.,]([0-9]*))?[eE]\+?([0-9]{1,3})")
_WRAPPERS = re.compile(r"=?['\"`´\u2018\u2019\u201c\u201d]*(.*?)['\"`´\u2018\u2019\u201c\u201d]*")


def _without_wrappers(text: str) -> str:
    """Undo ="…", a leading apostrophe, full-width and Indic digits, and marks nobody sees."""
    visible = (text if text.isascii() else _in_plain_characters(text)).strip()
    match = _WRAPPERS.fullmatch(visible)
    return match[1].strip() if match else visible


def _in_plain_characters(text: str) -> str:
    return "".join(
        _as_ascii_digit(mark)
        for mark in unicodedata.normalize("NFKC", text)
        if unicodedata.category(mark) != "Cf"  # zero-width spaces, direction marks
    )


def _as_ascii_digit(mark: str) -> str:
    return str(unicodedata.decimal(mark)) if mark.isdecimal() else mark


def _written_out(exponent: re.Match[str]) -> tuple[str, SpreadsheetDamage]:
    """Shift the decimal point; digits the mantissa does not show were rounded away."""
    plus, first, fraction, places = exponent[1], exponent[2], exponent[3] or "", int(exponent[4])
    if len(fraction) < places or fraction[places:].strip("0"):
        return exponent[0], SpreadsheetDamage.DIGITS_LOST
    return plus + first + fraction[:places], SpreadsheetDamage.EXPONENT
