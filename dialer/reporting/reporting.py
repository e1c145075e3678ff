"""Use case: a campaign's report files, written whole or not at all.

contacts ──one pass──▶ attempts, contacts, unresolved   (a batch of rows at a time)
    └──────counted──▶ figures ──sums hold?──▶ summary, by_…, kpis, HTML ──▶ renamed into place
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from campaigns.events import EventsTold
from campaigns.lists.judged_rows import NotTakenRow
from campaigns.numbers.mask import NO_MASK, Mask, NumberMask
from campaigns.reports.does_not_add_up import DoesNotAddUp
from campaigns.reports.figures import Counting
from campaigns.reports.occupancy import NOBODY_TOLD, Presences
from campaigns.reports.report import Report, make_report
from campaigns.reports.subject import Pace, Subject
from campaigns.reports.sums import Identity, contact_fault, differences, identities
from dialer.file_set import FileSet, plain_name
from dialer.ids import ContactId
from dialer.reporting.cells import figures_columns
from dialer.reporting.files import Format, TableFiles
from dialer.reporting.rows import ContactBatch, ContactRows, digits_of, orphan_row
from dialer.reporting.tables import (
    ALL_KINDS,
    STREAMED_KINDS,
    WHOLE,
    Kind,
    Layout,
    table,
)
from dialer.reporting.xlsx_file import Workbook
from dialer.store.callback_inbox import Orphan
from dialer.store.campaign import Campaign
from dialer.store.snapshot import ContactLine
from dialer.threads import OneBehind, quick_handover


@dataclass(frozen=True, slots=True)
class ReportInput:
    """What a report is made of; each part is read once, from its beginning.

    Args:
        campaign: As read before the contacts.
        contacts: Every accepted one, in the file's order.
        rejected: Every row not taken, duplicates included.
        input_hashes: SHA-256 of each file loaded, in order.
        orphans: Callbacks for this campaign that belong to no call we know.
        next_looks: When the provider is next asked, by attempt id, epoch s.
        account: What the rows call the account; '' where the installation has one, and they don't.
        presences: Tells when agents were there until an instant, epoch s.
        told: Asked how often its ends were told of, before the contacts are read and again after.
    """

    campaign: Campaign
    contacts: Iterable[ContactLine]
    rejected: Iterable[NotTakenRow]
    input_hashes: tuple[str, ...]
    pace: Pace
    orphans: Iterable[Orphan] = ()
    next_looks: Mapping[str, float] = field(default_factory=dict)
    account: str = ""
    told: Callable[[], EventsTold | None] = lambda: None
    presences: Callable[[float], Presences] = lambda _: NOBODY_TOLD


@dataclass(frozen=True, slots=True)
class ReportSet:
    """What was written.

    Args:
        report: The figures, and the sums, all of which hold.
    """

    files: tuple[Path, ...]
    report: Report

    @property
    def sums(self) -> tuple[Identity, ...]:
        """The sums that were checked; all hold."""
        return self.report.identities

    @property
    def is_final(self) -> bool:
        """Nothing in it can change any more."""
        return self.report.is_final


def write_reports(
    source: ReportInput,
    out: Path,
    *,
    as_of: datetime,
    kinds: Sequence[Kind] = ALL_KINDS,
    formats: Collection[Format] = (Format.CSV,),
    apart: Collection[Kind] = ALL_KINDS,
    raw: bool = False,
    bom: bool = False,
    text_numbers: bool = False,
    mask: NumberMask = NO_MASK,
    render_html: Callable[[Report], str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ReportSet:
    """Write a campaign's report.

    Args:
        out: The folder; made where there is none.
        kinds: The tables of it.
        formats: CSV and Parquet have a file a table, a workbook has a sheet a table.
        apart: Those of the tables that CSV and Parquet are written of.
        as_of: Stands in the names; equal states and instants give equal bytes.
        raw: Leave cells as uploaded, even those a spreadsheet program would run; the names say so.
        bom: Begin CSV files with a byte order mark, for Excel.
        text_numbers: Write numbers in CSV so that a spreadsheet program keeps all their digits.
        render_html: Makes the page, where HTML is among the formats.
        on_progress: Told contacts read so far and all there are.

    Raises:
        DoesNotAddUp: A sum does not hold. Nothing was written.
        OSError: The disk is full, for one. What stood there before still does.
    """
    campaign = source.campaign
    zone = campaign.rules.zone
    as_of = as_of.astimezone(zone)
    layout = Layout(zone=zone, raw=raw, bom=bom, text_numbers=text_numbers)

    def stem(kind: str) -> str:
        return file_stem(campaign, kind, as_of, raw=raw, mask=mask.mask)

    with quick_handover(), FileSet(out) as files, ExitStack() as stack:
        behind = OneBehind()
        stack.callback(behind.end)
        book = None
        if Format.XLSX in formats:
            place = files.place(f"{stem(kinds[0] if len(kinds) == 1 else WHOLE)}.xlsx")
            book = Workbook(place, zone=zone, raw=raw, as_of=as_of, kinds=kinds)
            stack.enter_context(book)
        tables: dict[Kind, TableFiles] = {}
        for kind in kinds:
            tables[kind] = stack.enter_context(
                TableFiles(
                    files,
                    stem(kind),
                    table(
                        kind,
                        campaign.columns,
                        tells_account=bool(source.account),
                        name_at=campaign.name_at,
                    ),
                    layout,
                    formats=formats if kind in apart else (),
                    book=book,
                )
            )
        report = _pour(
            source, tables, mask=mask, as_of=as_of, on_progress=on_progress, behind=behind
        )
        for kind in tables.keys() - STREAMED_KINDS:
            tables[kind].write(figures_columns(report, table(kind, ())))
        for one in tables.values():
            one.close()
        if book:
            book.close()
        if render_html and Format.HTML in formats:
            files.place(f"{stem(WHOLE)}.html").write_text(render_html(report), encoding="utf-8")
        return ReportSet(files.publish(), report)


def _pour(
    source: ReportInput,
    tables: Mapping[Kind, TableFiles],
    *,
    mask: NumberMask,
    as_of: datetime,
    on_progress: Callable[[int, int], None] | None,
    behind: OneBehind,
) -> Report:
    """Read everything once: rows into the files, counts into the report."""
    campaign = source.campaign
    own_columns = len(campaign.columns)
    rows = ContactRows(campaign.id, own_columns=own_columns, mask=mask, account=source.account)
    book = _Book(campaign, source.account, source.presences(as_of.timestamp()), behind)
    attempts, contacts, unresolved, rejected = (tables.get(kind) for kind in _POURED)
    as_of_s = as_of.timestamp()
    told = source.told() if campaign.state.is_over else None

    # An append may add to both lists while we read; what it adds is not in our sums yet.
    for lines in _batches(islice(source.contacts, campaign.accepted)):
        batch = ContactBatch(lines)
        book.add(batch)
        of_contacts = rows.contacts(batch)
        if contacts:
            contacts.write(of_contacts)
        if attempts:
            attempts.write(rows.attempts(batch, of_contacts))
        if unresolved:
            unresolved.extend(rows.unresolved(batch, as_of_s=as_of_s, next_looks=source.next_looks))
        if on_progress and lines[-1].n < campaign.accepted:
            on_progress(lines[-1].n, campaign.accepted)
    if unresolved:
        unresolved.extend(orphan_row(orphan, as_of_s=as_of_s) for orphan in source.orphans)
    not_taken = islice(source.rejected, campaign.rejected + campaign.duplicate)
    for row in not_taken:
        book.not_taken += 1
        if rejected:
            rejected.extend([rows.rejected(row)])
    if on_progress:
        on_progress(campaign.accepted, campaign.accepted)
    return book.close(
        input_hashes=source.input_hashes,
        as_of=as_of,
        pace=source.pace,
        told=told if told == source.told() else None,  # else it was opened again meanwhile
        name_agent=lambda number: mask.number(digits_of(number)),
    )


_POURED = (Kind.ATTEMPTS, Kind.CONTACTS, Kind.UNRESOLVED, Kind.REJECTED)


def _batches(contacts: Iterable[ContactLine]) -> Iterator[list[ContactLine]]:
    """Take as many contacts at a time as make a batch of rows, their attempts counted too."""
    batch: list[ContactLine] = []
    rows = 0
    for line in contacts:
        batch.append(line)
        rows += 1 + len(line.attempts)
        if rows >= _BATCH:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


_BATCH = 5_000


class _Book:
    """Counts a campaign as it goes by, and notes what does not fit.

    Args:
        behind: Attempts are counted there while their rows are made.
    """

    def __init__(
        self, campaign: Campaign, account: str, presences: Presences, behind: OneBehind
    ) -> None:
        self._behind = behind
        self._campaign = campaign
        self._account = account
        self._counting = Counting(campaign.rules.zone, presences)
        self._charged = 0
        self._next_n = 1
        self._faults: dict[str, str] = {}
        self.not_taken = 0

    def add(self, batch: ContactBatch) -> None:
        """Count contacts."""
        records = batch.records
        counted = (records["state"], records["outcome"], batch.kept, batch.attempts)
        self._behind.do(self._counting.add, *counted)
        self._charged += sum(records["charged"])
        self._note_faults(batch)
        self._next_n = batch.numbers[-1] + 1

    def _note_faults(self, batch: ContactBatch) -> None:
        """Judge contacts that are alike once: thousands are of a few kinds."""
        judged = [batch.records[name] for name in ("state", "outcome", "made", "charged")]
        kinds = [*zip(*judged, batch.outcomes(), strict=True)]
        faults = {
            kind: contact_fault(state, end, outcomes, made=made, charged=charged)
            for kind in set(kinds)
            for state, end, made, charged, outcomes in [kind]
        }
        expected = range(self._next_n, self._next_n + len(kinds))
        if not any(faults.values()) and batch.numbers == [*expected]:
            return
        next_n = self._next_n
        for n, kind in zip(batch.numbers, kinds, strict=True):
            if fault := faults[kind]:
                self._note(n, fault)
            if n != next_n:
                self._note(next_n, "missing")
            next_n = n + 1

    def close(
        self,
        *,
        input_hashes: tuple[str, ...],
        as_of: datetime,
        pace: Pace,
        told: EventsTold | None,
        name_agent: Callable[[str], str],
    ) -> Report:
        """Make the report, if all adds up."""
        self._behind.wait()
        campaign = self._campaign
        subject = Subject(
            campaign=campaign.name,
            campaign_id=campaign.id,
            state=campaign.state,
            as_of=as_of,
            zone=campaign.rules.zone,
            input_hashes=input_hashes,
            rows=campaign.rows,
            accepted=campaign.accepted,
            rejected=campaign.rejected,
            duplicate=campaign.duplicate,
            pace=pace,
            in_part=campaign.in_part,
            account=self._account,
        )
        figures = self._counting.figures()
        sums = identities(
            subject, figures, charged=self._charged, not_taken=self.not_taken, told=told
        )
        wrong = [*differences(sums), *(f"{one}: {why}" for one, why in self._faults.items())]
        if wrong:
            raise DoesNotAddUp(wrong, contacts=tuple(self._faults))
        return make_report(subject, figures, sums, name_agent=name_agent)

    def _note(self, n: int, fault: str) -> None:
        if len(self._faults) < _MOST_NAMED:
            self._faults[str(ContactId(self._campaign.id, n))] = fault


_MOST_NAMED = 20


def file_stem(
    campaign: Campaign, kind: str, as_of: datetime, *, raw: bool = False, mask: Mask = Mask.NONE
) -> str:
    """Name a report's files. A name that had to be mended brings the id, so that no two meet."""
    name = plain_name(campaign.name)
    if name != campaign.name:
        name = f"{name}-{campaign.id}"
    marks = ("_raw" if raw else "") + ("" if mask is Mask.NONE else f"_{mask}")
    return f"{name}_{kind}_{as_of.astimezone(campaign.rules.zone):%Y%m%dT%H%M%S%z}{marks}"
