"""What people and programs write around a number: labels, links, extensions, a second number.

Each function takes off, or takes apart, what is certain, and leaves all else to whoever judges digits.
"""

import re
from collections.abc import Iterator
from enum import StrEnum


class Dressing(StrEnum):
    """What stood around a number that is certain nevertheless."""

    TEXT_AROUND = "text_around"  # tel:, Mob:, p:, a wa.me link, a dot at the end
    EXTENSION_DROPPED = "extension_dropped"  # 98000 00007 ext 12


def undressed(text: str) -> tuple[str, Dressing | None]:
    """Take off labels, links, an extension and stray marks.

    Returns the number as it is to be read, and what stood around it; None: nothing did.
    """
    bare = text.casefold().strip()
    if link := _LINK.fullmatch(bare):
        return f"+{link[1]}", Dressing.TEXT_AROUND
    without_extension = _EXTENSION.sub("", bare)
    number = _STRAY_MARKS.sub("", _LABEL_BEHIND.sub("", _LABEL.sub("", without_extension)))
    if number == bare:
        return text, None
    return number, (
        Dressing.TEXT_AROUND if without_extension == bare else Dressing.EXTENSION_DROPPED
    )


def parts_of(text: str) -> list[str]:
    """Take a cell apart where people separate two numbers; one part where nothing says so."""
    return [part for part in map(str.strip, _BETWEEN.split(text)) if part]


def halves_of(text: str) -> Iterator[tuple[str, str]]:
    """Give every way in which a cell of many digits may be two numbers side by side."""
    digits = sum(mark.isdigit() for mark in text)
    if digits < _FEWEST_DIGITS_OF_TWO:
        return
    for gap in _GAP.finditer(text):
        yield text[: gap.start()], text[gap.end() :]
    if digits == len(text) == _TWO_MOBILES:
        yield text[: _TWO_MOBILES // 2], text[_TWO_MOBILES // 2 :]


def runs_of(text: str) -> list[str]:
    """Give what may be whole numbers between words: 98000 00001 (alt 98000 00002)."""
    return _RUN.findall(text)


def with_digits_for_letters(text: str) -> str | None:
    """Put digits for the letters that look like them; None where there are no such letters."""
    told = text.translate(_LOOKALIKES)
    return told if told != text else None


def without_thousands_separators(text: str) -> str | None:
    """Read 9,80,00,00,010 as the number it is; None where it is not written so."""
    return text.replace(",", "") if _THOUSANDS.fullmatch(text) else None


_WORDS = (
    *("telephone", "tel", "phone", "ph", "mobile", "mob", "mbl", "cellphone", "cell", "whatsapp"),
    *("contact", "callto", "call", "sms", "office", "off", "home", "work", "res", "number", "num"),
    *("no", "मोबाइल", "मोबाईल", "मो", "फोन", "फ़ोन", "नंबर"),
)
_LETTERS = "pmtwhor"  # Meta writes p:+91…; without a mark behind it a letter may be a misread digit
_LABEL = re.compile(
    rf"(?:(?:{'|'.join(_WORDS)})[\s.:#/\u2010-\u2015-]*|[{_LETTERS}]\s*[.:)]\s*)+(?=[+(\[0-9])"
)
_BEHIND = "telephone|tel|phone|ph|mobile|mob|cell|whatsapp|home|office|work|res|personal|self|wa"
_LABEL_BEHIND = re.compile(
    rf"[\s\u2010-\u2015-]*[(\[]\s*(?:{'|'.join(_WORDS)}|{_BEHIND}|[{_LETTERS}])\s*[)\]]\s*$"
    rf"|(?<=[0-9])[\s\u2010-\u2015-]+(?:{_BEHIND})\.?\s*$"
)
_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?phone=)"
    r"(?:\+|%2b)?([0-9]{8,15})(?:[/?&#].*)?"
)
_EXTENSION = re.compile(r"(?<=[0-9)])[\s,;]*(?:extension|extn|ext|x|#)[\s.:=]*[0-9]{1,6}\s*$")
_STRAY_MARKS = re.compile(r"^[\s.,;:*#_~|/\\]+|[\s.,;:*#_~|/\\\u2010-\u2015-]+$")
_BETWEEN = re.compile(r"\s*(?::::|[/,;|\\&\n\r]|\s(?:and|or)\s|(?<=[0-9])\s*(?=\+))\s*")
_RUN = re.compile(r"\+?[0-9][0-9\s\u2010-\u2015-]{6,}[0-9]")
_GAP = re.compile(r"(?<=[0-9])[\s\u2010-\u2015-]+(?=[+(0-9])")
_LOOKALIKES = str.maketrans("OoQIilSsBbZz", "000111558822")
_THOUSANDS = re.compile(r"\+?[0-9]{1,3}(?:,[0-9]{2,3})+(?:\.0+)?")
_TWO_MOBILES = 20
_FEWEST_DIGITS_OF_TWO = 14
