"""`dialer key …`: keys for the API and the pages."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from dialer.api_keys import ApiKey, ApiKeys, Scope
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.printing import AsJson, plain_table, say, say_json, show
from workers.cli.session import open_wiring

app = typer.Typer(
    no_args_is_help=True,
    help="Keys for the API and the pages. What is changed counts with the next request.",
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    *,
    scope: Annotated[
        list[Scope],
        typer.Option(help="What it opens; give it once for each. admin opens everything."),
    ],
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once; keep it like a password.

    With the first key the server stops serving this machine without one.

      dialer key create "Asha, operations" --scope operate --scope upload
    """
    try:
        key, secret = ApiKeys(open_wiring().db).create(name, set(scope))
    except ValueError as error:
        raise WrongUse(str(error)) from None
    if as_json:
        say_json({**_plain(key), "key": secret})
        return
    say(f"{escape(key.name)} ({', '.join(sorted(key.scopes))}), id {key.id}:")
    print(secret)  # noqa: T201 - on a line of its own, never wrapped


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    found = ApiKeys(open_wiring().db).all()
    if as_json:
        say_json([_plain(key) for key in found])
        return
    if not found:
        say("No keys yet. Make one: dialer key create NAME --scope SCOPE")
        return
    table = plain_table("id", "name", "scopes", "made")
    for key in found:
        scopes = ", ".join(sorted(key.scopes))
        table.add_row(key.id, escape(key.name), scopes, f"{key.created_at:%Y-%m-%d %H:%M} UTC")
    show(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `dialer key list` shows it.")],
) -> None:
    """Revoke a key; sessions opened with it end too."""
    if not ApiKeys(open_wiring().db).revoke(key_id):
        raise JobFailed(f"no key {key_id}; see: dialer key list")
    say(f"{escape(key_id)} opens nothing any more.")


def _plain(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at.isoformat(timespec="seconds"),
    }
