"""Whether a printed number is one of ours: providers and people leave the country away, or add zeros.

Ours are E.164, so the country code is known, and what follows it stands in every spelling:
`+6581234567`, `006581234567` and `8123 4567` all end in `81234567`.
"""

from collections.abc import Iterator
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

_LONGEST_COUNTRY_CODE = 3
_LONGEST_NUMBER, _SHORTEST_NUMBER = 15, 4
_USUAL_LENGTH = 10  # of what follows the country code, where that is none we know


@lru_cache(maxsize=4096)
def national_digits(e164: str) -> str:
    """Give the digits that every spelling of a number ends in.

    Args:
        e164: With or without its plus.
    """
    digits = digits_of(e164)
    length = country_code_length(digits)
    return digits[length:] if length else digits.lstrip("0")[-_USUAL_LENGTH:]


def country_code_length(digits: str) -> int:
    """Tell how many of a number's first digits are its country's; 0 where they are no country's."""
    for length in range(1, _LONGEST_COUNTRY_CODE + 1):
        code = digits[:length]
        if code and code[0] != "0" and int(code) in COUNTRY_CODE_TO_REGION_CODE:
            return length
    return 0


def same_phone(e164: str, printed: str) -> bool:
    """Tell whether this spelling can stand for a number of ours."""
    ours = national_digits(e164)
    return bool(ours) and digits_of(printed).endswith(ours)


def endings(printed: str) -> Iterator[str]:
    """Give everything that may be the `national_digits` of a printed number, the longest first."""
    digits = digits_of(printed)[-_LONGEST_NUMBER:]
    for length in range(len(digits), _SHORTEST_NUMBER - 1, -1):
        yield digits[-length:]


def digits_of(printed: str) -> str:
    """Leave away all but the digits."""
    if printed.isdecimal() and printed.isascii():
        return printed
    return "".join(char for char in printed if "0" <= char <= "9")
