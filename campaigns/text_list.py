"""A list in a text file: its rows with their line numbers, however its quotes are damaged."""

import csv
import io
import itertools
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from campaigns.list_source import Quoting, Row
from campaigns.text_format import TextFormat


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

    def rows(self) -> Generator[Row, None, None]:
        """Read every record; one with broken quotes costs no more than its first line."""
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, encoding=self.format.encoding, newline="")
        lines = _Lines(text)
        for _ in itertools.islice(lines, self.format.hint_lines):
            lines.unfinished.clear()
        try:
            while True:
                try:
                    for cells in self._reader(lines):
                        yield Row(lines.number - len(lines.unfinished) + 1, cells)
                        lines.unfinished.clear()
                except csv.Error:
                    yield self._first_line_of_broken_row(lines)
                else:
                    return
        finally:
            if not self.file.closed:  # an abandoned reading may outlive it
                text.detach()  # the file is its owner's to close

    def share_read(self, line: int) -> float:  # noqa: ARG002 - other sources know lines, not bytes
        """How much of the file is read: 0 … 1."""
        return self.file.tell() / self.size_bytes

    def _reader(self, lines: "_Lines") -> Iterator[list[str]]:
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
    """Physical lines, those of the unfinished row kept so that they can be read again.

    `csv` refuses cells over 131,072 characters, which bounds how much is kept.
    """

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.unfinished: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        """Read on, lines given back first; whoever gave some back begins anew."""
        while self._again:
            self.number += 1
            self.unfinished.append(self._again[0])
            yield self._again.popleft()
        for line in self._text:
            self.number += 1
            self.unfinished.append(line)
            yield line

    def keep_only_first(self) -> str:
        """Give every line of the unfinished row back but the first, and return that one."""
        first, *rest = self.unfinished
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)
        return first
