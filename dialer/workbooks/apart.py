"""Workbooks opened in a process of their own, under a limit of memory and time, whoever asks.

A file made for it, or one stray cell, takes more memory than any machine has.

    file ─▶ workbook_child: scan, open ─▶ rows in a nameless file ─▶ here
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from campaigns.lists.source import AS_FOUND, CampaignFileError, ListLimits, ReadingChoice, Row
from dialer.workbooks import child


@dataclass(frozen=True, slots=True)
class WorkbookApart:
    """The sheet of a workbook that holds the list, as the child read it.

    Args:
        written: What the child wrote; rows are read from its beginning, whatever its position.
        description: How the file was understood, for people.
        height: Rows, blank ones included.
        hidden_columns: Places of the columns that the sheet does not show, from 0.
    """

    written: BinaryIO
    description: str
    height: int
    hidden_columns: frozenset[int] = frozenset()

    def close(self) -> None:
        """Give the disk's space back."""
        self.written.close()

    def __del__(self) -> None:
        """Do so at the latest now."""
        self.close()

    def rows(self) -> Generator[Row, None, None]:
        """Read every row of the sheet; a row's line is its number in the spreadsheet."""
        self.written.seek(0)
        self.written.readline()  # what the sheet is
        line = 0
        while some := self.written.readline():
            for cells in json.loads(some):
                line += 1
                if cells is not None:
                    yield Row(line, cells)

    def share_read(self, line: int) -> float:
        """How much of the sheet is read when row `line` has been: 0 … 1."""
        return line / self.height if self.height else 1.0


def open_workbook_apart(
    file: BinaryIO, limits: ListLimits, reading: ReadingChoice = AS_FOUND
) -> WorkbookApart:
    """Open a workbook.

    Raises:
        CampaignFileError: It is no workbook, damaged, locked, opens to more than the limits, or it is
            not certain which rows are meant.
    """
    written = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the list
    try:
        _read_apart(file, limits, reading, written)
        return WorkbookApart(written, **_head(written))
    except BaseException:
        written.close()
        raise


def _head(written: BinaryIO) -> dict[str, Any]:
    """Read what the sheet is, or why there is none."""
    written.seek(0)
    head: dict[str, Any] = json.loads(written.readline())
    if "refused" in head:
        raise CampaignFileError(
            head["refused"], choice=head["choice"], choices=tuple(head["choices"])
        )
    return head | {"hidden_columns": frozenset(head["hidden_columns"])}


def _read_apart(
    file: BinaryIO, limits: ListLimits, reading: ReadingChoice, written: BinaryIO
) -> None:
    """Have the child read a file and write its rows."""
    asked = {"limits": asdict(limits), "reading": asdict(reading)}
    with _as_file(file) as readable:
        at = os.lseek(readable.fileno(), 0, os.SEEK_CUR)
        os.lseek(readable.fileno(), 0, os.SEEK_SET)
        try:
            ended = subprocess.run(
                (*_CHILD, json.dumps(asked)),
                stdin=readable,
                stdout=written,
                stderr=subprocess.PIPE,
                check=False,
            )
        finally:
            os.lseek(readable.fileno(), at, os.SEEK_SET)  # it is the parent's place too
    if ended.returncode:
        told = ended.stderr.decode(errors="replace").strip()[-500:]
        raise CampaignFileError(_why_it_ended(ended.returncode, told)) from RuntimeError(told)


# isolated: neither the folder it is called from nor the environment decides what it imports
_CHILD = (sys.executable, "-I", "-m", child.__name__)


@contextlib.contextmanager
def _as_file(file: BinaryIO) -> Iterator[BinaryIO]:
    """Give a file that a child can be handed."""
    try:
        file.fileno()
    except (OSError, AttributeError):
        with tempfile.TemporaryFile() as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy)
            copy.flush()
            yield copy
    else:
        yield file


def _why_it_ended(code: int, told: str) -> str:
    if code == -signal.SIGXCPU:
        return f"The workbook takes more than {child.CPU_S} s to open. {_AS_CSV}"
    if "No space left" in told:
        return f"There is no space to open the workbook in {tempfile.gettempdir()}. Make some."
    return (
        f"The workbook cannot be opened in {child.MEMORY_BYTES // 1_000_000:,} MB of "
        f"memory. {_AS_CSV}"
    )


_AS_CSV = "Save the sheet as CSV UTF-8 and load that."
