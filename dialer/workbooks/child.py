"""Reads a workbook's list in a process of its own, which a hostile file may ruin.

    python -m dialer.workbooks.child LIMITS <workbook >rows

LIMITS are `ListLimits` as JSON. What is written is JSON, one value a line: first what the sheet is,
or why the workbook is refused; then lists of rows, each a list of texts.
"""

import json
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from campaigns.lists.source import CampaignFileError, ListLimits
from dialer.parent_watch import end_with_parent

MEMORY_BYTES = 1_000_000_000  # a million rows of five columns take 650 MB
CPU_S = 120  # such a sheet takes thirty

_TOGETHER_CHARS = 1 << 16


def main() -> None:
    """Read the workbook on stdin, and write its rows to stdout."""
    end_with_parent(signal.SIGKILL)
    _limit_itself()
    limits = ListLimits(**json.loads(sys.argv[1]))
    try:
        for line in _read(sys.stdin.buffer, limits):
            sys.stdout.write(json.dumps(line) + "\n")
    except CampaignFileError as error:  # before the first row
        sys.stdout.write(json.dumps({"refused": str(error)}) + "\n")
    sys.stdout.flush()


def _limit_itself() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def _read(file: BinaryIO, limits: ListLimits) -> Iterator[Any]:
    """Give what the sheet is, then its rows, many at a time."""
    from campaigns.lists.workbook import open_workbook  # noqa: PLC0415 - inside the limits

    workbook = open_workbook(file, limits)
    yield {"description": workbook.description, "height": workbook.sheet.total_height}
    some: list[list[str]] = []
    chars = 0
    for row in workbook.rows():
        some.append(row.cells)
        chars += sum(map(len, row.cells)) + len(row.cells)
        if chars > _TOGETHER_CHARS:
            yield some
            some, chars = [], 0
    yield some


if __name__ == "__main__":
    main()
