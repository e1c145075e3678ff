"""An uploaded list: opened, understood, and judged row by row in file order, in bounded memory.

file ─▶ source (text, workbook) ─▶ rows ─▶ RowJudge ─▶ suppressed? ─▶ duplicate? ─▶ Chunk
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

from campaigns.contact import Contact
from campaigns.lists.column_checks import (
    check_not_doubled,
    check_not_hidden,
    hidden_notes,
    tell_hidden,
)
from campaigns.lists.column_choice import NOTHING_SAID, ColumnChoice
from campaigns.lists.column_names import tell_apart
from campaigns.lists.columns import (
    NO_MEMORY,
    ROWS_SAMPLED,
    ColumnMemory,
    require_clear,
    understand_header,
)
from campaigns.lists.header import Header
from campaigns.lists.header_line import LOOKED_AT, find_header
from campaigns.lists.judged_rows import Chunk, Rejected, Remark
from campaigns.lists.open_file import OpenWorkbook, open_source
from campaigns.lists.preview import understood
from campaigns.lists.row_judge import RowJudge, remark_total
from campaigns.lists.sieve import NO_OTHER_LISTS, Dedupe, OtherLists, Sieve
from campaigns.lists.source import (
    AS_FOUND,
    CampaignFileError,
    ListLimits,
    ListSource,
    ReadingChoice,
    Row,
    UnderstoodRow,
)
from campaigns.lists.team_cells import LooseTeams, TeamNumbers
from campaigns.lists.total_line import is_total_line
from campaigns.lists.workbook import open_workbook
from campaigns.numbers.phone import Phone, parse_phone
from campaigns.numbers.phone_rules import PhoneRules

ROWS_SHOWN = 5
ROWS_PER_CHUNK = 2_000  # they stay in the processor's cache; with ten thousand a load took longer
DEFAULT_LIMITS = ListLimits()


@dataclass(frozen=True, slots=True)
class ContactList:
    """An open list; `header` tells how its columns were understood.

    Args:
        header_line: Where the header stands; lines before it are blank, or titles.
        notes: What was odd about the file as a whole, in words.
        zone: Of instants written without an offset.
        first_rows: A few, to be shown.
        teams: Tells which groups there are, and numbers teams.
    """

    source: ListSource
    header: Header
    header_line: int
    limits: ListLimits
    rules: PhoneRules
    zone: ZoneInfo
    first_rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    teams: TeamNumbers = field(default_factory=LooseTeams)

    def chunks(
        self,
        *,
        dedupe: Dedupe = Dedupe.FILE,
        others: OtherLists = NO_OTHER_LISTS,
        rows_per_chunk: int = ROWS_PER_CHUNK,
    ) -> Iterator[Chunk]:
        """Judge every row, from the beginning at each call; one call at a time.

        The same file, rules and answers give the same chunks.
        """
        judge = self._judge(self.teams)
        sieve = Sieve(self.header, dedupe=dedupe, others=others)
        rows = self._rows_but_the_header()
        rows_before = 0
        while batch := list(itertools.islice(rows, rows_per_chunk)):
            filled = [row for row in batch if not _is_blank(row)]
            remarks: list[Remark] = []
            verdicts = judge.judge_all(filled, first_no=rows_before + 1, remarks=remarks)
            rows_before += len(filled)
            contacts, rejected = _parted(verdicts)
            totals = [row for row in rejected if is_total_line(row.cells)]
            accepted, suppressed, duplicates = sieve.sift(contacts)
            if totals:
                rejected = [row for row in rejected if row not in totals]
            accepted_nos = {contact.row_no for contact in accepted} if remarks else set()
            yield Chunk(
                accepted=tuple(accepted),
                rejected=tuple(sorted(rejected + suppressed, key=lambda row: row.row_no)),
                duplicates=tuple(duplicates),
                warnings=(
                    *(remark for remark in remarks if remark.row_no in accepted_nos),
                    *map(remark_total, totals),
                ),
                blank=len(batch) - len(filled) + len(totals),
                share_read=self.source.share_read(batch[-1].line),
            )

    def require_clear(self) -> None:
        """Check that the columns of its numbers are known, and not only likely.

        Raises:
            ColumnsUnclear: They are suggested, and nobody has said yes to it.
        """
        columns = self.header.columns
        with _showing(columns, self.first_rows):
            try:
                require_clear(self.header, line=self.header_line)
            except CampaignFileError as error:
                tell_hidden(error, columns, self.source.hidden_columns)
                raise

    def preview(self) -> list[UnderstoodRow]:
        """Tell how the first rows are understood."""
        teams = LooseTeams()
        judge = self._judge(teams)
        return [
            understood(self.header, row, judge.judge(row, row_no=row_no, remarks=[]), teams)
            for row_no, row in enumerate(self.first_rows, start=1)
        ]

    def _judge(self, teams: TeamNumbers) -> RowJudge:
        return RowJudge(
            self.header, limits=self.limits, rules=self.rules, zone=self.zone, teams=teams
        )

    def _rows_but_the_header(self) -> Iterator[Row]:
        rows = self.source.rows()
        before = itertools.takewhile(lambda row: row.line != self.header_line, rows)
        return itertools.chain(filter(_is_blank, before), rows)


def open_list(
    file: BinaryIO,
    *,
    choice: ColumnChoice = NOTHING_SAID,
    memory: ColumnMemory = NO_MEMORY,
    limits: ListLimits = DEFAULT_LIMITS,
    rules: PhoneRules,
    zone: ZoneInfo,
    reading: ReadingChoice = AS_FOUND,
    workbooks: OpenWorkbook = open_workbook,
    teams: TeamNumbers | None = None,
) -> ContactList:
    """Open a list and understand its header.

    Args:
        file: Seekable, and left open; the list reads from it as long as it is used.
        memory: What is known of the columns of files like it.
        zone: Of instants written without an offset.
        reading: Where the list stands in the file, as far as a person says.
        workbooks: Opens a workbook.
        teams: Tells which groups there are, and numbers teams; None: any group is taken.

    Raises:
        CampaignFileError: The file as a whole cannot be used.
    """
    source = open_source(file, limits, reading=reading, workbooks=workbooks)
    try:
        understood_list = _understood(
            source,
            choice=choice,
            memory=memory,
            reading=reading,
            limits=limits,
            rules=rules,
            zone=zone,
        )
        return replace(understood_list, teams=teams or LooseTeams())
    except BaseException:
        source.close()
        raise


def _understood(
    source: ListSource,
    *,
    choice: ColumnChoice,
    memory: ColumnMemory,
    reading: ReadingChoice,
    limits: ListLimits,
    rules: PhoneRules,
    zone: ZoneInfo,
) -> ContactList:
    with contextlib.closing(source.rows()) as rows:
        filled = (row for row in rows if not _is_blank(row))
        first = list(itertools.islice(filled, LOOKED_AT + ROWS_SAMPLED))
    if not first:
        raise CampaignFileError("The file is empty: it has neither column names nor rows.")

    def understand(row: Row, below: Sequence[Row] = ()) -> Header:
        return understand_header(
            tell_apart(row.cells, below=[one.cells for one in below]).names,
            choice=choice,
            limits=limits,
            rules=rules,
            line=row.line,
            sample=[row.cells for row in below],
            memory=memory,
        )

    holds_number = partial(_holds_number, rules=rules)
    with _showing((), first):
        found = find_header(
            first[:LOOKED_AT],
            names_both=lambda row: _is_understood(row, understand),
            holds_number=holds_number,
            said=reading.header_line,
        )
    below = first[first.index(found.row) + 1 :][:ROWS_SAMPLED]
    named = tell_apart(found.row.cells, below=[row.cells for row in below])
    with _showing(*(((), first) if holds_number(found.row) else (named.names, below))):
        try:
            header = understand(found.row, below)
            check_not_doubled(header, named, choice, line=found.row.line)
        except CampaignFileError as error:
            tell_hidden(error, named.names, source.hidden_columns)
            raise
        check_not_hidden(header, source.hidden_columns, choice, line=found.row.line)
        if not below:
            raise CampaignFileError("The list has column names but no rows. Add rows below them.")
    notes = (*found.notes, *named.notes, *hidden_notes(header, source.hidden_columns))
    return ContactList(
        source, header, found.row.line, limits, rules, zone, tuple(below[:ROWS_SHOWN]), notes
    )


@contextlib.contextmanager
def _showing(names: Sequence[str], rows: Sequence[Row]) -> Iterator[None]:
    """Give a refusal what the file has, for a person who is to say what is meant."""
    try:
        yield
    except CampaignFileError as error:
        error.columns = tuple(filter(None, names))
        error.rows = tuple(tuple(row.cells) for row in rows[:ROWS_SHOWN])
        raise


def _is_understood(row: Row, understand: Callable[[Row], Header]) -> bool:
    try:
        return not understand(row).is_suggested
    except CampaignFileError:
        return False


def _holds_number(row: Row, rules: PhoneRules) -> bool:
    return any(isinstance(parse_phone(cell, rules), Phone) for cell in row.cells)


def _is_blank(row: Row) -> bool:
    # one look at its first cell tells it of most rows
    return not (row.cells and row.cells[0].strip()) and not "".join(row.cells).strip()


def _parted(verdicts: list[Contact | Rejected]) -> tuple[list[Contact], list[Rejected]]:
    rejected = [one for one in verdicts if isinstance(one, Rejected)]
    if not rejected:
        return cast("list[Contact]", verdicts), []
    return [one for one in verdicts if isinstance(one, Contact)], rejected
