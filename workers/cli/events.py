"""`dialer events`: what happened, from a cursor on."""

from typing import Annotated

import typer
from rich.markup import escape

from campaigns.event_document import Event
from campaigns.events import EventKind
from dialer.events.outbox import Outbox, Wanted
from workers.cli.printing import note, say, when_stopped
from workers.cli.session import open_wiring

_WAIT_S = 2.0
_AT_ONCE = 500


def tail(
    *,
    from_: Annotated[
        str,
        typer.Option("--from", metavar="CURSOR", help="Behind this event's id; else from now on."),
    ] = "",
    all_: Annotated[
        bool, typer.Option("--all", help="From the oldest event that is kept.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait for what happens, until Ctrl-C.")
    ] = True,
    kind: Annotated[list[EventKind] | None, typer.Option(help="These alone; repeatable.")] = None,
    campaign: Annotated[str, typer.Option(help="Of this campaign alone.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print each as a line of JSON.")] = False,
) -> None:
    """Print what happens, an event a line. Its id is the cursor to go on from.

    With --from, nothing is left out and nothing comes twice: keep the last id that you have dealt with.
    """
    wiring = open_wiring()
    wanted = Wanted(kind or (), wiring.campaigns.find(campaign).id if campaign else "")
    outbox = wiring.outbox
    cursor = "" if all_ else from_ or (outbox.now() if follow else "")
    with when_stopped():
        while True:
            cursor = _print(outbox, cursor, wanted, as_json=as_json)
            if not follow:
                note(f"Go on with --from {cursor}")
                return
            outbox.stream.wait(cursor, within_s=_WAIT_S)


def _print(outbox: Outbox, cursor: str, wanted: Wanted, *, as_json: bool) -> str:
    """Print all there is behind a cursor; gives the one behind that."""
    while True:
        page = outbox.after(cursor, most=_AT_ONCE, wanted=wanted)
        for event in outbox.told(page):
            typer.echo(event.as_json()) if as_json else say(_line(event))
        if page.is_last:
            return page.cursor
        cursor = page.cursor


def _line(event: Event) -> str:
    data = event.data
    campaign = data.campaign.name if data.campaign else data.campaign_id
    about = [str(one) for one in (campaign, data.contact_id, data.outcome, data.why) if one]
    return escape(
        f"{event.id}  {event.timestamp:%Y-%m-%d %H:%M:%S}  {event.type}  {' · '.join(about)}"
    )
