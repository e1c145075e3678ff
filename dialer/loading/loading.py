"""Use case: an uploaded file becomes contacts of a campaign.

    file ─▶ private copy + hash ─▶ judged in chunks ─▶ stored block by block ─▶ committed
                                      └▶ rejected and duplicate rows, with line, code and reason

A load that broke off goes on at its last stored block when the same file is loaded again under
the same name: judging is repeatable, and a block that is already there is not written again.
"""

import contextlib
import gc
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any, BinaryIO, Self, cast
from zoneinfo import ZoneInfo

import numpy as np

from campaigns.campaign import LONGEST_NAME, CampaignState, is_name
from campaigns.campaign_rules import CampaignRules, names_in
from campaigns.custom_field import CustomFieldTemplate
from campaigns.lists.arranging import Arrangement
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.columns import ColumnMemory
from campaigns.lists.contact_list import ContactList, open_list
from campaigns.lists.diff import ListDiff
from campaigns.lists.external_ids import Fingerprints
from campaigns.lists.judged_rows import Chunk, Rejected, Summary, write_rejected
from campaigns.lists.sieve import Dedupe, Lookup, OtherLists, listed_nowhere
from campaigns.lists.source import AS_FOUND, CampaignFileError, Glimpse, ReadingChoice
from campaigns.numbers.phone_rules import PhoneRules
from dialer import failpoints
from dialer.agents.teams import ListedTeams
from dialer.call_request import check_call
from dialer.ids import new_campaign_id
from dialer.loading.comparing import arrangement_of, compare, remarks_in
from dialer.loading.contact_blocks import ContactBlocks, Interrupted
from dialer.loading.mending import keys_in, mended_rows
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.campaign import SameContent, WrongState
from dialer.store.column_choices import ColumnChoices
from dialer.store.contacts import Contacts, customers_of
from dialer.store.external_ids import bearers_of
from dialer.store.imports import Imports, LoadMark, Mended, RejectedRow
from dialer.store.suppressed import lists_with_numbers
from dialer.workbooks.apart import open_workbook_apart

log = get_logger(__name__)

_COPY_BYTES = 1 << 20
_MOST_GLIMPSED_BYTES = 5_000_000  # each glimpse reads the whole file once more
_MOST_GLIMPSES = 3
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_TAKE_NO_ROWS = {CampaignState.CANCELLING, CampaignState.CANCELLED}


class LoadRefused(Exception):
    """The file cannot be loaded under this name or into this campaign; says what to do."""


class StartRefused(Exception):
    """What is loaded would be dialled without anybody starting it, which whoever loads may not do."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or "its contacts would be called without anybody starting it, which takes the scope "
            "operate; pause the campaign first, or load it without a start time"
        )


class NameTaken(LoadRefused):
    """A campaign of this name was loaded from another file."""

    def __init__(self, campaign: Campaign) -> None:
        there_is = f"there is a campaign {campaign.name!r} already"
        if campaign.archived_at or campaign.state in _TAKE_NO_ROWS:
            stands = "archived" if campaign.archived_at else campaign.state
            super().__init__(f"{there_is}, and it is {stands}; choose another name")
        else:
            super().__init__(
                f"{there_is}, loaded from another file; choose another name, or append the "
                f"rows to campaign {campaign.id}"
            )
        self.campaign = campaign


class AlreadyLoaded(LoadRefused):
    """The very bytes are another campaign: the same people would be called twice."""

    def __init__(self, message: str, *, campaign_id: str = "", name: str = "") -> None:
        super().__init__(message)
        self.campaign_id = campaign_id
        self.name = name

    @classmethod
    def by(cls, campaign: Campaign) -> Self:
        """Name the campaign."""
        return cls(
            f"these bytes are already campaign {campaign.name!r} ({campaign.state}, loaded "
            f"{_day(campaign)}): the same people would be called twice. Load them again only if "
            "that is meant",
            campaign_id=campaign.id,
            name=campaign.name,
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file.

    Args:
        campaign: As it stands after it; None after a dry run.
        summary: Counts with examples.
        already: The same content was loaded here before: nothing was done.
        rejected_file: Rows not taken, with line, code and reason; None when there are none.
        same_content: Other campaigns of the very same bytes.
        mended: Rows of the campaign's rejected file that this file had again; they have left it.
    """

    campaign: Campaign | None
    summary: Summary
    contact_list: ContactList | None
    already: bool = False
    rejected_file: Path | None = None
    same_content: tuple[Campaign, ...] = ()
    mended: int = 0


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to read a file.

    Args:
        again: Its very bytes may be another campaign already.
        new_groups: Groups that no agent belongs to yet are taken; their contacts wait for agents.
        tags: Of a campaign that is made of it.
    """

    choice: ColumnChoice = field(default_factory=ColumnChoice)
    dedupe: Dedupe = Dedupe.ACTIVE
    again: bool = False
    reading: ReadingChoice = AS_FOUND
    new_groups: bool = False
    tags: tuple[str, ...] = ()


class Loading:
    """Loads files.

    Args:
        data_dir: Where private copies and rejected rows are kept.
    """

    def __init__(self, db: Database, *, phone_rules: PhoneRules, data_dir: Path) -> None:
        self._db = db
        self._phone_rules = phone_rules
        self._data_dir = data_dir
        self._campaigns = Campaigns(db)
        self._contacts = Contacts(db)
        self._choices = ColumnChoices(db)

    def load(
        self,
        file: BinaryIO,
        *,
        name: str,
        rules: CampaignRules,
        options: LoadOptions,
        may_start: bool = True,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> Loaded:
        """Load a file as a new campaign; the same content under the same name is loaded once.

        Args:
            may_start: Whoever loads may start calls.

        Raises:
            CampaignFileError: The file as a whole cannot be used.
            ColumnsUnclear: Nobody has said yes to the columns that are suggested.
            NameTaken: A campaign of this name was loaded from another file.
            AlreadyLoaded: Another campaign has this content.
            StartRefused: It would start by itself.
        """
        _check_name(name)
        _check_rules(rules)
        if rules.starts_at and not may_start:
            raise StartRefused
        with self._private_copy(file) as (private, content_hash):
            if not Imports(self._db).knows_import(self._campaigns.id_of(name), content_hash):
                check_end(self._db, rules)
            with self._open(private, rules, options, makes_teams=True) as contact_list:
                contact_list.require_clear()
                campaign = self._campaign_for(name, rules, contact_list, content_hash, options)
                self._remember(contact_list, options)
                return self._load_into(
                    campaign, contact_list, content_hash, options, on_progress, may_start=may_start
                )

    def append(
        self,
        file: BinaryIO,
        *,
        campaign: Campaign,
        options: LoadOptions,
        may_start: bool = True,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> Loaded:
        """Append a file's rows to a campaign; what is there is never touched.

        Raises:
            CampaignFileError: The file as a whole cannot be used.
            ColumnsUnclear: Nobody has said yes to the columns that are suggested.
            AlreadyLoaded: Another campaign has this content.
            LoadRefused: The campaign is over.
            StartRefused: It runs, or will by itself, and whoever appends may not start calls.
        """
        with self._private_copy(file) as (private, content_hash):
            if not Imports(self._db).knows_import(campaign.id, content_hash):
                check_end(self._db, campaign.rules)
            with self._open(
                private, campaign.rules, options, campaign=campaign, makes_teams=True
            ) as contact_list:
                contact_list.require_clear()
                if not options.again:
                    self._check_others(content_hash, campaign)
                self._remember(contact_list, options)
                return self._load_into(
                    campaign, contact_list, content_hash, options, on_progress, may_start=may_start
                )

    def compare(
        self, file: BinaryIO, *, campaign: Campaign, options: LoadOptions
    ) -> ListDiff | None:
        """Tell what a file would change in a campaign; writes nothing.

        Returns:
            None where this very content was loaded before, or is on its way in.

        Raises:
            CampaignFileError: The file as a whole cannot be used.
        """
        if Imports(self._db).knows_import(campaign.id, _hash_of(file)):
            return None
        with self._open(file, campaign.rules, options, campaign=campaign) as contact_list:
            return compare(self._db, campaign, contact_list, dedupe=options.dedupe)

    def check(
        self,
        file: BinaryIO,
        *,
        rules: CampaignRules,
        options: LoadOptions,
        campaign: Campaign | None = None,
        rejected: Path | None = None,
        on_progress: Callable[[float], None] = lambda _: None,
        on_chunk: Callable[[Chunk], None] = lambda _: None,
    ) -> Loaded:
        """Judge a file exactly as a load would, and write nothing to the store.

        Columns that are only suggested are taken as such; a load would not.

        Args:
            campaign: Where it is to be appended; None: to none.
            rejected: Where to write the rows that would not be taken; None: nowhere.
            on_chunk: Told every judged chunk of rows.
        """
        _check_rules(rules)
        check_end(self._db, rules)
        content_hash = _hash_of(file)
        with self._open(file, rules, options, campaign=campaign) as contact_list:
            summary = self._judged(
                contact_list,
                options,
                campaign=campaign,
                rejected=rejected,
                on_progress=on_progress,
                on_chunk=on_chunk,
            )
        others = self._campaigns.with_content(content_hash)
        same = tuple(one for one in others if campaign is None or one.id != campaign.id)
        return Loaded(None, summary, contact_list, same_content=same)

    def _judged(
        self,
        contact_list: ContactList,
        options: LoadOptions,
        *,
        campaign: Campaign | None,
        rejected: Path | None,
        on_progress: Callable[[float], None],
        on_chunk: Callable[[Chunk], None],
    ) -> Summary:
        summary = Summary()

        def not_taken() -> Iterator[Rejected]:
            for chunk in contact_list.chunks(
                dedupe=options.dedupe, others=self._others_seen(options, campaign)
            ):
                summary.add(chunk)
                on_chunk(chunk)
                on_progress(chunk.share_read)
                yield from chunk.not_taken

        with (rejected or Path(os.devnull)).open("w", encoding="utf-8", newline="") as out:
            out.writelines(write_rejected(contact_list.header.columns, not_taken(), bom=True))
        return summary

    def _others_seen(self, options: LoadOptions, campaign: Campaign | None) -> OtherLists:
        if campaign is None:
            return self._others(options, campaign=None)
        mark = LoadMark("", base=campaign.accepted, size=campaign.accepted)
        return self._others(options, campaign=campaign, mark=mark)

    def _check_others(self, content_hash: str, campaign: Campaign) -> None:
        for other in self._campaigns.with_content(content_hash):
            if other.id != campaign.id:
                raise AlreadyLoaded.by(other)

    def _remember(self, contact_list: ContactList, options: LoadOptions) -> None:
        """Remember what a person said of the columns, for files with the same ones."""
        if options.choice != ColumnChoice():
            self._choices.remember(contact_list.header.columns, _chosen(contact_list))

    @contextlib.contextmanager
    def _open(
        self,
        file: BinaryIO,
        rules: CampaignRules,
        options: LoadOptions,
        *,
        campaign: Campaign | None = None,
        makes_teams: bool = False,
    ) -> Iterator[ContactList]:
        phone_rules = PhoneRules(
            default_country=self._phone_rules.default_country,
            allowed_countries=self._phone_rules.allowed_countries,
            caller_id=rules.caller_id,
        )
        contact_list = open_list(
            file,
            choice=options.choice,
            memory=ColumnMemory(
                campaign.chosen if campaign and campaign.chosen.agent else None,
                self._choices.recall,
            ),
            rules=phone_rules,
            zone=ZoneInfo(rules.timezone),
            reading=options.reading,
            workbooks=open_workbook_apart,
            teams=ListedTeams(
                self._db,
                when_busy=rules.stand_in_when_busy,
                new_groups=options.new_groups,
                makes=makes_teams,
            ),
        )
        with contextlib.closing(contact_list.source):
            if rules.custom_field and campaign is None:
                _check_custom_field(rules.custom_field, contact_list)
            if campaign is None:
                _check_what_agents_see(rules, contact_list.header.columns)
            yield contact_list

    def glimpses(
        self,
        file: BinaryIO,
        error: CampaignFileError,
        *,
        rules: CampaignRules,
        options: LoadOptions,
        campaign: Campaign | None = None,
    ) -> tuple[Glimpse, ...]:
        """Tell what a file would be read as with each of the first answers to what is asked of it."""
        if not error.choices or file.seek(0, os.SEEK_END) > _MOST_GLIMPSED_BYTES:
            return ()
        found = []
        for answer in error.choices[:_MOST_GLIMPSES]:
            answered = replace(options, reading=options.reading.settled(error.choice, answer))
            try:
                with self._open(file, rules, answered, campaign=campaign) as one:
                    found.append(Glimpse(answer, one.header.columns, tuple(one.preview())))
            except CampaignFileError as problem:
                found.append(Glimpse(answer, problem.columns, problem=str(problem)))
        return tuple(found)

    @contextlib.contextmanager
    def _private_copy(self, file: BinaryIO) -> Iterator[tuple[BinaryIO, str]]:
        """Copy the upload, so that nobody changes it under us; gives it with its content's hash."""
        folder = self._data_dir / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".upload") as copy:
            while piece := file.read(_COPY_BYTES):
                digest.update(piece)
                copy.write(piece)
            copy.seek(0)
            # without its wrapper, which every line read would pass through
            yield cast("BinaryIO", copy.file), digest.hexdigest()

    def _campaign_for(
        self,
        name: str,
        rules: CampaignRules,
        contact_list: ContactList,
        content_hash: str,
        options: LoadOptions,
    ) -> Campaign:
        """Find or create the campaign to load into."""
        campaign_id = new_campaign_id()
        try:
            is_new = self._campaigns.create(
                campaign_id,
                name=name,
                rules=rules,
                columns=contact_list.header.columns,
                chosen=_chosen(contact_list),
                content_hash=content_hash,
                again=options.again,
                tags=options.tags,
            )
        except SameContent as error:
            raise AlreadyLoaded.by(error.campaign) from None
        if is_new:
            return self._campaigns.find(campaign_id)
        campaign = self._campaigns.find(name)
        if campaign.state is CampaignState.LOADING or Imports(self._db).has_imported(
            campaign.id, content_hash
        ):
            return campaign
        raise NameTaken(campaign)

    def _load_into(
        self,
        campaign: Campaign,
        contact_list: ContactList,
        content_hash: str,
        options: LoadOptions,
        on_progress: Callable[[float], None],
        *,
        may_start: bool,
    ) -> Loaded:
        if campaign.has_a_start_ahead and not may_start:
            raise StartRefused
        try:
            # asked in the same step: somebody may start it between our look and the first row
            mark = Imports(self._db).begin_loading(
                campaign.id, content_hash=content_hash, may_start=may_start
            )
        except WrongState as error:
            if error.state is CampaignState.RUNNING:
                raise StartRefused from None
            stands = "archived" if campaign.archived_at else error.state
            raise LoadRefused(f"campaign {campaign.name} is {stands}; load a new one") from None
        if mark is None:
            return _as_it_was(campaign)
        if mark.content_hash != content_hash:
            raise LoadRefused(
                f"another file is being loaded into campaign {campaign.name}; if that load broke "
                "off, run it again with the same file first"
            )
        # Rows that a load which broke off has stored keep the judgement they got then: the
        # suppression list and other campaigns may have changed since.
        stored = set(self._contacts.lines(campaign.id, after=mark.base, until=mark.size))
        summary = Summary(accepted=len(stored))
        chunks = contact_list.chunks(
            dedupe=options.dedupe, others=self._others(options, campaign=campaign, mark=mark)
        )
        arrangement = arrangement_of(contact_list, campaign)
        is_wider = arrangement.columns != campaign.columns
        file_blocks = _block_of(Imports(self._db).files(campaign.id), mark.base)
        try:
            with (
                _no_search_for_cycles(),
                ContactBlocks(
                    self._db,
                    campaign,
                    size=mark.size,
                    fingerprints=_fingerprints(contact_list, arrangement),
                ) as blocks,
            ):
                for number, judged in enumerate(chunks):
                    chunk = arrangement.chunk(_without(judged, stored))
                    if is_wider and (chunk.accepted or chunk.rejected):
                        self._campaigns.widen(campaign.id, arrangement.columns)
                        is_wider = False
                    blocks.add(chunk.accepted)
                    if chunk.not_taken or stored:
                        Imports(self._db).keep_rejected(
                            campaign.id, f"{file_blocks}-{number:06}", list(_rejected(chunk))
                        )
                    summary.add(chunk)
                    on_progress(chunk.share_read)
        except Interrupted:
            raise LoadRefused(self._why_interrupted(campaign)) from None
        mended = self._mended(campaign, contact_list, own=file_blocks)
        Imports(self._db).commit(
            campaign.id,
            counts={
                "rows": summary.rows,
                "accepted": summary.accepted,
                "rejected": summary.rejected,
                "duplicate": summary.duplicate,
            },
            entry={"hash": content_hash, "blank": summary.blank},
            mended=mended,
        )
        failpoints.reach("committed")
        log.info(
            "list_loaded",
            campaign_id=campaign.id,
            rows=summary.rows,
            accepted=summary.accepted,
            rejected=summary.rejected,
            duplicate=summary.duplicate,
        )
        return Loaded(
            self._campaigns.find(campaign.id),
            summary,
            contact_list,
            rejected_file=self._write_rejected(self._campaigns.find(campaign.id)),
            mended=mended.gone.get("rows", 0) if mended else 0,
        )

    def _mended(self, campaign: Campaign, contact_list: ContactList, *, own: str) -> Mended | None:
        found = remarks_in(contact_list, campaign.columns)
        if found is None:
            return None
        with contextlib.closing(contact_list.source.rows()) as rows:
            again = keys_in(rows, found.places)
        return mended_rows(Imports(self._db), campaign.id, again, own=own)

    def _why_interrupted(self, campaign: Campaign) -> str:
        state = self._campaigns.find(campaign.id).state
        if state in {CampaignState.CANCELLING, CampaignState.CANCELLED}:
            return f"campaign {campaign.name} was cancelled while the file was being loaded"
        return "the same file is being loaded twice at once; run one load"

    def _others(
        self, options: LoadOptions, *, campaign: Campaign | None, mark: LoadMark | None = None
    ) -> OtherLists:
        suppressed = partial(suppressed_among, self._db, campaign)
        external_ids: Lookup = listed_nowhere
        if campaign and mark and mark.base:
            external_ids = partial(self._borne, campaign, mark.base)
        if options.dedupe is Dedupe.NONE:
            return OtherLists(suppressed=suppressed, external_ids=external_ids)
        in_campaign = active = _Customers([])
        if campaign and mark and mark.base:
            in_campaign = _Customers([customers_of(self._db, campaign.id, size=mark.base)])
        if options.dedupe is Dedupe.ACTIVE:
            active = _Customers(
                [
                    customers_of(self._db, other.id, size=other.accepted)
                    for other in self._campaigns.unarchived()
                    if not other.state.is_over and (campaign is None or other.id != campaign.id)
                ]
            )
        return OtherLists(
            suppressed=suppressed, in_campaign=in_campaign, active=active, external_ids=external_ids
        )

    def _borne(self, campaign: Campaign, size: int, ids: Collection[str]) -> AbstractSet[str]:
        """Tell which external ids the first contacts of a campaign bear."""
        asked = list(ids)
        found = bearers_of(self._db, [(campaign.id, one) for one in asked])
        return {id_ for id_, one in zip(asked, found, strict=True) if one and one.n <= size}

    def _write_rejected(self, campaign: Campaign) -> Path | None:
        """Write all rows of a campaign that are not taken; a file with none is none."""
        folder = self._data_dir / "rejected"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_NOT_IN_FILE_NAMES.sub('-', campaign.name)}_{campaign.id}_rejected.csv"
        if not campaign.rejected + campaign.duplicate:
            path.unlink(missing_ok=True)
            return None
        part = path.with_suffix(".part")
        rows = (
            Rejected(row.line, 0, row.cells, row.code, None, "", row.message)
            for row in Imports(self._db).rejected_rows(campaign.id)
        )
        with part.open("w", encoding="utf-8", newline="") as out:
            out.writelines(write_rejected(campaign.columns, rows, bom=True))
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
        return path


def check_end(db: Database, rules: CampaignRules) -> None:
    """Check that a campaign's end has not come.

    Raises:
        LoadRefused: It has.
    """
    if rules.end_has_come(datetime.fromtimestamp(db.now(), UTC)):
        raise LoadRefused(
            "ends_at has passed, so nobody would be called; load a new campaign with a later one"
        )


def suppressed_among(
    db: Database, campaign: Campaign | None, numbers: Collection[str]
) -> AbstractSet[str]:
    """Tell which numbers are never to be called, by anybody or by a campaign."""
    lists = lists_with_numbers(db, campaign.id if campaign else None)
    if not numbers or not lists:
        return frozenset()
    listed = list(numbers)
    digits = [number[1:] for number in listed]
    found: set[str] = set()
    for one in lists:
        found.update(compress(listed, one.holds(digits)))
    return found


@contextlib.contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Let nobody look for unreachable cycles meanwhile.

    Judging makes tuples by the million and no cycle, but every few thousand of them set off a
    search through all there is: a third of a load's time. What else the process does in these
    seconds is searched afterwards.
    """
    was_searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_searched:
            gc.enable()


class _Customers:
    """Customers listed elsewhere: eight bytes each, sorted, so that a million cost 8 MB."""

    def __init__(self, lists: "Sequence[np.ndarray[Any, np.dtype[np.int64]]]") -> None:
        joined = np.concatenate(lists) if lists else np.empty(0, dtype=np.int64)
        self._numbers = np.unique(joined)

    def __call__(self, numbers: Collection[str]) -> AbstractSet[str]:
        if not self._numbers.size or not numbers:
            return frozenset()
        asked = list(numbers)
        wanted = np.array([int(number[1:]) for number in asked], dtype=np.int64)
        at = np.searchsorted(self._numbers, wanted)
        at[at == self._numbers.size] = 0
        found = self._numbers[at] == wanted
        return {number for number, is_listed in zip(asked, found, strict=True) if is_listed}


def _fingerprints(contact_list: ContactList, arrangement: Arrangement) -> Fingerprints:
    roles = {one.index: one.role for one in contact_list.header.matched}
    placed = {at: roles[place] for at, place in enumerate(arrangement.places) if place in roles}
    return Fingerprints(arrangement.columns, placed)


def _check_name(name: str) -> None:
    if not is_name(name):
        raise LoadRefused(f"a campaign's name has 1 to {LONGEST_NAME} printable characters")


def _check_rules(rules: CampaignRules) -> None:
    try:
        check_call(rules)
    except ValueError as error:
        raise LoadRefused(str(error)) from None


def _check_custom_field(template: str, contact_list: ContactList) -> None:
    try:
        CustomFieldTemplate.parse(template, contact_list.header.columns)
    except ValueError as error:
        raise LoadRefused(str(error)) from None


def _check_what_agents_see(rules: CampaignRules, columns: Sequence[str]) -> None:
    for one in names_in(rules.agent_sees):
        if one not in columns:
            raise LoadRefused(
                f"agents cannot see {one!r}: the columns are {', '.join(columns[:30])}"
            )


def _block_of(files: int, base: int) -> str:
    """Name the blocks of a file's rows that are not taken: files in their order, whatever they add.

    Those of a first file are named as they always were, so that a load goes on that broke off.
    """
    return f"{base:010}" if files == 0 else f"{base:010}-{files:06}"


def _chosen(contact_list: ContactList) -> ColumnChoice:
    header = contact_list.header
    name = header.name.column if header.name else None
    return ColumnChoice(header.agent.column, header.customer.column, name)


def _hash_of(file: BinaryIO) -> str:
    """Hash a file from its beginning, and go back there."""
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_COPY_BYTES):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def _day(campaign: Campaign) -> str:
    created_at = datetime.fromtimestamp(campaign.created_at, campaign.rules.zone)
    return f"{created_at:%Y-%m-%d}"


def _as_it_was(campaign: Campaign) -> Loaded:
    summary = Summary(
        accepted=campaign.accepted, rejected=campaign.rejected, duplicate=campaign.duplicate
    )
    return Loaded(campaign, summary, None, already=True)


def _without(chunk: Chunk, lines: AbstractSet[int]) -> Chunk:
    if not lines:
        return chunk
    return replace(
        chunk,
        accepted=tuple(one for one in chunk.accepted if one.source_line not in lines),
        rejected=tuple(one for one in chunk.rejected if one.line not in lines),
        duplicates=tuple(one for one in chunk.duplicates if one.line not in lines),
    )


def _rejected(chunk: Chunk) -> Iterator[RejectedRow]:
    for row in chunk.not_taken:
        yield RejectedRow(row.line, row.cells, row.code, row.message)
