"""An uploaded list: opened, understood, and judged row by row in file order, in bounded memory.

file ─▶ source (text, workbook) ─▶ rows ─▶ RowJudge ─▶ suppressed? ─▶ duplicate? ─▶ Chunk
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from zoneinfo import ZoneInfo

from campaigns.contact import Contact
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.columns import (
    NO_MEMORY,
    ROWS_SAMPLED,
    ROWS_SHOWN,
    ColumnMemory,
    Header,
    require_clear,
    understand_header,
)
from campaigns.lists.judged_rows import Chunk, Rejected, Remark
from campaigns.lists.open_file import OpenWorkbook, open_source
from campaigns.lists.preview import UnderstoodRow, understood
from campaigns.lists.row_judge import RowJudge
from campaigns.lists.sieve import NO_OTHER_LISTS, Dedupe, OtherLists, Sieve
from campaigns.lists.source import CampaignFileError, ListLimits, ListSource, Row
from campaigns.lists.workbook import open_workbook
from campaigns.numbers.phone_rules import PhoneRules

ROWS_PER_CHUNK = 500  # they stay in the processor's cache; with ten thousand a load took longer
BY_SYNONYMS = ColumnChoice()
DEFAULT_LIMITS = ListLimits()


@dataclass(frozen=True, slots=True)
class ContactList:
    """An open list; `header` tells how its columns were understood.

    Args:
        header_line: Where the header stands; lines before it are blank.
        zone: Of instants written without an offset.
        first_rows: A few, to be shown.
    """

    source: ListSource
    header: Header
    header_line: int
    limits: ListLimits
    rules: PhoneRules
    zone: ZoneInfo
    first_rows: tuple[Row, ...] = ()

    def chunks(
        self,
        *,
        dedupe: Dedupe = Dedupe.FILE,
        others: OtherLists = NO_OTHER_LISTS,
        rows_per_chunk: int = ROWS_PER_CHUNK,
    ) -> Iterator[Chunk]:
        """Judge every row, from the beginning at each call; one call at a time.

        The same file, rules and answers give the same chunks, so a load that broke off goes on
        by passing over the chunks it has stored.
        """
        judge = RowJudge(self.header, limits=self.limits, rules=self.rules, zone=self.zone)
        sieve = Sieve(self.header, dedupe=dedupe, others=others)
        rows = self._rows_but_the_header()
        rows_before = 0
        while batch := list(itertools.islice(rows, rows_per_chunk)):
            filled = [row for row in batch if not _is_blank(row)]
            remarks: list[Remark] = []
            verdicts = [
                judge.judge(row, row_no=row_no, remarks=remarks)
                for row_no, row in enumerate(filled, start=rows_before + 1)
            ]
            rows_before += len(filled)
            accepted, suppressed, duplicates = sieve.sift(
                [verdict for verdict in verdicts if isinstance(verdict, Contact)]
            )
            rejected = [verdict for verdict in verdicts if isinstance(verdict, Rejected)]
            accepted_nos = {contact.row_no for contact in accepted} if remarks else set()
            yield Chunk(
                accepted=tuple(accepted),
                rejected=tuple(sorted(rejected + suppressed, key=lambda row: row.row_no)),
                duplicates=tuple(duplicates),
                warnings=tuple(remark for remark in remarks if remark.row_no in accepted_nos),
                blank=len(batch) - len(filled),
                share_read=self.source.share_read(batch[-1].line),
            )

    def require_clear(self) -> None:
        """Check that the columns of its numbers are known, and not only likely.

        Raises:
            ColumnsUnclear: They are suggested, and nobody has said yes to it.
        """
        sample = [row.cells for row in self.first_rows]
        require_clear(self.header, line=self.header_line, sample=sample)

    def preview(self) -> list[UnderstoodRow]:
        """Tell how the first rows are understood."""
        judge = RowJudge(self.header, limits=self.limits, rules=self.rules, zone=self.zone)
        return [
            understood(self.header, row, judge.judge(row, row_no=row_no, remarks=[]))
            for row_no, row in enumerate(self.first_rows, start=1)
        ]

    def _rows_but_the_header(self) -> Iterator[Row]:
        rows = self.source.rows()
        blank_ones = itertools.takewhile(lambda row: row.line != self.header_line, rows)
        return itertools.chain(blank_ones, rows)


def open_list(
    file: BinaryIO,
    *,
    choice: ColumnChoice = BY_SYNONYMS,
    memory: ColumnMemory = NO_MEMORY,
    limits: ListLimits = DEFAULT_LIMITS,
    rules: PhoneRules,
    zone: ZoneInfo,
    workbooks: OpenWorkbook = open_workbook,
) -> ContactList:
    """Open a list and understand its header.

    Args:
        file: Seekable, and left open; the list reads from it as long as it is used.
        memory: What is known of the columns of files like it.
        zone: Of instants written without an offset.
        workbooks: Opens a workbook.

    Raises:
        CampaignFileError: The file as a whole cannot be used.
    """
    source = open_source(file, limits, workbooks=workbooks)
    with contextlib.closing(source.rows()) as rows:
        filled = (row for row in rows if not _is_blank(row))
        header_row = next(filled, None)
        first = list(itertools.islice(filled, ROWS_SAMPLED))
    if header_row is None:
        raise CampaignFileError("The file is empty: it has neither column names nor rows.")
    header = understand_header(
        header_row.cells,
        choice=choice,
        limits=limits,
        rules=rules,
        line=header_row.line,
        sample=[row.cells for row in first],
        memory=memory,
    )
    if not first:
        raise CampaignFileError("The list has column names but no rows. Add rows below them.")
    shown = tuple(first[:ROWS_SHOWN])
    return ContactList(source, header, header_row.line, limits, rules, zone, shown)


def _is_blank(row: Row) -> bool:
    # one look at its first cell tells it of most rows
    return not (row.cells and row.cells[0].strip()) and not "".join(row.cells).strip()
