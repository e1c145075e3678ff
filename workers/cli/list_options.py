"""The options that say how a list is read, the same for every command that reads one."""

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, get_type_hints

import typer

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.sieve import Dedupe
from campaigns.lists.source import HiddenRows, ReadingChoice
from dialer.loading.loading import LoadOptions
from workers.cli.shared_options import given_file, shares

ListFile = Annotated[
    Path,
    given_file("CSV or workbook, any size."),
]
Again = Annotated[
    bool,
    typer.Option("--again", help="Load the file although its very bytes are another campaign."),
]
_PANEL = "How the list is read"


@dataclass(frozen=True, slots=True)
class GivenList:
    """What was said of how a list is read; each field is an option."""

    agent_column: Annotated[
        str | None,
        typer.Option(
            help="Column of the agents' numbers.",
            show_default="agent, from, … by synonym",
            rich_help_panel=_PANEL,
        ),
    ] = None
    customer_column: Annotated[
        str | None,
        typer.Option(
            help="Column of the customers' numbers.",
            show_default="customer, phone, mobile, to, …",
            rich_help_panel=_PANEL,
        ),
    ] = None
    name_column: Annotated[
        str | None,
        typer.Option(
            help="Column of the customers' names.",
            show_default="name, Customer Name, …",
            rich_help_panel=_PANEL,
        ),
    ] = None
    yes_columns: Annotated[
        bool,
        typer.Option(
            "--yes-columns",
            help="The columns that headings and content suggest are the right ones.",
            rich_help_panel=_PANEL,
        ),
    ] = False
    dedupe: Annotated[
        Dedupe,
        typer.Option(
            help="Where a customer must not be listed already: in this FILE and its campaign, in "
            "other ACTIVE campaigns too, or nowhere (NONE). The first row wins; the others are "
            "counted.",
            rich_help_panel=_PANEL,
        ),
    ] = Dedupe.ACTIVE
    sheet: Annotated[
        str | None,
        typer.Option(
            help="Sheet of a workbook.",
            show_default="the one that holds phone numbers",
            rich_help_panel=_PANEL,
        ),
    ] = None
    header_line: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Line of the columns' names.",
            show_default="found below a title",
            rich_help_panel=_PANEL,
        ),
    ] = None
    hidden_rows: Annotated[
        HiddenRows | None,
        typer.Option(
            "--hidden-rows",
            help="What becomes of rows a sheet hides.",
            show_default="asked",
            rich_help_panel=_PANEL,
        ),
    ] = None

    create_agents: Annotated[
        bool,
        typer.Option(
            "--create-agents",
            help="Take groups that no agent belongs to yet; their contacts wait for agents.",
            rich_help_panel=_PANEL,
        ),
    ] = False

    def as_options(self, *, again: bool) -> LoadOptions:
        """Give them as the loader takes them; `again` allows a file that was loaded before."""
        choice = ColumnChoice(
            self.agent_column,
            self.customer_column,
            self.name_column,
            takes_suggestion=self.yes_columns,
        )
        reading = ReadingChoice(self.sheet, self.header_line, self.hidden_rows)
        return LoadOptions(
            choice, self.dedupe, again=again, reading=reading, new_groups=self.create_agents
        )


_HINTS = get_type_hints(GivenList, include_extras=True)
takes_list = shares(
    "given_list",
    [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=_HINTS[one.name],
        )
        for one in fields(GivenList)
    ],
    lambda given: GivenList(**given),
)
"""Give a command these options; it gets them as `given_list`."""
