"""The sums that must hold, and what does not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from campaigns.attempt import CHARGED, CHARGED_OR_LIVE, Outcome
from campaigns.contact_state import ContactState, NotDialled
from campaigns.dispositions import NONE_GIVEN
from campaigns.events import EventsTold
from campaigns.reports.figures import LIVE, UNRESOLVED, By, Figures, Standing
from campaigns.reports.occupancy import Occupancy
from campaigns.reports.subject import Subject
from campaigns.sentence import joined, told


@dataclass(frozen=True, slots=True)
class Identity:
    """A sum that must hold: the whole is its parts together."""

    name: str
    whole: int
    parts: tuple[tuple[str, int], ...]

    @property
    def difference(self) -> int:
        """What the parts lack; negative when they are too many."""
        return self.whole - sum(count for _, count in self.parts)

    def __str__(self) -> str:
        parts = [told("{count} {name}", count=count, name=name) for name, count in self.parts]
        return told(
            "{whole} {name} = {parts}",
            whole=self.whole,
            name=self.name,
            parts=joined(" + ", parts) or "0",
        )


def contact_fault(
    state: ContactState,
    end: Outcome | NotDialled | None,
    outcomes: Sequence[Outcome | None],
    *,
    made: int,
    charged: int,
) -> str | None:
    """Tell what does not fit between a contact and its attempts; None when all does.

    Args:
        outcomes: Of its attempts, the first one first; None while one is under way.
        made: Attempts the contact counts.
        charged: Attempts the contact counts against its maximum.
    """
    if len(outcomes) != made:
        return f"{made} attempts counted, {len(outcomes)} kept"
    charged_here = sum(outcome in CHARGED_OR_LIVE for outcome in outcomes)
    if charged_here != charged:
        return f"{charged} attempts charged, {charged_here} by their outcomes"
    under_way = outcomes.count(None)
    if under_way != (state is ContactState.DIALING or state is ContactState.UNRESOLVED):
        return f"{state} with {under_way} attempts under way"
    if (state is ContactState.FINAL) != (end is not None):
        return f"{state} with outcome {end}"
    if isinstance(end, Outcome) and (not outcomes or outcomes[-1] is not end):
        return f"final as {end}, which its last attempt was not"
    return None


def event_sums(events: EventsTold, *, settled: int, final: int) -> tuple[Identity, ...]:
    """Give the sums of events: what was told is what happened.

    Args:
        settled: Attempts that are.
        final: Contacts that are.
    """
    ends = (
        ("contact.final", events.final),
        (told("contacts closed together"), events.closed),
        ("contact.reopened", -events.reopened),
    )
    return (
        Identity(told("settled attempts"), settled, (("attempt.settled", events.settled),)),
        Identity(told("final contacts"), final, ends),
    )


def shift_sum(figures: Figures) -> Identity:
    """Give the sum of the agents' time; the conversations are those of all attempts."""
    times = [sum(some) for some in zip(*figures.times.values(), strict=True)] or [0] * 6
    of = Occupancy(*times)
    parts = (
        ("wait", of.wait_s),
        ("wrap-up", of.wrap_up_s),
        ("break", of.break_s),
        ("idle", of.idle_s),
    )
    return Identity("seconds of shifts", of.shift_s, (("talk", figures.total.talk_s), *parts))


_CHARGED_IN_ORDER = tuple(outcome for outcome in Outcome if outcome in CHARGED)


def differences(sums: Iterable[Identity]) -> list[str]:
    """Name the sums that do not hold, each with what is missing."""
    return [
        told("{sum}, {difference:+d} unexplained", sum=str(one), difference=one.difference)
        for one in sums
        if one.difference
    ]


def identities(
    subject: Subject,
    figures: Figures,
    *,
    charged: int,
    not_taken: int,
    told: EventsTold | None = None,
) -> tuple[Identity, ...]:
    """Give the sums that must hold.

    Args:
        charged: As the contacts themselves count it.
        not_taken: Rejected and duplicate rows that are kept.
        told: None while the campaign goes on, and where it was not told of from its start.
    """
    settled = sum(figures.attempts_in(outcome) for outcome in Outcome)
    final = figures.contacts[Standing.FINAL]
    dispositioned = sum(
        figures.conversations_with(name)
        for name in figures.tallies(By.DISPOSITION)
        if name != NONE_GIVEN
    )
    standings = tuple((str(one), figures.contacts[one]) for one in Standing)
    charged_parts = tuple(
        (group, figures.attempts_in(group)) for group in (*_CHARGED_IN_ORDER, LIVE, UNRESOLVED)
    )
    return (
        Identity(
            "rows",
            subject.rows,
            (
                ("accepted", subject.accepted),
                ("rejected", subject.rejected),
                ("duplicate", subject.duplicate),
            ),
        ),
        Identity("accepted", subject.accepted, standings),
        Identity("charged", charged, charged_parts),
        Identity(
            "rows not taken",
            not_taken,
            (("rejected", subject.rejected), ("duplicate", subject.duplicate)),
        ),
        Identity(
            "connected",
            figures.total.connected,
            (("dispositioned", dispositioned), ("open", figures.conversations_with(NONE_GIVEN))),
        ),
        shift_sum(figures),
        *(event_sums(told, settled=settled, final=final) if told else ()),
    )
