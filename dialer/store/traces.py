"""Where in Redis a number still stands, beside the contacts of campaigns: every key is looked at.

What tells only of the past goes; what is still needed stays, and is named with the reason.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import redis

from campaigns.sentence import told
from dialer.clock import Sleep
from dialer.store.database import Database, text, text_fields, texts

_AT_ONCE = 500
_REWRITTEN_WITHIN_S = 300.0
_LOOK_EVERY_S = 0.2

# fields of INFO: whether it is under way, and how it went
_OF_LOG = (("aof_rewrite_in_progress", "aof_rewrite_scheduled"), "aof_last_bgrewrite_status")
_OF_SNAPSHOT = (("rdb_bgsave_in_progress", "rdb_bgsave_in_progress"), "rdb_last_bgsave_status")

# contacts and what hangs on them: forgotten by those who know their layout
_LAID_OUT = re.compile(r"c:[^:]+:(contacts|rows|attempts|rejected|external)(:|$)")
_GOES = frozenset(
    {
        "missed",
        "parked",
        "wrapping_up",
        "waits_for_word",
        "agent_day",
        "talks",
        "move",
        "spoke",
        "moved",
        "calls",
        "idempotency",
    }
)
_OF_WHO_IS_REMOVED = frozenset({"presence", "away", "idle_since", "agent_calls"})
"""Goes as well, once nobody is registered with the number."""
_AN_AGENTS = told("an agent is registered with it, or stands in for one")
_WHY = {
    **dict.fromkeys(
        ("agents", "agent_ids", "presence", "away", "members", "free_of", "teams", "team_ids"),
        _AN_AGENTS,
    ),
    **dict.fromkeys(("shift_changes", "most_calls", "agent_calls", "idle_since"), _AN_AGENTS),
    "suppressed": told("it is never to be called; take it off with: dialer suppress remove"),
    "callbacks": told("not settled yet; ask again in a minute"),
    "audit": told("numbers are masked there"),
}
_IN_USE = told("a contact waits, a call is live or has just ended; ask again when that is over")


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where a number stands.

    Args:
        until: When it goes by itself, epoch s; None: it does not, or nobody knows.
    """

    where: str
    count: int
    why: str = ""
    until: float | None = None


def forget_traces(
    db: Database, holds: Callable[[bytes], bool], *, dry_run: bool
) -> tuple[list[Trace], list[Trace]]:
    """Remove what tells of the past alone.

    Args:
        holds: Whether a text has the number in it.

    Returns:
        What was removed, and what remains.
    """
    gone, left = [], []
    registered = cast("Iterable[bytes]", db.client.hkeys(db.key("agents")))
    goes = _GOES if any(map(holds, registered)) else _GOES | _OF_WHO_IS_REMOVED
    for key in cast("Iterable[bytes]", db.client.scan_iter(match=db.key("*"), count=_AT_ONCE)):
        name = text(key).removeprefix(db.prefix)
        if _LAID_OUT.match(name):
            continue
        found = [part for part in _parts(db, key) if holds(part[1])]
        if not found and not holds(name.encode()):
            continue
        word = name.split(":")[2 if name.startswith("c:") and name.count(":") > 1 else 0]
        where, count = f"Redis, {_shown(name)}", max(len(found), 1)
        if word in goes:
            gone.append(Trace(where, count))
            if not dry_run:
                _remove(db, key, [field for field, _ in found])
        elif word != "orphans":  # whoever forgets a number has been there
            left.append(Trace(where, count, _WHY.get(word, _IN_USE)))
    return gone, left


def counts_of_days(db: Database) -> list[Trace]:
    """Name what counts numbers by the day, whichever campaign rang them: caps need it, and it goes by itself."""
    why = told(
        "counted over all campaigns, for caps, agents' days and who spoke with whom; it goes by "
        "itself"
    )
    found = []
    for word in ("agent_day", "calls", "spoke"):
        for key in cast("Iterable[bytes]", db.client.scan_iter(match=db.key(word, "*"))):
            until = float(db.client.expiretime(text(key)))
            where = f"Redis, {text(key).removeprefix(db.prefix)}"
            found.append(Trace(where, db.client.hlen(key), why, until))
    return found


def rewrite_files(client: "redis.Redis", *, sleep: Sleep) -> str:
    """Have Redis write its file anew, so that nothing that was removed is left in it.

    Returns:
        What was not done and why; '' when it is done.
    """
    try:
        is_log = client.info("persistence").get("aof_enabled")
        _begin(client.bgrewriteaof if is_log else client.bgsave)
        under_way, status = _OF_LOG if is_log else _OF_SNAPSHOT
        for _ in range(round(_REWRITTEN_WITHIN_S / _LOOK_EVERY_S)):
            info = client.info("persistence")
            if not any(info.get(name) for name in under_way):
                return (
                    "" if info.get(status) == "ok" else told("Redis could not write its file anew")
                )
            sleep(_LOOK_EVERY_S)
    except redis.ResponseError as error:
        return told("Redis does not let us write its file anew ({error})", error=str(error))
    return told("Redis is still writing its file anew")


def replicas(client: "redis.Redis") -> int | None:
    """Count replicas, each of which has files of its own; None where Redis does not tell."""
    try:
        return int(client.info("replication").get("connected_slaves", 0))
    except redis.ResponseError:
        return None


def hosts(db: Database) -> dict[str, str]:
    """Name the worker hosts that were ever seen, by the identity of the journal each has."""
    named = text_fields(db.client.hgetall(db.key("host_names")))
    return {one: named.get(one, one) for one in texts(db.client.hkeys(db.key("hosts")))}


def _begin(order: Callable[[], object]) -> None:
    try:
        order()
    except redis.ResponseError as error:
        if "progress" not in str(error) and "scheduled" not in str(error):
            raise


def _parts(db: Database, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give everything a key holds: a name by which it can be removed, and its text."""
    client = db.client
    match client.type(key):
        case b"string":
            yield key, cast("bytes", client.get(key)) or b""
        case b"hash":
            for field, value in client.hscan_iter(key, count=_AT_ONCE):
                yield field, field + b" " + value
        case b"set":
            yield from ((one, one) for one in client.sscan_iter(key, count=_AT_ONCE))
        case b"zset":
            yield from ((one, one) for one, _ in client.zscan_iter(key, count=_AT_ONCE))
        case b"list":
            yield from ((one, one) for one in cast("list[bytes]", client.lrange(key, 0, -1)))
        case b"stream":
            for id_, fields in cast("Any", client.xrange(key)):
                yield id_, b" ".join(fields.values())
        case _:
            return


def _remove(db: Database, key: bytes, fields: list[bytes]) -> None:
    match db.client.type(key):
        case b"hash" if fields:
            db.client.hdel(key, *cast("Any", fields))
        case b"zset" if fields:
            db.client.zrem(key, *fields)
        case _:
            db.client.unlink(key)


def _shown(name: str) -> str:
    return re.sub(r"\d{7,}", "NUMBER", name)
