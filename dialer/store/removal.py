"""What leaves Redis: campaigns that were archived, and personal data that is to be forgotten."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, cast

from campaigns.attempt import Attempt
from campaigns.campaign import same_name
from dialer.ids import AttemptId
from dialer.store.attempts import encode
from dialer.store.campaign import Campaign
from dialer.store.contact_rows import pack_rows, unpack_rows
from dialer.store.database import Database, text, texts
from dialer.store.external_ids import pack_forgotten
from dialer.store.packed_attempts import take_apart
from dialer.store.record import PER_CHUNK
from dialer.store.scripts import gives
from dialer.store.snapshot import ContactLine

_KEPT = ("counts", "hashes", "imports", "told")  # small, and the list of campaigns shows them
_KEYS_AT_ONCE = 500


@gives("archive")
class Archive(NamedTuple):
    """A campaign as it was read: contacts, rows, when it had ended, how often it was rewritten."""

    campaign: str
    accepted: int
    rows: int
    ended_at: str
    rewritten: int


@gives("replace_lines")
class ReplaceLines(NamedTuple):
    """The lines of one chunk as they were read and as they are to be.

    Args:
        changes: JSON object: `numbers` {n, agent, customer} of final contacts; `attempts` {field,
            version that was read, attempt as JSON with a higher one: whoever read the former would
            write the numbers back}.
        forgets: Somebody is forgotten.
    """

    campaign: str
    chunk: int
    before: bytes
    after: bytes
    changes: str
    forgets: bool


def awaiting_values(db: Database, campaign: str) -> list[str]:
    """Name the attempts of a campaign whose final values are still asked for."""
    listed = texts(db.client.zrange(db.key("late"), 0, -1))
    return [id_ for id_ in listed if id_.partition("-")[0] == campaign]


def give_up_values(db: Database, attempts: Sequence[str]) -> None:
    """Ask for the final values of these attempts no more."""
    if attempts:
        db.client.zrem(db.key("late"), *attempts)


def mark_archived(db: Database, campaign: Campaign) -> bool:
    """Mark a campaign as archived; False when it is not as it was read."""
    ended_at = "" if campaign.ended_at is None else f"{campaign.ended_at:.6f}"
    as_read = (campaign.accepted, campaign.rows, ended_at, campaign.rewritten)
    return bool(db.run(Archive(campaign.id, *as_read)))


def free(db: Database, campaign: str) -> int:
    """Remove an archived campaign's contacts and all that hangs on them; gives how many keys."""
    kept = {db.key("c", campaign, name) for name in _KEPT}
    waiting: list[bytes] = []
    freed = 0
    for key in cast("Iterable[bytes]", db.client.scan_iter(db.key("c", campaign, "*"), count=1000)):
        if text(key) not in kept:
            waiting.append(key)
            freed += 1
        if len(waiting) == _KEYS_AT_ONCE:
            db.client.unlink(*waiting)
            waiting.clear()
    if waiting:
        db.client.unlink(*waiting)
    return freed


def remove_campaign(db: Database, campaign: Campaign) -> None:
    """Remove all that is left of a campaign; its name last, so that it can be asked for again."""
    id_ = campaign.id
    free(db, id_)
    # as names are reserved, and as earlier versions did
    names = _pointing_at(db, "names", id_, {same_name(campaign.name), campaign.name})
    hashes = texts(db.client.smembers(db.key("c", id_, "hashes")))
    files = _pointing_at(db, "archived_files", id_, hashes)
    with db.client.pipeline(transaction=True) as pipe:
        pipe.delete(db.key("c", id_), *(db.key("c", id_, name) for name in _KEPT))
        for listed in ("campaigns", "archived"):
            pipe.zrem(db.key(listed), id_)
        pipe.srem(db.key("ended"), id_)
        pipe.hdel(db.key("archived_as"), id_)
        for key, fields in (("names", names), ("archived_files", files)):
            if fields:
                pipe.hdel(db.key(key), *fields)
        pipe.execute()


def _pointing_at(db: Database, key: str, campaign: str, fields: Collection[str]) -> list[str]:
    asked = list(fields)
    stored = texts(db.client.hmget(db.key(key), asked)) if asked else []
    return [name for name, id_ in zip(asked, stored, strict=True) if id_ == campaign]


def mark_purged(db: Database, campaign: str) -> None:
    """Mark that a campaign's personal data was taken out."""
    db.client.hsetnx(db.key("c", campaign), "purged_at", str(db.now()))


def replace_lines(
    db: Database,
    campaign: str,
    before: Sequence[ContactLine],
    after: Sequence[ContactLine],
    *,
    forgets: bool = True,
) -> bool:
    """Write the contacts of one chunk anew, in one step.

    Args:
        before: The whole chunk as it was read.
        after: The same contacts. Numbers may change in final contacts only.
        forgets: Somebody is forgotten, by the search index too.

    Returns:
        False when somebody wrote meanwhile; nothing was changed then.
    """
    chunk = (before[0].n - 1) // PER_CHUNK
    take_apart(db, campaign, before[0].n)
    rows = cast("bytes", db.client.get(db.key("c", campaign, "rows", chunk)) or b"")
    if unpack_rows(rows or None) != [line.row for line in before]:
        return False
    numbers = [
        {"n": new.n, "agent": new.record.agent[1:], "customer": new.record.customer[1:]}
        for old, new in zip(before, after, strict=True)
        if old.record.numbers != new.record.numbers
    ]
    attempts = [
        {
            "field": f"{new.n}-{one.id.no}",
            "version": was.attempt.version,
            "attempt": encode(_next_version(one.attempt)),
        }
        for old, new in zip(before, after, strict=True)
        for was, one in zip(old.attempts, new.attempts, strict=True)
        if was != one
    ]
    forgotten = {old.row.external_id for old in before} - {new.row.external_id for new in after}
    changes = {
        "numbers": numbers,
        "attempts": attempts,
        "external_ids": pack_forgotten(sorted(forgotten)),
    }
    new_rows = pack_rows([line.row for line in after])
    return bool(db.run(ReplaceLines(campaign, chunk, rows, new_rows, json.dumps(changes), forgets)))


def _next_version(attempt: Attempt) -> Attempt:
    return attempt._replace(version=attempt.version + 1)


def drop_orphans(db: Database, campaign: str, *, holding: str = "", dry_run: bool) -> int:
    """Remove callbacks nobody could place; gives how many.

    Args:
        campaign: Whose they claim to be; '' for all campaigns.
        holding: Only those with these digits in them; '' for all.
    """
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", db.client.xrange(db.key("orphans")))
    ids = [
        id_
        for id_, fields in entries
        if (not campaign or _campaign_of(text(fields[b"attempt"])) == campaign)
        and holding.encode() in fields.get(b"body", b"")
    ]
    if ids and not dry_run:
        db.client.xdel(db.key("orphans"), *ids)
    return len(ids)


def _campaign_of(attempt: str) -> str:
    id_ = AttemptId.parse(attempt)
    return id_.campaign if id_ else ""
