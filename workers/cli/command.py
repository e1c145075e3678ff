"""What the table of commands says of one command, so that help needs no import of it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

READS: Final = None
"""Said of commands that change nothing that is the account's, or record themselves what they do."""


class Command(NamedTuple):
    """One command of the table.

    Args:
        home: `module:function` within `workers.cli`.
        does: The word of the audit trail for it, a `dialer.deeds.Did`, or `READS`.
        panel: Of the help that lists it.
        needs_store: Where nothing was ever stored, there is nothing that it could read.
        of_account: It is about one account, which `--account` names.
    """

    home: str
    does: str | None
    panel: str | None = None
    needs_store: bool = True
    of_account: bool = True

    @property
    def help(self) -> str:
        """The first paragraph of its docstring, read from the source: an import takes far longer."""
        module, function = self.home.split(":")
        docstring = _source(module).partition(f"\ndef {function}(")[2].split('"""')[1]
        return " ".join(docstring.partition("\n\n")[0].split())


@cache
def _source(module: str) -> str:
    return Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")


def reads(home: str, **more: Any) -> Command:
    """Declare a command that only reads; what else there is as in `Command`."""
    return Command(home, READS, **more)


class Group(NamedTuple):
    """Commands behind one word.

    Args:
        usual: Which of them is meant where none is named.
    """

    help: str
    commands: Mapping[str, Command]
    usual: str | None = None


Table = Mapping[str, Command | Group]
