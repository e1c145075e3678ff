"""What an uploaded list is read as, whatever its format: rows of text that know their line."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from campaigns.sentence import Sentence, told


@dataclass(frozen=True, slots=True)
class UnderstoodRow:
    """A row as it would be taken.

    Args:
        agent: E.164, or the cell as it is where the row is not taken; as `customer`.
        name: The customer's.
        problem: Why it would not be taken; '' when it would, others' rows apart.
    """

    line: int
    agent: str
    customer: str
    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a file would be read as, were it settled so.

    Args:
        columns: Their names.
        rows: The first ones, as far as they are understood.
        problem: Why it would be refused all the same; '' where it would not.
    """

    choice: str
    columns: tuple[str, ...] = ()
    rows: tuple[UnderstoodRow, ...] = ()
    problem: str = ""


class CampaignFileError(Exception):
    """The file as a whole cannot be used; the message is one line and says what to do.

    Args:
        says: A sentence for people, or its source, with `values` for its places, as `told` has them.
        line: The physical line at fault, from 1; None when it is the whole file. May stand in the sentence too.
        choice: The option that would settle it, such as `agent_column`; '' = none. Each way in calls
            it by its own name, so messages do not.
        choices: What it may be settled with; empty where that is no choice of a few.

    Whoever has read that far adds what the file has, for a person to look at: `columns`, its own, `rows`,
    the first ones as they are, and `glimpses`, what each of the first choices would come to.
    """

    def __init__(
        self,
        says: str,
        /,
        *,
        line: int | None = None,
        choice: str = "",
        choices: tuple[str, ...] = (),
        **values: object,
    ) -> None:
        if not isinstance(says, Sentence):
            says = told(says, **(values | ({"line": line} if "{line}" in says else {})))
        super().__init__(says)
        self.line = line
        self.choice = choice
        self.choices = choices
        self.columns: tuple[str, ...] = ()
        self.rows: tuple[tuple[str, ...], ...] = ()
        self.glimpses: tuple[Glimpse, ...] = ()


@dataclass(frozen=True, slots=True)
class ListLimits:
    """What is refused before it can hurt.

    Args:
        max_bytes: Of the file. A million rows of five columns take about 70 MB.
        max_columns: Of the header.
        max_cell_chars: Of one cell; beyond it a quote is usually missing.
        max_unpacked_bytes: Of a workbook's parts together, and of the texts of its cells; open, it
            takes twice that in memory. A million rows of five columns unpack to some 220 MB.
        max_sheet_cells: That a sheet may span, empty ones included; 24 bytes each in memory.
        max_unpack_ratio: Unpacked to packed size; sheets reach 20, zip bombs 1,000.
        max_parts: Files inside a workbook.
    """

    max_bytes: int = 1_000_000_000
    max_columns: int = 1_000
    max_cell_chars: int = 65_536
    max_unpacked_bytes: int = 250_000_000
    max_unpack_ratio: int = 100
    max_parts: int = 1_000
    max_sheet_cells: int = 20_000_000


NO_LINE = 0
"""The line of a row that stands in no file: it was given one at a time."""


class HiddenRows(StrEnum):
    """What becomes of rows that a spreadsheet hides, by a filter or by hand."""

    SKIP = "skip"
    TAKE = "take"


@dataclass(frozen=True, slots=True)
class ReadingChoice:
    """What a person says of where a list stands in its file.

    Args:
        sheet: Of a workbook, by name; None: the one that holds numbers.
        header_line: Where the columns' names stand, from 1; None: where they are found.
        hidden_rows: None: where rows are hidden, it is asked.
    """

    sheet: str | None = None
    header_line: int | None = None
    hidden_rows: HiddenRows | None = None

    def settled(self, choice: str, answer: str) -> "ReadingChoice":
        """Answer what a refusal asks for, in its own words."""
        said: dict[str, Any] = {choice: int(answer) if choice == "header_line" else answer}
        return replace(self, **said)


AS_FOUND = ReadingChoice()


class Quoting(StrEnum):
    """How well the quotes of a row go together."""

    SOUND = "sound"
    ODD = "odd"  # text after a closing quote, as in "Ram "Bunty" Kumar"
    OPEN = "open"  # never closed; only the row's first line is taken


class Row(NamedTuple):
    """One record of the list; blank ones included. `line` is where it begins, from 1."""

    line: int
    cells: list[str]
    quoting: Quoting = Quoting.SOUND


class ListSource(Protocol):
    """A list file that can be read from its beginning, any number of times."""

    @property
    def description(self) -> str:
        """How the file was understood, for people."""
        ...

    @property
    def hidden_columns(self) -> frozenset[int]:
        """Places of the columns that a spreadsheet does not show, from 0."""
        ...

    def rows(self) -> Generator[Row, None, None]:
        """Read every record in file order, the header first."""
        ...

    def close(self) -> None:
        """Let go of what it keeps beside the file itself, which is its owner's."""
        ...

    def share_read(self, line: int) -> float:
        """How much of the file is read when `line` has been: 0 … 1."""
        ...
