"""Phone numbers in reports that leave the house: hidden, or replaced by what stands for them."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from campaigns.numbers.same_phone import national_digits


class Mask(StrEnum):
    """What becomes of phone numbers."""

    NONE = "none"
    MASKED = "masked"  # 91******3210
    HASHED = "hashed"  # the same number gives the same word, under the same key


FORGOTTEN = "+0"
"""Stands where a number was before it was purged."""

_DATE = r"(?!\d{4}-\d\d-\d\d)"
_BETWEEN = r" \u00a0\u2007\u2009\u202f().\u2010-\u2015-"
_NUMBER = re.compile(rf"(?<![^\W_]){_DATE}\+?\(?\d(?:[{_BETWEEN}]{{0,2}}\d){{9,14}}(?!\d)")
"""Ten digits or more, as people write phone numbers; a date is none."""

_HAS_LETTERS = re.compile(r"[^\W\d_]")
_ENOUGH_DIGITS = 8  # of a number we know; a subscriber's own part without area code


@dataclass(frozen=True, slots=True)
class NumberMask:
    """Masks numbers.

    Args:
        key: For `hashed`. Without a secret key, ten digits are guessed in minutes.
    """

    mask: Mask
    key: bytes = b""

    def __post_init__(self) -> None:
        if self.mask is Mask.HASHED and not self.key:
            raise ValueError("hashing phone numbers needs a secret key")

    def number(self, digits: str) -> str:
        """Mask a number of digits; one that was purged is ''."""
        if not digits:
            return digits
        match self.mask:
            case Mask.NONE:
                return digits
            case Mask.MASKED:
                return f"{digits[:2]}{'*' * (len(digits) - 6)}{digits[-4:]}"
            case Mask.HASHED:
                return hmac.new(self.key, digits.encode(), hashlib.sha256).hexdigest()[:16]

    def text(self, text: str, *, known: tuple[str, ...] = ()) -> str:
        """Mask every number in a text, and the whole text when it is one of the `known`.

        Args:
            known: Numbers, as digits, that this text may be, in whatever spelling.
        """
        if self.mask is Mask.NONE or not text:
            return text
        digits = re.sub(r"\D", "", text)
        if len(digits) >= _ENOUGH_DIGITS and not _HAS_LETTERS.search(text):
            for number in known:
                if number.endswith(digits.lstrip("0")) or digits.endswith(national_digits(number)):
                    return self.number(number)
        return _NUMBER.sub(lambda found: self.number(re.sub(r"\D", "", found[0])), text)


NO_MASK = NumberMask(Mask.NONE)
