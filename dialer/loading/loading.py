"""Use case: an uploaded file becomes contacts of a campaign.

    file ─▶ private copy + hash ─▶ judged in chunks ─▶ stored block by block ─▶ committed
                                      └▶ rejected and duplicate rows, with line, code and reason

A load that broke off goes on at its last stored block when the same file is loaded again under
the same name: judging is repeatable, and a block that is already there is not written again.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.column_choice import NOTHING_SAID, ColumnChoice
from campaigns.lists.columns import ColumnMemory
from campaigns.lists.contact_list import ContactList, open_list
from campaigns.lists.diff import ListDiff
from campaigns.lists.judged_rows import Chunk, Rejected, Summary, write_rejected
from campaigns.lists.sieve import Dedupe
from campaigns.lists.source import AS_FOUND, CampaignFileError, Glimpse, ReadingChoice
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import told
from dialer.agents.teams import ListedTeams
from dialer.ids import new_campaign_id
from dialer.loading.comparing import compare
from dialer.loading.elsewhere import listed_elsewhere
from dialer.loading.refusing import (
    AlreadyLoaded,
    LoadRefused,
    NameTaken,
    StartRefused,
    check_columns,
    check_end,
    check_name,
    check_rules,
)
from dialer.loading.storing import RowsNotTaken, Storing, write_not_taken
from dialer.loading.uploads import hash_of, private_copy
from dialer.store import Campaign, Campaigns, Database
from dialer.store.campaign import SameContent, WrongState
from dialer.store.column_choices import ColumnChoices
from dialer.store.imports import Imports, LoadMark
from dialer.workbooks.apart import open_workbook_apart

_MOST_GLIMPSED_BYTES = 5_000_000  # each glimpse reads the whole file once more
_MOST_GLIMPSES = 3


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file.

    Args:
        campaign: As it stands after it; None after a dry run.
        summary: Counts with examples.
        already: The same content was loaded here before: nothing was done.
        rejected_file: Rows not taken, with line, code and reason; None when there are none.
        rejected_fault: Why there are some and no file; '' otherwise.
        same_content: Other campaigns of the very same bytes.
        mended: Rows of the campaign's rejected file that this file had again; they have left it.
    """

    campaign: Campaign | None
    summary: Summary
    contact_list: ContactList | None
    already: bool = False
    rejected_file: Path | None = None
    rejected_fault: str = ""
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
        is_indexed: Contacts get into the search index.
    """

    def __init__(
        self, db: Database, *, phone_rules: PhoneRules, data_dir: Path, is_indexed: bool = True
    ) -> None:
        self._db = db
        self._is_indexed = is_indexed
        self._phone_rules = phone_rules
        self._data_dir = data_dir
        self._campaigns = Campaigns(db)
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
        check_name(name)
        check_rules(rules)
        if rules.starts_at and not may_start:
            raise StartRefused
        known_id = self._campaigns.id_of(name)
        with self._taken_in(file, known_id, rules, options) as (contact_list, content_hash):
            campaign = self._campaign_for(name, rules, contact_list, content_hash, options)
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
        with self._taken_in(file, campaign.id, campaign.rules, options, campaign=campaign) as (
            contact_list,
            content_hash,
        ):
            if not options.again:
                self._check_others(content_hash, campaign)
            return self._load_into(
                campaign, contact_list, content_hash, options, on_progress, may_start=may_start
            )

    @contextlib.contextmanager
    def _taken_in(
        self,
        file: BinaryIO,
        campaign_id: str,
        rules: CampaignRules,
        options: LoadOptions,
        *,
        campaign: Campaign | None = None,
    ) -> Iterator[tuple[ContactList, str]]:
        """Copy a file, and open the list in it, whose columns are clear; gives its hash as well."""
        with private_copy(file, folder=self._data_dir / "uploads") as (private, content_hash):
            if not Imports(self._db).knows_import(campaign_id, content_hash):
                check_end(self._db, rules)
            with self._open(
                private, rules, options, campaign=campaign, makes_teams=True
            ) as contact_list:
                contact_list.require_clear()
                yield contact_list, content_hash

    def compare(
        self, file: BinaryIO, *, campaign: Campaign, options: LoadOptions
    ) -> ListDiff | None:
        """Tell what a file would change in a campaign; writes nothing.

        Returns:
            None where this very content was loaded before, or is on its way in.

        Raises:
            CampaignFileError: The file as a whole cannot be used.
        """
        if Imports(self._db).knows_import(campaign.id, hash_of(file)):
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
        check_rules(rules)
        check_end(self._db, rules)
        content_hash = hash_of(file)
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
        others = listed_elsewhere(
            self._db,
            options.dedupe,
            campaign=campaign,
            size=campaign.accepted if campaign else 0,
        )

        def not_taken() -> Iterator[Rejected]:
            for chunk in contact_list.chunks(dedupe=options.dedupe, others=others):
                summary.add(chunk)
                on_chunk(chunk)
                on_progress(chunk.share_read)
                yield from chunk.not_taken

        with (rejected or Path(os.devnull)).open("w", encoding="utf-8", newline="") as out:
            out.writelines(write_rejected(contact_list.header.columns, not_taken(), bom=True))
        return summary

    def _check_others(self, content_hash: str, campaign: Campaign) -> None:
        for other in self._campaigns.with_content(content_hash):
            if other.id != campaign.id:
                raise AlreadyLoaded.by(other)

    def _remember(self, contact_list: ContactList, options: LoadOptions) -> None:
        """Remember what a person said of the columns, for files with the same ones."""
        if options.choice != NOTHING_SAID:
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
        contact_list = open_list(
            file,
            choice=options.choice,
            memory=ColumnMemory(
                campaign.chosen if campaign and campaign.chosen.agent else None,
                self._choices.recall,
            ),
            rules=replace(self._phone_rules, caller_id=rules.caller_id),
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
            if campaign is None:
                check_columns(rules, contact_list.header.columns)
            yield contact_list

    def glimpses(
        self,
        file: BinaryIO,
        error: CampaignFileError,
        *,
        rules: CampaignRules,
        options: LoadOptions,
        campaign: Campaign | None,
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
        self._remember(contact_list, options)
        mark = self._begin(campaign, content_hash, may_start=may_start)
        if mark is None:
            return self._as_it_was(campaign)
        storing = Storing(self._db, campaign, contact_list, mark, is_indexed=self._is_indexed)
        stored = storing.store(dedupe=options.dedupe, on_progress=on_progress)
        campaign = self._campaigns.find(campaign.id)
        not_taken = self._write_not_taken(campaign)
        return Loaded(
            campaign,
            stored.summary,
            contact_list,
            rejected_file=not_taken.file,
            rejected_fault=not_taken.fault,
            mended=stored.mended,
        )

    def _write_not_taken(self, campaign: Campaign) -> RowsNotTaken:
        return write_not_taken(self._db, campaign, folder=self._data_dir / "rejected")

    def _as_it_was(self, campaign: Campaign) -> Loaded:
        """Tell of a campaign that has this content; its rows that are not taken may want a file yet."""
        summary = Summary(
            accepted=campaign.accepted, rejected=campaign.rejected, duplicate=campaign.duplicate
        )
        is_here = campaign.archived_at is None and campaign.purged_at is None
        not_taken = self._write_not_taken(campaign) if is_here else RowsNotTaken(None)
        return Loaded(
            campaign,
            summary,
            None,
            already=True,
            rejected_file=not_taken.file,
            rejected_fault=not_taken.fault,
        )

    def _begin(self, campaign: Campaign, content_hash: str, *, may_start: bool) -> LoadMark | None:
        """Mark that this content is being loaded; None: it was loaded to its end before."""
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
            stands = told("archived") if campaign.archived_at else told(error.state)
            raise LoadRefused(
                told("campaign {name} is {state}; load a new one", name=campaign.name, state=stands)
            ) from None
        if mark and mark.content_hash != content_hash:
            raise LoadRefused(
                told(
                    "another file is being loaded into campaign {name}; if that load broke off, "
                    "run it again with the same file first",
                    name=campaign.name,
                )
            )
        return mark


def _chosen(contact_list: ContactList) -> ColumnChoice:
    header = contact_list.header
    name = header.name.column if header.name else None
    return ColumnChoice(header.agent.column, header.customer.column, name)
