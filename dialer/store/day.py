"""What the account used of a local day, and in which hours it called."""

from collections import defaultdict
from collections.abc import Mapping

from campaigns.day_figures import QUARTER_S, USUAL_DAYS, DayFigures
from dialer.store.database import Database, text, text_fields

_KEPT_S = 8 * 86_400
_QUARTERS = 86_400 // QUARTER_S


def used_of(db: Database, day: str) -> dict[str, float]:
    """Read what was used on a day by name, and as `added_…` what was added to its caps."""
    stored = text_fields(db.client.hgetall(db.key("day", day)))
    return {name: float(value) for name, value in stored.items()}


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
    stored = text_fields(db.client.hgetall(db.key("hours")))
    found = {int(hour): int(calls) for hour, calls in stored.items()}
    if old := [hour for hour in found if hour < first]:
        db.client.hdel(db.key("hours"), *map(str, old))
    return {hour: calls for hour, calls in found.items() if hour >= first}


def figures_by_quarter(db: Database, *, now_s: float) -> dict[int, DayFigures]:
    """Read the figures of the last days, by quarter of an hour since 1970, in one round trip."""
    today = int(now_s // QUARTER_S) // _QUARTERS
    days = range(today - USUAL_DAYS - 1, today + 1)
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for stored in db.read_hashes([db.key("figures", day) for day in days]):
        for field, value in stored.items():
            quarter, _, name = text(field).partition(":")
            found[int(quarter)][name] = float(value)
    return {quarter: DayFigures(**sums) for quarter, sums in found.items()}
