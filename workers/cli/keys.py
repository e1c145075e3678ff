"""`dialer key …`: keys for the API and the pages."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.retry_policy import seconds_in
from dialer.access.api_keys import LONGEST_DAYS, ApiKey, Scope
from dialer.clock import now
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.instants import minute
from workers.cli.on_account import account_named
from workers.cli.printing import AsJson, plain_table, say, say_json, show
from workers.cli.session import open_wiring, open_wirings
from workers.documents.keys import KeyDocument
from workers.wiring import Wiring


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
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="An account that it opens; give it once for each. All, later ones too, by default.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once; keep it like a password.

    With the first key the server stops serving this machine without one, for good.

      dialer key create "Asha, operations" --scope operate --scope upload --expires 90d
    """
    expires_s = _lifetime_s(expires)
    wirings = open_wirings()
    sids = [account_named(wirings, one).settings.exotel_account_sid for one in account or ()]
    try:
        key, secret = wirings[0].api_keys.create(
            name, set(scope), expires_s=expires_s, accounts=sids or None
        )
    except ValueError as error:
        raise WrongUse(str(error)) from None
    told = _told(key, wirings)
    if as_json:
        say_json({**dict(told), "key": secret})
        return
    until = f"in force until {minute(key.expires_at, wirings[0].zone)}"
    opens = f", for {', '.join(told.accounts)}" if told.accounts else ""
    say(f"{escape(key.name)} ({', '.join(sorted(key.scopes))}){opens}, id {key.id}, {until}:")
    print(secret)  # noqa: T201 - on a line of its own, never wrapped


def list_(*, as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    wirings = open_wirings()
    found = wirings[0].api_keys.all()
    if as_json:
        say_json([_told(key, wirings) for key in found])
        return
    if not found:
        say("No keys yet. Make one: dialer key create NAME --scope SCOPE")
        return
    several = ("accounts",) if len(wirings) > 1 or any(one.accounts for one in found) else ()
    table = plain_table("id", "name", "scopes", *several, "made", "made by", "last used", "expires")
    zone = wirings[0].zone
    for key in found:
        scopes = ", ".join(sorted(key.scopes))
        used = minute(key.last_used_at, zone) if key.last_used_at else "never"
        expires = minute(key.expires_at, zone) if now() < key.expires_at else "expired"
        made = minute(key.created_at, zone)
        opens = (", ".join(_told(key, wirings).accounts or ["all"]),) if several else ()
        by = key.made_by or "–"
        table.add_row(key.id, escape(key.name), scopes, *opens, made, by, used, expires)
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


def _told(key: ApiKey, wirings: Sequence[Wiring]) -> KeyDocument:
    return KeyDocument.of(key, {one.settings.exotel_account_sid: one.name for one in wirings})
