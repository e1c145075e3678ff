"""Masks phone numbers and secrets in whatever is shown or logged."""

import re
from functools import lru_cache
from typing import Any

# Ten to fifteen digits, in one piece or in groups as people write them; `%2B` is a plus in a URL.
# Epoch seconds in floats, dates, addresses and ids with letters are not.
_NO_NUMBER = r"(?!\d{4}-\d\d-\d\d|\d{1,3}(?:\.\d{1,3}){3}(?![\d.]))"
_GAP = r"[ \u00a0\u2007\u2009\u202f.\u2010-\u2015-]"
_NUMBER = re.compile(
    rf"(?:(?<![^\W_])(?<!\d\.)|(?<=%2B)|(?<=%2b)){_NO_NUMBER}"
    rf"(?:\+?\d{{10,15}}|\(?\+?\d{{1,5}}\)?(?:{_GAP}{{1,2}}\d{{2,10}}){{1,5}})(?![^\W_]|\.\d)"
)
_FLOAT = re.compile(r"(?![6-9]\d{4}\.\d{5}$)\d+\.\d+")
_CREDENTIALS = re.compile(
    r"\b((?:bearer|basic)\s+)(?=\S*[0-9=_-]|\S{20})[\w.~+/=-]{6,}", re.IGNORECASE
)
_SECRET = re.compile(r"(\w+://)[^/@\s]+@|(/callbacks/exotel/\w+/[\w-]+/)[\w-]+")
_HARMLESS = re.compile(r"[A-Za-z_]*\Z")  # names of events and levels: most of what is logged


def mask_text(text: str) -> str:
    """Mask what looks like a phone number, a secret in a URL, or a key in a header."""
    if _HARMLESS.match(text) or (text.isalnum() and not text.isdecimal()):
        return text
    if "/" in text:
        text = _SECRET.sub(lambda found: (found[1] or found[2]) + "***", text)
    if len(text.split(None, 1)) > 1:  # a key stands behind a word, and most texts are ids
        text = _CREDENTIALS.sub(r"\1***", text)
    return _NUMBER.sub(_mask_number, text)


def _mask_number(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    if not 10 <= len(digits) <= 15 or _FLOAT.fullmatch(found[0]):
        return found[0]
    plus = "+" if found[0].startswith("+") else ""
    return f"{plus}{digits[:2]}******{digits[-4:]}"


_SHORT = 64
# names of events, fields' values, ids: again and again
_mask_short = lru_cache(maxsize=1024)(mask_text)


_LAST_INSTANT_S = 4.3e9  # that there is; a whole float above it may be a number


def masked(value: Any) -> Any:
    """Mask whatever is logged, however deep, names of fields too: these become text."""
    match value:
        case str():
            return _mask_short(value) if len(value) <= _SHORT else mask_text(value)
        case dict():
            return {_masked_name(name): masked(one) for name, one in value.items()}
        case list() | tuple():
            return [masked(one) for one in value]
        case None | bool():
            return value
        case int():
            return mask_text(str(value)) if 10**9 <= abs(value) < 10**15 else value
        case float():
            is_number = _LAST_INSTANT_S < value < 1e15 and value.is_integer()
            return mask_text(f"{value:.0f}") if is_number else value
        case _:
            return mask_text(str(value))


def _masked_name(name: Any) -> str:
    return str(masked(name))
