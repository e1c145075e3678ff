"""What goes to the terminal: results to stdout, everything else to stderr."""

# ruff: noqa: PLC0415 - every command imports this: what a few of them need is imported where it is used

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape, render
from rich.segment import Segment
from rich.table import Table

from campaigns.plain_text import UNSEEN, harmless

_WIDTH_OF_A_PIPE = 160  # a file has no width; cut nothing, fold nothing a grep would look for

_MOST_ROWS_DRAWN = 500
"""Of a table that Rich draws. It takes most of a millisecond a row, and a list of agents or of numbers never
called may have a hundred thousand."""

OnShare = Callable[[float], None]
"""Take how much is done: 0 … 1."""

AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")]


class _Terminal(Console):
    """A console that obeys us alone: marks in what it is given are shown, never carried out."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for one in super().render(renderable, options):
            yield one if one.control else Segment(harmless(one.text), one.style)


def console(*, stderr: bool = False) -> Console:
    """Make a console on stdout or stderr as it is now."""
    made = _Terminal(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = _WIDTH_OF_A_PIPE
    return made


def say(text: str = "") -> None:
    """Print a line for people, with Rich's markup; it is never folded."""
    console().print(text, soft_wrap=True)


def show(renderable: RenderableType) -> None:
    """Print a table or a panel; a table of more rows than people read at once comes without folds and colours."""
    if isinstance(renderable, Table) and renderable.row_count > _MOST_ROWS_DRAWN:
        typer.echo("\n".join(_lines(renderable)))
    else:
        console().print(renderable)


def _lines(table: Table) -> Iterator[str]:
    """Set a table as Rich would on a terminal that is as wide as its longest row."""
    columns = []
    for column in table.columns:
        texts = (render(str(one)).plain for one in (column.header, *column.cells))
        cells = [harmless(" ".join(one.splitlines())) for one in texts]
        width = max(map(cell_len, cells))
        gaps = (" " * (width - cell_len(cell)) for cell in cells)
        is_right = column.justify == "right"
        columns.append(
            [gap + cell if is_right else cell + gap for cell, gap in zip(cells, gaps, strict=True)]
        )
    for row in zip(*columns, strict=True):
        yield "  ".join(row).rstrip()


_answered: list[bool] = []


def has_answered() -> bool:
    """Tell whether a JSON document was printed: stdout holds one, and no second."""
    return bool(_answered)


def say_json(document: Any) -> None:
    """Print the one JSON document of a command; models are told by their fields, instants to the second."""
    _answered.append(True)
    text = json.dumps(document, ensure_ascii=False, indent=2, default=_as_json)
    typer.echo("\n".join(UNSEEN.sub(_escaped, line) for line in text.split("\n")))


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.model_dump() if hasattr(value, "model_dump") else str(value)


def answer(document: Any, text: str, *, as_json: bool) -> None:
    """Print a command's answer: its document for programs, or a line with Rich's markup for people."""
    if as_json:
        say_json(document)
    else:
        say(text)


def _escaped(mark: re.Match[str]) -> str:
    """Write a mark as JSON may; outside of texts there is none but line breaks."""
    return json.dumps(mark[0])[1:-1]


def note(text: str) -> None:
    """Print a line that is no result to stderr."""
    console(stderr=True).print(text, soft_wrap=True)


def complain(*lines: str) -> None:
    """Print what went wrong, each thing on one line."""
    for line in lines:
        note(f"[red]dialer:[/red] {escape(' '.join(line.split()))}")


@contextmanager
def when_stopped(*lines: str) -> Iterator[None]:
    """Say this at a Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        complain(*lines)
        raise


def plain_table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """Make a table without frame.

    Args:
        numbers: Columns that are set to the right.
    """
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


@contextmanager
def progress(what: str) -> Iterator[OnShare]:
    """Show a bar on stderr while the block runs, where that is a terminal."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    on_stderr = console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        console=on_stderr,
        transient=True,
        disable=not on_stderr.is_terminal,
    ) as shown:
        task = shown.add_task(what, total=1.0)
        yield lambda share: shown.update(task, completed=share)


def print_version(wanted: bool) -> None:
    """Print the version and end, where it was asked for."""
    if wanted:
        from importlib.metadata import version

        say(f"dialer {version('dialer')}")
        raise typer.Exit
