"""Reads a workbook's list in a process of its own, which a hostile file may ruin.

    python -m dialer.workbooks.child ASKED <workbook >rows

ASKED is JSON: `limits` and `reading`, the fields of `ListLimits` and `ReadingChoice`. What is written
is JSON, one value a line: first what the sheet is, or why the workbook is refused; then lists of rows,
each a list of texts, or null where a row is skipped.
"""

import json
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from campaigns.lists.source import CampaignFileError, ListLimits, ReadingChoice
from dialer.parent_watch import end_with_parent

MEMORY_BYTES = 1_000_000_000  # a million rows of five columns take 650 MB
CPU_S = 120  # such a sheet takes thirty

_TOGETHER_CHARS = 1 << 16


def main() -> None:
    """Read the workbook on stdin, and write its rows to stdout."""
    end_with_parent(signal.SIGKILL)
    _limit_itself()
    asked = json.loads(sys.argv[1])
    limits, reading = ListLimits(**asked["limits"]), ReadingChoice(**asked["reading"])
    try:
        for line in _read(sys.stdin.buffer, limits, reading):
            sys.stdout.write(json.dumps(line) + "\n")
    except CampaignFileError as error:  # before the first row
        refused = {"refused": str(error), "choice": error.choice, "choices": error.choices}
        sys.stdout.write(json.dumps(refused) + "\n")
    sys.stdout.flush()


def _limit_itself() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def _read(file: BinaryIO, limits: ListLimits, reading: ReadingChoice) -> Iterator[Any]:
    """Give what the sheet is, then its rows, many at a time."""
    from campaigns.lists.workbook import open_workbook  # noqa: PLC0415 - inside the limits

    workbook = open_workbook(file, limits, reading)
    yield {
        "description": workbook.description,
        "height": workbook.height,
        "hidden_columns": sorted(workbook.hidden_columns),
    }
    some: list[list[str] | None] = []
    chars = line = 0
    for row in workbook.rows():
        some.extend([None] * (row.line - line - 1))
        line = row.line
        some.append(row.cells)
        chars += sum(map(len, row.cells)) + len(row.cells)
        if chars > _TOGETHER_CHARS:
            yield some
            some, chars = [], 0
    yield some


if __name__ == "__main__":
    main()
