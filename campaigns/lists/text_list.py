"""A list in a text file: its rows with their line numbers, however its quotes are damaged."""

import csv
import io
import itertools
import re
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from campaigns.lists.source import Quoting, Row
from campaigns.lists.text_format import TextFormat
from campaigns.many_tuples import made

_FIRST_CHARACTERS = 1 << 10  # a list is opened for the sake of two rows
_MOST_CHARACTERS = 1 << 16
_ALL_SOUND = itertools.repeat(Quoting.SOUND)


@dataclass(frozen=True, slots=True)
class TextList:
    """A delimited text file.

    Args:
        file: Seekable; rows are read from its beginning, whatever its position.
        size_bytes: Of the file.
        format: How it is written.
    """

    file: BinaryIO
    size_bytes: int
    format: TextFormat

    @property
    def description(self) -> str:
        """How the file was understood, for people."""
        return self.format.description

    @property
    def hidden_columns(self) -> frozenset[int]:
        """Text hides nothing."""
        return frozenset()

    def rows(self) -> Generator[Row, None, None]:
        """Read every record; one with broken quotes costs no more than its first line."""
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, encoding=self.format.encoding, newline="")
        lines = _Lines(text)
        for _ in itertools.islice(lines, self.format.hint_lines):
            lines.unfinished.clear()
        try:
            while some := lines.next_some():
                records = self._one_record_a_line(some)
                if records:
                    first = lines.number - len(some) + 1
                    yield from made(Row, itertools.count(first), records, _ALL_SOUND)
                else:
                    lines.give_back(some)
                    yield from self._rows_one_by_one(lines)
        finally:
            if not self.file.closed:  # an abandoned reading may outlive it
                text.detach()  # the file is its owner's to close

    def close(self) -> None:
        """Nothing is kept beside the file."""

    def share_read(self, line: int) -> float:  # noqa: ARG002 - other sources know lines, not bytes
        """How much of the file is read: 0 … 1."""
        return self.file.tell() / self.size_bytes

    def _one_record_a_line(self, lines: list[str]) -> list[list[str]] | None:
        """Read many lines at once; None where a record goes over several, or its quotes are wrong."""
        if self._is_plain(lines):
            return [line.rstrip("\r\n").split(self.format.delimiter) for line in lines]
        try:
            records = list(self._reader(lines))
        except csv.Error:
            return None
        return records if len(records) == len(lines) else None

    def _is_plain(self, lines: list[str]) -> bool:
        """Tell whether lines can be split at their delimiters: a third of the time `csv` takes."""
        return (
            '"' not in "".join(lines)
            and not self.format.has_spaces_before_quotes
            and max(map(len, lines)) <= csv.field_size_limit()
        )

    def _rows_one_by_one(self, lines: "_Lines") -> Iterator[Row]:
        """Read on until no line that was given back is left."""
        while lines.given_back:
            try:
                for cells in self._reader(lines):
                    yield Row(lines.number - len(lines.unfinished) + 1, cells)
                    lines.unfinished.clear()
                    if not lines.given_back:
                        return
            except csv.Error:
                yield self._first_line_of_broken_row(lines)

    def _reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self.format.delimiter,
            skipinitialspace=self.format.has_spaces_before_quotes,
            strict=True,
        )

    def _first_line_of_broken_row(self, lines: "_Lines") -> Row:
        """Take the line on which the quotes went wrong; what follows it is read anew.

        Otherwise one forgotten quote would swallow every row down to the next quote.
        """
        first = lines.keep_only_first()
        row = Row(
            lines.number,
            self._cells_without_strictness(first),
            Quoting.OPEN if first.count('"') % 2 else Quoting.ODD,
        )
        lines.unfinished.clear()
        return row

    def _cells_without_strictness(self, line: str) -> list[str]:
        try:
            return next(csv.reader([line], delimiter=self.format.delimiter))
        except csv.Error:  # a cell beyond csv's own limit of 131,072 characters
            return [line.rstrip("\r\n")]


class _Lines:
    """Physical lines: many at a time, or one by one where they must be looked at closely.

    Of these the unfinished row's are kept, so that they can be read again. `csv` refuses cells over
    131,072 characters, which bounds how much is kept.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._characters_at_once = _FIRST_CHARACTERS
        self.given_back: deque[str] = deque()
        self.unfinished: list[str] = []
        self.number = 0

    def next_some(self) -> list[str]:
        """Read the next lines, none at the end; whatever was given back has been read by then."""
        some = self._text.readlines(self._characters_at_once)
        if some and some[-1].endswith(_END_MARKS):
            some[-1:] = filter(None, [_without_end_mark(some[-1])])
        self._characters_at_once = min(self._characters_at_once * 2, _MOST_CHARACTERS)
        self.number += len(some)
        return some

    def __iter__(self) -> Iterator[str]:
        """Read on, lines given back first; whoever gave some back begins anew."""
        while self.given_back:
            self.number += 1
            self.unfinished.append(self.given_back[0])
            yield self.given_back.popleft()
        for read in self._text:
            line = _without_end_mark(read) if read.endswith(_END_MARKS) else read
            self.number += 1
            self.unfinished.append(line)
            yield line

    def give_back(self, lines: list[str]) -> None:
        """Have the last lines read again."""
        self.given_back.extendleft(reversed(lines))
        self.number -= len(lines)

    def keep_only_first(self) -> str:
        """Give every line of the unfinished row back but the first, and return that one."""
        first, *rest = self.unfinished
        self.give_back(rest)
        return first


# DOS programs end a file so, and fill its last block up
_END_MARKS = ("\x1a", "\x1a\r\n", "\x1a\n", "\x1a\r", "\0")
_END_MARK = re.compile(r"\x1a[\x1a\0]*[\r\n]*\Z")


def _without_end_mark(line: str) -> str:
    return _END_MARK.sub("", line)
