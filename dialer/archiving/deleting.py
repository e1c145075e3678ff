"""Use case: a campaign that was archived is deleted, its files too; what is left is the audit trail's line.

Files go first and the name goes last: a deletion that broke off is asked for again.
"""

from itertools import chain
from pathlib import Path

from campaigns.sentence import told
from dialer.archiving.archive import Archive, alone_among
from dialer.archiving.archive_index import ArchiveIndex
from dialer.archiving.file_traces import rejected_of, remove, reviews_of
from dialer.archiving.purging import Recordings
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.archived import archived_before
from dialer.store.removal import drop_orphans, remove_campaign

log = get_logger(__name__)


class NotDeleted(NotDone):
    """A campaign cannot be deleted now."""


class Deleting:
    """Deletes archived campaigns.

    Args:
        archives: The folder of all archives.
        data_dir: Where files of its rejected rows and its uploads are.
        recordings: Removes those that were kept.
    """

    def __init__(
        self, db: Database, *, archives: Path, data_dir: Path, recordings: Recordings
    ) -> None:
        self._db = db
        self._archives = archives
        self._data_dir = data_dir
        self._recordings = recordings

    def archived_for(self, age_s: float) -> list[Campaign]:
        """Give campaigns that were archived so long ago."""
        return Campaigns(self._db).read(archived_before(self._db, self._db.now() - age_s))

    def delete(self, campaign: Campaign) -> Path:
        """Delete a campaign for good; gives the folder that is gone.

        Raises:
            NotDeleted: It is not archived.
            OSError: Its files cannot be removed.
        """
        if campaign.archived_at is None:
            raise NotDeleted(
                told(
                    "campaign {name} is {state} and not archived; archive it first, so that what "
                    "was called is not lost by one command",
                    name=campaign.name,
                    state=told(campaign.state),
                )
            )
        with alone_among(self._archives):  # or who writes it anew would bring it back
            return self._delete(campaign)

    def _delete(self, campaign: Campaign) -> Path:
        folder = Archive.of(campaign, self._archives).folder
        self._recordings.campaign(campaign.id)
        ArchiveIndex(self._archives).forget(campaign.id)
        of_it = (rejected_of(self._data_dir, campaign.id), reviews_of(self._data_dir, campaign.id))
        for path in (folder, *chain.from_iterable(of_it)):
            remove(path)
        drop_orphans(self._db, campaign.id, dry_run=False)
        remove_campaign(self._db, campaign)
        before = {"state": campaign.state, "rows": campaign.rows, "accepted": campaign.accepted}
        tell(on=f"campaign {campaign.name} {campaign.id}", before=before)
        log.info("campaign_deleted", campaign_id=campaign.id)
        return folder
