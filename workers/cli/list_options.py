"""The options that say how a list is read, the same for every command that reads one."""

import inspect
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, get_type_hints

import typer

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.sieve import Dedupe
from campaigns.lists.source import HiddenRows, ReadingChoice
from dialer.loading.loading import LoadOptions
from workers.cli.shared_options import given_file, shares

ListFile = Annotated[Path, given_file("CSV or workbook, any size.")]
Again = Annotated[
    bool,
    typer.Option("--again", help="Load the file although its very bytes are another campaign."),
]
Tags = Annotated[
    list[str] | None, typer.Option(help="A tag of the campaign; give it once for each.")
]
_option = partial(typer.Option, rich_help_panel="How the list is read")


@dataclass(frozen=True, slots=True)
class GivenList:
    """What was said of how a list is read; each field is an option."""

    agent_column: Annotated[
        str | None,
        _option(help="Column of the agents' numbers.", show_default="agent, from, … by synonym"),
    ] = None
    customer_column: Annotated[
        str | None,
        _option(
            help="Column of the customers' numbers.", show_default="customer, phone, mobile, to, …"
        ),
    ] = None
    name_column: Annotated[
        str | None,
        _option(help="Column of the customers' names.", show_default="name, Customer Name, …"),
    ] = None
    yes_columns: Annotated[
        bool,
        _option(
            "--yes-columns",
            help="The columns that headings and content suggest are the right ones.",
        ),
    ] = False
    dedupe: Annotated[
        Dedupe,
        _option(
            help="Where a customer must not be listed already: in this FILE and its campaign, in "
            "other ACTIVE campaigns too, or nowhere (NONE). The first row wins; the others are "
            "counted."
        ),
    ] = Dedupe.ACTIVE
    sheet: Annotated[
        str | None,
        _option(help="Sheet of a workbook.", show_default="the one that holds phone numbers"),
    ] = None
    header_line: Annotated[
        int | None,
        _option(min=1, help="Line of the columns' names.", show_default="found below a title"),
    ] = None
    hidden_rows: Annotated[
        HiddenRows | None,
        _option("--hidden-rows", help="What becomes of rows a sheet hides.", show_default="asked"),
    ] = None

    create_agents: Annotated[
        bool,
        _option(
            "--create-agents",
            help="Take groups that no agent belongs to yet; their contacts wait for agents.",
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
