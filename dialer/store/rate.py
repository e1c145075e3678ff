"""Requests the account sent, by the second, and what the pace learned from their answers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from dialer.store.database import Database, text


class Pace(NamedTuple):
    """What the pace knows; instants in epoch s.

    Args:
        blocked_until: The account's gate stays closed till then; 0 = it is open.
        cut: Requests the limit was lowered by, and `cut_at` when.
    """

    blocked_until: float
    cut: float
    cut_at: float


class Seconds(NamedTuple):
    """Requests by the second they were sent in, epoch s, and refusals likewise."""

    sent: Mapping[int, int]
    refused: Mapping[int, int]


def read_seconds(db: Database, minutes: Sequence[int]) -> Seconds:
    """Read what was sent in these minutes since 1970, in one round trip."""
    return _read(db, minutes)[0]


def read_rate(db: Database, minutes: Sequence[int]) -> tuple[Seconds, Pace]:
    """Read the same with what the pace knows, in one round trip."""
    seconds, (blocked_until, cut, cut_at) = _read(db, minutes)
    return seconds, Pace(float(blocked_until or 0), float(cut or 0), float(cut_at or 0))


def free_slots_by(db: Database, until: Mapping[str, float]) -> None:
    """Let slots free themselves then at the latest, epoch s by request; others stay as they are."""
    times = {request: f"{at:.6f}" for request, at in until.items()}
    with db.client.pipeline() as pipe:
        pipe.zadd(db.key("slots"), cast("Any", times), xx=True, lt=True)
        pipe.hdel(db.key("pace"), "full_until")
        pipe.execute()


def _read(db: Database, minutes: Sequence[int]) -> tuple[Seconds, Sequence[bytes | None]]:
    with db.client.pipeline(transaction=False) as pipe:
        for kind in ("sent", "refused"):
            for one in minutes:
                pipe.hgetall(db.key(kind, one))
        pipe.hmget(db.key("pace"), "blocked_until", "cut", "cut_at")
        *stored, pace = pipe.execute()
    return Seconds(_joined(stored[: len(minutes)]), _joined(stored[len(minutes) :])), pace


def _joined(stored: Sequence[Mapping[bytes, bytes]]) -> dict[int, int]:
    return {int(text(second)): int(number) for one in stored for second, number in one.items()}
