"""The commands put together: those that the first word asks for, so that no other is imported."""

# ruff: noqa: PLC0415 - what a command needs takes long to import, and most need little

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from workers.cli.faults import exit_code
from workers.cli.printing import print_version

_PROCESSES = "Processes"

app = typer.Typer(
    name="dialer",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
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


def run() -> int:
    """Run the command line and give its exit code."""
    return exit_code(app)


def add_commands(words: Sequence[str]) -> None:
    """Add what the first word names; everything where it names nothing, as the help lists it."""
    if words and words[0] == "--version":
        return  # what is printed before any command is looked for
    asked = _ADDING.get(words[0]) if words else None
    for add in [asked] if asked else dict.fromkeys(_ADDING.values()):
        add()


def _demo() -> None:
    from workers.cli import demo

    demo.add_to(app)


def _rehearse() -> None:
    from workers.cli import rehearse

    rehearse.add_to(app)


def _campaign() -> None:
    from workers.cli import books, campaign, campaign_rules, lists, plan, quarantine

    app.add_typer(campaign.app, name="campaign")
    lists.add_to(campaign.app)
    campaign_rules.add_to(campaign.app)
    quarantine.add_to(campaign.app)
    plan.add_to(campaign.app)
    books.add_to_campaign(campaign.app)


def _report() -> None:
    from workers.cli import reports

    app.add_typer(reports.app, name="report")


def _books() -> None:
    from workers.cli import books

    books.add_to(app)


def _suppress() -> None:
    from workers.cli import suppress

    app.add_typer(suppress.app, name="suppress")


def _contact() -> None:
    from workers.cli import contact

    app.add_typer(contact.app, name="contact")


def _agents() -> None:
    from workers.cli import agents

    agents.add_to(app)


def _account() -> None:
    from workers.cli import account

    app.add_typer(account.hold_app, name="hold")
    app.add_typer(account.account_app, name="account")


def _key() -> None:
    from workers.cli import keys

    app.add_typer(keys.app, name="key")


def _doctor() -> None:
    from workers.cli import doctor

    doctor.add_to(app)


def _processes() -> None:
    from workers.cli import processes

    processes.add_to(app, panel=_PROCESSES)


def _simulator() -> None:
    from workers.cli import simulator

    simulator.add_to(app, panel=_PROCESSES)


# in the order of the help
_ADDING: dict[str, Callable[[], None]] = {
    "demo": _demo,
    "rehearse": _rehearse,
    "campaign": _campaign,
    "report": _report,
    "reconcile": _books,
    "recordings": _books,
    "purge": _books,
    "suppress": _suppress,
    "contact": _contact,
    "agents": _agents,
    "hold": _account,
    "account": _account,
    "key": _key,
    "doctor": _doctor,
    "up": _processes,
    "web": _processes,
    "feeder": _processes,
    "results": _processes,
    "simulator": _simulator,
}
