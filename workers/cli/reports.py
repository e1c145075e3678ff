"""`dialer report`: a campaign's files."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.report import Report
from dialer.report_files import Format
from dialer.report_source import report_source
from dialer.reporting import write_reports
from workers.cli.campaign import Name
from workers.cli.faults import WrongUse
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
        typer.Option("--format", metavar="FORMAT[,FORMAT…]", help=f"Any of {', '.join(Format)}."),
    ] = Format.CSV,
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

    [bold]Examples[/bold]

      dialer report diwali --out reports

      dialer report diwali --out reports --format csv,xlsx,html
    """
    formats = _formats(format_)
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    with progress(f"Writing {escape(found.name)}") as on_share:
        written = write_reports(
            report_source(wiring.db, found, wiring.allowance),
            out,
            as_of=datetime.fromtimestamp(wiring.db.now(), UTC),
            formats=formats,
            raw=raw,
            bom=bom,
            render_html=_page() if Format.HTML in formats else None,
            on_progress=lambda done, total: on_share(done / total if total else 1.0),
        )
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


def _formats(text: str) -> list[Format]:
    try:
        return [Format(part.strip().lower()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise WrongUse(f"--format {text}: use any of {', '.join(Format)}, commas between") from None


def _page() -> Callable[[Report], str]:
    from workers.html_report import render_html_report  # noqa: PLC0415 - Plotly takes a while

    return render_html_report
