"""Counts of contacts and attempts, whatever order they come in.

Attempts wait as plain tuples until there are enough of them for pandas to count at once, so a
million cost little more than a few thousand.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import count, repeat
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from campaigns.attempt import CHARGED, CUSTOMER_SIDE, Attempt, AttemptState, Outcome
from campaigns.contact_state import ContactState, NotDialled


class Standing(StrEnum):
    """Where a contact stands in every sum; the four add up to the accepted ones."""

    WAITING = "waiting"
    IN_FLIGHT = "in_flight"
    UNRESOLVED = "unresolved"
    FINAL = "final"


STANDING_OF = {
    ContactState.WAITING: Standing.WAITING,
    ContactState.RELEASED: Standing.IN_FLIGHT,
    ContactState.DIALING: Standing.IN_FLIGHT,
    ContactState.UNRESOLVED: Standing.UNRESOLVED,
    ContactState.FINAL: Standing.FINAL,
}

LIVE = "live"
UNRESOLVED = "unresolved"
"""What stands for the outcome of an attempt that has none yet."""

AGENT_ANSWERED = CUSTOMER_SIDE | {Outcome.CONNECTED, Outcome.CUSTOMER_NOT_DIALLED}
"""Outcomes that only an answered agent leg can lead to."""


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
    """

    attempts: int = 0
    charged: int = 0
    calls: int = 0
    agent_answered: int = 0
    connected: int = 0
    machine_answered: int = 0
    talk_s: int = 0
    agent_wait_s: int = 0

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
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._contacts: Counter[Standing] = Counter()
        self._ends: Counter[Outcome | NotDialled] = Counter()
        self._numbers = count(1)
        self._waiting: list[tuple[Any, ...]] = []
        self._contacts_of: list[int] = []
        self._tables = {by: _no_tallies() for by in By}
        self._contacts_with: Counter[str] = Counter()
        self._sent_at: list[np.ndarray[Any, np.dtype[np.float64]]] = []
        self._turned_away = self._late = self._billed_s = 0
        self._price = Decimal(0)

    def add(
        self,
        state: ContactState,
        end: Outcome | NotDialled | None,
        attempts: Sequence[Attempt],
    ) -> None:
        """Count one contact.

        Args:
            end: Why the contact is final; None while it is not.
            attempts: All it has had, in any order.
        """
        self._contacts[STANDING_OF[state]] += 1
        if end is not None:
            self._ends[end] += 1
        self._waiting += map(_known_of, attempts)
        self._contacts_of += repeat(next(self._numbers), len(attempts))
        if len(self._waiting) >= _ENOUGH:
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
            tables=self._tables.copy(),
            sent_at=np.sort(np.concatenate([np.empty(0), *self._sent_at])),
            turned_away=self._turned_away,
            late=self._late,
            price=self._price,
            billed_s=self._billed_s,
        )

    def _count(self) -> None:
        attempts = pd.DataFrame(self._waiting, columns=_KNOWN, dtype=object)
        attempts["contact"] = np.array(self._contacts_of, dtype="int64")
        self._waiting, self._contacts_of = [], []
        counted = tallied(attempts, self._zone)
        for by, table in self._tables.items():
            added = pd.concat([table, counted.groupby(by)[TALLIED].sum()])
            self._tables[by] = added.groupby(level=0).sum()
        for name in ("attempts", "charged", "agent_answered", "connected"):
            self._contacts_with[name] += counted["contact"][counted[name] > 0].nunique()
        self._sent_at.append(attempts["requested_at"][was_sent(attempts)].to_numpy("float64"))
        self._turned_away += int((attempts["http_status"] == 429).sum())
        self._late += int(awaits_late_values(attempts).sum())
        self._billed_s += int(_seconds(attempts["total_s"]).sum())
        prices = attempts["price"].value_counts()  # a tariff has few different ones
        self._price += sum((Decimal(price) * n for price, n in prices.items()), Decimal(0))


_KNOWN = (
    "agent",
    "no",
    "requested_at",
    "state",
    "sid",
    "outcome",
    "agent_status",
    "answered_by",
    "http_status",
    "talk_s",
    "ring_s",
    "total_s",
    "price",
    "is_final",
)
_known_of = attrgetter(*_KNOWN)
_ENOUGH = 40_000  # attempts waiting, some 20 MB: pandas takes half as long for each as of 10,000


def tallied(attempts: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Tell of each attempt what it is counted by, and what it adds to every number of a `Tally`."""
    outcome = attempts["outcome"]
    is_call = attempts["sid"].notna() & outcome.notna() & (outcome != Outcome.UNKNOWN)
    agent_answered = outcome.isin(AGENT_ANSWERED) | (attempts["agent_status"] == "completed")
    connected = is_call & (outcome == Outcome.CONNECTED)
    under_way = np.where(attempts["state"] == AttemptState.UNKNOWN, UNRESOLVED, LIVE)
    told = pd.DataFrame(
        {
            "contact": attempts["contact"],
            By.AGENT: attempts["agent"],
            By.HOUR: _local_hours(attempts["requested_at"], zone),
            By.ATTEMPT: attempts["no"],
            By.OUTCOME: outcome.where(outcome.notna(), under_way),
            "attempts": 1,
            "charged": outcome.isna() | outcome.isin(CHARGED),
            "calls": is_call,
            "agent_answered": is_call & agent_answered,
            "connected": connected,
            "machine_answered": connected & (attempts["answered_by"] == "machine"),
            "talk_s": _seconds(attempts["talk_s"]).where(connected, 0),
            "agent_wait_s": _seconds(attempts["ring_s"]).where(connected, 0),
        }
    )
    return told.astype(dict.fromkeys(TALLIED, "int64"))


def was_sent(attempts: pd.DataFrame) -> pd.Series:
    """Tell of each attempt whether its request left for the provider, as far as anyone knows."""
    return (attempts["outcome"] != Outcome.TURNED_AWAY) | attempts["http_status"].notna()


def awaits_late_values(attempts: pd.DataFrame) -> pd.Series:
    """Tell of each attempt whether its call ended and duration or price may still be filled in."""
    has_ended = attempts["sid"].notna() & attempts["outcome"].notna()
    lacks_values = attempts["total_s"].isna() | attempts["price"].isna()
    return has_ended & lacks_values & ~attempts["is_final"].astype(bool)


def _local_hours(instants: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Give the epoch seconds in which the local hours began; zones may be half an hour apart."""
    at_s = instants.astype("float64").astype("int64")
    local = pd.to_datetime(at_s, unit="s", utc=True).dt.tz_convert(zone)
    return at_s - local.dt.minute * 60 - local.dt.second


def _seconds(values: pd.Series) -> pd.Series:
    return values.fillna(0).astype("int64")


def _no_tallies() -> pd.DataFrame:
    return pd.DataFrame(columns=TALLIED, dtype="int64")
