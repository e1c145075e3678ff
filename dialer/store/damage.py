"""What Redis has of campaigns that no step can work on: whoever wrote it, it was not a step of ours."""

from collections.abc import Sequence
from typing import Any, cast

from dialer.ids import AttemptId
from dialer.store.callback_inbox import UNSETTLED
from dialer.store.campaigns import Campaigns
from dialer.store.database import Database, text

_TYPES = {
    "": "hash",
    "counts": "hash",
    "told": "hash",
    "imports": "list",
    "newcomers": "list",
    "newcomers_since": "zset",
    "heads": "hash",
    "ready": "zset",
    "recent": "list",
}
"""Of a campaign's keys those of which there is one; see dialer/store/keys.py."""

_CAMPAIGNS_TOGETHER = 200
_CALLBACKS_LOOKED_AT = 1_000


def damage(db: Database) -> dict[str, str]:
    """Tell what is damaged, by campaign: of those that are not archived, the first that was found of each.

    Of its hundreds of contacts and attempts the callbacks tell that could not be settled.
    """
    found: dict[str, str] = {}
    campaigns = Campaigns(db)
    ids = campaigns.ids()
    for at in range(0, len(ids), _CAMPAIGNS_TOGETHER):
        some = ids[at : at + _CAMPAIGNS_TOGETHER]
        found |= _of_other_types(db, some)
        for one in campaigns.damaged(some):
            found.setdefault(one.campaign, one.why)
    for campaign, attempt in _not_settled(db).items():
        if campaign in ids:
            found.setdefault(campaign, f"attempt {attempt} could not be settled")
    return found


def _of_other_types(db: Database, ids: Sequence[str]) -> dict[str, str]:
    names = [(id_, part) for id_ in ids for part in _TYPES]
    with db.client.pipeline(transaction=False) as pipe:
        for id_, part in names:
            pipe.type(db.key("c", id_, *([part] if part else [])))
        types = map(text, pipe.execute())
    found: dict[str, str] = {}
    for (id_, part), is_type in zip(names, types, strict=True):
        if is_type not in {_TYPES[part], "none"}:
            says = (
                f"{':'.join(filter(None, ('c', id_, part)))} is a {is_type}, and no {_TYPES[part]}"
            )
            found.setdefault(id_, says)
    return found


def _not_settled(db: Database) -> dict[str, AttemptId]:
    """Give of each campaign an attempt that still waits, as its callbacks could not be settled."""
    stored = cast(
        "list[tuple[bytes, dict[bytes, bytes]]]",
        db.client.xrevrange(db.key("orphans"), count=_CALLBACKS_LOOKED_AT),
    )
    named = (
        text(fields.get(b"attempt"))
        for _, fields in stored
        if text(fields.get(b"why")) == UNSETTLED
    )
    ids = [id_ for one in dict.fromkeys(named) if (id_ := AttemptId.parse(one))]
    open_until = db.client.zmscore(db.key("open"), [str(id_) for id_ in ids]) if ids else ()
    waiting = zip(ids, cast("Sequence[Any]", open_until), strict=True)
    return {id_.campaign: id_ for id_, at in waiting if at is not None}
