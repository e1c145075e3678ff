"""The outbox' files: every event as a line of JSON, appended, never changed, gone when it is too old.

    events-1764328500123-0.jsonl        the newest, named after its first event
    events-1764310000000-0.jsonl.gz     a whole one, packed

A line is the document of the event without what is read from elsewhere, so without any phone number, and
`e`, what its step wrote, by which it is read back.
"""

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from dialer.store.events import BEGINNING, Written, place

_NAME = re.compile(r"events-(\d+-\d+)\.jsonl(\.gz)?")
_MOST_BYTES = 4_000_000  # some forty thousand events, which take a moment to look through


class EventFiles:
    """Appends to the files of one account, and reads them.

    Args:
        folder: Theirs alone.
    """

    def __init__(self, folder: Path, *, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def last_id(self) -> str:
        """Give the id of the newest event here; the beginning's where there is none."""
        for _, path in reversed(self._all()):
            ids = [id_ for id_, _ in _lines(path)]
            if ids:
                return ids[-1]
        return BEGINNING

    def append(self, events: Sequence[Written], line_of: Callable[[Written], str]) -> None:
        """Write events behind those that are here, brought to disk.

        Args:
            line_of: Gives the line of one, as JSON.
        """
        if not events:
            return
        with self._newest(events[0][0]).open("a", encoding="utf-8") as file:
            file.writelines(f"{line_of(one)}\n" for one in events)
            file.flush()
            os.fsync(file.fileno())

    def after(self, cursor: str, *, most: int) -> list[Written]:
        """Read what follows a cursor."""
        found: list[Written] = []
        files = self._all()
        for at, (_, path) in enumerate(files):
            if at + 1 < len(files) and place(files[at + 1][0]) <= place(cursor):
                continue  # all of it is before
            for one in _lines(path):
                if place(one[0]) > place(cursor):  # two may have written the same for a moment
                    cursor = one[0]
                    found.append(one)
                if len(found) == most:
                    return found
        return found

    def forget(self, *, before_s: float) -> int:
        """Remove files all of whose events are older; gives how many went.

        Args:
            before_s: Epoch s.
        """
        files = self._all()
        old = [
            path
            for (_, path), (following, _) in pairwise(files)
            if place(following)[0] < before_s * 1000
        ]
        for path in old:
            path.unlink()
        return len(old)

    def _all(self) -> list[tuple[str, Path]]:
        """Give the files with their first event's id, the oldest first; a packed one stands for both."""
        found: dict[str, Path] = {}
        for path in sorted(self._folder.glob("events-*")):  # .gz comes behind what it was made of
            if match := _NAME.fullmatch(path.name):
                found[match[1]] = path
        return sorted(found.items(), key=lambda one: place(one[0]))

    def _newest(self, first: str) -> Path:
        """Give the file to append to; where it has its length, it is packed, and another begins."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = self._all()
        path = files[-1][1] if files else None
        if path and path.suffix != ".gz" and path.stat().st_size < self._most_bytes:
            _mend(path)
            return path
        if path and path.suffix != ".gz":
            _pack(path)
        return self._folder / f"events-{first}.jsonl"


def _lines(path: Path) -> Iterator[Written]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):  # else it is being written, or its writer died
                told = json.loads(line)
                yield told["id"], told["e"]


def _mend(path: Path) -> None:
    """Cut off what a writer that died has left of a line: it is written again."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65_536))
        last = file.read()
        if not last.endswith(b"\n"):
            file.truncate(size - len(last) + last.rfind(b"\n") + 1)


def _pack(path: Path) -> None:
    packed = path.with_name(f"{path.name}.gz")
    begun = path.with_name(f".{path.name}.begun")
    with path.open("rb") as plain, gzip.open(begun, "wb") as file:
        shutil.copyfileobj(plain, file)
    with begun.open("rb") as file:
        os.fsync(file.fileno())
    begun.replace(packed)
    path.unlink()
