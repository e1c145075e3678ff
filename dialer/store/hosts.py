"""Hosts of the account by their journals' identities: which live, and which cannot send."""

import json
from typing import NamedTuple

from dialer.store.database import Database, text_fields

_RECORD_GOOD_FOR_S = 15.0


class SickHost(NamedTuple):
    """A worker host that cannot send.

    Args:
        host: Its name.
        since: Epoch s.
    """

    host: str
    since: float
    why: str


def hosts_seen(db: Database, *, after: float) -> set[str]:
    """Tell which hosts gave a sign of life after that instant, epoch s."""
    seen = text_fields(db.client.hgetall(db.key("hosts")))
    return {one for one, at in seen.items() if float(at) > after}


def note_sick(db: Database, identity: str, sick: SickHost) -> None:
    """Note that a host cannot send; it counts for some seconds, and is noted again while it lasts."""
    record = {"name": sick.host, "since": sick.since, "at": db.now(), "why": sick.why}
    db.client.hset(db.key("sick"), identity, json.dumps(record))


def note_well(db: Database, identity: str) -> None:
    """Note that a host can send again."""
    db.client.hdel(db.key("sick"), identity)


def sick_hosts(db: Database) -> list[SickHost]:
    """Read which worker hosts cannot send at present."""
    return sorted(sick_by_identity(db).values(), key=lambda one: one.host)


def sick_by_identity(db: Database) -> dict[str, SickHost]:
    """Read the same by the hosts' identities."""
    stored = text_fields(db.client.hgetall(db.key("sick")))
    if not stored:
        return {}
    good_since = db.now() - _RECORD_GOOD_FOR_S
    records = {host: json.loads(record) for host, record in stored.items()}
    return {
        host: SickHost(record["name"], record["since"], record["why"])
        for host, record in records.items()
        if record["at"] > good_since
    }
