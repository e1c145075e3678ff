"""Use case: who is this? Everybody of a number, or of a name, in all campaigns and their archives."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from dialer.archiving.archive import Archive, ArchiveDamaged
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.archived import archived_ids
from dialer.store.finding import Part, contacts_with, rows_with_words
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
        self._campaigns = Campaigns(db)

    def by_number(
        self,
        digits: str,
        *,
        is_whole: bool,
        is_agents: bool = False,
        among: Sequence[Campaign] | None = None,
    ) -> Iterator[Found]:
        """Find agents and customers by their number.

        Args:
            is_whole: They are all digits of the number, its country's included; else any side by
                side, and archives are left aside.
            is_agents: The agent's number is meant, and not the customer's as well.
            among: Where; None: in all campaigns, the newest first.
        """
        here, archived = self._where(among)
        parts = [Part(one.id, one.accepted) for one in here.values()]
        found = contacts_with(
            self._db, parts, digits=digits, is_whole=is_whole, is_agents=is_agents
        )
        yield from self._lines(here, found)
        for campaign in archived if is_whole else ():
            for one in self._archived(campaign, number=f"+{digits}"):
                if not is_agents or one.line.record.agent == f"+{digits}":
                    yield one

    def by_name(self, words: str, *, among: Sequence[Campaign] | None = None) -> Iterator[Found]:
        """Find customers by a part of their name, whatever its case."""
        wanted = words.casefold()
        here, archived = self._where(among)
        parts = [Part(one.id, one.accepted) for one in here.values() if one.name_at is not None]
        named = (
            (id_, n)
            for id_, n, row in rows_with_words(self._db, parts, words=wanted)
            if wanted in here[id_].name_in(row.cells).casefold()
        )
        yield from self._lines(here, named)
        for campaign in archived:
            yield from self._archived(campaign, name=words)

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

    def _where(
        self, among: Sequence[Campaign] | None
    ) -> tuple[dict[str, Campaign], Iterator[Campaign]]:
        """Tell the campaigns that are in Redis from those archived whose people were not forgotten."""
        known = self._campaigns.unarchived() if among is None else among
        here = {one.id: one for one in known if one.archived_at is None}
        gone = (one for one in known if one.archived_at is not None)
        ids = archived_ids(self._db) if among is None else []
        archived = chain(gone, self._campaigns.several(ids))
        return here, (one for one in archived if one.purged_at is None)

    def _lines(
        self, here: dict[str, Campaign], found: Iterable[tuple[str, int]]
    ) -> Iterator[Found]:
        for id_, numbers in groupby(found, key=itemgetter(0)):
            for line in lines_at(self._db, here[id_], (n for _, n in numbers)):
                yield Found(here[id_], line)

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
