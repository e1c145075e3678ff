"""A list's rows become contacts of a campaign that takes them, block by block, and are committed.

Whoever does it again, after a load that broke off, finds what is stored already and goes on behind it.
"""

import contextlib
import gc
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from campaigns.lists.arranging import Arrangement
from campaigns.lists.contact_list import ContactList
from campaigns.lists.external_ids import Fingerprints
from campaigns.lists.judged_rows import Chunk, Summary, write_rejected
from campaigns.lists.sieve import Dedupe
from dialer import failpoints
from dialer.file_set import FileSet
from dialer.loading.comparing import arrangement_of, remarks_in
from dialer.loading.contact_blocks import ContactBlocks, Interrupted
from dialer.loading.elsewhere import listed_elsewhere
from dialer.loading.mending import keys_in, mended_rows
from dialer.loading.refusing import LoadRefused
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.contacts import Contacts
from dialer.store.imports import Imports, LoadMark, Mended, RejectedRow
from dialer.threads import quick_handover

log = get_logger(__name__)

_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a list's rows; `mended` of the campaign's rejected ones have left its file."""

    summary: Summary
    mended: int


class Storing:
    """Stores one list in one campaign.

    Args:
        mark: Where the campaign stood when this load of the list began.
        is_indexed: Contacts get into the search index.
    """

    def __init__(
        self,
        db: Database,
        campaign: Campaign,
        contact_list: ContactList,
        mark: LoadMark,
        *,
        is_indexed: bool,
    ) -> None:
        self._db = db
        self._is_indexed = is_indexed
        self._imports = Imports(db)
        self._campaign = campaign
        self._contact_list = contact_list
        self._mark = mark
        self._own_blocks = _block_of(self._imports.files(campaign.id), mark.base)

    def store(self, *, dedupe: Dedupe, on_progress: Callable[[float], None]) -> Stored:
        """Store all rows, and commit them.

        Raises:
            LoadRefused: Somebody else loads the same, or cancelled the campaign.
        """
        try:
            with _no_search_for_cycles(), quick_handover():
                summary = self._store_rows(dedupe, on_progress)
        except Interrupted:
            raise LoadRefused(self._why_interrupted()) from None
        mended = self._mended()
        self._imports.commit(
            self._campaign.id,
            counts=summary.counts,
            entry={"hash": self._mark.content_hash, "blank": summary.blank},
            mended=mended,
        )
        failpoints.reach("committed")
        log.info("list_loaded", campaign_id=self._campaign.id, **summary.counts)
        return Stored(summary, mended.gone.get("rows", 0) if mended else 0)

    def _store_rows(self, dedupe: Dedupe, on_progress: Callable[[float], None]) -> Summary:
        campaign, mark = self._campaign, self._mark
        # Rows that a load which broke off has stored keep the judgement they got then: the
        # suppression list and other campaigns may have changed since.
        stored = set(Contacts(self._db).lines(campaign.id, after=mark.base, until=mark.size))
        summary = Summary(accepted=len(stored))
        self._imports.forget_rejected(campaign.id, self._own_blocks)
        others = listed_elsewhere(self._db, dedupe, campaign=campaign, size=mark.base)
        arrangement = arrangement_of(self._contact_list, campaign)
        is_wider = arrangement.columns != campaign.columns
        fingerprints = _fingerprints(self._contact_list, arrangement)
        with ContactBlocks(
            self._db,
            replace(campaign, columns=arrangement.columns),
            size=mark.size,
            fingerprints=fingerprints,
            is_indexed=self._is_indexed,
        ) as blocks:
            chunks = self._contact_list.chunks(dedupe=dedupe, others=others)
            for number, judged in enumerate(chunks):
                chunk = arrangement.chunk(_without(judged, stored))
                if is_wider and (chunk.accepted or chunk.rejected):
                    Campaigns(self._db).widen(campaign.id, arrangement.columns)
                    is_wider = False
                blocks.add(chunk.accepted)
                if chunk.not_taken:
                    self._imports.keep_rejected(
                        campaign.id, f"{self._own_blocks}-{number:06}", list(_rejected(chunk))
                    )
                summary.add(chunk)
                on_progress(chunk.share_read)
        return summary

    def _mended(self) -> Mended | None:
        found = remarks_in(self._contact_list, self._campaign.columns)
        if found is None:
            return None
        with contextlib.closing(self._contact_list.source.rows()) as rows:
            again = keys_in(rows, found.places)
        return mended_rows(self._imports, self._campaign.id, again, own=self._own_blocks)

    def _why_interrupted(self) -> str:
        if Campaigns(self._db).find(self._campaign.id).state.is_cancelled:
            return f"campaign {self._campaign.name} was cancelled while the file was being loaded"
        return "the same file is being loaded twice at once; run one load"


class RowsNotTaken(NamedTuple):
    """Where the rows of a campaign that are not taken stand.

    Args:
        file: None where there are none, or it could not be written; Redis has the rows as well.
        fault: Why it could not be written; '' where it was.
    """

    file: Path | None
    fault: str = ""


def write_not_taken(db: Database, campaign: Campaign, *, folder: Path) -> RowsNotTaken:
    """Write all rows of a campaign that are not taken into a file: whole, or not at all."""
    name = f"{_NOT_IN_FILE_NAMES.sub('-', campaign.name)}_{campaign.id}_rejected.csv"
    if not campaign.rejected + campaign.duplicate:
        (folder / name).unlink(missing_ok=True)
        return RowsNotTaken(None)
    try:
        with FileSet(folder) as files:
            with files.place(name).open("w", encoding="utf-8", newline="") as out:
                rows = Imports(db).rejected_rows(campaign.id)
                out.writelines(write_rejected(campaign.columns, rows, bom=True))
            files.publish()
    except OSError as error:
        # the list is loaded by then, and whoever is told that it failed would load it again
        log.warning("rejected_rows_not_written", campaign_id=campaign.id, message=str(error))
        return RowsNotTaken(None, f"{folder}: {error.strerror or error}")
    return RowsNotTaken(folder / name)


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


def _fingerprints(contact_list: ContactList, arrangement: Arrangement) -> Fingerprints:
    roles = {one.index: one.role for one in contact_list.header.matched}
    placed = {at: roles[place] for at, place in enumerate(arrangement.places) if place in roles}
    return Fingerprints(arrangement.columns, placed)


def _block_of(files: int, base: int) -> str:
    """Name the blocks of a file's rows that are not taken: files in their order, whatever they add.

    Those of a first file are named as they always were, so that a load goes on that broke off.
    """
    return f"{base:010}" if files == 0 else f"{base:010}-{files:06}"


def _without(chunk: Chunk, lines: Collection[int]) -> Chunk:
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
