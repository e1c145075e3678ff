"""Which sheet of a workbook holds the list: the one that is said, or the only one with numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from campaigns.lists.sheet_scan import SheetFacts
from campaigns.lists.source import CampaignFileError, HiddenRows, ReadingChoice
from campaigns.sentence import counted, told


@dataclass(frozen=True, slots=True)
class ScannedSheet:
    """A sheet and what was seen of it.

    Args:
        problem: Why it cannot be opened; None: it can.
    """

    name: str
    is_shown: bool
    facts: SheetFacts
    problem: CampaignFileError | None = None


def is_called(name: str, wanted: str | None) -> bool:
    """Whether a sheet is the one that was said, in whatever case."""
    return wanted is not None and name.strip().casefold() == wanted.strip().casefold()


def choose_sheet(sheets: Sequence[ScannedSheet], wanted: str | None) -> ScannedSheet:
    """Find the sheet that holds the list; a hidden one only where it is said.

    Raises:
        CampaignFileError: It is not there, several could be it, or it cannot be opened.
    """
    chosen = _said(sheets, wanted) if wanted is not None else _found(sheets)
    if chosen.problem is not None:
        raise chosen.problem
    return chosen


def _said(sheets: Sequence[ScannedSheet], wanted: str) -> ScannedSheet:
    exact = [sheet for sheet in sheets if sheet.name == wanted]
    fitting = exact or [sheet for sheet in sheets if is_called(sheet.name, wanted)]
    if len(fitting) != 1:
        raise _asking(told("There is no sheet '{sheet}'", sheet=wanted), sheets)
    return fitting[0]


def _found(sheets: Sequence[ScannedSheet]) -> ScannedSheet:
    shown = [sheet for sheet in sheets if sheet.is_shown]
    if not shown:
        raise CampaignFileError(
            "The workbook has no visible sheet. Put the list on one, or say which sheet it is.",
            choice="sheet",
            choices=tuple(sheet.name for sheet in sheets),
        )
    filled = [sheet for sheet in shown if sheet.facts.filled or sheet.problem] or shown[:1]
    numbered = [sheet for sheet in filled if sheet.facts.numbers or sheet.problem]
    candidates = numbered or filled
    if not numbered and len(shown) < len(sheets):
        raise _asking(told("No visible sheet holds phone numbers, and others are hidden"), sheets)
    if len(candidates) == 1:
        return candidates[0]
    listed = " and ".join(f"'{sheet.name}'" for sheet in candidates[:5])
    what = (
        told("Sheets {sheets} hold phone numbers", sheets=listed)
        if numbered
        else told("Sheets {sheets} hold something, and none of them phone numbers", sheets=listed)
    )
    raise _asking(what, candidates)


def _asking(problem: str, sheets: Sequence[ScannedSheet]) -> CampaignFileError:
    names = tuple(sheet.name for sheet in sheets)
    listed = ", ".join(f"'{name}'" for name in names[:20]) + (" …" if len(names) > 20 else "")
    return CampaignFileError(
        "{problem}. Say which sheet holds the list: {sheets}.",
        problem=problem,
        sheets=listed,
        choice="sheet",
        choices=names,
    )


def skipped_rows(sheet: ScannedSheet, reading: ReadingChoice) -> frozenset[int]:
    """Tell which rows are not read because nobody sees them.

    Raises:
        CampaignFileError: Rows are hidden, and nobody has said what is to become of them.
    """
    hidden = sheet.facts.hidden_rows
    if not hidden or reading.hidden_rows == HiddenRows.TAKE:
        return frozenset()
    if reading.hidden_rows == HiddenRows.SKIP:
        return frozenset(hidden)
    raise CampaignFileError(
        counted(
            "1 row is hidden in sheet '{sheet}', by a filter or by hand, of {filled:,} that hold "
            "something. Say whether hidden rows are to be skipped or taken.",
            "{count:,} rows are hidden in sheet '{sheet}', by a filter or by hand, of {filled:,} that "
            "hold something. Say whether hidden rows are to be skipped or taken.",
            len(hidden),
            sheet=sheet.name,
            filled=sheet.facts.filled_rows,
        ),
        choice="hidden_rows",
        choices=tuple(HiddenRows),
    )


def description(
    sheet: ScannedSheet, sheets: Sequence[ScannedSheet], skipped: int, taken: int
) -> str:
    """Tell people which sheet was read, and what was passed over."""
    shown = sum(1 for one in sheets if one.is_shown)
    hidden = [f"'{one.name}'" for one in sheets if not one.is_shown and one is not sheet]
    parts = [told("sheet '{sheet}'", sheet=sheet.name)]
    if not sheet.is_shown:
        parts.append(told("a hidden one"))
    elif shown > 1:
        parts.append(told("one of {sheets}", sheets=shown))
    if hidden:
        parts.append(told("hidden sheets {sheets} are not read", sheets=", ".join(hidden[:5])))
    if skipped:
        parts.append(told("{rows:,} hidden rows are skipped", rows=skipped))
    if taken:
        parts.append(told("{rows:,} hidden rows are taken", rows=taken))
    return reduce(lambda before, part: told("{before}, {part}", before=before, part=part), parts)
