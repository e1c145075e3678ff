"""Number formats that show more than the number: 00000 shows 1234 as 01234."""

import re
from collections.abc import Mapping, Sequence

_LITERAL = re.compile(r'"([^"]*)"|\\(.)')
_ZEROS = re.compile(r"[0\s()+\-\x01-\x08]*0[0\s()+\-\x01-\x08]*")


def masks_of(
    formats: Mapping[str, str], styles: Sequence[str]
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Tell which styles of a workbook show leading zeros, and how.

    Args:
        formats: Codes of the workbook's own number formats, by their id.
        styles: Of each style in order, its format's id.

    Returns:
        By a style's number, its mask, with the literals that stand in it.
    """
    masks = {}
    for number, format_id in enumerate(styles):
        literals: list[str] = []

        def keep(found: re.Match[str], literals: list[str] = literals) -> str:
            literals.append(found[1] if found[1] is not None else found[2])
            return chr(len(literals)) if len(literals) <= _MOST_LITERALS else "?"

        mask = _LITERAL.sub(keep, formats.get(format_id, "").partition(";")[0])
        if mask.count("0") > 1 and _ZEROS.fullmatch(mask):
            masks[str(number)] = (mask, tuple(literals))
    return masks


def masked(value: str, mask: tuple[str, tuple[str, ...]]) -> str | None:
    """Write a number as its format shows it; None where that is no whole number."""
    try:
        number = float(value)
    except ValueError:
        return None
    if not number.is_integer() or not 0 <= number < _EXACT_BELOW:
        return None
    form, literals = mask
    digits = f"{int(number):0{form.count('0')}d}"
    surplus = len(digits) - form.count("0")
    left = iter(digits[surplus:])
    first = form.index("0")
    shown = "".join(
        next(left) if mark == "0" else _literal(mark, literals) for mark in form[first:]
    )
    return "".join(_literal(mark, literals) for mark in form[:first]) + digits[:surplus] + shown


def _literal(mark: str, literals: Sequence[str]) -> str:
    return literals[ord(mark) - 1] if ord(mark) <= _MOST_LITERALS else mark


_MOST_LITERALS = 8
_EXACT_BELOW = 1e15
