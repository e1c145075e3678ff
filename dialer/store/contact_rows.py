"""A contact's line and cells as they are stored, a hundred together."""

import json
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import NamedTuple

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
    """Decode the lines of a chunk; as one JSON text, which takes half the time."""
    if not packed:
        return []
    return [_row_of(*told) for told in json.loads(b"[" + b",".join(lines_of(packed)) + b"]")]


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
    wanted = encode_basestring(words)[1:-1].encode()
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
    extras = [_extra(row.extra) if row.extra else "" for row in rows]
    # as if no cell needed escaping, which takes a third of the time; what JSON escapes is counted then
    lines = "\n".join(
        [
            f'[{line},["{_BETWEEN_CELLS.join(cells)}"]{extra}]'
            for (line, cells, _), extra in zip(rows, extras, strict=True)
        ]
    ).encode()
    of_ours = 2 * sum([len(row.cells) for row in rows]) + len(rows) - 1
    if _escapable(lines) == of_ours + _escapable("".join(extras).encode()):
        return lines
    return "\n".join(map(_as_line, rows)).encode()


def _escapable(text: bytes) -> int:
    return len(text) - len(text.translate(None, _ESCAPED))


_ESCAPED = bytes(range(0x20)) + b'"\\'  # by JSON
_BETWEEN_CELLS = '","'


def _as_line(row: Row) -> str:
    line, cells, extra = row
    # what json.dumps gives, without the encoder it makes a call: that costs more than the cells do
    return f"[{line},[{','.join(map(encode_basestring, cells))}]{_extra(extra) if extra else ''}]"


def _extra(extra: Mapping[str, str]) -> str:
    told = (f"{encode_basestring(name)}:{encode_basestring(text)}" for name, text in extra.items())
    return f",{{{','.join(told)}}}"


def lines_of(packed: bytes) -> list[bytes]:
    """Unpack lines, and read none."""
    return zlib.decompress(packed).split(b"\n")


_kept_lines = lru_cache(maxsize=16)(lines_of)  # they are often dialled one after the other


def _unpack_row(packed: bytes) -> Row:
    return _row_of(*json.loads(packed))


def _row_of(line: int, cells: Sequence[str], extra: Mapping[str, str] = NO_EXTRA) -> Row:
    return Row(line, tuple(cells), extra)
