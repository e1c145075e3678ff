"""Use case: who is this? Everybody of a number, or of a name, in all campaigns and their archives."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from campaigns.sentence import told
from dialer.archiving.archive import Archive, ArchiveDamaged
from dialer.archiving.archive_index import ArchiveIndex
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.archived import archived_ids
from dialer.store.finding import Part, contacts_with, rows_with_words
from dialer.store.snapshot import ContactLine
from dialer.watching.browsing import contact_line, lines_at

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FoundContact:
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
        index: Tells which of them may hold somebody; None: any may.
    """

    def __init__(self, db: Database, *, archives: Path, index: ArchiveIndex | None = None) -> None:
        self._db = db
        self._index = index
        self._archives = archives
        self._campaigns = Campaigns(db)

    def by_number(
        self,
        digits: str,
        *,
        is_whole: bool,
        is_agents: bool = False,
        among: Sequence[Campaign] | None = None,
    ) -> Iterator[FoundContact]:
        """Find agents and customers by their number.

        Args:
            is_whole: They are all digits of the number, its country's included; else any side by
                side, in archives its last ones.
            is_agents: The agent's number is meant, and not the customer's as well.
            among: Where; None: in all campaigns, the newest first.
        """
        here = self._here(among)
        parts = [Part(one.id, one.accepted) for one in here.values()]
        found = contacts_with(
            self._db, parts, digits=digits, is_whole=is_whole, is_agents=is_agents
        )
        yield from self._lines(here, found)

        def likely(index: ArchiveIndex) -> list[str]:
            return index.with_number(digits, is_whole=is_whole)

        for campaign in self._archived(among, likely):
            for line in self._read(
                campaign, lambda one: one.with_number(digits, is_whole=is_whole)
            ):
                if not is_agents or line.record.agent == f"+{digits}":
                    yield FoundContact(campaign, line)

    def by_name(
        self, words: str, *, among: Sequence[Campaign] | None = None
    ) -> Iterator[FoundContact]:
        """Find customers by a part of their name, in archives by how words of it begin."""
        wanted = words.casefold()
        here = self._here(among)
        parts = [Part(one.id, one.accepted) for one in here.values() if one.name_at is not None]
        named = (
            (id_, n)
            for id_, n, row in rows_with_words(self._db, parts, words=wanted)
            if wanted in here[id_].name_in(row.cells).casefold()
        )
        yield from self._lines(here, named)
        for campaign in self._archived(among, lambda index: index.with_words(words)):
            for line in self._read(campaign, lambda one: one.with_cell(words)):
                if wanted in campaign.name_in(line.row.cells).casefold():
                    yield FoundContact(campaign, line)

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
                told("the archive of campaign {name} cannot be read", name=campaign.name)
            ) from None

    def _here(self, among: Sequence[Campaign] | None) -> dict[str, Campaign]:
        known = self._campaigns.unarchived() if among is None else among
        return {one.id: one for one in known if one.archived_at is None}

    def _lines(
        self, here: dict[str, Campaign], found: Iterable[tuple[str, int]]
    ) -> Iterator[FoundContact]:
        for id_, numbers in groupby(found, key=itemgetter(0)):
            for line in lines_at(self._db, here[id_], (n for _, n in numbers)):
                yield FoundContact(here[id_], line)

    def _archived(
        self, among: Iterable[Campaign] | None, likely: Callable[[ArchiveIndex], list[str]]
    ) -> Iterator[Campaign]:
        """Give archived campaigns that may hold somebody, but those whose people were forgotten."""
        if among is None:
            ids = archived_ids(self._db)
            among = self._campaigns.several(self._in_index(ids, likely) if ids else [])
        return (one for one in among if one.archived_at is not None and one.purged_at is None)

    def _in_index(
        self, ids: Sequence[str], likely: Callable[[ArchiveIndex], list[str]]
    ) -> Sequence[str]:
        """Leave out those that hold nobody who fits, as the index tells; what is not in it gets in first."""
        if self._index is None:
            return ids
        try:
            known = self._index.known()
            missing = [one for one in ids if one not in known]
            left = [one.id for one in self._campaigns.several(missing) if not self._put_in(one)]
            return [*left, *likely(self._index)]
        except (OSError, sqlite3.Error) as error:
            log.warning("index_of_archives_not_read", message=str(error))
            return ids

    def _put_in(self, campaign: Campaign) -> bool:
        try:
            return self._index is not None and self._index.add(campaign)
        except ArchiveDamaged:
            return False

    def _read(
        self, campaign: Campaign, asked: Callable[[Archive], list[ContactLine]]
    ) -> list[ContactLine]:
        try:
            return asked(Archive.of(campaign, self._archives))
        except ArchiveDamaged as error:
            log.warning("archive_not_searched", campaign_id=campaign.id, message=str(error))
            return []
