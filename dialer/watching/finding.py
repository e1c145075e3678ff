"""Use case: who is this? Everybody of a number, or of a name, in all campaigns and their archives.

Numbers are found in the contacts' own records; names in a text of them that is gathered when the
first name is asked for, and kept by whoever asks: about twenty bytes a contact, for ten minutes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from dialer.archiving.archive import Archive, ArchiveDamaged
from dialer.clock import boottime_s
from dialer.logger import get_logger
from dialer.store import Campaign, Database
from dialer.store.finding import contacts_with
from dialer.store.record import PER_CHUNK
from dialer.store.snapshot import ContactLine, rows_by_hundreds
from dialer.watching.browsing import contact_line, lines_at

log = get_logger(__name__)

_KEPT_S = 600.0


@dataclass(frozen=True, slots=True)
class Found:
    """A contact that was found."""

    campaign: Campaign
    line: ContactLine

    @property
    def name(self) -> str:
        """The customer's, as the list had it; '' where it had none."""
        return self.campaign.name_in(self.line.row.cells)


@dataclass(slots=True)
class _Names:
    """The names of a campaign, a text for each hundred of contacts, a line for each contact."""

    of_hundreds: list[str]
    of: tuple[int, int]
    at_s: float


class Finding:
    """Finds people.

    Args:
        archives: The folder of all archives.
    """

    def __init__(self, db: Database, *, archives: Path) -> None:
        self._db = db
        self._archives = archives
        self._names: dict[str, _Names] = {}
        self._gathering = Lock()

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
            hundreds = self._hundreds(campaign)
            at = (
                n for chunk, names in enumerate(hundreds) for n in _lines_with(names, wanted, chunk)
            )
            for line in lines_at(self._db, campaign, at):
                found = Found(campaign, line)
                if wanted in found.name.casefold():  # it may have been forgotten meanwhile
                    yield found

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

    def _hundreds(self, campaign: Campaign) -> list[str]:
        """Give the names of a campaign, gathered anew where its contacts became others."""
        of = (campaign.accepted, campaign.rewritten)
        with self._gathering:
            self._names = {
                id_: one for id_, one in self._names.items() if boottime_s() - one.at_s < _KEPT_S
            }
            kept = self._names.get(campaign.id)
            if kept is None or kept.of != of:
                kept = _Names(self._gathered(campaign), of, boottime_s())
                self._names[campaign.id] = kept
            return kept.of_hundreds

    def _gathered(self, campaign: Campaign) -> list[str]:
        return [
            "\n".join(campaign.name_in(row.cells).casefold().replace("\n", " ") for row in rows)
            for rows in rows_by_hundreds(self._db, campaign.id, size=campaign.accepted)
        ]


def _lines_with(names: str, wanted: str, chunk: int) -> Iterator[int]:
    if wanted in names:
        for place, name in enumerate(names.split("\n"), start=1):
            if wanted in name:
                yield chunk * PER_CHUNK + place
