"""Use case: which recordings of a contact's attempts are kept; an archived campaign's are found by their names."""

from collections.abc import Sequence
from contextlib import suppress

from dialer.ids import ContactId
from dialer.recordings.places import Place
from dialer.recordings.sound import media_type_of
from dialer.store import Campaign, Database
from dialer.store.recordings import Kept, KeptRecordings


def kept_of(
    db: Database, place: Place | None, campaign: Campaign, n: int, nos: Sequence[int]
) -> dict[int, Kept]:
    """Give what is kept of a contact's attempts, by their numbers.

    Raises:
        PlaceAway: It cannot be looked for.
    """
    if campaign.archived_at is None:
        return KeptRecordings(db).of(campaign.id, n, nos)
    of_contact = f"{campaign.id}/{ContactId(campaign.id, n)}_"
    found: dict[int, Kept] = {}
    for name, length in place.find(of_contact) if place and nos else ():
        with suppress(ValueError):  # something else that somebody has put there
            no = int(name.removeprefix(of_contact).partition("_")[0])
            found[no] = Kept(name, media_type_of(name), length, "", 0.0)
    return {no: found[no] for no in nos if no in found}
