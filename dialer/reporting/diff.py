"""What changed between two attempts files of one campaign, such as a provisional and a final one."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import TextIO

from dialer.errors import NotDone
from dialer.ids import AttemptId


class ChangeKind(StrEnum):
    """What happened to an attempt from one file to the next."""

    NEW = "new"
    GONE = "gone"
    RESTATED = "restated"


@dataclass(frozen=True, slots=True)
class Change:
    """An attempt that only one file has, or one value that the second file tells otherwise.

    Args:
        column: Of a restated value; '' else.
    """

    attempt_id: str
    kind: ChangeKind
    column: str = ""
    before: str = ""
    after: str = ""

    def as_json(self) -> dict[str, str]:
        """Tell it in JSON's terms."""
        return asdict(self)


class NotComparable(NotDone):
    """A file is no attempts file, or its rows are not in the order they were written in."""


def diff_reports(before: Path, after: Path) -> Iterator[Change]:
    """Compare two attempts CSV files, attempt by attempt.

    Both are read side by side, so files of any size can be compared. Of columns that only one
    file has, nothing is said.

    Raises:
        NotComparable: See there; found out while reading.
    """
    with _opened(before) as before_file, _opened(after) as after_file:
        earlier, later = _attempts(before_file), _attempts(after_file)
        old, new = next(earlier, _END), next(later, _END)
        while min(old.place, new.place) < _END.place:
            if old.place == new.place:
                yield from _restated(old, new)
                old, new = next(earlier, _END), next(later, _END)
            elif old.place < new.place:
                yield Change(old.values["attempt_id"], ChangeKind.GONE)
                old = next(earlier, _END)
            else:
                yield Change(new.values["attempt_id"], ChangeKind.NEW)
                new = next(later, _END)


Place = tuple[str, float, int, str]
"""Campaign, contact, attempt number, execution: the order in which attempts are written."""


@dataclass(frozen=True, slots=True)
class _Line:
    place: Place
    values: dict[str, str]


_END = _Line(place=("~", inf, 0, ""), values={})


def _opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")


def _attempts(file: TextIO) -> Iterator[_Line]:
    last: Place = ("", 0, 0, "")
    for values in csv.DictReader(file, restval=""):
        id_ = AttemptId.parse(values.get("attempt_id", ""))
        if id_ is None:
            raise NotComparable(f"{file.name} is no attempts file: a row has no attempt_id")
        place = (id_.campaign, id_.n, id_.no, id_.nonce)
        if place <= last or last[0] not in {"", id_.campaign}:
            raise NotComparable(f"{file.name} is not as it was written: {id_} is out of order")
        last = place
        yield _Line(place, values)


def _restated(old: _Line, new: _Line) -> Iterator[Change]:
    for column, after in new.values.items():
        before = old.values.get(column, after)
        if before != after:
            yield Change(new.values["attempt_id"], ChangeKind.RESTATED, column, before, after)
