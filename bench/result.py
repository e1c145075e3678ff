"""What one program found, as data: it prints this, `bench.page` makes the page of it."""

import argparse
import json
import shlex
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import ground
from bench.chart import Bar
from dialer import logs


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header; the first cell of a row names what was measured."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars to one scale.

    Args:
        goal: Where a line is drawn; None: no line.
    """

    title: str
    bars: tuple[Bar, ...]
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """When, where and how a program was run.

    Args:
        commit: What was checked out, with a + where files differed from it; "" if unknown.
        speed: The machine's own in that moment, as `ground.speed` has it; None if unknown.
    """

    measured_at: str
    machine: str
    command: str
    commit: str = ""
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a program found.

    Args:
        title: What this run measured, among the others of its subject.
        method: How; the program's docstring.
        not_shown: What the figures do not say.
        values: What goals are judged by.
        setting: Sizes, repeats and versions of this run.
    """

    title: str
    method: str
    not_shown: str
    run: Run
    setting: str
    values: dict[str, float]
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...] = ()


def arguments(method: str) -> argparse.ArgumentParser:
    """Make a program's parser: every one of them can leave its result in a file."""
    parser = argparse.ArgumentParser(
        description=method, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="leave the result here")
    return parser


def begin(method: str) -> Run:
    """Print how it is measured, and where; gives the latter. Our own logs keep still."""
    logs.set_up(level="warning")
    module = getattr(sys.modules["__main__"].__spec__, "name", "bench")
    options = _without_json(sys.argv[1:])
    run = Run(
        measured_at=time.strftime("%Y-%m-%d %H:%M"),
        machine=ground.machine(),
        command=shlex.join(["python", "-m", module, *options]),
        commit=ground.commit(),
        speed=round(ground.speed(), 2),
    )
    print(f"{method}\n{run.machine}", flush=True)
    return run


def publish(result: Result, path: Path | None) -> None:
    """Print the figures, and leave them in a file if one is named."""
    print(f"{result.title}: {result.setting}")
    for table in result.tables:
        print(f"\n{_as_text(table)}")
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(result), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Result:
    """Read what a program left."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    tables = tuple(
        Table(tuple(one["header"]), tuple(tuple(row) for row in one["rows"]))
        for one in told.pop("tables")
    )
    plots = tuple(
        Plot(one["title"], tuple(Bar(**bar) for bar in one["bars"]), one["goal"])
        for one in told.pop("plots")
    )
    return Result(**{**told, "run": Run(**told["run"])}, tables=tables, plots=plots)


def _without_json(options: Sequence[str]) -> list[str]:
    kept = list(options)
    if "--json" in kept:
        at = kept.index("--json")
        del kept[at : at + 2]
    return kept


def _as_text(table: Table) -> str:
    rows = [table.header, *table.rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return textwrap.indent("\n".join(lines), "  ")
