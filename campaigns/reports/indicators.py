"""Figures with what they divide: the indicators of a campaign, and the rates of its groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from campaigns.reports.figures import UNRESOLVED, By, Figures, Standing, Tally
from campaigns.reports.subject import Pace

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """One named figure.

    Args:
        value: None where it would be 0 ÷ 0 or something it needs is not known.
        formula: In the words of the other figures; '' for what is simply known.
    """

    name: str
    value: Number | str | None
    numerator: Number | None = None
    denominator: Number | None = None
    formula: str = ""


def kpis(figures: Figures, pace: Pace) -> Iterator[Figure]:
    """Give every indicator with what it divides; 0 ÷ 0 is empty."""
    total, accepted = figures.total, figures.accepted
    sent = len(figures.sent_at)
    for name, (part, whole) in RATES.items():
        yield ratio(name, getattr(total, part), getattr(total, whole), f"{part} ÷ {whole}")
    yield ratio(
        "contact_rate_contacts",
        figures.reached,
        accepted,
        "contacts connected at least once ÷ accepted",
    )
    yield ratio("contact_rate_attempts", total.connected, total.charged, "connected ÷ charged")
    yield ratio(
        "penetration",
        figures.tried,
        accepted,
        "contacts with at least one charged attempt ÷ accepted",
    )
    yield ratio(
        "completion", figures.contacts[Standing.FINAL], accepted, "final contacts ÷ accepted"
    )
    yield ratio(
        "attempts_per_contact",
        total.charged,
        figures.tried,
        "charged ÷ contacts with at least one charged attempt",
    )
    for no, tally in figures.tallies(By.ATTEMPT).items():
        yield ratio(
            f"retry_yield_{no}",
            tally.connected,
            tally.calls,
            f"connected on attempt {no} ÷ calls on attempt {no}",
        )
    yield ratio("mean_talk_s", total.talk_s, total.connected, "sum of talk_s ÷ connected")
    yield ratio(
        "mean_agent_wait_s",
        total.agent_wait_s,
        total.connected,
        "sum of ring_s of connected calls ÷ connected",
    )
    yield ratio(
        "requests_per_min",
        figures.most_requests_in(60),
        1,
        "connect requests of this campaign in its busiest 60 s",
    )
    yield ratio(
        "limit_use",
        sent,
        pace.allowed(sent, busiest=figures.most_requests_in(pace.window_s)),
        "requests sent ÷ allowed while work was ready",
    )
    yield ratio("turned_away_share", figures.turned_away, sent, "answers 429 ÷ requests sent")
    yield ratio(
        "unresolved_share",
        figures.attempts_in(UNRESOLVED),
        total.charged,
        "unresolved attempts ÷ charged",
    )


RATES = {
    "agent_answer_rate": ("agent_answered", "calls"),
    "customer_answer_rate": ("connected", "agent_answered"),
    "connect_rate": ("connected", "calls"),
}
"""The rates of a group: what is divided by what."""
_SHARES = frozenset(
    {
        *RATES,
        "contact_rate_contacts",
        "contact_rate_attempts",
        "penetration",
        "completion",
        "limit_use",
        "turned_away_share",
        "unresolved_share",
    }
)


def is_share(name: str) -> bool:
    """Tell whether an indicator is a part of a whole, which people read in per cent."""
    return name in _SHARES or name.startswith("retry_yield_")


def group_rates(tally: Tally) -> tuple[Figure, ...]:
    """Give the rates of a group: agent, customer, both."""
    return tuple(
        ratio(name, getattr(tally, part), getattr(tally, whole))
        for name, (part, whole) in RATES.items()
    )


def ratio(name: str, numerator: int, denominator: float | None, formula: str = "") -> Figure:
    """Divide, or leave the value empty where that cannot be done."""
    value = numerator / denominator if denominator else None
    return Figure(name, value, numerator, denominator, formula)
