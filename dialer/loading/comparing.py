"""Use case: what a changed file would change in a campaign, before anything is done."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from campaigns.contact import Contact
from campaigns.lists.arranging import Arrangement, arrange
from campaigns.lists.contact_list import ContactList
from campaigns.lists.diff import ListDiff, ListVersion, diff_lists
from campaigns.lists.judged_rows import (
    IN_REPORTS,
    REMARKS,
    names_beside,
    remark_columns,
    surplus_place,
)
from campaigns.lists.sieve import Dedupe
from campaigns.spreadsheet_safety import as_they_were
from dialer.store import Campaign, Database
from dialer.store.snapshot import records_with_rows


def compare(
    db: Database, campaign: Campaign, contact_list: ContactList, *, dedupe: Dedupe
) -> ListDiff:
    """Compare a file with what its campaign has; about 30,000 contacts a second of either."""
    arrangement = arrangement_of(contact_list, campaign)
    uploaded = (
        contact
        for chunk in contact_list.chunks(dedupe=dedupe)
        for contact in arrangement.chunk(chunk).accepted
    )
    places = range(len(campaign.columns))
    left_out = {at for at in places if arrangement.places[at] is None}  # the file does not tell
    in_both = tuple(name for at, name in enumerate(campaign.columns) if at not in left_out)
    numbers = frozenset(in_both) & _number_columns(contact_list, arrangement)
    return diff_lists(
        loaded=ListVersion(in_both, numbers, _without(_loaded(db, campaign), left_out)),
        uploaded=ListVersion(in_both, numbers, _without(uploaded, left_out)),
    )


def arrangement_of(contact_list: ContactList, campaign: Campaign) -> Arrangement:
    """Tell how a file's cells become the campaign's."""
    header, chosen = contact_list.header, campaign.chosen
    found = remarks_in(contact_list, campaign.columns)
    if found is None:
        numbers = (chosen.agent, chosen.customer)
        return arrange(header, campaign.columns, numbers=numbers, is_unsafe=header.is_ours)
    surplus = surplus_place(header.columns)
    return arrange(
        header,
        campaign.columns,
        named=found.columns,
        numbers=(chosen.agent, chosen.customer),
        without={*found.places.values(), *([] if surplus is None else [surplus])},
        surplus=surplus,
        is_unsafe=True,
    )


@dataclass(frozen=True, slots=True)
class Remarked:
    """What a rejected file of ours has.

    Args:
        columns: The list's own, as the file names them.
        places: Where `line`, `error_code` and `error` stand.
    """

    columns: tuple[str, ...]
    places: dict[str, int]


def remarks_in(contact_list: ContactList, columns: tuple[str, ...]) -> Remarked | None:
    """Find the remarks in a rejected file of ours that comes back; None: it is another file.

    Args:
        columns: The list's own; a file without all of these, or without the remarks, is another.
    """
    has = as_they_were(contact_list.header.columns)
    for own, names in (
        (columns, remark_columns(columns)),
        (names_beside(columns, IN_REPORTS), REMARKS),
    ):
        if {*own, *names} <= {*has}:
            places = {kind: has.index(name) for kind, name in zip(REMARKS, names, strict=True)}
            return Remarked(own, places)
    return None


def _number_columns(contact_list: ContactList, arrangement: Arrangement) -> frozenset[str]:
    numbers = {contact_list.header.agent.index, contact_list.header.customer.index}
    pairs = zip(arrangement.columns, arrangement.places, strict=True)
    return frozenset(name for name, place in pairs if place in numbers)


def _without(contacts: Iterable[Contact], left_out: Collection[int]) -> Iterator[Contact]:
    if not left_out:
        return iter(contacts)
    return (
        row._replace(cells=tuple(one for at, one in enumerate(row.cells) if at not in left_out))
        for row in contacts
    )


def _loaded(db: Database, campaign: Campaign) -> Iterator[Contact]:
    for record, row in records_with_rows(db, campaign.id, size=campaign.accepted):
        yield Contact(
            source_line=row.line,
            row_no=row.line,
            agent=record.agent,
            customer=record.customer,
            cells=(*row.cells, *[""] * (len(campaign.columns) - len(row.cells))),
        )
