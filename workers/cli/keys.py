"""`dialer key …`: keys for the API and the pages."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.retry_policy import seconds_in
from dialer.access.api_keys import LONGEST_DAYS, ApiKey, Scope
from dialer.clock import now
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.printing import AsJson, plain_table, say, say_json, show
from workers.cli.session import open_wiring


def create(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    *,
    scope: Annotated[
        list[Scope],
        typer.Option(help="What it opens; give it once for each. admin opens everything."),
    ],
    expires: Annotated[
        str,
        typer.Option(metavar="TIME", help="How long it is in force: 90d, 12h; ten years at most."),
    ] = "365d",
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once; keep it like a password.

    With the first key the server stops serving this machine without one, for good.

      dialer key create "Asha, operations" --scope operate --scope upload --expires 90d
    """
    expires_s = _lifetime_s(expires)
    try:
        key, secret = open_wiring().api_keys.create(name, set(scope), expires_s=expires_s)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    if as_json:
        say_json({**_plain(key), "key": secret})
        return
    until = f"in force until {key.expires_at:%Y-%m-%d %H:%M} UTC"
    say(f"{escape(key.name)} ({', '.join(sorted(key.scopes))}), id {key.id}, {until}:")
    print(secret)  # noqa: T201 - on a line of its own, never wrapped


def list_(*, as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    found = open_wiring().api_keys.all()
    if as_json:
        say_json([_plain(key) for key in found])
        return
    if not found:
        say("No keys yet. Make one: dialer key create NAME --scope SCOPE")
        return
    table = plain_table("id", "name", "scopes", "made", "made by", "last used", "expires")
    for key in found:
        scopes = ", ".join(sorted(key.scopes))
        used = _minute(key.last_used_at) if key.last_used_at else "never"
        expires = _minute(key.expires_at) if now() < key.expires_at else "expired"
        made = _minute(key.created_at)
        table.add_row(key.id, escape(key.name), scopes, made, key.made_by or "–", used, expires)
    show(table)


def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `dialer key list` shows it.")],
) -> None:
    """Revoke a key. Sessions opened with it end too, and the keys it made."""
    ended = open_wiring().api_keys.revoke(key_id)
    if not ended:
        raise JobFailed(f"no key {key_id}; see: dialer key list")
    say(f"{escape(key_id)} opens nothing any more.")
    if children := ended[1:]:
        say(f"Nor do the keys it made: {', '.join(children)}.")


def _lifetime_s(text: str) -> int:
    try:
        seconds = seconds_in(text, longest_days=LONGEST_DAYS)
    except ValueError as error:
        raise WrongUse(f"--expires: {error}") from None
    if not seconds:
        raise WrongUse("--expires: a key must be in force for a while, such as 90d")
    return seconds


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _plain(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at.isoformat(timespec="seconds"),
        "expires_at": key.expires_at.isoformat(timespec="seconds"),
        "made_by": key.made_by or None,
        "last_used_at": key.last_used_at and key.last_used_at.isoformat(timespec="seconds"),
    }
