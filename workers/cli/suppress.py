"""`dialer suppress …`: numbers that are never called, by the account or by one campaign."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.lists.source import ReadingChoice
from dialer.loading.uploads import unchanged
from dialer.steering.suppressing import Suppressing
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.on_account import is_named
from workers.cli.printing import AsJson, answer, complain, plain_table, say, say_json, show
from workers.cli.session import open_wiring
from workers.cli.shared_options import Hidden, Sheet, given_file
from workers.documents.suppressions import AddedDocument, SuppressedDocument
from workers.wiring import Wiring

_MOST_BAD_LINES_TOLD = 20

OfCampaign = Annotated[
    str | None,
    typer.Option(
        "--campaign",
        metavar="CAMPAIGN",
        help="The list of this campaign alone.",
        show_default="the account's, for all campaigns",
    ),
]
OfAll = Annotated[
    bool,
    typer.Option("--all-accounts", help="The list that every account of the installation heeds."),
]


def add(
    file: Annotated[
        Path,
        given_file("One number a line, or a table (CSV, workbook) with a column of numbers."),
    ],
    *,
    column: Annotated[
        str | None,
        typer.Option(help="The column of numbers.", show_default="number, phone, mobile, …"),
    ] = None,
    sheet: Sheet = None,
    hidden_rows: Hidden = None,
    why: Annotated[str, typer.Option(help="Kept with each number.")] = "",
    campaign: OfCampaign = None,
    all_accounts: OfAll = False,
    as_json: AsJson = False,
) -> None:
    """Add a file's numbers. Lines without a number are told; the others count all the same.

    The date and the file's name are kept with each. Contacts that wait are closed as suppressed
    when their turn comes; live calls end as usual.
    """
    wiring = open_wiring()
    suppressing = _list(wiring, campaign, all_accounts=all_accounts)
    with unchanged(file) as opened:
        added = suppressing.add(
            opened,
            source=file.name,
            why=why,
            column=column,
            campaign=_id(wiring, campaign),
            reading=ReadingChoice(sheet=sheet, hidden_rows=hidden_rows),
        )
    if as_json:
        say_json(AddedDocument.of(added))
    else:
        say(
            f"{added.added:,} added, {added.already:,} listed before, {added.bad_count:,} bad lines."
        )
        complain(*(f"line {bad.line}: {bad.message}" for bad in added.bad[:_MOST_BAD_LINES_TOLD]))
    if added.bad_count and not added.added and not added.already:
        raise JobFailed(f"{file} holds no phone number; write one a line, such as +919000000001")


def list_(
    *, campaign: OfCampaign = None, all_accounts: OfAll = False, as_json: AsJson = False
) -> None:
    """List the numbers, in their order."""
    wiring = open_wiring()
    suppressing = _list(wiring, campaign, all_accounts=all_accounts)
    listed = suppressing.all(campaign=_id(wiring, campaign))
    found = sorted(listed, key=lambda one: one.number)
    if as_json:
        say_json(list(map(SuppressedDocument.of, found)))
        return
    if not found:
        say("No number is suppressed.")
        return
    table = plain_table("number", "since", "source", "why")
    for one in found:
        table.add_row(one.number, _day(one.at), escape(one.source), escape(one.why))
    show(table)


def remove(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As people write it.")],
    *,
    campaign: OfCampaign = None,
    all_accounts: OfAll = False,
    as_json: AsJson = False,
) -> None:
    """Take a number off the list; contacts it closed stay closed."""
    wiring = open_wiring()
    suppressing = _list(wiring, campaign, all_accounts=all_accounts)
    try:
        was_listed = suppressing.remove(number, campaign=_id(wiring, campaign))
    except ValueError as error:
        raise WrongUse(f"{error}, such as +919000000001") from None
    what = "may be called again" if was_listed else "was not on the list"
    told = {"number": number, "removed": was_listed}
    answer(told, f"{escape(number)} {what}.", as_json=as_json)


def _list(wiring: Wiring, campaign: str | None, *, all_accounts: bool) -> Suppressing:
    if not all_accounts:
        return wiring.suppressing
    if campaign or is_named():
        raise WrongUse("--all-accounts goes with neither --campaign nor --account")
    return wiring.suppressing_for_all


def _id(wiring: Wiring, campaign: str | None) -> str | None:
    return wiring.campaigns.find(campaign).id if campaign else None


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
