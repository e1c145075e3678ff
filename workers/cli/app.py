"""`dialer` itself: what stands before every command, and the tree of commands behind it."""

from typing import Annotated, cast

import typer
from typer._completion_classes import completion_init

from workers.cli.command_tree import MARKUP, CommandTree, plant
from workers.cli.commands import COMMANDS
from workers.cli.faults import exit_code
from workers.cli.imports import importing
from workers.cli.printing import print_version

app = typer.Typer(
    name="dialer",
    cls=CommandTree,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
)


@app.callback()
def _dialer(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Dial lists of agent–customer pairs: never twice, never over the limit, every row told.

    **Try it**, without an account or a server:  dialer demo

    **For real**, once .env names the account:  dialer doctor, then dialer up, and

      dialer campaign load contacts.csv --name diwali --start

      dialer campaign status diwali --watch

      dialer report diwali --out reports

    Exit codes: 0 done, 1 the job failed, 2 wrong use. With --json exactly one JSON document goes
    to stdout; logs and progress go to stderr.
    """


def command_line() -> CommandTree:
    """Make the tree of all commands, none of which is imported."""
    with importing():  # the library reads options with another, which it imports only now
        root = cast("CommandTree", typer.main.get_group(app))
    completion_init()  # a shell may be asking, by a variable of the environment
    return plant(root, COMMANDS)


def run() -> int:
    """Run the command line and give its exit code."""
    return exit_code(command_line())
