"""Use case: a campaign that is over goes from Redis into files.

written ──▶ read back and compared with Redis ──▶ marked as archived ──▶ Redis freed

Each step may break off and be asked for again; where the campaign changed between them, all is done
once more. What stays in Redis is what the list of campaigns
and their status need: name, rules, history and counts, packed.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path

from campaigns.sentence import told
from dialer.archiving.archive import Archive, ArchiveDamaged, Manifest, alone_among
from dialer.archiving.archive_index import ArchiveIndex
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.agents import AgentStore
from dialer.store.callback_inbox import orphans_of
from dialer.store.imports import Imports
from dialer.store.packing import pack_archived
from dialer.store.removal import awaiting_values, free, give_up_values, mark_archived
from dialer.store.snapshot import ContactLine, contact_lines, with_teams

log = get_logger(__name__)


class NotArchived(NotDone):
    """A campaign cannot be archived now."""


class Archiving:
    """Archives campaigns.

    Args:
        archives: The folder of all archives.
        index: Where it is told who is in them; None: nowhere.
    """

    def __init__(self, db: Database, *, archives: Path, index: ArchiveIndex | None = None) -> None:
        self._db = db
        self._index = index
        self._archives = archives
        self._campaigns = Campaigns(db)

    def over_for(self, age_s: float) -> list[Campaign]:
        """Give campaigns that ended so long ago and are still in Redis."""
        before_s = self._db.now() - age_s
        return [
            one
            for one in self._campaigns.unarchived()
            if one.state.is_over
            and one.archived_at is None
            and (one.ended_at or one.created_at) < before_s
        ]

    def archive(
        self,
        campaign: Campaign,
        *,
        force: bool = False,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> tuple[Archive, Manifest]:
        """Archive a campaign; one that is archived already is only freed to the end.

        Args:
            force: Give up values that are still expected.
            on_progress: Told how much is done: 0 … 1.

        Raises:
            NotArchived: It is not over, or values are still expected, or it changed meanwhile.
            ArchiveDamaged: What was written reads back otherwise; Redis is as it was.
        """
        with alone_among(self._archives):
            # read again: somebody may have archived it while we waited, or deleted it since
            return self._archive(self._campaigns.find(campaign.id), force, on_progress)

    def _archive(
        self, campaign: Campaign, force: bool, on_progress: Callable[[float], None]
    ) -> tuple[Archive, Manifest]:
        archive = Archive.of(campaign, self._archives)
        for _ in range(_MOST_TRIES):
            if campaign.archived_at is not None:
                break
            self._check_may_leave(campaign, force=force)
            if self._copy(archive, campaign, on_progress):
                break
            campaign = self._campaigns.find(campaign.id)
            if not campaign.state.is_over:
                raise NotArchived(
                    told(
                        "campaign {name} changed meanwhile and is {state}; archive it when it is "
                        "over again",
                        name=campaign.name,
                        state=told(campaign.state),
                    )
                )
        else:
            raise NotArchived(
                told("campaign {name} changed meanwhile, again and again", name=campaign.name)
            )
        card = archive.check()
        freed = free(self._db, campaign.id)
        pack_archived(self._db, campaign.id)
        self._put_in_index(campaign)
        tell(on=f"campaign {campaign.name} {campaign.id}", after={"folder": archive.folder.name})
        log.info("campaign_archived", campaign_id=campaign.id, keys_freed=freed)
        return archive, card

    def _put_in_index(self, campaign: Campaign) -> None:
        """Let it be found; where that fails, whoever searches next does it."""
        try:
            if self._index:
                self._index.add(campaign)
        except (OSError, sqlite3.Error) as error:
            log.warning("archive_not_indexed", campaign_id=campaign.id, message=str(error))

    def _copy(
        self, archive: Archive, campaign: Campaign, on_progress: Callable[[float], None]
    ) -> bool:
        """Write the archive and mark the campaign; False when it changed meanwhile."""
        try:
            self._write(archive, campaign, on_progress)
            self._compare(archive, campaign, on_progress)
        except ArchiveDamaged:
            if self._campaigns.find(campaign.id) == campaign:
                raise
            return False  # it reads back otherwise because it is another by now
        return mark_archived(self._db, campaign)

    def _check_may_leave(self, campaign: Campaign, *, force: bool) -> None:
        if not campaign.state.is_over:
            raise NotArchived(
                told(
                    "campaign {name} is {state}; only a campaign that is completed or cancelled "
                    "can be archived",
                    name=campaign.name,
                    state=told(campaign.state),
                )
            )
        expected = awaiting_values(self._db, campaign.id)
        if expected and not force:
            raise NotArchived(
                told(
                    "duration or price of {count:,} calls is still expected; wait some minutes, "
                    "or give them up by force",
                    count=len(expected),
                )
            )
        give_up_values(self._db, expected)

    def _write(
        self, archive: Archive, campaign: Campaign, on_progress: Callable[[float], None]
    ) -> None:
        def told(lines: Iterator[ContactLine]) -> Iterator[ContactLine]:
            for line in lines:
                yield line
                if line.n % _TELL_EVERY == 0:
                    on_progress(line.n / campaign.accepted / 2)

        from_s, until_s = campaign.time_span(self._db.now())
        card = Manifest(
            campaign={**asdict(campaign), "rules": campaign.rules.model_dump(mode="json")},
            imports=Imports(self._db).history(campaign.id),
            counts=asdict(self._campaigns.counts(campaign.id)),
            orphans=[asdict(one) for one in orphans_of(self._db, campaign.id)],
            archived_at=self._db.now(),
            presence=AgentStore(self._db).whereabouts(from_s=from_s, until_s=until_s),
        )
        rejected = Imports(self._db).rejected_rows(campaign.id)
        archive.write(told(self._stored(campaign)), rejected, card)

    def _compare(
        self, archive: Archive, campaign: Campaign, on_progress: Callable[[float], None]
    ) -> None:
        written_lines = with_teams(self._db, archive.contacts())
        for stored, written in zip_longest(self._stored(campaign), written_lines):
            if stored != written:
                place = stored.n if stored else "the end"
                raise ArchiveDamaged(f"{archive.folder} reads back otherwise at contact {place}")
            if stored.n % _TELL_EVERY == 0:
                on_progress(0.5 + stored.n / campaign.accepted / 2)
        rejected = Imports(self._db).rejected_rows(campaign.id)
        if any(one != other for one, other in zip_longest(rejected, archive.rejected())):
            raise ArchiveDamaged(f"{archive.folder} reads back other rejected rows")

    def _stored(self, campaign: Campaign) -> Iterator[ContactLine]:
        return contact_lines(self._db, campaign.id, size=campaign.accepted)


_TELL_EVERY = 5_000  # contacts
_MOST_TRIES = 5
