"""What a process measures of an account: counted here, and added up in Redis with each heartbeat.

So the figures are the account's, of all its processes on all hosts; workers need no port. What a
process that was killed had not told yet, some seconds, is missing: they are for watching, and no
report rests on them.
"""

import json
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

PREFIX = "dialer_"


@dataclass(frozen=True, slots=True)
class Meter:
    """Something that is counted, or measured in seconds.

    Args:
        name: By Prometheus' conventions, without our prefix and `_total`.
        labels: Beside the account.
        bounds: Upper bounds of a histogram's buckets, s; none: it only counts.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


_QUICK = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0)
_SLOW = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

ANSWER = Meter(
    "answer_seconds",
    "From sending a connect request to its answer, by HTTP status; none = no readable answer.",
    ("status",),
    _QUICK,
)
GATE_WAIT = Meter(
    "gate_wait_seconds", "From a message's arrival at its worker to the gate's yes.", (), _QUICK
)
DUE_TO_POST = Meter(
    "due_to_post_seconds",
    "From the instant a contact was due (retry, call-back, not-before) to its request.",
    (),
    _SLOW,
)
CALLBACK_TO_SETTLED = Meter(
    "callback_to_settled_seconds", "From a callback's receipt to its attempt's record.", (), _SLOW
)
LOOKUPS = Meter(
    "lookups", "Questions to the provider about calls: answered, failed, or put_off.", ("result",)
)
LOG_EVENTS = Meter(
    "log_events", "Warnings and errors in the logs, by the event they name.", ("level", "event")
)
METERS = {
    one.name: one
    for one in (ANSWER, GATE_WAIT, DUE_TO_POST, CALLBACK_TO_SETTLED, LOOKUPS, LOG_EVENTS)
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A meter's standing for one set of its labels.

    Args:
        sum: Of all that was measured, s, or how many were counted.
        buckets: How many fell under each bound and not under the one before; the last: beyond all.
    """

    meter: Meter
    labels: tuple[str, ...]
    sum: float
    buckets: tuple[float, ...]


class Meters:
    """Counts of one process, for one account; any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added: defaultdict[str, float] = defaultdict(float)

    def count(self, meter: Meter, *labels: str, by: int = 1) -> None:
        """Count something."""
        self._add(_field(meter, labels, "sum"), by)

    def observe(self, meter: Meter, seconds: float, *labels: str) -> None:
        """Note how long something took; clocks that differ make no negative times."""
        took_s = max(0.0, seconds)
        self._add(_field(meter, labels, "sum"), took_s)
        self._add(_field(meter, labels, str(bisect_left(meter.bounds, took_s))), 1)

    def observe_all(self, meter: Meter, seconds: Iterable[float], *labels: str) -> None:
        """Note how long each of many took."""
        took_s = [max(0.0, one) for one in seconds]
        self._add(_field(meter, labels, "sum"), sum(took_s))
        for at, count in Counter(bisect_left(meter.bounds, one) for one in took_s).items():
            self._add(_field(meter, labels, str(at)), count)

    def take(self) -> Mapping[str, float]:
        """Take what was added since it was taken last, by field of the account's hash."""
        with self._lock:
            taken, self._added = self._added, defaultdict(float)
        return taken

    def give_back(self, taken: Mapping[str, float]) -> None:
        """Keep for later what could not be told."""
        for field, by in taken.items():
            self._add(field, by)

    def _add(self, field: str, by: float) -> None:
        with self._lock:
            self._added[field] += by


def readings(stored: Mapping[str, float]) -> Iterator[Reading]:
    """Read an account's hash; what another version measures is left out."""
    sums: dict[tuple[str, ...], float] = {}
    buckets: dict[tuple[str, ...], dict[str, float]] = {}
    for field, value in stored.items():
        *series, part = json.loads(field)
        if series[0] not in METERS:
            continue
        if part == "sum":
            sums[tuple(series)] = value
        else:
            buckets.setdefault(tuple(series), {})[part] = value
    for series_, total in sorted(sums.items()):
        meter, counted = METERS[series_[0]], buckets.get(series_, {})
        places = range(len(meter.bounds) + 1) if meter.bounds else ()
        yield Reading(
            meter, series_[1:], total, tuple(counted.get(str(place), 0.0) for place in places)
        )


@cache
def _field(meter: Meter, labels: tuple[str, ...], part: str) -> str:
    return json.dumps([meter.name, *labels, part], separators=(",", ":"))
