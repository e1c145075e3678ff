"""What the account used of a local day, and in which hours it called."""

from collections.abc import Mapping
from typing import cast

from dialer.store.database import Database, text

_KEPT_S = 8 * 86_400


def used_of(db: Database, day: str) -> dict[str, float]:
    """Read what was used on a day by name, and as `added_…` what was added to its caps."""
    stored = cast("dict[bytes, bytes]", db.client.hgetall(db.key("day", day)))
    return {text(name): float(value) for name, value in stored.items()}


def add_to_caps(db: Database, day: str, more: Mapping[str, float]) -> None:
    """Raise caps for one day, and let the gate find out anew whether one is reached."""
    with db.client.pipeline() as pipe:
        for name, by in more.items():
            if by:
                pipe.hincrbyfloat(db.key("day", day), f"added_{name}", by)
        pipe.expire(db.key("day", day), _KEPT_S)
        pipe.hdel(db.key("account"), "capped_by", "capped_until")
        pipe.execute()


def calls_by_hour(db: Database, *, first: int) -> dict[int, int]:
    """Read the calls of each hour since 1970 from this one on; those before are forgotten."""
    stored = cast("dict[bytes, bytes]", db.client.hgetall(db.key("hours")))
    found = {int(hour): int(calls) for hour, calls in stored.items()}
    if old := [hour for hour in found if hour < first]:
        db.client.hdel(db.key("hours"), *map(str, old))
    return {hour: calls for hour, calls in found.items() if hour >= first}
