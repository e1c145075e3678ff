"""What is news of an attempt that became another: as record.lua is told it, and nothing that was known before."""

from typing import Any

from campaigns.attempt import Attempt, Outcome
from campaigns.day_figures import DayFigures
from dialer.store import Follows


def with_news(
    follows: Follows, before: Attempt, after: Attempt, *, keeps_recordings: bool
) -> Follows:
    """Add to what follows of a change what is told, counted and kept by it.

    Args:
        keeps_recordings: Those whose values are final are due to be kept.
    """
    return follows._replace(
        uses=_uses(before, after),
        answered=_answered_now(before, after),
        revalued=_revalued(before, after),
        recorded=keeps_recordings and _is_recorded(after) > _is_recorded(before),
        figures=_added(before, after),
    )


def is_held(attempt: Attempt) -> bool:
    """Its end is told and doubted: it counts once the provider itself tells of one."""
    return attempt.sid_is_proven and attempt.told_outcome is not None and not attempt.is_settled


def _answered_now(before: Attempt, after: Attempt) -> str | None:
    """Tell who took the call by what is news; None where nobody did, or where it was known."""
    if after.answered_at and not before.answered_at:
        return "customer"
    if after.agent_answered_at and not before.agent_answered_at:
        return "agent"
    return None


def _added(before: Attempt, after: Attempt) -> dict[str, float] | None:
    """Tell what an attempt that has ended adds to the figures of its day; None: nothing."""
    if not after.is_settled:
        return None
    return DayFigures.of(after).since(DayFigures.of(before)) or None


def _revalued(before: Attempt, after: Attempt) -> Outcome | None:
    """Give the outcome of an attempt that stays as it ended, and of which more or other figures are known."""
    if (
        after.outcome is None
        or before.outcome != after.outcome
        or _values(before) == _values(after)
    ):
        return None
    return after.outcome


def _values(attempt: Attempt) -> tuple[object, ...]:
    """Give what a report tells of how it went, beside its outcome."""
    return (
        *(attempt.agent_s, attempt.talk_s, attempt.ring_s, attempt.total_s, attempt.price),
        *(attempt.recording_url, attempt.answered_by, attempt.answered_at, attempt.ended_at),
    )


def _uses(before: Attempt, after: Attempt) -> dict[str, Any] | None:
    """Tell what an attempt that is over took of the account's day; None where that is no news."""
    if not after.is_settled or before == after:
        return None
    if after.outcome is Outcome.TURNED_AWAY:
        return {"calls": 0, "s": 0, "spend": 0, "done": True}
    if after.sid is None:
        # without evidence nobody knows how long it lasted: what was reserved stays counted
        unknown = after.outcome is Outcome.UNKNOWN
        return {"done": True} if unknown else {"s": 0, "spend": 0, "done": True}
    lasted_s = next(
        (s for s in (after.total_s, after.agent_s, after.talk_s) if s is not None), None
    )
    known = {"s": lasted_s, "spend": float(after.price) if after.price is not None else None}
    told = {name: value for name, value in known.items() if value is not None}
    return {**told, "done": after.has_final_values}


def _is_recorded(attempt: Attempt) -> bool:
    """Its call is over for good, and was recorded."""
    return attempt.is_settled and bool(attempt.recording_url) and attempt.has_final_values
