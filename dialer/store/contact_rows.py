"""A contact's line and cells as they are stored, a hundred together."""

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import orjson

NO_EXTRA: Mapping[str, str] = MappingProxyType({})


class Row(NamedTuple):
    """A contact's own line: where it stood and its cells, untouched.

    Args:
        line: Physical line in the file, from 1.
        extra: Per-row values beside the cells: `timezone`, `custom_field`, `external_id`; most rows
            have none.
    """

    line: int
    cells: tuple[str, ...]
    extra: Mapping[str, str] = NO_EXTRA

    @property
    def external_id(self) -> str:
        """What its owner's systems call the contact; '' = nothing."""
        return self.extra.get("external_id", "")


def pack_rows(rows: Sequence[Row]) -> bytes:
    """Encode the lines of a chunk: one JSON text each, so that one can be read without the rest."""
    return compressed(as_lines(rows))


def compressed(lines: bytes) -> bytes:
    """Pack lines as they are stored."""
    # a quarter less of a list with many columns than at 1, in the thread that stores; from 5 on it takes
    # twice the time and gains little
    return zlib.compress(lines, 4)


def unpack_rows(packed: bytes | None) -> list[Row]:
    """Decode the lines of a chunk."""
    return list(map(_unpack_row, lines_of(packed))) if packed else []


def unpack_row(packed: bytes, inside: int) -> Row:
    """Decode one line of a chunk, and none of its neighbours."""
    return _unpack_row(lines_of(packed)[inside])


def unpack_row_again(packed: bytes, inside: int) -> Row:
    """Decode the same of a chunk that is likely to be asked for another line soon."""
    return _unpack_row(_kept_lines(packed)[inside])


_FEW = 20  # lines


def rows_with(packed: bytes, words: str) -> list[tuple[int, Row]]:
    """Decode the lines of a chunk that hold some words anywhere, others maybe too, with their places in it.

    Few do, so the chunk is searched as it lies: that takes a tenth of the time that decoding it takes.

    Args:
        words: Case-folded.
    """
    text = zlib.decompress(packed)
    wanted = orjson.dumps(words)[1:-1]
    folded = text.lower() if text.isascii() else text.decode().casefold().encode()
    holding = folded.count(wanted)
    if not holding:
        return []
    if holding > _FEW:  # to decode all of them together is quicker then
        return list(enumerate(unpack_rows(packed)))
    lines = zip(text.split(b"\n"), folded.split(b"\n"), strict=True)
    return [(at, _unpack_row(line)) for at, (line, one) in enumerate(lines) if wanted in one]


def as_lines(rows: Sequence[Row]) -> bytes:
    """Write rows as lines, for `compressed`."""
    return b"\n".join(
        [
            orjson.dumps((line, cells, dict(extra)) if extra else (line, cells))
            for line, cells, extra in rows
        ]
    )


def lines_of(packed: bytes) -> list[bytes]:
    """Unpack lines, and read none."""
    return zlib.decompress(packed).split(b"\n")


_kept_lines = lru_cache(maxsize=16)(lines_of)  # they are often dialled one after the other


def _unpack_row(packed: bytes) -> Row:
    return _row_of(*orjson.loads(packed))


def _row_of(line: int, cells: Sequence[str], extra: Mapping[str, str] = NO_EXTRA) -> Row:
    return Row(line, tuple(cells), extra)
