"""After this outcome: again at …, or never, and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from campaigns.attempt import AGENT_SIDE, CUSTOMER_SIDE, Outcome
from campaigns.plain_text import did_you_mean
from campaigns.sentence import told

MACHINE = "machine"
"""Stands where an outcome would in a rule: connected, but a machine answered."""

RETRIABLE = CUSTOMER_SIDE | AGENT_SIDE | {Outcome.CUSTOMER_NOT_DIALLED, Outcome.PROVIDER_FAILED}
"""Outcomes a rule may name. `turned_away` always goes again, the others never do by rule."""

_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_RULE = re.compile(r"(?P<cause>[a-z_]+)=(?P<delays>[^x]+?)(?:x(?P<times>[0-9]{1,3}))?$")
_DELAY = re.compile(r"(?P<number>[0-9]{1,7})(?P<unit>[smhd]?)$")


class Backoff(StrEnum):
    """How the delay grows from one retry to the next."""

    NONE = "none"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"

    @property
    def sign(self) -> str:
        """What stands behind the delays of a rule that grows so."""
        return {Backoff.NONE: "", Backoff.LINEAR: "+", Backoff.EXPONENTIAL: "*"}[self]


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often, and how late, a contact is dialled again after one outcome.

    Args:
        cause: An outcome, or `machine`.
        delays_s: Seconds before the 1st, 2nd … retry; the last one repeats.
        times: Most retries after this outcome; None leaves it to the campaign's maximum, which
            then also counts outcomes that are not charged.
        backoff: Growth of the last delay beyond the list; linear adds it each time,
            exponential doubles it.
    """

    cause: str
    delays_s: tuple[int, ...]
    times: int | None = None
    backoff: Backoff = Backoff.NONE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `customer_busy=5m`, `customer_no_answer=30m,2h,1dx3` or `customer_busy=5m*x4`.

        A trailing `+` grows the last delay linearly, a trailing `*` doubles it each time.

        Raises:
            ValueError: One line that says what to write.
        """
        match = _RULE.match(text.strip())
        if not match:
            raise ValueError(
                told(
                    "retry rule {text!r}: write OUTCOME=DELAY[xTIMES], e.g. customer_busy=5mx3",
                    text=text,
                )
            )
        cause = _cause(match["cause"])
        delays, backoff = match["delays"], Backoff.NONE
        if delays.endswith("+"):
            delays, backoff = delays[:-1], Backoff.LINEAR
        elif delays.endswith("*"):
            delays, backoff = delays[:-1], Backoff.EXPONENTIAL
        try:
            delays_s = tuple(seconds_in(delay) for delay in delays.split(","))
        except ValueError as error:
            raise ValueError(
                told("retry rule {text!r}: {error}", text=text, error=str(error))
            ) from None
        return cls(
            cause,
            delays_s,
            int(match["times"]) if match["times"] is not None else None,
            backoff,
        )

    def __str__(self) -> str:
        delays = ",".join(f"{delay}s" for delay in self.delays_s)
        times = "" if self.times is None else f"x{self.times}"
        return f"{self.cause}={delays}{self.backoff.sign}{times}"

    def delay_s(self, nth: int) -> int:
        """Give the seconds to wait before the nth retry, counted from 1."""
        if nth <= len(self.delays_s):
            return self.delays_s[nth - 1]
        last, beyond = self.delays_s[-1], nth - len(self.delays_s)
        match self.backoff:
            case Backoff.NONE:
                return last
            case Backoff.LINEAR:
                return min(last * (beyond + 1), _LONGEST_DELAY_S)
            case Backoff.EXPONENTIAL:
                return min(last << min(beyond, 40), _LONGEST_DELAY_S)


_LONGEST_DELAY_S = 30 * 86400

DEFAULT_RULES = (
    RetryRule(Outcome.CUSTOMER_BUSY, (300,)),
    RetryRule(Outcome.CUSTOMER_NO_ANSWER, (1800,)),
    RetryRule(Outcome.CUSTOMER_FAILED, (3600,)),
    RetryRule(Outcome.AGENT_LEFT, (300,)),
    # these do not use up the customer's attempts, so each needs an end of its own
    RetryRule(Outcome.AGENT_NO_ANSWER, (60,), times=5),
    RetryRule(Outcome.AGENT_BUSY, (60,), times=5),
    RetryRule(Outcome.AGENT_FAILED, (60,), times=5),
    RetryRule(Outcome.CUSTOMER_NOT_DIALLED, (60,), times=3),
    RetryRule(Outcome.PROVIDER_FAILED, (60,), times=3),
)


@dataclass(frozen=True, slots=True)
class Again:
    """Dial the contact again, at the earliest at this instant."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Never:
    """Do not dial the contact again; `why` is for people."""

    why: str


def next_attempt(
    rules: Sequence[RetryRule],
    *,
    max_attempts: int,
    charged: int,
    earlier: Sequence[str],
    outcome: Outcome,
    by_machine: bool = False,
    ended_at: datetime,
    redial_unknown: bool = True,
) -> Again | Never:
    """Decide what follows an attempt's outcome.

    Args:
        rules: At most one per outcome.
        max_attempts: Most charged attempts of the contact, the first included.
        charged: Charged attempts so far, the one that just ended included if it stays charged.
        earlier: Causes of the contact's earlier attempts, see `cause_of`.
        outcome: Of the attempt that just ended.
        by_machine: It was connected to a machine.
        ended_at: When it ended; the delay counts from here.
        redial_unknown: After a quarantine without evidence nothing of the old attempt can be
            live, so the contact may be dialled again.
    """
    if outcome is Outcome.TURNED_AWAY:
        return Again(ended_at)
    if outcome is Outcome.UNKNOWN:
        if not redial_unknown:
            return Never("nobody knows whether it rang")
        if charged >= max_attempts:
            return Never(f"{charged} of {max_attempts} attempts made")
        return Again(ended_at)
    cause = cause_of(outcome, by_machine=by_machine)
    rule = next((rule for rule in rules if rule.cause == cause), None)
    if rule is None:
        return Never(f"{cause} is not retried")
    nth = sum(1 for one in earlier if one == cause) + 1
    if rule.times is not None and nth > rule.times:
        return Never(f"{cause} came {nth} times")
    if charged >= max_attempts:
        return Never(f"{charged} of {max_attempts} attempts made")
    if rule.times is None and nth >= max_attempts:
        # an outcome that uses up no attempt must end all the same
        return Never(f"{cause} came {nth} times")
    return Again(ended_at + timedelta(seconds=rule.delay_s(nth)))


def cause_of(outcome: Outcome, *, by_machine: bool) -> str:
    """Name what a rule may go by."""
    return MACHINE if by_machine and outcome is Outcome.CONNECTED else str(outcome)


def _cause(text: str) -> str:
    if text not in RETRIABLE and text != MACHINE:
        known = sorted([*RETRIABLE, MACHINE])
        raise ValueError(
            told(
                "retry rule: {text!r} is no outcome that can be retried; use {known}{did_you_mean}",
                text=text,
                known=", ".join(known),
                did_you_mean=did_you_mean(text, known),
            )
        )
    return text


def seconds_in(text: str, *, longest_days: int = 30) -> int:
    """Read a duration such as `90`, `30s`, `5m`, `2h` or `1d`.

    Raises:
        ValueError: It is none, or longer than that; one line says what to write.
    """
    match = _DELAY.match(text.strip())
    if not match:
        raise ValueError(
            told("{text!r} is no duration: write seconds or 30s, 5m, 2h, 1d", text=text)
        )
    seconds = int(match["number"]) * _UNITS_S[match["unit"]]
    if seconds > longest_days * _UNITS_S["d"]:
        raise ValueError(
            told(
                "{text!r} is too long: at most {most}d",
                text=text,
                most=longest_days,
            )
        )
    return seconds
