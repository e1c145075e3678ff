"""What is done with a campaign's books: compared with the provider's, archived, forgotten.

Apart from `workers.wiring`, because pandas and pyarrow take a while to import and no process that
dials needs them.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

from campaigns.reports.sums import differences, event_sums
from dialer.archiving.archive_index import ArchiveIndex
from dialer.archiving.archiving import Archiving
from dialer.archiving.deleting import Deleting
from dialer.archiving.purging import Purging
from dialer.dialing.journal_traces import forget_journals
from dialer.reporting.reconciling import Reconciling
from dialer.reporting.recordings import Recordings
from dialer.reporting.reporting import ReportInput
from dialer.reporting.source import report_source
from dialer.settings import Settings
from dialer.settling.lookups import Lookups
from dialer.store import Attempts, Campaign
from dialer.store.events import Told, told
from workers.instants import instant
from workers.wiring import Wiring

_PATIENCE_S = 600.0  # a person waits, and would rather wait than start anew
_TRIES = 5


@dataclass(frozen=True)
class RecordKeeping:
    """Every use case on books, made when first asked for."""

    wiring: Wiring

    def as_of(self) -> datetime:
        """Tell the instant for which something is told: now, by Redis' clock."""
        return instant(self.wiring.db.now())

    def source_of(self, campaign: Campaign) -> ReportInput:
        """Open a campaign, wherever it is."""
        return source_of(self.wiring, campaign)

    @cached_property
    def reconciling(self) -> Reconciling:
        """Compares campaigns with the provider's list."""
        return Reconciling(self._lookups, owner_of=Attempts(self.wiring.db).owner)

    def recordings(self, *, max_bytes: int) -> Recordings:
        """Make what fetches recordings.

        Args:
            max_bytes: Of one recording.
        """
        return Recordings(self.wiring.recording_hosts(max_bytes=max_bytes), self._lookups)

    @cached_property
    def archiving(self) -> Archiving:
        """Moves campaigns into files."""
        settings = self.wiring.settings
        return Archiving(
            self.wiring.db, archives=archives_dir(settings), index=archive_index(settings)
        )

    @cached_property
    def deleting(self) -> Deleting:
        """Deletes campaigns that were archived."""
        settings = self.wiring.settings
        return Deleting(
            self.wiring.db,
            archives=archives_dir(settings),
            data_dir=settings.dialer_data_dir,
            recordings=self.wiring.forgetting_recordings,
        )

    def purging(self, *, dry_run: bool) -> Purging:
        """Make what forgets."""
        settings = self.wiring.settings
        return Purging(
            self.wiring.db,
            archives=archives_dir(settings),
            data_dir=settings.dialer_data_dir,
            dry_run=dry_run,
            journals=partial(forget_journals, settings.dialer_data_dir / "journal"),
            recordings=self.wiring.forgetting_recordings,
            sleep=self.wiring.sleep,
        )

    def events_of(self, campaign: str) -> tuple[Told, list[str], list[str]]:
        """Read how many events there were, the sums they make with what happened, and which don't hold."""
        for _ in range(_TRIES):  # what happens in between belongs to neither
            (told_of,) = told(self.wiring.db, [campaign])
            counts = self.wiring.campaigns.counts(campaign)
            if told(self.wiring.db, [campaign]) == [told_of]:
                break
        if told_of.of_ends is None:
            return told_of, [], []
        settled = sum(counts.attempt_outcomes.values())
        sums = event_sums(told_of.of_ends, settled=settled, final=counts.final)
        return told_of, list(map(str, sums)), differences(sums)

    @cached_property
    def _lookups(self) -> Lookups:
        return self.wiring.lookups(patience_s=_PATIENCE_S)


def source_of(wiring: Wiring, campaign: Campaign) -> ReportInput:
    """Open a campaign for one report, wherever it is."""
    source = report_source(
        wiring.db, campaign, wiring.allowance, archives=archives_dir(wiring.settings)
    )
    return replace(source, account=wiring.told_name)


def archives_dir(settings: Settings) -> Path:
    """Name the folder of all archives."""
    return settings.dialer_data_dir / "archive"


def archive_index(settings: Settings) -> ArchiveIndex | None:
    """Give the search index of archives, where the account has one."""
    return ArchiveIndex(archives_dir(settings)) if settings.dialer_search_index else None
