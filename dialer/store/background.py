"""What an attempt's outcome is judged against, read for many attempts in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.attempt import Attempt
from campaigns.campaign_rules import CampaignRules
from dialer.ids import AttemptId
from dialer.store.attempts import decode
from dialer.store.campaign import CampaignNotFound, read_rules
from dialer.store.database import Database
from dialer.store.packed_attempts import PACKED, hundred_of, of_packed, unpack
from dialer.store.record import RECORD_BYTES, ContactRecord, place_of


@dataclass(frozen=True, slots=True)
class Background:
    """The campaign's rules, the contact as it stands, its earlier attempts, the first one first."""

    rules: CampaignRules
    contact: ContactRecord | None
    earlier: tuple[Attempt, ...]


def backgrounds(db: Database, ids: Sequence[AttemptId]) -> list[Background]:
    """Read the backgrounds of attempts, in the order of `ids`.

    Raises:
        CampaignNotFound: One of the campaigns is gone.
    """
    campaigns = list(dict.fromkeys(id_.campaign for id_ in ids))
    with db.client.pipeline(transaction=False) as pipe:
        for campaign in campaigns:
            pipe.hget(db.key("c", campaign), "rules")
        for id_ in ids:
            chunk, *span = place_of(id_.n)
            pipe.getrange(db.key("c", id_.campaign, "contacts", chunk), *span)
            if names := [f"{id_.n}-{no}" for no in range(1, id_.no)]:
                pipe.hmget(hundred_of(db, id_.campaign, id_.n), [*names, PACKED])
        stored = iter(pipe.execute())
    rules = {campaign: next(stored) for campaign in campaigns}
    return [
        _background(id_, rules[id_.campaign], next(stored), next(stored) if id_.no > 1 else ())
        for id_ in ids
    ]


def _background(
    id_: AttemptId, rules: bytes | None, record: bytes, earlier: Sequence[bytes | None]
) -> Background:
    if rules is None:
        raise CampaignNotFound(f"no campaign {id_.campaign!r}")
    *beside, packed = earlier or (None,)
    unpacked = unpack(packed)
    found = (one or of_packed(unpacked, id_.n, no) for no, one in enumerate(beside, 1))
    return Background(
        rules=read_rules(rules),
        contact=ContactRecord.unpack(record) if len(record) == RECORD_BYTES else None,
        earlier=tuple(decode(one) for one in found if one),
    )
