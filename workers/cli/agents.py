"""`dialer agents`: who is free, on a call, resting, left alone for a while, or away."""

from collections import Counter
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any

import typer
from rich.markup import escape

from dialer.watching.agents_now import AgentLine, agents_now
from workers.cli.instants import iso
from workers.cli.printing import AsJson, plain_table, say, say_json, show
from workers.cli.session import open_wiring


def show_(
    *,
    campaign: Annotated[
        str | None,
        typer.Option(metavar="CAMPAIGN", help="Those with contacts waiting in this campaign."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the agents are doing: free, ringing, waiting, talking, wrap_up, parked, or away.

    Parked agents missed too many calls in a row; their contacts wait until the time shown.
    """
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign) if campaign else None
    now = agents_now(wiring.db, found)
    lines = now.agents
    zone = found.rules.zone if found else UTC
    if as_json:
        say_json([_as_json(one, zone) for one in lines])
        return
    if not lines and not now.teams:
        say("No agent has a contact waiting.")
        return
    table = plain_table(
        "agent",
        "is",
        "until",
        "contacts waiting",
        "missed in a row",
        numbers=("contacts waiting", "missed in a row"),
    )
    for one in lines:
        until = _local(one.now.until, zone) if one.now.until else "[dim]–[/dim]"
        table.add_row(one.number, one.now.state, until, f"{one.waiting:,}", str(one.missed))
    show(table)
    for name, waiting in sorted(now.teams.items()):
        say(f"{escape(name)}: {waiting:,} contacts waiting")
    counts = Counter(one.now.state for one in lines)
    say("\n" + " · ".join(f"{number} {state}" for state, number in counts.most_common()))


def _as_json(one: AgentLine, zone: tzinfo) -> dict[str, Any]:
    return {
        "agent": one.number,
        "state": one.now.state,
        "until": iso(one.now.until, zone),
        "waiting": one.waiting,
        "missed": one.missed,
        "attempt_id": str(one.now.attempt) if one.now.attempt else None,
    }


def _local(epoch_s: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(epoch_s, zone):%H:%M:%S %Z}"
