"""What the table of commands says of one command, so that help needs no import of it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

READS: Final = None
"""Said of commands that change nothing that is the account's, or record themselves what they do."""


class Command(NamedTuple):
    """One command of the table.

    Args:
        home: `module:function` within `workers.cli`.
        does: The word of the audit trail for it, a `dialer.deeds.Did`, or `READS`.
        help: The first paragraph of the function's docstring, which a test holds it to.
        panel: Of the help that lists it.
        needs_store: Where nothing was ever stored, there is nothing that it could read.
        of_account: It is about one account, which `--account` names.
    """

    home: str
    does: str | None
    help: str
    panel: str | None = None
    needs_store: bool = True
    of_account: bool = True


def reads(home: str, help_: str, **more: Any) -> Command:
    """Declare a command that only reads; what else there is as in `Command`."""
    return Command(home, READS, help_, **more)


class Group(NamedTuple):
    """Commands behind one word.

    Args:
        usual: Which of them is meant where none is named.
    """

    help: str
    commands: Mapping[str, Command]
    usual: str | None = None


Table = Mapping[str, Command | Group]
