"""Use case: what a changed file would change in a campaign, before anything is done."""

from collections.abc import Iterator
from typing import cast

from campaigns.contact import Contact
from campaigns.lists.contact_list import ContactList
from campaigns.lists.diff import ListDiff, ListVersion, diff_lists
from campaigns.lists.judged_rows import remark_columns, without_remarks
from campaigns.lists.sieve import Dedupe
from campaigns.spreadsheet_safety import as_they_were
from dialer.store import Campaign, Database
from dialer.store.contacts import unpack_records, unpack_rows
from dialer.store.record import PER_CHUNK


def compare(
    db: Database, campaign: Campaign, contact_list: ContactList, *, dedupe: Dedupe
) -> ListDiff:
    """Compare a file with what its campaign has; about 30,000 contacts a second of either."""
    header = contact_list.header
    numbers = frozenset({header.agent.column, header.customer.column})
    columns, chunks = header.columns, contact_list.chunks(dedupe=dedupe)
    if is_mended(contact_list, campaign.columns):
        columns = campaign.columns
        chunks = (without_remarks(chunk, columns=columns) for chunk in chunks)
    uploaded = (contact for chunk in chunks for contact in chunk.accepted)
    return diff_lists(
        loaded=ListVersion(campaign.columns, numbers, _loaded(db, campaign)),
        uploaded=ListVersion(columns, numbers, uploaded),
    )


def is_mended(contact_list: ContactList, columns: tuple[str, ...]) -> bool:
    """Whether it is the rejected file of a list with these columns, with its remarks still there."""
    return as_they_were(contact_list.header.columns) == (*columns, *remark_columns(columns))


def _loaded(db: Database, campaign: Campaign) -> Iterator[Contact]:
    for chunk in range((campaign.accepted + PER_CHUNK - 1) // PER_CHUNK):
        with db.client.pipeline(transaction=False) as pipe:
            pipe.get(db.key("c", campaign.id, "contacts", chunk))
            pipe.get(db.key("c", campaign.id, "rows", chunk))
            packed, rows = cast("list[bytes | None]", pipe.execute())
        for record, row in zip(unpack_records(packed or b""), unpack_rows(rows), strict=False):
            yield Contact(
                source_line=row.line,
                row_no=row.line,
                agent=record.agent,
                customer=record.customer,
                cells=row.cells,
            )
