"""Where a number still stands in the journals of this data folder, and dropping what is over."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from campaigns.sentence import told
from dialer.dialing.journal import TAKES_FOR_S, Journal
from dialer.store.traces import Trace

_WHY = told("calls of the same hours may be live; the worker drops its file by then")


def forget_journals(
    journals: Path, holds: Callable[[bytes], bool], *, now_s: float, may_drop: bool
) -> list[Trace]:
    """Drop files in which nothing matters any more; tell what must stay, and until when.

    Args:
        may_drop: False for a dry run, and while dialling is on hold: then they are still to be read.
    """
    left = []
    for folder in sorted(journals.glob("*/")):
        if may_drop:
            Journal(folder, "purge").prune(before=now_s)
        for path in sorted(folder.glob("*.jsonl")):
            lines = list(_lines(path))
            if count := sum(holds(line) for _, line in lines):
                until = max(ends_at for ends_at, _ in lines) + TAKES_FOR_S
                left.append(Trace(f"journal {folder.name}/{path.name}", count, _WHY, until))
    return left


def _lines(path: Path) -> Iterator[tuple[float, bytes]]:
    """Give each line with the end of its call, epoch s; 0 where it tells of none."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return  # a worker was faster
    for line in lines:
        try:
            yield float(json.loads(line).get("intent", {}).get("ends_at", 0)), line
        except (ValueError, AttributeError):
            yield 0.0, line
