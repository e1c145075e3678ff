"""The record of a contact in Redis, in 36 bytes: its layout, its codes, and what it holds.

lua/prelude/contacts.lua spells the same once more, since Lua cannot read this; a test compares the two. Nothing
here follows a position in an enumeration: a state or an end that is new takes a number of its own,
and what is stored keeps its meaning.
"""

import struct
from typing import NamedTuple

from campaigns.attempt import Outcome
from campaigns.contact_state import ContactState, NotDialled

FIELDS = (
    ("state", "B", "u1"),
    ("outcome", "B", "u1"),
    ("charged", "B", "u1"),
    ("flags", "B", "u1"),
    ("priority", "h", "<i2"),
    ("made", "H", "<u2"),
    ("due_s", "I", "<u4"),
    ("next", "I", "<u4"),
    ("expires_s", "I", "<u4"),
    ("agent", "d", "<f8"),
    ("customer", "d", "<f8"),
)
"""Name, as `struct` writes it in Python and Lua, as numpy reads a column of it in `records`."""

PACKED = struct.Struct("<" + "".join(letter for _, letter, _ in FIELDS))
RECORD_BYTES = PACKED.size

PER_CHUNK = 100
"""Contacts in one string of Redis."""


def place_of(n: int) -> tuple[int, int, int]:
    """Tell the hundred that a contact stands in, and its first and last byte there."""
    chunk, inside = divmod(n - 1, PER_CHUNK)
    return chunk, inside * RECORD_BYTES, (inside + 1) * RECORD_BYTES - 1


NEWCOMER = 128
"""In the flags: the contact is to open its agent's queue; see lua/prelude/queues.lua."""

LAST, APART = 0, 0xFFFFFFFF
"""Instead of a next one: nobody stands behind it; it is in no queue."""

STATE_CODES = {
    ContactState.WAITING: 1,
    ContactState.RELEASED: 2,
    ContactState.DIALING: 3,
    ContactState.UNRESOLVED: 4,
    ContactState.FINAL: 5,
    ContactState.OPEN: 6,
}

END_CODES: dict[Outcome | NotDialled, int] = {
    Outcome.CONNECTED: 1,
    Outcome.CUSTOMER_NO_ANSWER: 2,
    Outcome.CUSTOMER_BUSY: 3,
    Outcome.CUSTOMER_FAILED: 4,
    Outcome.AGENT_LEFT: 5,
    Outcome.AGENT_NO_ANSWER: 6,
    Outcome.AGENT_BUSY: 7,
    Outcome.AGENT_FAILED: 8,
    Outcome.CUSTOMER_NOT_DIALLED: 9,
    Outcome.PROVIDER_FAILED: 10,
    Outcome.DND: 11,
    Outcome.REFUSED: 12,
    Outcome.TURNED_AWAY: 13,
    Outcome.UNKNOWN: 14,
    NotDialled.CANCELLED: 15,
    NotDialled.EXPIRED: 16,
    NotDialled.SUPPRESSED: 17,
    NotDialled.OUTSIDE_HOURS: 18,
    NotDialled.COUNTRY_NOT_ALLOWED: 19,
    NotDialled.ENDED: 20,
    NotDialled.SKIPPED: 21,
    NotDialled.POISON: 22,
}
"""A number, once given, stays: it stands in Redis and in archives. 0 = none yet."""

_STATES = {code: state for state, code in STATE_CODES.items()}
_ENDS: dict[int, Outcome | NotDialled | None] = {code: end for end, code in END_CODES.items()}
_ENDS[0] = None


class ContactRecord(NamedTuple):
    """One contact as it stands; a tuple, because a million are made and a tuple is made faster.

    Args:
        agent: E.164 with its plus.
        customer: E.164 with its plus.
        outcome: Why it is final; None while it is not.
        charged: Attempts that count against the maximum.
        made: Attempts made, the last one's number.
        due_s: When it is due, epoch s; 0 = at once.
        expires_s: Not dialled from then on, epoch s; 0 = never expires.
    """

    agent: str
    customer: str
    state: ContactState = ContactState.WAITING
    outcome: Outcome | NotDialled | None = None
    charged: int = 0
    made: int = 0
    priority: int = 0
    due_s: int = 0
    expires_s: int = 0

    @property
    def numbers(self) -> tuple[str, str]:
        """Agent and customer."""
        return self.agent, self.customer

    @classmethod
    def unpack(cls, packed: bytes) -> "ContactRecord":
        """Decode from Redis."""
        (state, outcome, charged, _, priority, made, due, _, expires, agent, customer) = (
            PACKED.unpack(packed)
        )
        return cls(
            agent=f"+{agent:.0f}",
            customer=f"+{customer:.0f}",
            state=_STATES[state],
            outcome=_ENDS[outcome],
            charged=charged,
            made=made,
            priority=priority,
            due_s=due,
            expires_s=expires,
        )
