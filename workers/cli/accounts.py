"""`dialer account list|add|check`: the accounts that this installation serves."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from dialer.accounts_file import add_account
from dialer.deeds import Deed, Did
from workers.accounts import line_of
from workers.cli.doctor import tell
from workers.cli.faults import WrongUse
from workers.cli.on_account import account_named
from workers.cli.printing import AsJson, answer, console, plain_table, say_json, show
from workers.cli.recorded import at_terminal
from workers.cli.session import read_users_settings
from workers.doctor import examine_account
from workers.wiring import wire


def list_(*, as_json: AsJson = False) -> None:
    """List the accounts, their limits, and whether they dial."""
    accounts = [asdict(line_of(one)) for one in wire(read_users_settings())]
    if as_json:
        say_json(accounts)
        return
    table = plain_table("account", "Sid", "caller id", "limit", "campaigns running", "stands")
    for one in accounts:
        table.add_row(*(escape(str(value)) for value in one.values()))
    show(table)


def check(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="One account; all by default.")
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Check the accounts file, and each account's key, limits and processes; no call is placed."""
    wirings = wire(read_users_settings())
    chosen = [account_named(wirings, name)] if name else wirings
    with console(stderr=True).status("Examining …"):
        findings = [(one.name, found) for one in chosen for found in examine_account(one)]
    tell(findings, as_json=as_json)


def add(
    name: Annotated[str, typer.Argument(help="What it is called here.")],
    *,
    sid: Annotated[str, typer.Option(help="The account Sid, from Exotel's dashboard.")],
    caller_id: Annotated[str, typer.Option(help="The ExoPhone shown to both sides.")],
    api_key_file: Annotated[Path, typer.Option(help="A file that holds the API key.")],
    api_token_file: Annotated[Path, typer.Option(help="A file that holds the API token.")],
    region: Annotated[str, typer.Option(help="singapore or mumbai.")] = "singapore",
    rate_limit: Annotated[int, typer.Option(min=1, help="Requests allowed in a window.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Add an account to the accounts file; processes serve it once they are started anew.

    Secrets stay in their files. The file is judged as a whole before anything is written.
    """
    settings = read_users_settings()
    if not settings.dialer_accounts:
        raise WrongUse("set DIALER_ACCOUNTS to the file that lists accounts, such as accounts.toml")
    values: dict[str, str | int] = {
        "sid": sid,
        "api_key_file": str(api_key_file.resolve()),
        "api_token_file": str(api_token_file.resolve()),
        "caller_id": caller_id,
        "region": region,
        "rate_limit": rate_limit,
    }
    home = wire(settings.model_copy(update={"dialer_accounts": ""}))[0]
    with home.audit.recording(Deed(Did.ACCOUNT_ADDED, at_terminal(), on=f"account {name}")):
        add_account(settings, name, values)
    file = settings.dialer_accounts
    text = f"{escape(name)} is in {escape(file)}. Start the processes anew."
    answer({"account": name, "sid": sid, "file": file}, text, as_json=as_json)
