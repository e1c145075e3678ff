"""Where the names of a list's columns stand: in its first line, or below a title."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from campaigns.lists.source import CampaignFileError, Row
from campaigns.sentence import counted, told

LOOKED_AT = 50  # filled rows in which names are looked for


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The line of names.

    Args:
        above: Filled rows that stand above it: a title, a date, who made the list.
    """

    row: Row
    above: tuple[Row, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over, in words."""
        if not self.above:
            return ()
        shown = next((cell.strip()[:60] for cell in self.above[0].cells if cell.strip()), "")
        note = counted(
            "The columns' names stand in line {line}; above it is '{shown}', which is no row.",
            "The columns' names stand in line {line}; above it is '{shown}', the first of {count} "
            "lines that are no rows.",
            len(self.above),
            line=self.row.line,
            shown=shown,
        )
        return (note,)


def find_header(
    rows: Sequence[Row],
    *,
    names_both: Callable[[Row], bool],
    holds_number: Callable[[Row], bool],
    said: int | None,
) -> HeaderLine:
    """Find the line of names among the first filled rows of a list.

    Args:
        names_both: Whether a row, read as names, says where both numbers stand.
        holds_number: Whether a phone number stands in a row.
        said: The line, said by hand.

    Raises:
        CampaignFileError: No row stands in the line that was said, or which one it is is not certain.
    """
    if said is not None:
        return _said(rows, said)
    place = next((at for at, row in enumerate(rows) if names_both(row)), None)
    if place is None:
        place = _below_titles(rows, holds_number)
    numbered = next((row for row in rows[:place] if holds_number(row)), None)
    if numbered is not None:
        line = rows[place].line
        raise CampaignFileError(
            "Line {line} looks like the columns' names, but a phone number stands above it, in "
            "line {number_line}. Say in which line the names stand, or remove what stands above it.",
            number_line=numbered.line,
            line=line,
            choice="header_line",
            choices=(str(line),),
        )
    return HeaderLine(rows[place], tuple(rows[:place]))


def _said(rows: Sequence[Row], line: int) -> HeaderLine:
    for place, row in enumerate(rows):
        if row.line == line:
            return HeaderLine(row, tuple(rows[:place]))
    raise CampaignFileError(
        told(
            "No names of columns stand in line {line}: it is empty, or further down than the first "
            "{most} filled lines.",
            line=line,
            most=LOOKED_AT,
        ),
        choice="header_line",
    )


def _below_titles(rows: Sequence[Row], holds_number: Callable[[Row], bool]) -> int:
    """Pass over lines of one cell, where a line of several and then a number follow."""
    for place, (row, after) in enumerate(pairwise(rows)):
        if sum(1 for cell in row.cells if cell.strip()) > 1:
            is_certain = not holds_number(row) and holds_number(after)
            return place if is_certain else 0
    return 0
