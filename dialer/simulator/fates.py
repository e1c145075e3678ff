"""What may become of a call, and its course from the first ring to the end, in call seconds."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import assert_never

from campaigns.attempt import Outcome


class Fate(StrEnum):
    """What becomes of a call: an outcome, told apart by who answered."""

    CONNECTED = "connected"
    MACHINE = "machine"  # connected, but to a voicemail
    CUSTOMER_NO_ANSWER = "customer_no_answer"
    CUSTOMER_BUSY = "customer_busy"
    CUSTOMER_FAILED = "customer_failed"
    AGENT_LEFT = "agent_left"
    AGENT_NO_ANSWER = "agent_no_answer"
    AGENT_BUSY = "agent_busy"
    AGENT_FAILED = "agent_failed"
    CUSTOMER_NOT_DIALLED = "customer_not_dialled"
    PROVIDER_FAILED = "provider_failed"

    @property
    def outcome(self) -> Outcome:
        """The outcome that a reader of this call's legs must come to."""
        return Outcome.CONNECTED if self is Fate.MACHINE else Outcome(self.value)


@dataclass(frozen=True, slots=True)
class Ringing:
    """What the caller asked for, and how fast people are.

    Args:
        time_out_s: How long a leg rings before it counts as unanswered.
        time_limit_s: The longest conversation.
        max_retries: Redials of the agent's leg after `failed` or `no-answer`.
        ring_s: Shortest and longest ringing before somebody answers.
        talk_s: Shortest and longest conversation.
    """

    time_out_s: int
    time_limit_s: int
    max_retries: int
    ring_s: tuple[int, int]
    talk_s: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Course:
    """One call's course; every instant counts call seconds since the call was placed.

    Args:
        agent_answers_s: None when the agent never does.
        customer_answers_s: None when the customer never does.
        agent_rings: How often the agent's phone was rung: once, and once per redial.
        status: The overall status in the end, which tells little.
        agent_status: The agent's leg in the end; None when it was never tried.
        customer_status: As `agent_status`.
    """

    fate: Fate
    ends_s: int
    agent_answers_s: int | None
    customer_answers_s: int | None
    agent_rings: int
    status: str
    agent_status: str | None
    customer_status: str | None

    @property
    def talk_s(self) -> int:
        """Call seconds with both parties on the line."""
        return self._since(self.customer_answers_s)

    @property
    def agent_on_call_s(self) -> int:
        """Call seconds the agent's leg was up."""
        return self._since(self.agent_answers_s)

    def _since(self, answer_s: int | None) -> int:
        return 0 if answer_s is None else self.ends_s - answer_s


def chart(fate: Fate, ringing: Ringing, rng: Random) -> Course:
    """Lay out the whole call in advance: the same fate, wishes and `rng` give the same course."""
    redials = ringing.max_retries
    match fate:
        case Fate.PROVIDER_FAILED:
            return _agent_never_up(fate, 1, None, "failed", rings=0)
        case Fate.AGENT_NO_ANSWER:
            ends_s = ringing.time_out_s * (1 + redials)
            return _agent_never_up(fate, ends_s, "no-answer", "no-answer", rings=1 + redials)
        case Fate.AGENT_FAILED:
            return _agent_never_up(fate, 2 * (1 + redials), "failed", "failed", rings=1 + redials)
        case Fate.AGENT_BUSY:
            return _agent_never_up(fate, 2, "busy", "busy", rings=1)
        case _:
            return _agent_up(fate, ringing, rng)


def _agent_never_up(
    fate: Fate, ends_s: int, agent_status: str | None, status: str, *, rings: int
) -> Course:
    return Course(
        fate=fate,
        ends_s=ends_s,
        agent_answers_s=None,
        customer_answers_s=None,
        agent_rings=rings,
        status=status,
        agent_status=agent_status,
        customer_status=None,
    )


def _agent_up(fate: Fate, ringing: Ringing, rng: Random) -> Course:
    agent_s = _answers_after_s(ringing, rng)
    customer_s: int | None = None
    customer_status: str | None
    match fate:
        case Fate.CONNECTED | Fate.MACHINE:
            customer_s = agent_s + _answers_after_s(ringing, rng)
            ends_s = customer_s + min(rng.randint(*ringing.talk_s), ringing.time_limit_s)
            customer_status, status = "completed", "completed"
        case Fate.CUSTOMER_NO_ANSWER:
            ends_s = agent_s + ringing.time_out_s
            # an unanswered customer is documented under both words
            customer_status, status = "no-answer", rng.choice(("no-answer", "completed"))
        case Fate.CUSTOMER_BUSY:
            ends_s = agent_s + rng.randint(1, 4)
            customer_status, status = "busy", "busy"
        case Fate.CUSTOMER_FAILED:
            ends_s = agent_s + rng.randint(1, 4)
            customer_status, status = "failed", "failed"
        case Fate.AGENT_LEFT:
            ends_s = agent_s + _answers_after_s(ringing, rng)
            customer_status, status = "canceled", rng.choice(("failed", "completed"))
        case Fate.CUSTOMER_NOT_DIALLED:
            ends_s = agent_s + 2
            customer_status, status = None, "completed"
        case Fate.PROVIDER_FAILED | Fate.AGENT_NO_ANSWER | Fate.AGENT_FAILED | Fate.AGENT_BUSY:
            raise ValueError(f"with the fate {fate} the agent never answers")
        case _:
            assert_never(fate)
    return Course(
        fate=fate,
        ends_s=ends_s,
        agent_answers_s=agent_s,
        customer_answers_s=customer_s,
        agent_rings=1,
        status=status,
        agent_status="completed",
        customer_status=customer_status,
    )


def _answers_after_s(ringing: Ringing, rng: Random) -> int:
    """A phone that will be answered rings at least once, and less than the TimeOut."""
    longest_s = max(1, min(ringing.ring_s[1], ringing.time_out_s - 1))
    return rng.randint(min(ringing.ring_s[0], longest_s), longest_s)
