"""One attempt to connect an agent with a customer: its states, what is known of its call, its outcome.

placing ──▶ placed ──▶ settled(outcome)          the POST got a Sid, then the call ended
   │  └────────────────▶ settled(turned_away …)  surely not placed
   └─────▶ unknown ──▶ settled                   nobody knows whether a phone is ringing
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import repeat
from typing import Any, NamedTuple

from campaigns.many_tuples import quickly_changed


class AttemptState(StrEnum):
    """Where an attempt stands."""

    PLACING = "placing"  # the intent is written; the request may be on its way
    PLACED = "placed"  # the provider gave a Sid
    UNKNOWN = "unknown"  # quarantine: the request may have arrived
    SETTLED = "settled"  # it has its one outcome


class Outcome(StrEnum):
    """The one result of an ended attempt."""

    # both sides
    CONNECTED = "connected"
    # customer side
    CUSTOMER_NO_ANSWER = "customer_no_answer"
    CUSTOMER_BUSY = "customer_busy"
    CUSTOMER_FAILED = "customer_failed"
    AGENT_LEFT = "agent_left"  # hung up while the customer's phone rang
    # agent side
    AGENT_NO_ANSWER = "agent_no_answer"
    AGENT_BUSY = "agent_busy"
    AGENT_FAILED = "agent_failed"
    # provider
    CUSTOMER_NOT_DIALLED = "customer_not_dialled"
    PROVIDER_FAILED = "provider_failed"
    DND = "dnd"
    REFUSED = "refused"  # this number, for good
    TURNED_AWAY = "turned_away"  # 429, connection never opened, account trouble
    # quarantine ended without evidence
    UNKNOWN = "unknown"


AGENT_SIDE = frozenset({Outcome.AGENT_NO_ANSWER, Outcome.AGENT_BUSY, Outcome.AGENT_FAILED})
CUSTOMER_SIDE = frozenset(
    {
        Outcome.CUSTOMER_NO_ANSWER,
        Outcome.CUSTOMER_BUSY,
        Outcome.CUSTOMER_FAILED,
        Outcome.AGENT_LEFT,
    }
)
PROVIDER_SIDE = (
    frozenset(Outcome) - AGENT_SIDE - CUSTOMER_SIDE - {Outcome.CONNECTED, Outcome.UNKNOWN}
)
SIDES = {
    "both": frozenset({Outcome.CONNECTED}),
    "customer": CUSTOMER_SIDE,
    "agent": AGENT_SIDE,
    "provider": PROVIDER_SIDE,
}
"""Whose doing an outcome was; nobody's, where it is unknown."""

AGENT_ANSWERED = CUSTOMER_SIDE | {Outcome.CONNECTED, Outcome.CUSTOMER_NOT_DIALLED}
"""Outcomes that only an answered agent leg can lead to: what "the agent answered" means everywhere."""

CHARGED = CUSTOMER_SIDE | {Outcome.CONNECTED, Outcome.UNKNOWN}
"""Outcomes that stay counted against a contact's maximum: an absent agent does not use it up."""

CHARGED_OR_LIVE = CHARGED | {None}
"""Outcomes that count against it now; every live attempt, which has none yet, does."""


LIVE_STATUSES = frozenset({"queued", "ringing", "in-progress"})
"""What the provider says of a call, or of a leg, that is not over."""


class ReportSource(StrEnum):
    """Who told us about a call."""

    CALLBACK = "callback"
    DETAILS = "details"


def quarantine_s(
    *,
    time_out_s: int,
    time_limit_s: int,
    max_retries: int,
    http_deadline_s: float,
    slack_s: float,
) -> float:
    """Give the longest time, from the gate, that a call of this attempt can still be live, s.

    The request may leave late, travel until its deadline, and wait at the provider; then both
    phones ring, the agent's again for each of the provider's own retries; then they talk.
    """
    ringing_s = 2 * time_out_s * (1 + max_retries)
    return SEND_WINDOW_S + http_deadline_s + ORIGINATION_S + ringing_s + time_limit_s + slack_s


SEND_WINDOW_S = 2.0
"""A request leaves within this time of its gate, or not at all."""

ORIGINATION_S = 30.0
"""How long the provider may sit on a request before it rings: our allowance, no documented value."""


@quickly_changed
class Attempt(NamedTuple):
    """All that is known of one attempt. Instants are epoch seconds of Redis' clock or the provider's.

    A tuple, because each dial changes it a few times, and a tuple is changed ten times faster.

    Args:
        version: Counts writes; a writer names the one it read.
        no: 1 for a contact's first attempt.
        nonce: Whose execution made it; part of its id.
        quarantine_s: From `requested_at`, how long its call could be live.
        rules_version: The campaign's rules it was made under.
        window: The open window it was made in, local time and zone, as text.
        price: Decimal as text, in the billing currency.
        source: Who gave the outcome: `callback`, `details`, `response`, `quarantine` or `operator`.
        details_outcome: What call details say, where they contradict the outcome and it is too
            early to believe them.
        looks: How often the provider was asked about it.
        empty_looks: How many of them, in a row, after the quarantine, found nothing.
        is_final: No later value is expected.
        sid_is_proven: The provider itself named the call, in its response or its details. A
            callback alone does not prove it: whoever learns its path can send one.
        told_outcome: What a callback says of a call that is not proven to be ours, and counts as
            soon as it is; or of one whose end is doubted, and waits for the provider's own word.
        first_outcome: What counted before call details said otherwise; None where they never did.
        disposition: What came of the conversation, in a word of the campaign's; None: nobody said.
        disposition_by: Who said so.
        team: For which team its agent was rung; None: for themselves.
    """

    version: int
    state: AttemptState
    requested_at: float
    no: int
    nonce: str
    agent: str
    customer: str
    quarantine_s: float
    rules_version: int = 1
    window: str | None = None
    sid: str | None = None
    outcome: Outcome | None = None
    agent_status: str | None = None
    customer_status: str | None = None
    agent_s: int | None = None
    talk_s: int | None = None
    ring_s: int | None = None
    total_s: int | None = None
    price: str | None = None
    recording_url: str | None = None
    agent_answered_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    answered_by: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    source: str | None = None
    details_outcome: Outcome | None = None
    settled_at: float | None = None
    looks: int = 0
    empty_looks: int = 0
    looked_at: float | None = None
    is_final: bool = False
    sid_is_proven: bool = False
    told_outcome: Outcome | None = None
    first_outcome: Outcome | None = None
    disposition: str | None = None
    disposition_at: float | None = None
    disposition_by: str | None = None
    note: str | None = None
    team: int | None = None

    @property
    def is_settled(self) -> bool:
        """It has its one outcome."""
        return self.state is AttemptState.SETTLED

    @property
    def is_charged(self) -> bool:
        """It counts against the contact's maximum: every live one does."""
        return self.outcome in CHARGED_OR_LIVE

    @property
    def is_call(self) -> bool:
        """A call was placed, has ended, and its result is known."""
        return self.sid is not None and self.outcome not in {None, Outcome.UNKNOWN}

    @property
    def has_final_values(self) -> bool:
        """No later value is expected: none was placed, or all have come and contradict nothing."""
        if self.sid is None or self.is_final:
            return True
        if self.details_outcome:
            return False  # asked again, until they count
        return self.total_s is not None and self.price is not None

    @property
    def agent_answered(self) -> bool:
        """It is a call whose agent answered."""
        return self.is_call and self.outcome in AGENT_ANSWERED

    @property
    def quarantine_ends_at(self) -> float:
        """When its call, if there ever was one, is surely over."""
        return self.requested_at + self.quarantine_s

    def may_be_decided(self, *, now_s: float) -> bool:
        """Tell whether a person may decide it: in quarantine, or no call can last so long.

        Args:
            now_s: Epoch s.
        """
        is_overdue = not self.is_settled and now_s >= self.quarantine_ends_at
        return self.state is AttemptState.UNKNOWN or is_overdue


def attempt_columns(attempts: Sequence[Attempt]) -> dict[str, tuple[Any, ...]]:
    """Give what is known of some attempts column by column, by the fields' names."""
    columns = zip(*attempts, strict=True) if attempts else repeat(())
    return dict(zip(Attempt._fields, columns, strict=False))


class LegReport(NamedTuple):
    """One leg as the provider tells it.

    Args:
        status: In one spelling (`completed`, `busy`, `no-answer`, `failed`, `canceled`,
            `in-progress`, …); None when the leg was never tried.
        on_call_s: Seconds on the line; None when not told.
        answered_by: `human`, `machine`, `notsure`, `na`, lower case; None when not told.
    """

    status: str | None
    on_call_s: int | None = None
    answered_by: str | None = None


class CallReport(NamedTuple):
    """What the provider says of one call, from a callback or from call details.

    Args:
        status: The overall status, in one spelling; it mixes both legs.
        is_over: The call has ended, by this report.
        agent_leg: None when this report tells nothing of the leg (four-field callbacks).
        customer_leg: As `agent_leg`; a leg never tried is `LegReport(status=None)`.
        talk_s: Seconds both parties were joined.
        total_s: The whole call in seconds; comes late.
        price: In the billing currency; comes late.
        agent: The number as printed; may lack the country code.
        customer: As `agent`.
    """

    source: ReportSource
    sid: str
    status: str | None
    is_over: bool = False
    agent_leg: LegReport | None = None
    customer_leg: LegReport | None = None
    talk_s: int | None = None
    total_s: int | None = None
    price: Decimal | None = None
    recording_url: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    agent: str | None = None
    customer: str | None = None
    custom_field: str | None = None
