"""`dialer agents move|moves|undo-move`: waiting contacts are given to somebody else, and back."""

from typing import Annotated

import typer
from rich.markup import escape

from dialer.agents.moving import Destination, Moving, NotMoved
from workers.cli.faults import WrongUse
from workers.cli.instants import weekday
from workers.cli.printing import AsJson, answer, plain_table, say, say_json, show
from workers.cli.session import open_wiring
from workers.documents.moves import MoveDocument
from workers.wiring import Wiring


def move(
    agent: Annotated[
        str, typer.Argument(metavar="AGENT", help="Whose: a number as people write it, or an id.")
    ],
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="AGENT", help="Another agent, who is registered.")
    ] = "",
    to_group: Annotated[str, typer.Option(metavar="GROUP", help="Or a group.")] = "",
    campaign: Annotated[
        str | None,
        typer.Option(metavar="CAMPAIGN", help="Those of one campaign; else of all not over."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let an agent's waiting contacts wait for another agent, or for a group.

    Contacts on a call, or open, stay. Whatever breaks it off loses nobody: ask again for the rest.
    """
    if bool(to) == bool(to_group) and not dry_run:
        raise WrongUse("name who they are to wait for: --to AGENT or --to-group GROUP")
    wiring = open_wiring()
    moving, whose = Moving(wiring.db), wiring.registry.find_or_name(agent)
    waiting = moving.waiting(whose, campaign=wiring.campaigns.find(campaign) if campaign else None)
    count = sum(one.count for one in waiting)
    counts = {one.campaign.id: one.count for one in waiting}
    if dry_run:
        told = f"{count:,} contacts wait for {escape(whose.name or whose.number)}"
        answer({"waiting": count, "campaigns": counts}, f"{told}.", as_json=as_json)
        for one in [] if as_json else waiting:
            say(f"  {one.count:,} in {escape(one.campaign.name)}")
        return
    done = moving.move(whose, _destination(wiring, moving, to, to_group), waiting)
    text = (
        f"{done.moved:,} of {count:,} waiting contacts moved to {escape(to or to_group)}. "
        f"To undo it: dialer agents undo-move {done.id}"
    )
    moved = MoveDocument.of(done).model_dump()
    answer({"waiting": count, "campaigns": counts, **moved}, text, as_json=as_json)


def moves(*, as_json: AsJson = False) -> None:
    """List the moves of the last seven days, the newest first."""
    wiring = open_wiring()
    found = Moving(wiring.db).recent()
    if as_json:
        say_json(list(map(MoveDocument.of, found)))
        return
    if not found:
        say("No contacts were moved in the last seven days.")
        return
    names = {one.id: one.name or one.number for one in wiring.registry.all()}
    table = plain_table("move", "at", "from", "to", "contacts", "by", "", numbers=("contacts",))
    for one in found:
        whose = names.get(one.agent_id) or f"+{one.source}"
        became = f"undone by {one.undone_by}" if one.undone_by else ""
        became = became or (f"undid {one.undoes}" if one.undoes else "")
        became = became or ("" if one.ended_at else "broken off")
        cells = (whose, names.get(one.to, one.to), f"{one.moved:,}", one.by, became)
        table.add_row(one.id, weekday(one.at, wiring.zone), *map(escape, cells))
    show(table)


def undo_move(
    move_id: Annotated[
        str, typer.Argument(metavar="MOVE", help="As dialer agents moves names it.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Give contacts that were moved back to whose they were, as far as they still wait."""
    done = Moving(open_wiring().db).undo(move_id)
    answer(MoveDocument.of(done), f"{done.moved:,} contacts moved back.", as_json=as_json)


def _destination(wiring: Wiring, moving: Moving, to: str, to_group: str) -> Destination:
    if to_group:
        try:
            return moving.to_group(to_group)
        except NotMoved as error:
            raise WrongUse(f"{error}; dialer agents list shows who belongs where") from None
    return moving.to_agent(wiring.registry.find(to))
