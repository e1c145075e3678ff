"""Writes a campaign's contacts block by block, Redis at one while the next is being packed."""

import itertools
from collections.abc import Collection, Sequence
from typing import Self

from campaigns.agents.team import is_team
from campaigns.campaign_rules import CampaignRules
from campaigns.contact import Contact
from campaigns.lists.external_ids import Fingerprints
from campaigns.many_tuples import apart, made
from campaigns.numbers.phone import zone_of
from campaigns.rules.when import ZoneBy
from dialer import failpoints
from dialer.store import Campaign, Database
from dialer.store.contact_rows import NO_EXTRA, Row
from dialer.store.contacts import Block, Contacts, pack_records
from dialer.store.external_ids import Named
from dialer.store.record import PER_CHUNK
from dialer.store.zones_and_teams import note_teams, note_zones
from dialer.threads import OneBehind

_BLOCK = 2_000  # contacts a script call: about 5 ms in which nobody else is served


class Interrupted(Exception):
    """A block was not taken: somebody else writes this campaign's contacts, or cancelled it."""


class ContactBlocks:
    """Appends contacts to a campaign, in order; a context, left when all of them are stored.

    Args:
        size: Contacts the campaign has.
        fingerprints: Tell rows with the same external id apart.
        is_indexed: They get into the search index.
    """

    def __init__(
        self,
        db: Database,
        campaign: Campaign,
        *,
        size: int,
        fingerprints: Fingerprints,
        is_indexed: bool,
    ) -> None:
        self._is_indexed = is_indexed
        self._campaign = campaign
        self._fingerprints = fingerprints
        self._size = size
        self._db = db
        self._contacts = Contacts(db)
        self._ends = self._contacts.queue_ends(campaign.id, size=size)
        self._waiting: list[Contact] = []
        # a thread that compresses, makes entries of the index or waits for Redis hardly needs the
        # interpreter; judging and packing are the work, and have it to themselves
        self._behind = OneBehind()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._append_waiting(least=1)
                self._behind.wait()
        finally:
            self._behind.end()

    def add(self, contacts: Sequence[Contact]) -> None:
        """Append contacts, or keep them until they make a block.

        Raises:
            Interrupted: This block, or the one before, was not taken.
        """
        self._waiting.extend(contacts)
        self._append_waiting(least=_BLOCK)

    def _append_waiting(self, *, least: int) -> None:
        while len(self._waiting) >= least:
            # blocks end where a hundred ends: an unfinished one would have to be read again
            room = _BLOCK - self._size % PER_CHUNK
            taken, self._waiting = self._waiting[:room], self._waiting[room:]
            self._append(taken)

    def _append(self, contacts: Sequence[Contact]) -> None:
        if self._size % PER_CHUNK:
            self._behind.wait()  # the hundred it begins in is read back
        block = self._contacts.block(
            self._campaign.id,
            before=self._size,
            records=pack_records(contacts),
            rows=rows_of(contacts),
            ends=self._ends,
            named=named(contacts, self._fingerprints, before=self._size),
            names=names_of(contacts, self._campaign) if self._is_indexed else None,
        )
        zones = zones_of(contacts, self._campaign.rules)
        self._behind.do(self._store, block, zones, teams_of(contacts))
        self._size += len(contacts)

    def _store(self, block: Block, zones: Collection[str], teams: Collection[str]) -> None:
        note_zones(self._db, self._campaign.id, zones)
        note_teams(self._db, self._campaign.id, teams)
        if self._contacts.store(self._campaign.id, block) != block.after:
            raise Interrupted
        failpoints.reach("block_stored")


def named(contacts: Sequence[Contact], fingerprints: Fingerprints, *, before: int) -> list[Named]:
    """Name those of some contacts that bear an external id.

    Args:
        before: Contacts the campaign has before these.
    """
    return [
        Named(n, contact.external_id, fingerprints.of(contact))
        for n, contact in enumerate(contacts, before + 1)
        if contact.external_id
    ]


def names_of(contacts: Sequence[Contact], campaign: Campaign) -> list[str]:
    """Tell what the customers are called, '' who has no name."""
    return campaign.names_in(contact.cells for contact in contacts)


def zones_of(contacts: Sequence[Contact], rules: CampaignRules) -> set[str]:
    """Tell the zones contacts have of their own, of their row or of their number."""
    zones = {contact.timezone for contact in contacts}
    if rules.zone_by is ZoneBy.NUMBER:
        zones |= {zone_of(contact.customer) for contact in contacts if not contact.timezone}
    return {zone for zone in zones if zone}


def teams_of(contacts: Sequence[Contact]) -> set[str]:
    """Tell the teams that contacts are for."""
    return {one for one in {contact.agent for contact in contacts} if is_team(one)}


def rows_of(contacts: Sequence[Contact]) -> list[Row]:
    """Give what is stored beside contacts' records."""
    lines, _, _, _, cells, _, _, _, *extras = apart(Contact, contacts)
    if any(map(any, extras)):
        return [row_of(contact) for contact in contacts]
    return list(made(Row, lines, cells, itertools.repeat(NO_EXTRA)))


def row_of(contact: Contact) -> Row:
    """Give what is stored beside a contact's record."""
    extra = {
        "timezone": contact.timezone,
        "custom_field": contact.custom_field,
        "external_id": contact.external_id,
    }
    told = {name: value for name, value in extra.items() if value} or NO_EXTRA
    return Row(contact.source_line, contact.cells, told)
