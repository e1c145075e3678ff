"""`dialer report`: a campaign's files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from workers.cli.campaign import Name
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.printing import AsJson, progress, say, say_json
from workers.cli.session import open_wiring


def add_to(app: typer.Typer) -> None:
    """Add the command to `dialer`."""
    app.command()(report)


def report(
    campaign: Name,
    *,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder of the files; made where there is none.")
    ],
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT[,FORMAT…]", help="Any of csv, xlsx, parquet, html."
        ),
    ] = "csv",
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Leave cells that a spreadsheet program would run as they were uploaded."
        ),
    ] = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin CSV files with a byte order mark, for Excel.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what became of every row: attempts, contacts, summary and more.

    Every sum is checked first; where one does not hold, nothing is written and the command
    fails. A report is provisional as long as anything in it can change.

    **Examples**

      dialer report diwali --out reports

      dialer report diwali --out reports --format csv,xlsx,html
    """
    # pandas takes a while to import, and no other command needs it
    from workers.reports import DoesNotAddUp, Format, report_to  # noqa: PLC0415

    try:
        formats = [Format(word.strip().lower()) for word in format_.split(",")]
    except ValueError:
        raise WrongUse(f"--format {format_}: use any of {', '.join(Format)}") from None
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    try:
        with progress(f"Writing {escape(found.name)}") as on_share:
            written = report_to(
                out, wiring, found, formats=formats, raw=raw, bom=bom, on_share=on_share
            )
    except DoesNotAddUp as error:
        raise JobFailed(str(error)) from None
    if as_json:
        say_json(
            {
                "campaign_id": found.id,
                "name": found.name,
                "final": written.is_final,
                "files": [str(file) for file in written.files],
                "sums": [
                    {"name": one.name, "whole": one.whole, "parts": dict(one.parts)}
                    for one in written.sums
                ],
            }
        )
        return
    for one in written.sums:
        say(f"[green]✓[/green] {one}")
    standing = (
        "Final" if written.is_final else "Provisional: calls or late values are still expected"
    )
    say(f"{standing}.\n")
    for file in written.files:
        say(escape(str(file)))
