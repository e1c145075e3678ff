"""What Redis' user must be allowed, and what follows where it is not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from campaigns.sentence import told
from dialer.store.database import Database

WITHOUT_INFO = told(
    "a restart or failover is noticed only where a worker remembers more than Redis does, so one "
    "that lost writes may ring a number twice; and nobody warns of full memory"
)


@dataclass(frozen=True, slots=True)
class Right:
    """Something that Redis' user is asked to be allowed.

    Args:
        name: As an object of "may not".
        rule: How an ACL allows it.
        consequence: What follows where it is not allowed.
        is_needed: Nothing is dialled without it.
    """

    name: str
    rule: str
    consequence: str
    is_needed: bool = True


_REFUSES_KEYS = re.compile(r"access (?:a key|one of the keys)")
_Command = tuple[str | int, ...]


def missing_rights(db: Database) -> list[Right]:
    """Tell what is refused. Nothing is done: a transaction says it of each command, and is discarded.

    Raises:
        redis.RedisError: The server is away.
    """
    connection: Any = db.client.connection_pool.get_connection()
    try:
        if _is_refused(connection, ("MULTI",)):
            return [Right(told("use transactions"), "+@transaction", told("nothing is dialled"))]
        key = db.key("rights")
        missing = [
            right
            for right, commands in _tried(key)
            if any(_is_refused(connection, one) for one in commands)
        ]
        if _REFUSES_KEYS.search(_refusal(connection, ("GET", key))):
            missing.insert(0, Right(told("use our keys"), "~dialer:*", told("nothing is dialled")))
        _refusal(connection, ("DISCARD",))
        return missing
    finally:
        connection.disconnect()  # whatever was cut off in the middle ends with it
        db.client.connection_pool.release(connection)


def _tried(key: str) -> Sequence[tuple[Right, Sequence[_Command]]]:
    """Give each right with commands that need it."""
    return (
        (
            Right(told("read and write"), "+@read +@write", told("nothing is dialled")),
            [("GET", key), ("HSET", key, "f", 1), ("ZADD", key, 1, "m"), ("SET", key, 1)],
        ),
        (
            Right(told("run scripts"), "+@scripting", told("nothing is dialled")),
            [("EVALSHA", "0" * 40, 0), ("SCRIPT", "LOAD", "return 1")],
        ),
        (
            Right(told("wait for work"), "+@blocking", told("nothing is dialled")),
            [("BLPOP", key, 1), ("BLMOVE", key, key, "LEFT", "LEFT", 1)],
        ),
        (
            Right(
                told("read streams"),
                "+@stream",
                told("no callback is settled, and agents stay held"),
            ),
            [("XADD", key, "*", "f", 1), ("XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">")],
        ),
        (
            Right("SCAN", "+scan", told("nothing is archived, purged or migrated")),
            [("SCAN", 0)],
        ),
        (
            Right(
                told("ask for KEYS"),
                "+keys",
                told(
                    "once a worker has died, the others fail to fetch now and then, and pause a "
                    "second"
                ),
                is_needed=False,
            ),
            [("KEYS", key)],
        ),
        (Right(told("ask for INFO"), "+info", WITHOUT_INFO, is_needed=False), [("INFO",)]),
    )


def _is_refused(connection: Any, command: _Command) -> bool:
    """Tell whether a command is refused whatever its keys."""
    why = _refusal(connection, command)
    return bool(why) and not _REFUSES_KEYS.search(why)


def _refusal(connection: Any, command: _Command) -> str:
    connection.send_command(*command)
    try:
        connection.read_response()
    except NoPermissionError as error:
        return str(error)
    except redis.ResponseError:
        return ""  # for another reason, of which others tell
    return ""
