"""`dialer contact add`: one contact into a campaign, without a file."""

from typing import Annotated

import typer
from rich.markup import escape

from campaigns.lists.one_at_a_time import GivenContact
from campaigns.lists.sieve import Dedupe
from dialer.loading.adding import Took
from workers.cli.campaign import Name
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.printing import AsJson, say, say_json
from workers.cli.session import open_wiring
from workers.documents.leads import LeadDocument


def add(
    campaign: Name,
    *,
    customer: Annotated[str, typer.Option(metavar="NUMBER", help="Who is rung then.")],
    agent: Annotated[str, typer.Option(metavar="NUMBER", help="Who is rung first.")] = "",
    agent_group: Annotated[
        str, typer.Option(metavar="GROUP", help="Instead of an agent: whoever of it is free.")
    ] = "",
    backup: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help="Rung while the agent is away; several of them with semicolons between.",
        ),
    ] = "",
    external_id: Annotated[
        str, typer.Option(metavar="ID", help="What your own system calls it: added once by it.")
    ] = "",
    priority: Annotated[
        str, typer.Option(metavar="N", help="-99 to 99; above 0 it goes before what waits.")
    ] = "",
    not_before: Annotated[
        str, typer.Option(metavar="TIME", help="Not called before, such as 2026-11-24 15:30.")
    ] = "",
    expires_at: Annotated[str, typer.Option(metavar="TIME", help="Not called from then on.")] = "",
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="The customer's own, for calling hours.")
    ] = "",
    custom_field: Annotated[str, typer.Option(help="Travels with the call.")] = "",
    cell: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=TEXT", help="A column of the campaign's own; repeatable."),
    ] = None,
    dedupe: Annotated[
        Dedupe, typer.Option(help="Where the customer must not be listed already.")
    ] = Dedupe.ACTIVE,
    as_json: AsJson = False,
) -> None:
    """Add one contact to a campaign, judged as a row of a list is."""
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    given = GivenContact(
        *(agent, customer, external_id, priority, not_before, expires_at, timezone, custom_field),
        agent_group=agent_group,
        backup=backup,
        row=dict(_cell(one) for one in cell or []),
    )
    (answer,) = wiring.adding.add(found, [given], dedupe=dedupe, may_start=True)
    state = wiring.campaigns.find(found.id).state
    if as_json:
        told = LeadDocument.of(answer).model_dump(exclude={"status"})
        say_json(told | {"campaign_id": found.id, "state": state})
    if answer.took not in {Took.ADDED, Took.KNOWN}:
        raise JobFailed(answer.message)
    if not as_json:
        was = "is there already" if answer.took is Took.KNOWN else "was added"
        say(f"Contact {answer.contact} {was}; {escape(found.name)} is {state}.")


def _cell(text: str) -> tuple[str, str]:
    column, is_there, cell = text.partition("=")
    if not is_there:
        raise WrongUse(f"--cell {text}: write COLUMN=TEXT")
    return column, cell
