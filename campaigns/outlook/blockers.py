"""Why is it not dialling: each thing in the way, and how many waiting contacts it holds back.

the campaign as a whole    paused, hours, caps …       holds back every waiting contact
a contact's own            retry timer, agent, …       the first that fits, in the order below
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from campaigns.outlook.binding import in_the_way
from campaigns.outlook.situation import Constraint, Situation
from campaigns.sentence import told

Numbers = NDArray[np.int64]
"""E.164 digits."""


class ContactBlocker(StrEnum):
    """What holds back single contacts."""

    SUPPRESSED = "suppressed"  # closed as soon as its turn comes, as is the next
    EXPIRED = "expired"
    RETRY_TIMERS = "retry_timers"  # tried before, due later
    NOT_BEFORE = "not_before"  # never tried, due later
    AGENT_AWAY = "agent_away"  # on a break, off, out of their shift, done for the day
    AGENT_PARKED = "agent_parked"
    AGENT_ON_CALL = "agent_on_call"
    AGENT_WRAP_UP = "agent_wrap_up"
    CUSTOMER_BUSY = "customer_busy"  # on a call of another contact
    CUSTOMER_GAP = "customer_gap"  # called a moment ago
    LIMIT = "limit"  # nothing but its turn


_WORDS = {
    ContactBlocker.SUPPRESSED: told("Must not be called: closed when their turn comes."),
    ContactBlocker.EXPIRED: told("Expired: closed when their turn comes."),
    ContactBlocker.RETRY_TIMERS: told("Tried before, and due again later."),
    ContactBlocker.NOT_BEFORE: told(
        "Not due yet: not-before, call-back, or their own hours or caps."
    ),
    ContactBlocker.AGENT_AWAY: told(
        "Their agents are away: on a break, off, out of their shift, or done for the day."
    ),
    ContactBlocker.AGENT_PARKED: told("Their agents missed too many calls in a row."),
    ContactBlocker.AGENT_ON_CALL: told("Their agents are on a call, or about to be rung."),
    ContactBlocker.AGENT_WRAP_UP: told("Their agents rest after a call."),
    ContactBlocker.CUSTOMER_BUSY: told("Their customers are on a call."),
    ContactBlocker.CUSTOMER_GAP: told("Their customers were called a moment ago."),
    ContactBlocker.LIMIT: told("Nothing but their turn at the request limit."),
}


@dataclass(frozen=True, slots=True)
class WaitingContacts:
    """The waiting contacts of a campaign, one place each in every column.

    Args:
        due_s: Epoch s; 0 = at once.
        expires_s: Epoch s; 0 = never.
        made: Attempts so far.
    """

    agent: Numbers
    customer: Numbers
    due_s: Numbers
    expires_s: Numbers
    made: Numbers


@dataclass(frozen=True, slots=True)
class HeldNumbers:
    """Numbers that cannot be called now, of all campaigns; agents and customers alike.

    Args:
        resting: In wrap-up, parked, or in the gap after a call.
        suppressed: Those among the waiting contacts' numbers at least.
        away: Agents who are not to be rung; `away_until`: until when each, epoch s, inf = not known.
    """

    on_call: Numbers
    resting: Numbers
    parked: Numbers
    suppressed: Numbers
    away: Numbers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    away_until: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def back_at(self, agents: Numbers) -> datetime | None:
        """Tell when the first of these agents is back; None: nobody knows."""
        until = self.away_until[np.isin(self.away, agents)]
        first = float(until.min()) if until.size else math.inf
        return None if math.isinf(first) else datetime.fromtimestamp(first, UTC)


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing in the way.

    Args:
        contacts: Waiting contacts it holds back.
        until: When it ends for the first of them, or for the whole campaign; None: not known.
    """

    name: Constraint | ContactBlocker
    contacts: int
    sentence: str
    until: datetime | None = None


def blockers(now: Situation, waiting: WaitingContacts, held: HeldNumbers) -> list[Blocker]:
    """Name all that is in the way: first of the campaign as a whole, then of single contacts.

    What holds back the whole campaign counts every waiting contact; below it each contact counts
    once, under what holds it back by itself. One with nothing of its own waits for its turn at the
    limit, unless it waits for the whole campaign, as is said already.
    """
    whole = [
        Blocker(bound.constraint, len(waiting.agent), bound.sentence, bound.until)
        for bound in in_the_way(now)
        if bound.constraint not in _OF_SINGLE_CONTACTS
    ]
    own = _of_contacts(now.at, waiting, held)
    return [*whole, *(one for one in own if not whole or one.name is not ContactBlocker.LIMIT)]


_OF_SINGLE_CONTACTS = {Constraint.AGENTS, Constraint.RETRY_TIMERS, Constraint.LIMIT}


def _of_contacts(at: datetime, waiting: WaitingContacts, held: HeldNumbers) -> Iterator[Blocker]:
    now_s = at.timestamp()
    is_later = waiting.due_s > now_s
    rests = np.isin(waiting.agent, held.resting)
    holds_back = {
        ContactBlocker.SUPPRESSED: np.isin(waiting.customer, held.suppressed)
        | np.isin(waiting.agent, held.suppressed),
        ContactBlocker.EXPIRED: (waiting.expires_s > 0) & (waiting.expires_s <= now_s),
        ContactBlocker.RETRY_TIMERS: is_later & (waiting.made > 0),
        ContactBlocker.NOT_BEFORE: is_later,
        ContactBlocker.AGENT_AWAY: np.isin(waiting.agent, held.away),
        ContactBlocker.AGENT_PARKED: rests & np.isin(waiting.agent, held.parked),
        ContactBlocker.AGENT_ON_CALL: np.isin(waiting.agent, held.on_call),
        ContactBlocker.AGENT_WRAP_UP: rests,
        ContactBlocker.CUSTOMER_BUSY: np.isin(waiting.customer, held.on_call),
        ContactBlocker.CUSTOMER_GAP: np.isin(waiting.customer, held.resting),
        ContactBlocker.LIMIT: np.ones(len(waiting.agent), dtype=np.bool_),
    }
    left = np.ones(len(waiting.agent), dtype=np.bool_)
    for name, applies in holds_back.items():
        mine = left & applies
        left &= ~applies
        if count := int(mine.sum()):
            first_s = int(waiting.due_s[mine].min())
            until = datetime.fromtimestamp(first_s, UTC) if name in _TIMED else None
            if name is ContactBlocker.AGENT_AWAY:
                until = held.back_at(waiting.agent[mine])
            yield Blocker(name, count, _WORDS[name], until)


_TIMED = {ContactBlocker.RETRY_TIMERS, ContactBlocker.NOT_BEFORE}
