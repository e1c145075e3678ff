"""Use case: who is this? Everybody of a number, or of a name, in all campaigns and their archives.

There is no index: numbers are found in the contacts' own records, names in their lines.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dialer.archiving.archive import Archive, ArchiveDamaged
from dialer.logger import get_logger
from dialer.store import Campaign, Database
from dialer.store.finding import contacts_with, rows_with_words
from dialer.store.snapshot import ContactLine
from dialer.watching.browsing import contact_line, lines_at

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A contact that was found."""

    campaign: Campaign
    line: ContactLine

    @property
    def name(self) -> str:
        """The customer's, as the list had it; '' where it had none."""
        return self.campaign.name_in(self.line.row.cells)


class Finding:
    """Finds people.

    Args:
        archives: The folder of all archives.
    """

    def __init__(self, db: Database, *, archives: Path) -> None:
        self._db = db
        self._archives = archives

    def by_number(
        self, campaigns: Iterable[Campaign], digits: str, *, is_whole: bool
    ) -> Iterator[Found]:
        """Find agents and customers by their number.

        Args:
            is_whole: They are all digits of the number, its country's included; else any side by
                side, and archives are left aside.
        """
        for campaign in campaigns:
            if campaign.archived_at is None:
                numbers = contacts_with(
                    self._db, campaign.id, size=campaign.accepted, digits=digits, is_whole=is_whole
                )
                for line in lines_at(self._db, campaign, numbers):
                    yield Found(campaign, line)
            elif is_whole and campaign.purged_at is None:
                yield from self._archived(campaign, number=f"+{digits}")

    def by_name(self, campaigns: Iterable[Campaign], words: str) -> Iterator[Found]:
        """Find customers by a part of their name, whatever its case."""
        wanted = words.casefold()
        for campaign in campaigns:
            if campaign.archived_at is not None:
                if campaign.purged_at is None:
                    yield from self._archived(campaign, name=words)
                continue
            if campaign.name_at is None:
                continue
            rows = rows_with_words(self._db, campaign.id, size=campaign.accepted, words=wanted)
            named = (n for n, row in rows if wanted in campaign.name_in(row.cells).casefold())
            for line in lines_at(self._db, campaign, named):
                yield Found(campaign, line)

    def contact(self, campaign: Campaign, n: int) -> ContactLine | None:
        """Read one contact, also of an archive; None when there is none, or they were forgotten.

        Raises:
            ArchiveDamaged: It cannot be read.
        """
        if campaign.archived_at is None:
            return contact_line(self._db, campaign, n)
        if campaign.purged_at is not None:
            return None
        try:
            return Archive.of(campaign, self._archives).contact(n)
        except ArchiveDamaged as error:
            log.warning("archive_not_read", campaign_id=campaign.id, message=str(error))
            raise ArchiveDamaged(
                f"the archive of campaign {campaign.name} cannot be read"
            ) from None

    def _archived(self, campaign: Campaign, *, number: str = "", name: str = "") -> Iterator[Found]:
        archive = Archive.of(campaign, self._archives)
        try:
            lines = archive.with_number(number) if number else archive.with_cell(name)
        except ArchiveDamaged as error:
            log.warning("archive_not_searched", campaign_id=campaign.id, message=str(error))
            return
        for line in lines:
            found = Found(campaign, line)
            if number or name.casefold() in found.name.casefold():
                yield found
