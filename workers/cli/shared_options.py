"""Options that several commands share: declared once, spread into each command's signature."""

import functools
import inspect
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.lists.source import HiddenRows
from workers.cli.faults import WrongUse
from workers.cli.printing import complain

_Run = Callable[..., None]

_OF_SHELLS = (
    ("/", "dev"),
    ("/", "proc"),
)  # where pipes have a name that a shell has made writers for

Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook.")]
Hidden = Annotated[HiddenRows | None, typer.Option(help="What becomes of rows a sheet hides.")]


def given_file(help_: str) -> Any:
    """Declare a file that is read, for the parameter FILE of a command."""
    return typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        callback=_require_an_end,
        help=help_,
    )


def _require_an_end(file: Path) -> Path:
    """Refuse a device, which may bring bytes until the disk is full; tell that a named pipe is waited for.

    Raises:
        WrongUse: It is a device.
    """
    mode = file.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise WrongUse(f"{file} is a device: name a file, or a pipe that ends.")
    if stat.S_ISFIFO(mode) and file.parts[:2] not in _OF_SHELLS:
        complain(f"{file} is a pipe: waiting for who writes to it.")
    return file


def shares(
    argument: str,
    parameters: Sequence[inspect.Parameter],
    gather: Callable[[Mapping[str, Any]], Any],
) -> Callable[[_Run], _Run]:
    """Give a command these options; it gets what `gather` makes of their values as `argument`."""

    def decorate(command: _Run) -> _Run:
        own = [
            one for one in inspect.signature(command).parameters.values() if one.name != argument
        ]

        @functools.wraps(command)
        def with_options(**values: Any) -> None:
            given = {one.name: values.pop(one.name) for one in parameters}
            command(**values, **{argument: gather(given)})

        spread = [*own, *parameters]
        # Typer reads the signature and nothing else
        with_options.__signature__ = inspect.Signature(spread)  # type: ignore[attr-defined]
        with_options.__annotations__ = {one.name: one.annotation for one in spread}
        return with_options

    return decorate
