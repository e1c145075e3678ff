"""One sheet of an .xlsx workbook as its XML passes by: where cells stand, what they come to in memory,
and what a reader of values does not tell: hidden rows and columns, errors, formulas without results.
"""

import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from campaigns.lists.number_formats import masked
from campaigns.lists.source import CampaignFileError, ListLimits

Mask = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class SharedTexts:
    """The texts that cells name by their number.

    Args:
        lengths: How long each is.
        numbers: Which of them may be phone numbers.
    """

    lengths: "array[int]" = field(default_factory=lambda: array("Q"))
    numbers: set[int] = field(default_factory=set)


@dataclass(slots=True)
class SheetFacts:
    """What was seen of a sheet; rows are counted from 1, columns from 1.

    Args:
        filled: Cells with something in them.
        filled_rows: Rows with such a cell.
        numbers: Cells that may be phone numbers.
        hidden_rows: Those of the filled rows that are not shown.
        hidden_columns: First and last of each span that is not shown.
        told: By row and column, what is to be read where a reader of values finds nothing or less.
        merged: By their first row: column, last row.
    """

    filled: int = 0
    filled_rows: int = 0
    numbers: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    told: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


class SheetScan:
    """Measures the cells of a sheet, and gathers its facts.

    Args:
        recalculates: Its results were never computed: the workbook asks for it when it is opened.
    """

    def __init__(
        self,
        texts: SharedTexts,
        limits: ListLimits,
        *,
        masks: Mapping[str, Mask],
        recalculates: bool,
    ) -> None:
        self.facts = SheetFacts()
        self._texts = texts
        self._limits = limits
        self._masks = masks
        self._recalculates = recalculates
        self._text_chars = 0
        self._row = self._column = 0
        self._is_hidden_row = False
        self._counted_row = 0
        self._kind = ""
        self._style = ""
        self._within = ""  # what is being read: v, t or f
        self._value: list[str] = []
        self._formula: list[str] | None = None
        self._chars = 0
        self._top = self._left = 1 << 62
        self._lowest = self._rightmost = (0, 0)  # row and column

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an element's beginning."""
        match local_name(name):
            case "c":
                self._row, self._column = self._position(attributes.get("r"))
                self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
                self._value, self._chars, self._formula = [], 0, None
            case "v" | "t":
                self._within = "v"
            case "f":
                self._within, self._formula = "f", []
            case "row":
                self._row, self._column = row_number(attributes.get("r"), self._row + 1), 0
                self._is_hidden_row = _is_yes(attributes.get("hidden")) or _is_zero(
                    attributes.get("ht")
                )
            case "col":
                self._take_columns(attributes)
            case "mergeCell":
                self._take_merged(attributes.get("ref", ""))

    def end(self, name: str) -> None:
        """Take an element's end."""
        match local_name(name):
            case "c":
                self._end_cell()
            case "v" | "t" | "f":
                self._within = ""

    def text(self, data: str) -> None:
        """Take text."""
        if self._within == "v":
            self._chars += len(data)
            if self._chars <= _LONGEST_NUMBER_CHARS:
                self._value.append(data)
        elif self._within == "f" and self._formula is not None and len(self._formula) < _PIECES:
            self._formula.append(data)

    def check_rectangle(self) -> None:
        """Check that the cells stand together.

        Raises:
            CampaignFileError: They do not.
        """
        filled = self.facts.filled
        if not filled:
            return
        height = self._lowest[0] - self._top + 1
        width = self._rightmost[1] - self._left + 1
        spanned = height * width
        sparse = max(_ANY_SPAN, _LEAST_FILLED_PART * filled)
        if spanned <= min(sparse, self._limits.max_sheet_cells):
            return
        is_deep = height > _LEAST_FILLED_PART * self.facts.filled_rows
        is_wide = width * self.facts.filled_rows > _LEAST_FILLED_PART * filled
        far = [
            one for one, is_far in ((self._lowest, is_deep), (self._rightmost, is_wide)) if is_far
        ]
        names = " and ".join(sorted({cell_name(*one) for one in far or [self._lowest]}))
        raise CampaignFileError(
            "The sheet reaches out to {names}: {spanned:,} cells, of which {filled:,} are "
            "filled. Delete what stands there by mistake, or copy the list to a new sheet.",
            names=names,
            spanned=spanned,
            filled=filled,
        )

    def _position(self, reference: str | None) -> tuple[int, int]:
        found = _REFERENCE.fullmatch(reference) if reference else None
        if found is None:
            return self._row, self._column + 1
        return int(found[2]), _column_number(found[1])

    def _end_cell(self) -> None:
        value = "".join(self._value)
        told = self._what_to_tell(value)
        if not self._chars and told is None:
            return
        is_shared = self._kind == "s" and value.isdecimal()
        self.take(
            self._row,
            self._column,
            chars=self._shared_chars() if self._kind == "s" else self._chars,
            told=told,
            is_number=int(value) in self._texts.numbers
            if is_shared
            else self._kind != "e" and may_be_number(value),
            is_hidden=self._is_hidden_row,
        )

    def take(
        self,
        row: int,
        column: int,
        *,
        chars: int,
        told: str | None,
        is_number: bool,
        is_hidden: bool,
    ) -> None:
        """Take a cell with something in it.

        Raises:
            CampaignFileError: It stands too far out, or holds too much.
        """
        self._row, self._column = row, column
        self._measure(chars)
        facts = self.facts
        if told is not None:
            facts.told.setdefault(row, {})[column] = told
        facts.numbers += is_number
        if row != self._counted_row:
            self._counted_row = row
            facts.filled_rows += 1
            if is_hidden:
                facts.hidden_rows.add(row)

    def _what_to_tell(self, value: str) -> str | None:
        if self._kind == "e":
            return value
        if self._formula is not None and self._kind != "str":
            if not value or (self._recalculates and value == "0"):
                return "=" + ("".join(self._formula) or "(formula)")
        elif self._kind == "n" and value and (mask := self._masks.get(self._style)):
            return masked(value, mask)
        return None

    def _take_columns(self, attributes: Mapping[str, str]) -> None:
        if _is_yes(attributes.get("hidden")) or _is_zero(attributes.get("width")):
            first = row_number(attributes.get("min"), 0)
            self.facts.hidden_columns.append((first, row_number(attributes.get("max"), first)))

    def _take_merged(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        begins, ends = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last)
        if begins and ends and int(ends[2]) > int(begins[2]):
            spans = self.facts.merged.setdefault(int(begins[2]), [])
            spans.append((_column_number(begins[1]), int(ends[2])))

    def _measure(self, chars: int) -> None:
        self.facts.filled += 1
        row, column = self._row, self._column
        if column > self._limits.max_columns:
            raise CampaignFileError(
                "Cell {cell} stands in column {column:,}, far outside a list (at most "
                "{most:,} columns). Delete what stands there by mistake, or copy the "
                "list to a new sheet.",
                cell=cell_name(row, column),
                column=column,
                most=self._limits.max_columns,
            )
        self._top, self._left = min(self._top, row), min(self._left, column)
        if row > self._lowest[0]:
            self._lowest = row, column
        if column > self._rightmost[1]:
            self._rightmost = row, column
        self._measure_text(chars)

    def _measure_text(self, chars: int) -> None:
        self._text_chars += chars
        if chars > self._limits.max_cell_chars:
            raise CampaignFileError(
                "Cell {cell} holds {chars:,} characters; at most {most:,} are read. Shorten it.",
                cell=cell_name(self._row, self._column),
                chars=chars,
                most=self._limits.max_cell_chars,
            )
        if self._text_chars > self._limits.max_unpacked_bytes:
            raise CampaignFileError(
                "Up to cell {cell} the sheet's texts come to more than "
                "{most} MB. Split the list, or leave out the columns with long "
                "texts.",
                cell=cell_name(self._row, self._column),
                most=self._limits.max_unpacked_bytes // 1_000_000,
            )

    def _shared_chars(self) -> int:
        value = "".join(self._value).strip()
        index = int(value) if value.isdecimal() else -1
        lengths = self._texts.lengths
        return lengths[index] if 0 <= index < len(lengths) else 0


_ANY_SPAN = 2_000_000  # cells that may be spanned, however few are filled
_LEAST_FILLED_PART = 50  # beyond that one in so many is filled
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,9})\$?([0-9]{1,18})")  # far beyond what a sheet has
_LONGEST_NUMBER_CHARS = 60
_PIECES = 64  # of a formula's text; none that is told is longer


_BESIDE_DIGITS = re.compile(r"[\s()+.\u2010-\u2015-]+")
_DIGITS_OF_A_NUMBER = re.compile(r"[0-9]{10}")
_CLOCK = re.compile(r"[0-9]:[0-9]{2}")


def may_be_number(text: str) -> bool:
    """Whether a cell's text may be a phone number: ten digits in a row, separators aside."""
    if len(text) < 10:
        return False
    return _DIGITS_OF_A_NUMBER.search(
        _BESIDE_DIGITS.sub("", text)
    ) is not None and not _CLOCK.search(text)


def local_name(name: str) -> str:
    """Give an element's name without its namespace's prefix."""
    return name if ":" not in name else name.rpartition(":")[2]


def row_number(text: str | None, otherwise: int) -> int:
    """Read a row's number, which may be missing."""
    return int(text) if text and len(text) < 19 and text.isdecimal() else otherwise


def cell_name(row: int, column: int) -> str:
    """Name a cell as spreadsheets do: A1."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _is_yes(text: str | None) -> bool:
    return text in {"1", "true"}


def _is_zero(text: str | None) -> bool:
    return text is not None and text.strip("0.") == "" and text != ""
