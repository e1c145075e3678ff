"""What is listed elsewhere: numbers never to be called, other campaigns' customers, external ids."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import compress

from campaigns.lists.sieve import Dedupe, Lookup, OtherLists, listed_nowhere
from dialer.loading.customers import Customers
from dialer.store import Campaign, Campaigns, Database
from dialer.store.external_ids import bearers_of
from dialer.store.record_table import customers_of, customers_of_all
from dialer.store.suppressed import lists_with_numbers


def listed_elsewhere(
    db: Database, dedupe: Dedupe, *, campaign: Campaign | None, size: int
) -> OtherLists:
    """Gather what a list's rows are held against.

    Args:
        campaign: Where they are going; None: to one that is not there yet.
        size: Of its contacts, the first so many were there before these rows.
    """
    suppressed = partial(suppressed_among, db, campaign)
    external_ids: Lookup = listed_nowhere
    if campaign and size:
        external_ids = partial(_borne, db, campaign.id, size)
    if dedupe is Dedupe.NONE:
        return OtherLists(suppressed=suppressed, external_ids=external_ids)
    in_campaign = [customers_of(db, campaign.id, size=size)] if campaign and size else []
    active = _active_but(db, campaign) if dedupe is Dedupe.ACTIVE else {}
    return OtherLists(
        suppressed=suppressed,
        in_campaign=Customers(in_campaign).among,
        active=Customers([customers_of_all(db, active)]).among,
        external_ids=external_ids,
    )


def suppressed_among(
    db: Database, campaign: Campaign | None, numbers: Collection[str]
) -> AbstractSet[str]:
    """Tell which numbers are never to be called, by anybody or by a campaign."""
    lists = lists_with_numbers(db, campaign.id if campaign else None)
    if not numbers or not lists:
        return frozenset()
    listed = list(numbers)
    digits = [number[1:] for number in listed]
    found: set[str] = set()
    for one in lists:
        found.update(compress(listed, one.holds(digits)))
    return found


def _active_but(db: Database, campaign: Campaign | None) -> dict[str, int]:
    sizes = Campaigns(db).sizes_of_active()
    if campaign:
        sizes.pop(campaign.id, None)
    return sizes


def _borne(db: Database, campaign: str, size: int, ids: Collection[str]) -> AbstractSet[str]:
    """Tell which external ids the first contacts of a campaign bear."""
    asked = list(ids)
    found = bearers_of(db, [(campaign, one) for one in asked])
    return {id_ for id_, one in zip(asked, found, strict=True) if one and one.n <= size}
