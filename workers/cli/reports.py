"""`dialer report`: a campaign's files, and what changed from one to the next."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from campaigns.plain_text import did_you_mean
from workers.cli.campaign import Name
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.printing import (
    AsJson,
    note,
    plain_table,
    progress,
    say,
    say_json,
    show,
    when_stopped,
)
from workers.cli.session import open_wiring

if TYPE_CHECKING:
    from dialer.reporting.files import Format

_MOST_CHANGES_SHOWN = 100


def report(
    campaign: Name,
    *,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder of the files; made where there is none.")
    ],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT[,FORMAT…]",
            help="Any of csv, xlsx, parquet, html: of CSV and Parquet a file a table. Otherwise five files: "
            "the page, the workbook, and summary, contacts and attempts as CSV.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        str,
        typer.Option(
            metavar="none|masked|hashed",
            help="Hide phone numbers: 91******3210, or a hash under DIALER_MASK_KEY that is the "
            "same for the same number.",
        ),
    ] = "none",
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Leave cells that a spreadsheet program would run as they were uploaded."
        ),
    ] = False,
    bom: Annotated[
        bool,
        typer.Option(
            "--bom/--no-bom",
            help="Begin CSV files with a byte order mark, without which Excel garbles other scripts.",
        ),
    ] = True,
    text_numbers: Annotated[
        bool,
        typer.Option(
            "--text-numbers",
            help="Write phone numbers in CSV so that Excel keeps all their digits; such a file loads "
            "again as it is.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what became of every row: attempts, contacts, summary and more.

    A page to read and print, a workbook with a sheet for each table, and the three tables that
    programs ask for. Every sum is checked first; where one does not hold, nothing is written and the command
    fails. A report is provisional as long as anything in it can change.

    **Examples**

      dialer report diwali --out reports

      dialer report diwali --out reports --format csv,parquet --mask masked

      dialer report diff reports/monday.csv reports/tuesday.csv
    """
    # pandas takes a while to import, and no other command needs it
    from workers.reports import DoesNotAddUp, number_mask, report_to  # noqa: PLC0415

    formats = _formats(format_) if format_ else None
    wiring = open_wiring()
    try:
        masking = number_mask(mask, wiring.settings)
    except ValueError as error:
        raise WrongUse(f"--mask {mask}: {error}") from None
    found = wiring.campaigns.find(campaign)
    try:
        with (
            when_stopped("stopped; no report was written"),
            progress(f"Writing {escape(found.name)}") as on_share,
        ):
            written = report_to(
                out,
                wiring,
                found,
                formats=formats,
                mask=masking,
                raw=raw,
                bom=bom,
                text_numbers=text_numbers,
                on_share=on_share,
            )
    except DoesNotAddUp as error:
        raise JobFailed(str(error)) from None
    if as_json:
        say_json(
            {
                "campaign_id": found.id,
                "name": found.name,
                "final": written.is_final,
                "in_part": found.in_part or None,
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
    if missing := written.report.subject.what_is_missing:
        say(f"[yellow]![/yellow] Input {found.in_part[:16]}: {missing}")
    standing = (
        "Final" if written.is_final else "Provisional: calls or late values are still expected"
    )
    say(f"{standing}.\n")
    for file in written.files:
        say(escape(str(file)))


def _formats(told: str) -> "list[Format]":
    from workers.reports import Format  # noqa: PLC0415 - pandas takes a while

    words = [one.strip().lower() for one in told.split(",")]
    for word in words:
        if word not in set(Format):
            near = did_you_mean(word, Format)
            raise WrongUse(f"--format {word}: use any of {', '.join(Format)}{near}")
    return [*map(Format, words)]


_AttemptsFile = typer.Argument(exists=True, dir_okay=False, readable=True)


def diff(
    before: Annotated[Path, _AttemptsFile],
    after: Annotated[Path, _AttemptsFile],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell what changed between two attempts files (CSV) of one campaign.

    Late callbacks fill in durations and prices and sometimes correct an outcome: each value that
    became another is named, with what stood there before.
    """
    from dialer.reporting.diff import diff_reports  # noqa: PLC0415 - no other command needs it

    changes = diff_reports(before, after)
    if as_json:
        say_json([one.as_json() for one in changes])
        return
    table = plain_table("attempt", "change", "column", "before", "after")
    count = 0
    for count, one in enumerate(changes, start=1):
        if count <= _MOST_CHANGES_SHOWN:
            cells = (one.attempt_id, one.kind, one.column, one.before, one.after)
            table.add_row(*map(escape, cells))
    if not count:
        say("Nothing changed.")
        return
    show(table)
    if count > _MOST_CHANGES_SHOWN:
        note(f"… {count - _MOST_CHANGES_SHOWN:,} more; --json tells them all")
