"""Which campaigns are archived: they stand apart, so that years of them slow nobody who looks at today's."""

from collections.abc import Sequence
from typing import Any

from dialer.store.database import Database, text, text_fields, texts


def archived_ids(db: Database, first: int = 0, most: int = 0) -> list[str]:
    """Read ids of archived campaigns, the last archived first.

    Args:
        first: How many to pass over.
        most: How many to read; 0: all.
    """
    key, last = db.key("archived"), first + most - 1 if most else -1
    return texts(db.client.zrevrange(key, first, last))


def archived_before(db: Database, at_s: float) -> list[str]:
    """Read the ids of the campaigns that were archived before an instant, epoch s."""
    return texts(db.client.zrangebyscore(db.key("archived"), "-inf", f"({at_s!r}"))


def count_archived(db: Database) -> int:
    """Tell how many campaigns are archived."""
    return int(db.client.zcard(db.key("archived")))


def archived_called(db: Database, part: str) -> list[str]:
    """Find archived campaigns by a part of their name as it is reserved, the last archived first."""
    names = text_fields(db.client.hgetall(db.key("names")))
    ids = [id_ for name, id_ in names.items() if part in name.casefold()]
    if not ids:
        return []
    when = db.client.zmscore(db.key("archived"), ids)
    found = [(at_s, id_) for id_, at_s in zip(ids, when, strict=True) if at_s is not None]
    return [id_ for _, id_ in sorted(found, reverse=True)]


def archived_as(db: Database) -> dict[str, tuple[str, str]]:
    """Tell how each archived campaign ended, and its tags, JSON."""
    known = text_fields(db.client.hgetall(db.key("archived_as")))
    parts = ((id_, one.partition(" ")) for id_, one in known.items())
    return {id_: (ended, tags) for id_, (ended, _, tags) in parts}


def archived_unnoted(db: Database) -> list[str]:
    """Name the archived campaigns of which nobody wrote down how they ended: earlier versions did not."""
    known = archived_as(db)
    return [one for one in archived_ids(db) if one not in known]


def tag_archived(db: Database, campaign: str, tags: str) -> None:
    """Note that an archived campaign has other tags, JSON; of one that is not archived, nothing."""
    key = db.key("archived_as")
    known = text(db.client.hget(key, campaign))
    if known:
        db.client.hset(key, campaign, f"{known.partition(' ')[0]} {tags}")


def archived_with_content(db: Database, content_hash: str) -> list[str]:
    """Name the archived campaign that a file of this content was loaded into, if any."""
    found = text(db.client.hget(db.key("archived_files"), content_hash))
    return [found] if found else []


def put_among_archived(
    db: Database,
    pipe: Any,
    campaign: str,
    *,
    at_s: float,
    ended: str,
    tags: str,
    hashes: Sequence[str],
) -> None:
    """Move a campaign to those archived, within a transaction of the caller's.

    Args:
        ended: Its state; `tags`: JSON.
        hashes: Of the contents that are not to be dialled again unasked.
    """
    pipe.zrem(db.key("campaigns"), campaign)
    pipe.zadd(db.key("archived"), {campaign: at_s})
    pipe.hset(db.key("archived_as"), campaign, f"{ended} {tags}")
    if hashes:
        pipe.hset(db.key("archived_files"), mapping=dict.fromkeys(hashes, campaign))
