"""The states of a contact and why it was closed.

waiting ──▶ released ──▶ dialing ──▶ waiting      a retry is due later
   ▲            │           │ └────▶ final(outcome)
   └────────────┘           ├──────▶ unresolved ──▶ waiting | open | final
                            └──────▶ open ────────▶ waiting | final      its agent is to say what came of it
any waiting contact ──▶ final(reason)             cancelled, expired, suppressed …
"""

from enum import StrEnum


class ContactState(StrEnum):
    """Where a contact stands. In flight, in every sum, is released or dialing."""

    WAITING = "waiting"
    RELEASED = "released"
    DIALING = "dialing"
    UNRESOLVED = "unresolved"
    OPEN = "open"
    FINAL = "final"


class NotDialled(StrEnum):
    """Why a contact was closed without (another) attempt; stands where an outcome would."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    OUTSIDE_HOURS = "outside_hours"  # its zone and rules never open again
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    ENDED = "ended"  # the campaign's end came first
    SKIPPED = "skipped"  # by an operator
    POISON = "poison"  # its worker died at the gate again and again
