"""Counts of contacts and attempts that grow one contact at a time, and can be merged.

Nothing here depends on the order in which contacts are added.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from campaigns.attempt import CUSTOMER_SIDE, Attempt, AttemptState, Outcome
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

Key = TypeVar("Key")

_QUARTER_S = 900  # every zone's offset is a multiple of it


@dataclass(slots=True)
class Tally:
    """What some attempts add up to.

    Args:
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

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Tally one attempt."""
        if not is_call(attempt):
            return cls(attempts=1, charged=int(attempt.is_charged))
        if attempt.outcome is not Outcome.CONNECTED:
            return cls(
                attempts=1,
                charged=int(attempt.is_charged),
                calls=1,
                agent_answered=int(has_agent_answered(attempt)),
            )
        return cls(
            attempts=1,
            charged=1,
            calls=1,
            agent_answered=1,
            connected=1,
            machine_answered=int(attempt.answered_by == "machine"),
            talk_s=attempt.talk_s or 0,
            agent_wait_s=attempt.ring_s or 0,
        )

    def add(self, other: "Tally") -> None:
        """Count what another tally counted."""
        self.attempts += other.attempts
        self.charged += other.charged
        self.calls += other.calls
        self.agent_answered += other.agent_answered
        self.connected += other.connected
        self.machine_answered += other.machine_answered
        self.talk_s += other.talk_s
        self.agent_wait_s += other.agent_wait_s


def is_call(attempt: Attempt) -> bool:
    """The provider made a call of it, it ended, and its result is known."""
    return (
        attempt.sid is not None
        and attempt.outcome is not None
        and attempt.outcome is not Outcome.UNKNOWN
    )


def has_agent_answered(attempt: Attempt) -> bool:
    """The agent's leg was answered, whatever became of the customer's."""
    return attempt.outcome in AGENT_ANSWERED or attempt.agent_status == "completed"


def was_sent(attempt: Attempt) -> bool:
    """Its request left for the provider, as far as anyone knows."""
    return attempt.outcome is not Outcome.TURNED_AWAY or attempt.http_status is not None


def awaits_late_values(attempt: Attempt) -> bool:
    """Its call has ended, but the provider may still fill in duration or price."""
    return (
        attempt.sid is not None
        and attempt.outcome is not None
        and not attempt.is_final
        and (attempt.total_s is None or attempt.price is None)
    )


def group_of(attempt: Attempt) -> str:
    """Give the outcome, or what stands for it while there is none."""
    if attempt.outcome is not None:
        return attempt.outcome
    return UNRESOLVED if attempt.state is AttemptState.UNKNOWN else LIVE


@dataclass(slots=True, eq=False)
class Figures:
    """What a campaign's contacts and attempts add up to.

    Args:
        zone: The campaign's, in which hours are counted.
        ends: Final contacts by outcome or reason.
        dialled: Contacts with at least one attempt.
        tried: Contacts with at least one charged attempt.
        agent_ready: Contacts for whom an agent picked up at least once.
        reached: Contacts connected at least once.
        by_hour: By the epoch second in which the local hour began.
        by_outcome: Outcomes, and `live` and `unresolved` for attempts that have none yet.
        sent_at: When each request left, epoch s; eight bytes each, as every one is needed to
            find the busiest minute.
        turned_away: Answers 429.
        late: Ended calls whose duration or price may still come.
        price: Of all calls, in the billing currency.
        billed_s: Whole calls, both legs' time on the line.
    """

    zone: ZoneInfo
    contacts: Counter[Standing] = field(default_factory=Counter)
    ends: Counter[Outcome | NotDialled] = field(default_factory=Counter)
    dialled: int = 0
    tried: int = 0
    agent_ready: int = 0
    reached: int = 0
    by_agent: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_hour: defaultdict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_attempt: defaultdict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_outcome: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    sent_at: "array[float]" = field(default_factory=lambda: array("d"))
    turned_away: int = 0
    late: int = 0
    price: Decimal = Decimal(0)
    billed_s: int = 0
    _hours: dict[int, int] = field(default_factory=dict, repr=False)

    def add(
        self,
        state: ContactState,
        end: Outcome | NotDialled | None,
        attempts: Iterable[Attempt],
    ) -> None:
        """Count one contact.

        Args:
            end: Why the contact is final; None while it is not.
            attempts: All it has had, in any order.
        """
        self.contacts[STANDING_OF[state]] += 1
        if end is not None:
            self.ends[end] += 1
        of_contact = Tally()
        for attempt in attempts:
            of_contact.add(self._add_attempt(attempt))
        self.dialled += of_contact.attempts > 0
        self.tried += of_contact.charged > 0
        self.agent_ready += of_contact.agent_answered > 0
        self.reached += of_contact.connected > 0

    def _add_attempt(self, attempt: Attempt) -> Tally:
        tally = Tally.of(attempt)
        self.by_agent[attempt.agent].add(tally)
        self.by_hour[self._hour_of(attempt.requested_at)].add(tally)
        self.by_attempt[attempt.no].add(tally)
        self.by_outcome[group_of(attempt)].add(tally)
        if was_sent(attempt):
            self.sent_at.append(attempt.requested_at)
        self.turned_away += attempt.http_status == 429
        self.late += awaits_late_values(attempt)
        self.billed_s += attempt.total_s or 0
        if attempt.price is not None:
            self.price += Decimal(attempt.price)
        return tally

    def merge(self, other: "Figures") -> None:
        """Count what another part of the same campaign counted."""
        if self.zone.key != other.zone.key:
            raise ValueError(f"hours of {other.zone.key} cannot join hours of {self.zone.key}")
        self.contacts += other.contacts
        self.ends += other.ends
        _merge(self.by_agent, other.by_agent)
        _merge(self.by_hour, other.by_hour)
        _merge(self.by_attempt, other.by_attempt)
        _merge(self.by_outcome, other.by_outcome)
        self.sent_at.extend(other.sent_at)
        self.dialled += other.dialled
        self.tried += other.tried
        self.agent_ready += other.agent_ready
        self.reached += other.reached
        self.turned_away += other.turned_away
        self.late += other.late
        self.price += other.price
        self.billed_s += other.billed_s

    @property
    def accepted(self) -> int:
        """Contacts counted."""
        return self.contacts.total()

    @property
    def total(self) -> Tally:
        """All attempts."""
        whole = Tally()
        for tally in self.by_outcome.values():
            whole.add(tally)
        return whole

    def attempts_in(self, group: str) -> int:
        """Count the attempts of an outcome, or `live`, or `unresolved`."""
        return self.by_outcome[group].attempts if group in self.by_outcome else 0

    def most_requests_in(self, window_s: float) -> int:
        """Count the requests of the busiest window of this length, wherever it begins."""
        if not self.sent_at:
            return 0
        sent_at = np.sort(np.frombuffer(self.sent_at))
        ends = np.searchsorted(sent_at, sent_at + window_s, side="left")
        return int((ends - np.arange(len(sent_at))).max())

    def requests_by_minute(self) -> list[tuple[datetime, int]]:
        """Count requests by minute of the clock; minutes without any are left out."""
        if not self.sent_at:
            return []
        minutes, counts = np.unique(np.frombuffer(self.sent_at) // 60, return_counts=True)
        return [
            (datetime.fromtimestamp(int(minute) * 60, self.zone), int(count))
            for minute, count in zip(minutes, counts, strict=True)
        ]

    def _hour_of(self, at: float) -> int:
        quarter = int(at // _QUARTER_S)
        hour = self._hours.get(quarter)
        if hour is None:
            hour = self._hours[quarter] = _local_hour(quarter * _QUARTER_S, self.zone)
        return hour


def _local_hour(at_s: int, zone: ZoneInfo) -> int:
    """Give the epoch second in which the local hour began."""
    local = datetime.fromtimestamp(at_s, UTC).astimezone(zone)
    return at_s - local.minute * 60 - local.second


def _merge(mine: defaultdict[Key, Tally], theirs: defaultdict[Key, Tally]) -> None:
    for key, tally in theirs.items():
        mine[key].add(tally)
