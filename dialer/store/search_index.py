"""The search index: which pieces of numbers and names are among each hundred contacts.

A piece of a number is five of its digits side by side, one of a name three letters. Each sets a bit of its
hundred's entry, chosen by a hash. A hundred that lacks a bit of what is looked for holds nobody who fits, and
is left out. So an entry says where not to look, and is no truth: bits that are left over cost a look, and a
hundred without an entry is looked through.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dialer.store.record import PER_CHUNK

ENTRY_BYTES = 506
"""With what Redis keeps before a text, half a kilobyte: a piece that is not there is missed in three of four."""

_BITS = 8 * ENTRY_BYTES
_ANYTHING = b"\xff" * ENTRY_BYTES
_DIGITS, _LETTERS = 5, 3  # of a piece
_ALL_PIECES = 10**_DIGITS
_SPREAD = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF = np.uint64(32)


def entries(numbers: Sequence[NDArray[Any]], names: Sequence[str], *, inside: int = 0) -> bytes:
    """Make the entries of the hundreds that some contacts stand in, one behind the other.

    Args:
        numbers: Agents, customers: of each contact one, E.164 digits.
        names: Of as many contacts.
        inside: At which place of the first hundred they begin; who stands before them is not in it.
    """
    hundreds = np.arange(inside, inside + len(names)) // PER_CHUNK
    bits = np.zeros((int(hundreds[-1]) + 1) * _BITS, dtype=np.bool_)
    digits = [_pieces_of_numbers(column.astype(np.int64)) for column in numbers]
    for pieces, whose in (*digits, _pieces_of_names(names)):
        bits[hundreds[whose] * _BITS + _bits_of(pieces)] = True
    return np.packbits(bits, bitorder="little").tobytes()


def bits_of_number(digits: str) -> list[int]:
    """Tell the bits of an entry in whose hundred a number has these digits side by side."""
    pieces = [
        int(digits[at : at + _DIGITS]) for at in range(len(digits) - _DIGITS + 1)
    ]  # too few digits have no piece: everybody is looked at
    return list(map(int, _bits_of(np.array(pieces, dtype=np.int64))))


def bits_of_name(words: str) -> list[int]:
    """Tell the bits of an entry in whose hundred a name holds these words, whatever their case."""
    return list(map(int, _bits_of(_pieces_of_names([words])[0])))


def fitting(stored: Sequence[bytes], bits: Sequence[int]) -> NDArray[np.bool_]:
    """Tell which of some hundreds may hold what has these bits.

    Args:
        stored: The entry of each; empty: it has none.
    """
    whole = (one if len(one) == ENTRY_BYTES else _ANYTHING for one in stored)
    table = np.frombuffer(b"".join(whole), dtype=np.uint8).reshape(-1, ENTRY_BYTES)
    fits = np.ones(len(table), dtype=np.bool_)
    for bit in bits:
        fits &= (table[:, bit >> 3] >> (bit & 7)) & 1 == 1
    return fits


def _pieces_of_numbers(numbers: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give all pieces of some numbers, and at which place stands the number of each."""
    without = [numbers]  # their last digits: none of them, one, two … all
    while without[-1].any():
        without.append(without[-1] // 10)
    none = np.empty(0, np.int64)
    longer = [one >= _ALL_PIECES // 10 for one in without[:-_DIGITS]]
    # a remainder as numpy takes it costs three times as much as this
    pieces = [
        (one - _ALL_PIECES * less)[is_longer]
        for one, less, is_longer in zip(without, without[_DIGITS:], longer, strict=False)
    ]
    return np.concatenate([none, *pieces]), np.concatenate([none, *map(np.flatnonzero, longer)])


def _pieces_of_names(names: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    folded = [one.casefold() for one in names]
    text = "".join(folded).encode("utf-32-le", "surrogatepass")
    letters = np.frombuffer(text, dtype="<u4").astype(np.uint64)
    whose = np.repeat(np.arange(len(names)), [len(one) for one in folded])
    within = np.flatnonzero(whose[: 1 - _LETTERS] == whose[_LETTERS - 1 :])
    first, second, third = (letters[within + at] for at in range(_LETTERS))
    return (first << np.uint64(42)) | (second << np.uint64(21)) | third, whose[within]


def _bits_of(pieces: NDArray[Any]) -> NDArray[np.int64]:
    spread = (pieces.astype(np.uint64) * _SPREAD) >> _HALF
    return cast("NDArray[np.int64]", ((spread * np.uint64(_BITS)) >> _HALF).astype(np.int64))
