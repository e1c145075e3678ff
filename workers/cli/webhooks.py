"""`dialer webhook`: who is told of what over HTTP."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.events import EventKind
from dialer.webhooks.receivers import MOST_A_BATCH, WebhookNotFound
from dialer.webhooks.sending import Meaning
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.printing import AsJson, answer, plain_table, say, say_json, show
from workers.cli.recorded import at_terminal
from workers.cli.session import open_wiring
from workers.documents.webhooks import WebhookDocument
from workers.wiring import Wiring

_Webhook = Annotated[str, typer.Argument(metavar="ID", help="See dialer webhook list.")]


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to POST; https.")],
    *,
    events: Annotated[
        str, typer.Option(metavar="KIND,KIND", help="These alone, such as contact.final; else all.")
    ] = "",
    campaign: Annotated[str, typer.Option(help="Of this campaign alone.")] = "",
    batch: Annotated[
        int, typer.Option(min=1, max=MOST_A_BATCH, help="Most events a delivery.")
    ] = 1,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="CURSOR", help="Also what happened behind this event."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have a receiver told what happens. Its secret is shown this once.

    Each delivery is signed as Standard Webhooks has it, so that any library for that checks it.
    """
    wiring = open_wiring()
    made = wiring.receivers.add(
        url,
        kinds=kinds_of(events),
        campaign=wiring.campaigns.find(campaign).id if campaign else "",
        batch=batch,
        since=from_,
        by=at_terminal().name,
    )
    secret = made.secrets[0].value
    text = (
        f"Webhook {made.id} is told from now on.\nIts secret, for the receiver: {secret}\n"
        f"Try it: dialer webhook test {made.id}"
    )
    answer({"webhook_id": made.id, "url": url, "secret": secret}, text, as_json=as_json)


def list_(*, as_json: AsJson = False) -> None:
    """List the webhooks and where they stand."""
    found = open_wiring().receivers.all()
    if as_json:
        say_json(list(map(WebhookDocument.of, found)))
        return
    if not found:
        say("There is none: dialer webhook add URL")
        return
    table = plain_table("id", "url", "events", "delivered", "aside", "dead", "state")
    for one in found:
        kinds = ", ".join(one.webhook.kinds) or "all"
        counts = (one.standing.delivered, one.standing.aside, one.standing.dead)
        table.add_row(
            *map(escape, (one.webhook.id, one.webhook.shown_url, kinds)),
            *map(str, counts),
            escape(one.state),
        )
    show(table)


def test(webhook: _Webhook) -> None:
    """Send one delivery at once that is about nothing, and show the answer."""
    wiring = open_wiring()
    reply = wiring.receivers.test(found(wiring, webhook))
    if reply.meaning is not Meaning.TAKEN:
        raise JobFailed(f"the receiver did not take it: {reply.text}")
    say(f"Taken in {reply.took_s:.2f} s: {escape(reply.text)}")


def replay(
    webhook: _Webhook,
    *,
    from_: Annotated[
        str,
        typer.Option("--from", metavar="CURSOR", help="Behind this event; else all that is kept."),
    ] = "",
    campaign: Annotated[str, typer.Option(help="Of this campaign alone.")] = "",
) -> None:
    """Send again what happened until now, under the same ids, beside what happens meanwhile."""
    wiring = open_wiring()
    only = wiring.campaigns.find(campaign).id if campaign else ""
    wiring.receivers.replay(found(wiring, webhook), cursor=from_, campaign=only)
    say("It is sent again.")


def check(
    webhook: _Webhook,
    *,
    count: Annotated[int | None, typer.Option(help="How many events the receiver has.")] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A file of the ids that it has, one a line."
        ),
    ] = None,
    campaign: Annotated[str, typer.Option(help="Of this campaign alone.")] = "",
    as_json: AsJson = False,
) -> None:
    """Compare what a receiver has with what it was to be told; fails where they differ."""
    wiring = open_wiring()
    has = None
    if ids:
        has = [
            line.strip() for line in ids.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
    only = wiring.campaigns.find(campaign).id if campaign else ""
    compared = wiring.receivers.check(found(wiring, webhook), campaign=only, has=has)
    told = {
        "told": compared.told,
        "aside": compared.aside,
        "dead": compared.dead,
        "missing": list(compared.missing),
        "unknown": list(compared.unknown),
    }
    text = (
        f"{compared.told:,} events up to its cursor; {compared.aside} tried by themselves,"
        f" {compared.dead} given up"
    )
    answer(told, text, as_json=as_json)
    differs = compared.missing or compared.unknown or (count is not None and count != compared.told)
    if differs:
        missing = f"; missing {', '.join(compared.missing[:10])}" if compared.missing else ""
        unknown = f"; unknown {', '.join(compared.unknown[:10])}" if compared.unknown else ""
        counted = f"; it has {count:,}" if count is not None else ""
        raise JobFailed(f"the receiver differs{counted}{missing}{unknown}")


def pause(webhook: _Webhook) -> None:
    """Send it nothing until it is resumed; everything waits."""
    wiring = open_wiring()
    wiring.receivers.pause(found(wiring, webhook))
    say("Nothing is sent until it is resumed.")


def resume(webhook: _Webhook) -> None:
    """Go on where it was paused, or where it gave up; also at once where it waits for its next try."""
    wiring = open_wiring()
    wiring.receivers.resume(found(wiring, webhook))
    say("It goes on.")


def rotate(webhook: _Webhook, *, as_json: AsJson = False) -> None:
    """Give it a new secret. For a day deliveries are signed with the one before, too."""
    wiring = open_wiring()
    secret = wiring.receivers.rotate(found(wiring, webhook))
    answer({"secret": secret}, f"Its secret from now on: {secret}", as_json=as_json)


def remove(webhook: _Webhook) -> None:
    """Tell it no more."""
    wiring = open_wiring()
    wiring.receivers.remove(found(wiring, webhook))
    say("It is told no more.")


def found(wiring: Wiring, id_: str) -> Any:
    """Read a webhook that a person names.

    Raises:
        WrongUse: There is none.
    """
    try:
        return wiring.receivers.find(id_)
    except WebhookNotFound as error:
        raise WrongUse(f"{error}; dialer webhook list shows them") from None


def kinds_of(text: str) -> list[EventKind]:
    """Read a list of kinds; `attempt.*` stands for all about attempts.

    Raises:
        WrongUse: One of them is none.
    """
    chosen: list[EventKind] = []
    for one in filter(None, map(str.strip, text.split(","))):
        named = [kind for kind in EventKind if kind == one or one == f"{kind.partition('.')[0]}.*"]
        if not named:
            raise WrongUse(f"{one} is no event; they are {', '.join(EventKind)}")
        chosen += named
    return chosen
