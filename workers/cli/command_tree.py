"""A tree of commands that imports what is asked for: help is written from the table alone."""

import re
from collections import Counter
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from workers.cli.command import Command, Group, Table
from workers.cli.faults import WrongUse
from workers.cli.imports import importing

MARKUP: Final = "markdown"


class CommandTree(TyperGroup):
    """A group that knows its commands by the table, and makes one when it is invoked."""

    table: Table = MappingProxyType({})
    usual: str | None = None
    path: tuple[str, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take what is no command of its own for an argument of the usual one."""
        is_completed = ctx.resilient_parsing and not args
        if self.usual and not is_completed and (not args or args[0] not in self.commands):
            args = [self.usual, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find what the next word names, and import it."""
        name, found, rest = super().resolve_command(ctx, args)
        entry = self.table.get(name or "")
        if isinstance(entry, Command):
            found = load((*self.path, name or ""), entry)
        return name, found, rest

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Offer the commands, and what the usual one would take first."""
        offered = super().shell_complete(ctx, incomplete)
        usual = self.table.get(self.usual or "")
        if isinstance(usual, Command):
            command = load((*self.path, self.usual or ""), usual)
            first = [one for one in command.params if isinstance(one, TyperArgument)][:1]
            offered += [more for one in first for more in one.shell_complete(ctx, incomplete)]
        return offered


class _OnceEach(TyperCommand):
    """A command that refuses an option given twice: else the last counts, and what was said first is lost."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what follows the command's name."""
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            options = Counter(one for one in given if isinstance(one, TyperOption))
            for option, times in options.items():
                is_repeatable = option.multiple or (option.is_flag and not option.secondary_opts)
                if times > 1 and not is_repeatable:
                    joined = _joined(option)
                    raise WrongUse(f"{option.opts[0]} is given {times} times: give it once{joined}")
        return super().parse_args(ctx, args)


def _joined(option: TyperOption) -> str:
    """Say how an option takes several in one value, where it does: its help tells it."""
    between = re.search(r"\bwith (?:commas|semicolons) between\b", option.help or "")
    if between:
        return f", {between[0]}"
    return ", with commas between" if "," in (option.metavar or "") else ""


def plant(root: CommandTree, table: Table) -> CommandTree:
    """Let a group have the commands of a table; none is imported."""
    root.table = table
    root.commands = {name: _listed((*root.path, name), entry) for name, entry in table.items()}
    return root


def load(path: tuple[str, ...], entry: Command) -> Any:
    """Import a command and make it ready to run, recorded in the audit trail.

    Args:
        path: The words it is given by.
    """
    module, function = entry.home.split(":")
    with importing():
        home = import_module(f"workers.cli.{module}")
        recording = import_module("workers.cli.recorded")
        on_account = import_module("workers.cli.on_account")
    alone = typer.Typer(
        add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False
    )
    command = recording.recorded(getattr(home, function), path, entry)
    if entry.of_account:
        command = on_account.about_an_account(command)
    alone.command(path[-1], cls=_OnceEach)(command)
    return typer.main.get_command(alone)


def _listed(path: tuple[str, ...], entry: Command | Group) -> TyperCommand | CommandTree:
    """Make what the help shows of a command, or a whole group."""
    name = path[-1]
    if isinstance(entry, Command):
        return TyperCommand(name, help=entry.help, rich_help_panel=entry.panel)
    group = CommandTree(
        name=name, help=entry.help, no_args_is_help=not entry.usual, rich_markup_mode=MARKUP
    )
    group.usual, group.path = entry.usual, path
    return plant(group, entry.commands)
