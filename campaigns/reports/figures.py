"""Counts of contacts and attempts, whatever order they come in.

Attempts wait as columns until there are enough of them for Arrow to count at once, so a million
cost little more than a few thousand.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.attempt import AGENT_ANSWERED, CHARGED, AttemptState, Outcome
from campaigns.contact_state import ContactState, NotDialled
from campaigns.dispositions import NONE_GIVEN
from campaigns.reports.occupancy import NOBODY_TOLD, Counted, Occupancy, Presences


class Standing(StrEnum):
    """Where a contact stands in every sum; the five add up to the accepted ones."""

    WAITING = "waiting"
    IN_FLIGHT = "in_flight"
    UNRESOLVED = "unresolved"
    OPEN = "open"
    FINAL = "final"


STANDING_OF = {
    ContactState.WAITING: Standing.WAITING,
    ContactState.RELEASED: Standing.IN_FLIGHT,
    ContactState.DIALING: Standing.IN_FLIGHT,
    ContactState.UNRESOLVED: Standing.UNRESOLVED,
    ContactState.OPEN: Standing.OPEN,
    ContactState.FINAL: Standing.FINAL,
}

LIVE = "live"
UNRESOLVED = "unresolved"
"""What stands for the outcome of an attempt that has none yet."""


@dataclass(slots=True)
class Tally:
    """What some attempts add up to.

    Args:
        charged: Counted against their contact's maximum; those under way are.
        calls: Attempts with a Sid, ended, result known: the denominator of rates by call.
        agent_answered: Calls whose agent leg was answered.
        connected: Calls in which both sides were on the line.
        machine_answered: Connected calls that a machine answered; they count as answered.
        talk_s: Seconds both were talking.
        agent_wait_s: Seconds connected agents listened to the customer's phone ringing.
        price_micros: What they cost, in millionths of the billing currency.
    """

    attempts: int = 0
    charged: int = 0
    calls: int = 0
    agent_answered: int = 0
    connected: int = 0
    machine_answered: int = 0
    talk_s: int = 0
    agent_wait_s: int = 0
    price_micros: int = 0

    @property
    def price(self) -> Decimal:
        """What they cost, in the billing currency."""
        return Decimal(self.price_micros).scaleb(-6)

    def add(self, other: "Tally") -> None:
        """Count what another tally counted."""
        for name, more in zip(TALLIED, astuple(other), strict=True):
            setattr(self, name, getattr(self, name) + more)


TALLIED = [one.name for one in fields(Tally)]


class By(StrEnum):
    """What attempts are counted by; the values are columns of `tallied`."""

    AGENT = "agent"
    HOUR = "hour_s"  # the epoch second in which the local hour began
    ATTEMPT = "no"
    OUTCOME = "group"  # an outcome; `live` or `unresolved` while there is none
    DISPOSITION = "disposition"  # of connected ones; `open` where nobody gave one
    TALK = "talk_from_s"  # of connected ones, the shortest talk counted with theirs


TALK_FROM_S = (0, 10, 30, 60, 120, 300, 600, 1800)
"""Where the classes of talks by length begin, s; the last has no end."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What a campaign's contacts and attempts add up to.

    Args:
        zone: The campaign's, in which hours are counted.
        ends: Final contacts by outcome or reason.
        dialled: Contacts with at least one attempt.
        tried: Contacts with at least one charged attempt.
        agent_ready: Contacts for whom an agent picked up at least once.
        reached: Contacts connected at least once.
        tables: For each way of counting, a row of tallies per key, in the keys' order.
        sent_at: When each request left, epoch s, the first one first.
        turned_away: Answers 429.
        late: Ended calls whose duration or price may still come.
        price: Of all calls, in the billing currency.
        billed_s: Whole calls, both legs' time on the line.
        times: How each agent spent their time.
    """

    zone: ZoneInfo
    contacts: Counter[Standing]
    ends: Counter[Outcome | NotDialled]
    dialled: int
    tried: int
    agent_ready: int
    reached: int
    tables: Mapping[By, pd.DataFrame]
    sent_at: "np.ndarray[Any, np.dtype[np.float64]]"
    turned_away: int
    late: int
    price: Decimal
    billed_s: int
    times: Mapping[str, Occupancy]

    @property
    def accepted(self) -> int:
        """Contacts counted."""
        return self.contacts.total()

    @property
    def total(self) -> Tally:
        """All attempts."""
        return Tally(*self.tables[By.OUTCOME][TALLIED].sum().tolist())

    def tallies(self, by: By) -> dict[Any, Tally]:
        """Give the tallies of a table by their keys, in the keys' order."""
        rows = self.tables[by][TALLIED].itertuples(name=None)
        return {key: Tally(*numbers) for key, *numbers in rows}

    def attempts_in(self, group: str) -> int:
        """Count the attempts of an outcome, or `live`, or `unresolved`."""
        return int(self.tables[By.OUTCOME]["attempts"].get(group, 0))

    def conversations_with(self, disposition: str) -> int:
        """Count the connected attempts of a disposition, or those without one."""
        return int(self.tables[By.DISPOSITION]["connected"].get(disposition, 0))

    def most_requests_in(self, window_s: float) -> int:
        """Count the requests of the busiest window of this length, wherever it begins."""
        if not len(self.sent_at):
            return 0
        ends = np.searchsorted(self.sent_at, self.sent_at + window_s, side="left")
        return int((ends - np.arange(len(self.sent_at))).max())

    def requests_by_minute(self) -> list[tuple[datetime, int]]:
        """Count requests by minute of the clock; minutes without any are left out."""
        minutes, counts = np.unique(self.sent_at // 60, return_counts=True)
        return [
            (datetime.fromtimestamp(int(minute) * 60, self.zone), int(number))
            for minute, number in zip(minutes, counts, strict=True)
        ]


class Counting:
    """Counts a campaign's contacts as they go by.

    Args:
        zone: The campaign's, in which hours are counted.
        presences: When agents were there.
    """

    def __init__(self, zone: ZoneInfo, presences: Presences = NOBODY_TOLD) -> None:
        self._zone = zone
        self._times = Counted(presences)
        self._contacts: Counter[Standing] = Counter()
        self._ends: Counter[Outcome | NotDialled] = Counter()
        self._counted = 0
        self._waiting: list[pa.Table] = []
        self._sums = {by: _COUNTED_OF_NONE.select([by, *TALLIED]) for by in By}
        self._contacts_with: Counter[str] = Counter()
        self._sent_at: list[np.ndarray[Any, np.dtype[np.float64]]] = []
        self._turned_away = self._late = self._billed_s = 0
        self._price = Decimal(0)

    def add(
        self,
        states: Sequence[ContactState],
        ends: Sequence[Outcome | NotDialled | None],
        kept: Sequence[int],
        attempts: Mapping[str, Sequence[Any]],
    ) -> None:
        """Count some contacts.

        Args:
            ends: Why each contact is final; None while it is not.
            kept: How many attempts each contact has had.
            attempts: Columns of all these attempts, contact by contact, as `attempt_columns` has it.
        """
        self._contacts.update(map(STANDING_OF.__getitem__, states))
        self._ends.update(end for end in ends if end is not None)
        contacts = np.arange(self._counted, self._counted + len(kept)).repeat(kept)
        self._counted += len(kept)
        known = [pa.array(attempts[field.name], field.type) for field in _KNOWN]
        self._waiting.append(
            pa.Table.from_arrays(known, schema=_KNOWN).append_column("contact", pa.array(contacts))
        )
        if sum(map(len, self._waiting)) >= _ENOUGH:
            self._count()

    def figures(self) -> Figures:
        """Give what was counted so far."""
        self._count()
        return Figures(
            zone=self._zone,
            contacts=self._contacts.copy(),
            ends=self._ends.copy(),
            dialled=self._contacts_with["attempts"],
            tried=self._contacts_with["charged"],
            agent_ready=self._contacts_with["agent_answered"],
            reached=self._contacts_with["connected"],
            tables={
                by: sums.to_pandas().set_index(by).sort_index() for by, sums in self._sums.items()
            },
            sent_at=np.sort(np.concatenate([np.empty(0), *self._sent_at])),
            turned_away=self._turned_away,
            late=self._late,
            price=self._price,
            billed_s=self._billed_s,
            times={agent: self._times.of(agent) for agent in self._times.agents},
        )

    def _count(self) -> None:
        attempts = pa.concat_tables([_KNOWN_OF_NONE, *self._waiting]).combine_chunks()
        self._waiting = []
        counted = tallied(attempts, self._zone)
        self._times.add(attempts)
        for by, sums in self._sums.items():
            self._sums[by] = _summed(sums, counted, by)
        for name in ("attempts", "charged", "agent_answered", "connected"):
            with_some = counted["contact"].filter(pc.greater(counted[name], 0))
            self._contacts_with[name] += pc.count_distinct(with_some).as_py()
        self._sent_at.append(attempts["requested_at"].filter(was_sent(attempts)).to_numpy())
        self._turned_away += _number_of(pc.equal(attempts["http_status"], 429))
        self._late += _number_of(awaits_late_values(attempts))
        self._billed_s += _number_of(attempts["total_s"])
        for price in pc.value_counts(attempts["price"].drop_null()).to_pylist():
            self._price += Decimal(price["values"]) * price["counts"]  # a tariff has few


_KNOWN = pa.schema(
    {
        "agent": pa.string(),
        "no": pa.int64(),
        "requested_at": pa.float64(),
        "state": pa.string(),
        "sid": pa.string(),
        "outcome": pa.string(),
        "answered_by": pa.string(),
        "http_status": pa.int64(),
        "talk_s": pa.int64(),
        "ring_s": pa.int64(),
        "total_s": pa.int64(),
        "price": pa.string(),
        "is_final": pa.bool_(),
        "disposition": pa.string(),
        "settled_at": pa.float64(),
        "disposition_at": pa.float64(),
    }
)
_ENOUGH = 40_000  # attempts waiting, some 5 MB


def tallied(attempts: pa.Table, zone: ZoneInfo) -> pa.Table:
    """Tell of each attempt what it is counted by, and what it adds to every number of a `Tally`."""
    outcome = attempts["outcome"]
    has_ended = pc.is_valid(outcome)
    is_known = pc.and_not(has_ended, _is(outcome, Outcome.UNKNOWN))
    is_call = pc.and_(pc.is_valid(attempts["sid"]), is_known)
    connected = pc.and_(is_call, _is(outcome, Outcome.CONNECTED))
    under_way = pc.if_else(_is(attempts["state"], AttemptState.UNKNOWN), UNRESOLVED, LIVE)
    tallies = {
        "attempts": np.ones(len(attempts), dtype="int64"),
        "charged": pc.or_(pc.invert(has_ended), _is(outcome, *CHARGED)),
        "calls": is_call,
        "agent_answered": pc.and_(is_call, _is(outcome, *AGENT_ANSWERED)),
        "connected": connected,
        "machine_answered": pc.and_(connected, _is(attempts["answered_by"], "machine")),
        "talk_s": pc.if_else(connected, pc.fill_null(attempts["talk_s"], 0), 0),
        "agent_wait_s": pc.if_else(connected, pc.fill_null(attempts["ring_s"], 0), 0),
        "price_micros": _micros(attempts["price"]),
    }
    return pa.table(
        {
            "contact": attempts["contact"],
            By.AGENT: attempts["agent"],
            By.HOUR: _local_hours(attempts["requested_at"].to_numpy(), zone),
            By.ATTEMPT: attempts["no"],
            By.OUTCOME: pc.coalesce(outcome, under_way),
            By.DISPOSITION: pc.if_else(
                connected,
                pc.coalesce(attempts["disposition"], NONE_GIVEN),
                pa.scalar(None, pa.string()),
            ),
            By.TALK: _talk_classes(pc.if_else(connected, attempts["talk_s"], None)),
            **{name: pc.cast(numbers, pa.int64()) for name, numbers in tallies.items()},
        }
    )


def _micros(prices: pa.ChunkedArray) -> pa.Array:
    """Read prices; a tariff has few, so each is read once."""
    coded = pc.dictionary_encode(prices.combine_chunks())
    few = [
        int(Decimal(price).scaleb(6).to_integral_value()) for price in coded.dictionary.to_pylist()
    ]
    return pc.fill_null(pa.array(few, pa.int64()).take(coded.indices), 0)


def _talk_classes(talks_s: pa.ChunkedArray) -> pa.Array:
    """Tell of each talk where its class of lengths begins; nothing of what is not known."""
    known = pc.fill_null(talks_s, 0).to_numpy()
    begins = np.array(TALK_FROM_S, dtype="int64")
    classes = begins[np.searchsorted(begins, known, side="right") - 1]
    return pa.array(classes, mask=pc.is_null(talks_s).to_numpy(zero_copy_only=False))


def was_sent(attempts: pa.Table) -> pa.ChunkedArray:
    """Tell of each attempt whether its request left for the provider, as far as anyone knows."""
    turned_away = _is(attempts["outcome"], Outcome.TURNED_AWAY)
    return pc.or_(pc.invert(turned_away), pc.is_valid(attempts["http_status"]))


def awaits_late_values(attempts: pa.Table) -> pa.ChunkedArray:
    """Tell of each attempt whether its call ended and duration or price may still be filled in."""
    has_ended = pc.and_(pc.is_valid(attempts["sid"]), pc.is_valid(attempts["outcome"]))
    lacks_values = pc.or_(pc.is_null(attempts["total_s"]), pc.is_null(attempts["price"]))
    return pc.and_not(pc.and_(has_ended, lacks_values), attempts["is_final"])


def _is(words: pa.ChunkedArray, *wanted: str) -> pa.ChunkedArray:
    """Tell of each word whether it is one of those wanted; a missing one is not."""
    return pc.is_in(words, pa.array(wanted, words.type))


def _number_of(column: pa.ChunkedArray) -> int:
    """Add up numbers, or count what is true; what is missing adds nothing."""
    return pc.sum(column).as_py() or 0


Seconds = np.ndarray[Any, np.dtype[np.int64]]


def _local_hours(instants: "np.ndarray[Any, np.dtype[np.float64]]", zone: ZoneInfo) -> Seconds:
    """Give the epoch seconds in which the local hours began; zones may be half an hour apart."""
    at_s = instants.astype("int64")
    local = pd.DatetimeIndex(at_s.view("datetime64[s]"), tz="UTC").tz_convert(zone)
    walls: Seconds = local.tz_localize(None).to_numpy("datetime64[s]").view("int64")
    return at_s - walls % 3600


def _summed(sums: pa.Table, counted: pa.Table, by: By) -> pa.Table:
    """Add what was counted to the sums by something."""
    counts = counted.select([by, *TALLIED])
    if by in {By.DISPOSITION, By.TALK}:  # the others are by nothing
        counts = counts.filter(pc.is_valid(counts[by]))
    added = pa.concat_tables([sums, counts])
    summed = added.group_by(by, use_threads=False).aggregate([(name, "sum") for name in TALLIED])
    return summed.rename_columns({f"{name}_sum": name for name in TALLIED})


_KNOWN_OF_NONE = _KNOWN.append(pa.field("contact", pa.int64())).empty_table()
_COUNTED_OF_NONE = tallied(_KNOWN_OF_NONE, ZoneInfo("UTC"))
