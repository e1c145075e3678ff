"""`dialer campaign load` and `append`: a file in, what became of each row out."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.campaign import CampaignState
from campaigns.judged_rows import CodeCount, Summary
from campaigns.list_columns import ColumnChoice
from campaigns.list_sieve import Dedupe
from dialer.loading import Loaded, LoadOptions
from workers.cli.campaign import Name
from workers.cli.printing import AsJson, plain_table, progress, say, say_json, show
from workers.cli.rules import campaign_rules
from workers.cli.session import open_wiring

ListFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", exists=True, dir_okay=False, readable=True, help="CSV or .xlsx, any size."
    ),
]
AgentColumn = Annotated[
    str | None,
    typer.Option(help="Column of the agents' numbers.", show_default="agent, from, … by synonym"),
]
CustomerColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the customers' numbers.", show_default="customer, phone, mobile, to, …"
    ),
]
DedupeIn = Annotated[
    Dedupe,
    typer.Option(
        help="Where a customer must not be listed already: in this FILE and its campaign, in other "
        "ACTIVE campaigns too, or nowhere (NONE). The first row wins."
    ),
]
_CALL, _RULES, _FILE = "The call", "When and how often", "The file"


def add_to(app: typer.Typer) -> None:
    """Add the commands to `dialer campaign`."""
    app.command()(load)
    app.command()(append)


def load(
    file: ListFile,
    *,
    name: Annotated[str, typer.Option(help="The campaign's name; commands find it by this.")],
    caller_id: Annotated[
        str | None,
        typer.Option(
            help="The ExoPhone shown to both sides.",
            show_default="EXOTEL_CALLER_ID",
            rich_help_panel=_CALL,
        ),
    ] = None,
    time_limit: Annotated[
        int | None,
        typer.Option(
            help="Longest call, s, 1–14400.",
            show_default="DIALER_TIME_LIMIT_S",
            rich_help_panel=_CALL,
        ),
    ] = None,
    time_out: Annotated[
        int | None,
        typer.Option(
            help="Ring time per leg, s, 1–60.",
            show_default="DIALER_TIME_OUT_S",
            rich_help_panel=_CALL,
        ),
    ] = None,
    wrap_up: Annotated[
        int | None,
        typer.Option(
            help="An agent's rest after a call, s.",
            show_default="DIALER_WRAP_UP_S",
            rich_help_panel=_CALL,
        ),
    ] = None,
    hours: Annotated[
        str | None,
        typer.Option(
            help="When calls may be placed, such as 09:00-21:00 or 'mon-fri 10:00-18:00'.",
            show_default="DIALER_CALLING_HOURS",
            rich_help_panel=_RULES,
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            help="IANA zone of the hours.", show_default="DIALER_TIMEZONE", rich_help_panel=_RULES
        ),
    ] = None,
    max_attempts: Annotated[
        int | None,
        typer.Option(
            help="Most attempts a contact, the first included.",
            show_default="DIALER_MAX_ATTEMPTS",
            rich_help_panel=_RULES,
        ),
    ] = None,
    retry: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTCOME=DELAY[xN]",
            help="After this outcome again in DELAY, at most N times: customer_busy=5mx3. "
            "Give it once for each outcome; the others keep their defaults.",
            rich_help_panel=_RULES,
        ),
    ] = None,
    priority: Annotated[
        int, typer.Option(help="-99 … 99; higher goes first, always.", rich_help_panel=_RULES)
    ] = 0,
    weight: Annotated[
        float,
        typer.Option(help="Share of turns among equal priorities.", rich_help_panel=_RULES),
    ] = 1.0,
    agent_column: AgentColumn = None,
    customer_column: CustomerColumn = None,
    dedupe: DedupeIn = Dedupe.FILE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge every row, write nothing.")
    ] = False,
    starting: Annotated[bool, typer.Option("--start", help="Start it once it is loaded.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load a list as a new campaign. Every row ends as accepted, rejected or duplicate.

    Loading the same file under the same name again does nothing, or goes on where a load broke
    off. Times are in the campaign's time zone.

    **Examples**

      dialer campaign load contacts.csv --name diwali --dry-run

      dialer campaign load contacts.csv --name diwali --retry customer_busy=5mx3 --start

      dialer campaign load leads.xlsx --name leads --agent-column Owner --hours 10:00-18:00
    """
    wiring = open_wiring()
    rules = campaign_rules(
        wiring.settings,
        retry=retry or (),
        caller_id=caller_id,
        time_limit_s=time_limit,
        time_out_s=time_out,
        wrap_up_s=wrap_up,
        hours=hours,
        timezone=timezone,
        max_attempts=max_attempts,
        priority=priority,
        weight=weight,
    )
    options = LoadOptions(ColumnChoice(agent_column, customer_column), dedupe)
    with file.open("rb") as opened, progress(f"Reading {escape(file.name)}") as on_share:
        if dry_run:
            loaded = wiring.loading.check(
                opened, rules=rules, options=options, on_progress=on_share
            )
        else:
            loaded = wiring.loading.load(
                opened, name=name, rules=rules, options=options, on_progress=on_share
            )
    if starting and loaded.campaign and loaded.campaign.state is CampaignState.LOADED:
        wiring.campaigns.move(loaded.campaign, CampaignState.RUNNING)
    state = wiring.campaigns.find(loaded.campaign.id).state if loaded.campaign else None
    if as_json:
        say_json(_as_json(loaded, name=name, state=state))
    else:
        _tell(loaded, name=name, state=state)


def append(
    campaign: Name,
    file: ListFile,
    *,
    agent_column: AgentColumn = None,
    customer_column: CustomerColumn = None,
    dedupe: DedupeIn = Dedupe.FILE,
    as_json: AsJson = False,
) -> None:
    """Append a list to a campaign, running or not; what is there is never touched.

    The file needs the campaign's columns. Loading the same content again does nothing.
    """
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    options = LoadOptions(ColumnChoice(agent_column, customer_column), dedupe)
    with file.open("rb") as opened, progress(f"Reading {escape(file.name)}") as on_share:
        loaded = wiring.loading.append(
            opened, campaign=found, options=options, on_progress=on_share
        )
    state = wiring.campaigns.find(found.id).state
    if as_json:
        say_json(_as_json(loaded, name=found.name, state=state))
    else:
        _tell(loaded, name=found.name, state=state)


def _as_json(loaded: Loaded, *, name: str, state: CampaignState | None) -> dict[str, Any]:
    summary, contact_list = loaded.summary, loaded.contact_list
    return {
        "campaign_id": loaded.campaign.id if loaded.campaign else None,
        "name": name,
        "state": state,
        "rows": summary.rows,
        "accepted": summary.accepted,
        "rejected": summary.rejected,
        "duplicate": summary.duplicate,
        "blank": summary.blank,
        "rejected_file": str(loaded.rejected_file) if loaded.rejected_file else None,
        "already": loaded.already,
        "columns": [
            {"role": one.role, "column": one.column, "why": one.why}
            for one in (contact_list.header.matched if contact_list else ())
        ],
        "faults": _codes_as_json(summary.faults),
        "warnings": _codes_as_json(summary.warnings),
    }


def _codes_as_json(codes: dict[str, CodeCount]) -> dict[str, Any]:
    return {code: {"count": one.count, "examples": one.examples} for code, one in codes.items()}


def _tell(loaded: Loaded, *, name: str, state: CampaignState | None) -> None:
    """Say how the file was understood, what became of its rows, and what to do next."""
    safe_name = escape(name)
    if loaded.already:
        say(f"This content was loaded into {safe_name} before: nothing was done.")
    tell_judgement(loaded)
    if loaded.rejected_file:
        say(f"\nRows not taken, ready to be mended: {escape(str(loaded.rejected_file))}")
    match state:
        case None:
            say("\nDry run: nothing was written. Load it without --dry-run.")
        case CampaignState.LOADED:
            say(f"\nNext: dialer campaign start {safe_name}")
        case _:
            say(f"\n{safe_name} is {state}. Follow it: dialer campaign status {safe_name} --watch")


def tell_judgement(loaded: Loaded) -> None:
    """Say how the file was understood and what became of its rows."""
    _tell_columns(loaded)
    _tell_rows(loaded.summary)


def _tell_columns(loaded: Loaded) -> None:
    if loaded.contact_list is None:
        return
    header = loaded.contact_list.header
    say(f"The file is {escape(loaded.contact_list.source.description)}.")
    table = plain_table("column", "understood as", "because")
    for one in header.matched:
        table.add_row(escape(one.column), one.role, f"[dim]{escape(one.why)}[/dim]")
    understood = {one.column for one in header.matched}
    for column in header.columns:
        if column not in understood:
            table.add_row(escape(column), "[dim]–[/dim]", "[dim]travels into the reports[/dim]")
    show(table)


def _tell_rows(summary: Summary) -> None:
    blank = f" [dim](blank lines: {summary.blank:,})[/dim]" if summary.blank else ""
    say(
        f"\n[bold]{summary.rows:,} rows[/bold] = [green]{summary.accepted:,} accepted[/green] + "
        f"{summary.rejected:,} rejected + {summary.duplicate:,} duplicate{blank}"
    )
    _tell_codes("Not taken", summary.faults)
    _tell_codes("Taken with a warning", summary.warnings)


def _tell_codes(title: str, codes: dict[str, CodeCount]) -> None:
    if not codes:
        return
    say(f"\n{title}:")
    for code, one in sorted(codes.items(), key=lambda item: -item[1].count):
        say(f"  {one.count:>7,}  [bold]{code}[/bold]")
        for example in one.examples:
            say(f"           [dim]{escape(example)}[/dim]")
