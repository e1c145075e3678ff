"""The commands put together."""

from typing import Annotated

import typer

from workers.cli import (
    account,
    agents,
    books,
    campaign,
    campaign_rules,
    contact,
    demo,
    doctor,
    keys,
    lists,
    plan,
    processes,
    quarantine,
    rehearse,
    reports,
    simulator,
    suppress,
)
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


demo.add_to(app)
rehearse.add_to(app)
app.add_typer(campaign.app, name="campaign")
lists.add_to(campaign.app)
campaign_rules.add_to(campaign.app)
quarantine.add_to(campaign.app)
plan.add_to(campaign.app)
app.add_typer(reports.app, name="report")
books.add_to(app, campaign.app)
app.add_typer(suppress.app, name="suppress")
app.add_typer(contact.app, name="contact")
agents.add_to(app)
app.add_typer(account.hold_app, name="hold")
app.add_typer(account.account_app, name="account")
app.add_typer(keys.app, name="key")
doctor.add_to(app)
processes.add_to(app, panel=_PROCESSES)
simulator.add_to(app, panel=_PROCESSES)


def run() -> int:
    """Run the command line and give its exit code."""
    return exit_code(app)
