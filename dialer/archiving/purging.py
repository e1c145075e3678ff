"""Use case: personal data is forgotten, in Redis, in archives and in files left behind.

The list of suppressed numbers stays: it is there to be obeyed. Reports and recordings written
into folders of their own are their owner's to remove.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from campaigns.numbers.same_phone import national_digits
from campaigns.sentence import told
from dialer.archiving.archive import Archive, alone_among
from dialer.archiving.archive_index import ArchiveIndex
from dialer.archiving.file_traces import (
    files_of,
    forget_files,
    number_pattern,
    rejected_of,
    remove,
)
from dialer.archiving.forgetting import EVERYBODY, is_needed, rejected_without, without
from dialer.clock import Sleep
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.file_set import plain_name
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.account import read_closed
from dialer.store.imports import Imports, RejectedRow
from dialer.store.record import PER_CHUNK
from dialer.store.removal import drop_orphans, mark_purged, replace_lines
from dialer.store.snapshot import ContactLine, contact_lines
from dialer.store.traces import Trace, counts_of_days, forget_traces, hosts, replicas, rewrite_files

log = get_logger(__name__)

_PASSING_FOLDERS = ("uploads", "rejected", "incoming", "reviews", "sending", "rehearsals")
"""Where files pass through the data folder."""


class Recordings(Protocol):
    """Removes recordings that were kept."""

    def campaign(self, campaign: str) -> int:
        """Remove all of a campaign's; gives how many.

        Raises:
            NotDone: Some may be there yet.
        """
        ...

    def attempts(self, attempts: Iterable[AttemptId]) -> int:
        """Remove those of some attempts, now or as soon as it can be; gives how many were now."""
        ...


class NotPurged(NotDone):
    """Personal data that is still needed."""


@dataclass(slots=True)
class Purged:
    """What was removed, or with a dry run would be.

    Args:
        campaigns: Names of those in which anything was.
        contacts: Of which a number or a cell was.
        attempts: Of which a number or a link to a recording was.
        rejected: Rows not taken.
        callbacks: Bodies of callbacks nobody could place.
        recordings: That were kept.
        archives: Folders written anew.
        files: In the data folder.
        kept: Contacts still to be dialled, which need their numbers.
        traces: Other places in Redis where something was removed.
        remains: Where something is left, why, and until when.
    """

    campaigns: list[str] = field(default_factory=list)
    contacts: int = 0
    attempts: int = 0
    rejected: int = 0
    callbacks: int = 0
    recordings: int = 0
    archives: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    remains: list[Trace] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Tell it in JSON's terms."""
        return asdict(self)

    @property
    def has_removed(self) -> bool:
        """Whether anything was there to be removed."""
        return bool(
            self.contacts
            or self.attempts
            or self.rejected
            or self.callbacks
            or self.files
            or self.traces
        )

    def note(self, before: Iterable[ContactLine], after: Iterable[ContactLine]) -> None:
        """Count what contacts lost."""
        for old, new in zip(before, after, strict=True):
            self.contacts += (old.record, old.row) != (new.record, new.row)
            self.attempts += sum(a != b for a, b in zip(old.attempts, new.attempts, strict=True))


class Purging:
    """Forgets.

    Args:
        archives: The folder of all archives.
        data_dir: Where files pass through.
        dry_run: Only tell what would be removed.
        journals: Drops what is over in the journals here, and tells what stays; see journal_traces.
        recordings: Removes those that were kept.
        sleep: How this process waits for Redis to write its file anew.
    """

    def __init__(
        self,
        db: Database,
        *,
        archives: Path,
        data_dir: Path,
        dry_run: bool,
        journals: Callable[..., list[Trace]],
        recordings: Recordings,
        sleep: Sleep,
    ) -> None:
        self._db = db
        self._sleep = sleep
        self._journals = journals
        self._recordings = recordings
        self._archives = archives
        self._data_dir = data_dir
        self._dry_run = dry_run
        self._campaigns = Campaigns(db)

    def campaign(self, campaign: Campaign) -> Purged:
        """Forget everybody in a campaign that is over.

        Raises:
            NotPurged: It is not over.
        """
        purged = Purged()
        self._forget_campaign(campaign, purged)
        purged.remains += counts_of_days(self._db)
        self._finish(purged, on=f"campaign {campaign.name} {campaign.id}")
        return purged

    def number(self, number: str) -> Purged:
        """Forget one number in all campaigns.

        Args:
            number: E.164 with its plus.
        """
        purged = Purged()
        for campaign in self._campaigns.all():
            self._forget(campaign, number, purged)
        holding = national_digits(number)
        purged.callbacks = drop_orphans(self._db, "", holding=holding, dry_run=self._dry_run)
        self._forget_traces(number_pattern(holding), purged)
        self._finish(purged, on=f"number {number}")
        log.info("number_purged", contacts=purged.contacts, kept=len(purged.kept))
        return purged

    def older_than(self, age_s: float) -> Purged:
        """Forget campaigns that ended so long ago, and files that were left behind as long."""
        before_s = self._db.now() - age_s
        purged = Purged()
        for campaign in self._campaigns.with_people():
            ended_at = campaign.ended_at or campaign.created_at
            if campaign.state.is_over and ended_at < before_s:
                self._forget_campaign(campaign, purged)
        for folder in _PASSING_FOLDERS:
            for path in sorted((self._data_dir / folder).glob("**/*")):
                if path.is_file() and path.stat().st_mtime < before_s:
                    self._remove(path, purged)
        purged.remains += counts_of_days(self._db)
        self._finish(purged, on=f"what ended {age_s / 86400:g} days ago")
        return purged

    def _forget_traces(self, pattern: "re.Pattern[bytes]", purged: Purged) -> None:
        """Forget a number wherever else it stands; what a contact still needs stays."""

        def holds(text: bytes) -> bool:
            return pattern.search(text) is not None

        dry_run = self._dry_run
        gone, left = forget_traces(self._db, holds, dry_run=dry_run or bool(purged.kept))
        (purged.remains if purged.kept else purged.traces).extend(gone)
        purged.remains += left
        files, left = forget_files(self._data_dir, holds, dry_run=dry_run)
        purged.files += [one for one in files if one not in purged.files]
        purged.remains += left
        is_held = bool(read_closed(self._db).hold)
        purged.remains += self._journals(
            holds, now_s=self._db.now(), may_drop=not (dry_run or is_held)
        )

    def _finish(self, purged: Purged, *, on: str) -> None:
        """Have Redis forget what its files still hold, and name what nobody here can look at."""
        here = {one.read_text() for one in (self._data_dir / "journal").glob("*/identity")}
        for identity, host in hosts(self._db).items():
            if identity not in here:
                why = told(
                    "its journal is on its own disk; it drops what it sent once that is over"
                )
                purged.remains.append(Trace(f"host {host}", 0, why))
        copies = replicas(self._db.client)
        if copies is None or copies:
            why = told("their files are written anew by themselves: send each BGREWRITEAOF")
            if not copies:
                why = told("Redis does not tell whether there are any; {why}", why=why)
            purged.remains.append(Trace("replicas of Redis", copies or 0, why))
        is_to_write = purged.has_removed and not self._dry_run
        if is_to_write and (undone := rewrite_files(self._db.client, sleep=self._sleep)):
            purged.remains.append(
                Trace("the file of Redis", 0, told("{why}; send BGREWRITEAOF", why=undone))
            )
        counted = ("contacts", "attempts", "rejected", "callbacks", "recordings")
        counts = {name: getattr(purged, name) for name in counted}
        lists = ("campaigns", "archives", "files", "traces", "kept", "remains")
        tell(on=on, after=counts | {name: len(getattr(purged, name)) for name in lists})

    def _forget_campaign(self, campaign: Campaign, purged: Purged) -> None:
        if not campaign.state.is_over:
            raise NotPurged(
                told(
                    "campaign {name} is {state}; cancel it before its numbers go",
                    name=campaign.name,
                    state=told(campaign.state),
                )
            )
        kept_before = len(purged.kept)
        self._forget(campaign, EVERYBODY, purged)
        purged.callbacks += drop_orphans(self._db, campaign.id, dry_run=self._dry_run)
        if not self._dry_run:
            purged.recordings += self._recordings.campaign(campaign.id)
        if not self._dry_run and len(purged.kept) == kept_before:  # else one was opened meanwhile
            mark_purged(self._db, campaign.id)
        log.info("campaign_purged", campaign_id=campaign.id)

    def _forget(self, campaign: Campaign, number: str, purged: Purged) -> None:
        before = (purged.contacts, purged.attempts, purged.rejected)
        rejected_before = purged.rejected
        if campaign.archived_at is None:
            self._forget_in_redis(campaign, number, purged)
            campaign = self._campaigns.find(campaign.id)  # it may have been archived meanwhile
        if campaign.archived_at is not None:
            with alone_among(
                self._archives
            ):  # or whom another purge takes out would be written back
                self._forget_in_archive(campaign, number, purged)
        if before != (purged.contacts, purged.attempts, purged.rejected):
            purged.campaigns.append(campaign.name)
        if purged.rejected > rejected_before:
            self._remove_rejected_file(campaign, purged)
        if number == EVERYBODY:
            self._remove_files_of(campaign, purged)

    def _forget_in_redis(self, campaign: Campaign, number: str, purged: Purged) -> None:
        lines = contact_lines(self._db, campaign.id, size=campaign.accepted)
        for _, chunk in groupby(lines, key=lambda line: (line.n - 1) // PER_CHUNK):
            before = list(chunk)
            after = [without(line, number) for line in before]
            while not self._write(campaign, before, after):
                # a late value or an append came in between
                before = list(self._read_again(campaign, before))
                after = [without(line, number) for line in before]
            purged.note(before, after)
            self._forget_recordings(before, after, number, purged)
            purged.kept += (f"{campaign.id}-{one.n}" for one in before if is_needed(one, number))
        for block, rows in Imports(self._db).rejected_blocks(campaign.id):
            kept = [rejected_without(row, number) for row in rows]
            purged.rejected += _differing(rows, kept)
            if kept != rows and not self._dry_run:
                Imports(self._db).keep_rejected(campaign.id, block, kept)

    def _forget_recordings(
        self,
        before: Sequence[ContactLine],
        after: Sequence[ContactLine],
        number: str,
        purged: Purged,
    ) -> None:
        """Remove those of attempts that were forgotten, once nothing leads to them any more."""
        forgotten = [
            was.id
            for old, new in zip(before, after, strict=True)
            for was, one in zip(old.attempts, new.attempts, strict=True)
            if was != one and was.attempt.recording_url
        ]
        if number != EVERYBODY and not self._dry_run:  # else they go together
            purged.recordings += self._recordings.attempts(forgotten)

    def _write(
        self, campaign: Campaign, before: Sequence[ContactLine], after: Sequence[ContactLine]
    ) -> bool:
        if self._dry_run or before == after:
            return True
        return replace_lines(self._db, campaign.id, before, after)

    def _read_again(
        self, campaign: Campaign, chunk: Sequence[ContactLine]
    ) -> Iterator[ContactLine]:
        first = chunk[0].n
        size = self._campaigns.find(campaign.id).accepted
        last = min(first + PER_CHUNK - 1, size)
        return contact_lines(self._db, campaign.id, size=last, after=first - 1)

    def _forget_in_archive(self, campaign: Campaign, number: str, purged: Purged) -> None:
        archive = Archive.of(campaign, self._archives)
        here = Purged()
        for line in archive.contacts():
            after = without(line, number)
            here.note([line], [after])
            self._forget_recordings([line], [after], number, purged)
        rejected = list(archive.rejected())
        kept = [rejected_without(row, number) for row in rejected]
        here.rejected = _differing(rejected, kept)
        if not (here.contacts or here.attempts or here.rejected):
            return
        purged.contacts += here.contacts
        purged.attempts += here.attempts
        purged.rejected += here.rejected
        purged.archives.append(str(archive.folder))
        if not self._dry_run:
            index = ArchiveIndex(self._archives)
            index.forget(
                campaign.id
            )  # before, as we may be killed, and after, as somebody may search
            contacts = (without(line, number) for line in archive.contacts())
            archive.write(contacts, kept, replace(archive.card(), purged_at=self._db.now()))
            index.forget(campaign.id)

    def _remove_rejected_file(self, campaign: Campaign, purged: Purged) -> None:
        for path in rejected_of(self._data_dir, campaign.id):
            self._remove(path, purged)

    def _remove_files_of(self, campaign: Campaign, purged: Purged) -> None:
        """Remove uploads that were made into a campaign, and its reports in the data folder."""
        for path in files_of(self._data_dir, campaign.id, name=plain_name(campaign.name)):
            purged.files.append(str(path))
            if not self._dry_run:
                remove(path)

    def _remove(self, path: Path, purged: Purged) -> None:
        purged.files.append(str(path))
        if not self._dry_run:
            path.unlink(missing_ok=True)


def _differing(before: Sequence[RejectedRow], after: Sequence[RejectedRow]) -> int:
    return sum(old != new for old, new in zip(before, after, strict=True))
