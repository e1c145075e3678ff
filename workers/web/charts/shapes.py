"""What a chart is: bars, a line, a week of hours, and the table of its figures."""

import csv
import io
from base64 import b64encode
from dataclasses import dataclass
from decimal import Decimal

from campaigns.spreadsheet_safety import safe_cell


@dataclass(frozen=True, slots=True)
class Grid:
    """The figures of a chart as a table, and as a file: what is drawn, and no rounding.

    Args:
        rows: Floats are shares, decimals money.
    """

    header: tuple[str, ...] = ()
    rows: tuple[tuple[str | int | float | Decimal | None, ...], ...] = ()

    @property
    def shown(self) -> list[list[str]]:
        """Write the cells for people."""
        return [[_shown(cell) for cell in row] for row in self.rows]

    @property
    def href(self) -> str:
        """Give the file as the address of a link: it needs no server, and no script."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(self.header)
        for row in self.rows:
            writer.writerow([safe_cell(one) if isinstance(one, str) else one for one in row])
        return f"data:text/csv;base64,{b64encode(file.getvalue().encode('utf-8-sig')).decode()}"


def _shown(cell: str | float | Decimal | None) -> str:
    match cell:
        case None:
            return "–"
        case float():
            return f"{cell:.1%}"
        case Decimal():
            return f"{cell:,.2f}"
        case int():
            return f"{cell:,}"
        case _:
            return cell


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar.

    Args:
        tone: The colour's name in the style sheet.
        x: Where it begins, per mille of the chart's width; so is `width`.
    """

    tone: str
    x: float
    width: float
    told: str


@dataclass(frozen=True, slots=True)
class Row:
    """A bar with its name before it and its figure behind it."""

    name: str
    parts: tuple[Part, ...]
    figure: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars one below the other.

    Args:
        legend: Tone and name of each layer; empty where each bar is of one.
    """

    rows: tuple[Row, ...]
    legend: tuple[tuple[str, str], ...] = ()
    grid: Grid = Grid()


@dataclass(frozen=True, slots=True)
class Line:
    """A line over time, in a box 1000 wide and 100 high.

    Args:
        area: The same, closed at the bottom.
        limit_y: Where the limit lies.
        told: What it shows, in a sentence.
    """

    path: str
    area: str
    limit_y: float
    limit: int
    begins: str
    ends: str
    told: str
    grid: Grid = Grid()


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a weekday.

    Args:
        shade: 0 … 4, by the share; None: there were no calls.
    """

    text: str
    shade: int | None
    told: str


@dataclass(frozen=True, slots=True)
class Week:
    """Hours of the day over days of the week."""

    hours: tuple[str, ...]
    days: tuple[tuple[str, tuple[Cell, ...]], ...]
    grid: Grid = Grid()


Chart = Bars | Line | Week
