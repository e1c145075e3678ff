"""`dialer campaign why`: why a campaign is not dialling."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.markup import escape

from campaigns.rules_in_words import span_in_words
from dialer.watching.explaining import Explanation, explain
from workers.cli.campaign import Name
from workers.cli.printing import AsJson, console, plain_table, say, say_json, show
from workers.cli.session import open_wiring


def why(campaign: Name, *, as_json: AsJson = False) -> None:
    """Say why a campaign is not dialling: what is in the way, and how many contacts wait for it.

    Things that hold back the whole campaign come first and count every waiting contact; below
    them each contact that is held back by something of its own is counted once.
    """
    wiring = open_wiring()
    with console(stderr=True).status("Looking at every contact …"):
        explanation = explain(wiring.db, wiring.statuses, campaign)
    if as_json:
        say_json(explanation.as_json())
    else:
        _tell(explanation)


def _tell(explanation: Explanation) -> None:
    status = explanation.status
    zone = status.campaign.rules.zone
    if status.binding is None:
        say(f"{escape(status.campaign.name)} is {status.campaign.state}: nothing is left to dial.")
        return
    say(f"[bold]{escape(status.binding.at_a_terminal)}[/bold]")
    for host in status.situation.sick_hosts:
        say(f"A worker host cannot send and takes no work: {escape(host)}")
    if explanation.blockers:
        table = plain_table("contacts", "held back by", "because", "until", numbers=("contacts",))
        for one in explanation.blockers:
            until = _at(one.until, zone) if one.until else "[dim]–[/dim]"
            table.add_row(f"{one.contacts:,}", one.name, escape(one.sentence), until)
        say()
        show(table)
    for process in explanation.dissenters:
        say(f"[yellow]{escape(process.sentence)}.[/yellow]")
    if explanation.next_due_at:
        say(
            f"\nThe next contact that waits for its time is due {_at(explanation.next_due_at, zone)}."
        )
    if status.forecast:
        left = status.forecast.done_at - datetime.fromtimestamp(status.as_of, zone)
        in_words = span_in_words(max(left, timedelta(0)) // timedelta(minutes=1) * 60 or 60)
        say(
            f"Done in about {in_words}, {_at(status.forecast.done_at, zone)} "
            f"[dim]({escape(status.forecast.assuming)})[/dim]"
        )
    else:
        say("When it will be done is not known: that hangs on what is named first.")


def _at(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %d %b %H:%M:%S %Z}"
