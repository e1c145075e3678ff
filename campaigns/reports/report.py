"""From counts to a report: sums that must hold, figures with numerator and denominator."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from campaigns.attempt import CHARGED, CHARGED_OR_LIVE, Outcome
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from campaigns.dispositions import NONE_GIVEN
from campaigns.events import EventsTold
from campaigns.reports.figures import LIVE, UNRESOLVED, By, Figures, Standing, Tally
from campaigns.reports.occupancy import NO_TIME, Occupancy

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
        parts = " + ".join(f"{count} {name}" for name, count in self.parts) or "0"
        return f"{self.whole} {self.name} = {parts}"


class DoesNotAddUp(Exception):
    """A report whose sums do not hold, so it is not written.

    Args:
        differences: One line each: the sums, then the contacts at fault, at most twenty.
        contacts: The ids of these contacts.
    """

    def __init__(self, differences: Sequence[str], *, contacts: Sequence[str] = ()) -> None:
        super().__init__(f"the report does not add up: {'; '.join(differences)}")
        self.differences = tuple(differences)
        self.contacts = tuple(contacts)


@dataclass(frozen=True, slots=True)
class Pace:
    """What the requests are measured against.

    Args:
        limit: Requests the account may send in any window.
        ready_s: How long the campaign had work it was allowed to send; None: not known.
    """

    limit: int
    window_s: float = 60
    ready_s: float | None = None

    def allowed(self, sent: int, *, busiest: int) -> float | None:
        """Give how many requests the limit allowed while work was ready; None: nobody can say.

        Work that is sent at once is ready too short to be measured. Where no window came near the
        limit either, it was not the limit that bound, and a share of it would say nothing.

        Args:
            busiest: Requests of the busiest window.
        """
        if self.ready_s is None:
            return None
        allowed = self.limit * self.ready_s / self.window_s
        if allowed >= sent:
            return allowed
        return float(sent) if busiest >= _NEAR * self.limit else None


_NEAR = 0.9
"""Of the limit; a busiest window below that was bound by something else."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Args:
        input_hashes: SHA-256 of each file loaded, in order.
        rows: Data lines judged, as the campaign keeps them; so are the next three.
        in_part: SHA-256 of a file of which only a part is here; '' = of none.
        account: Whose campaign it is; '' where the installation has one account.
    """

    campaign: str
    campaign_id: str
    state: CampaignState
    as_of: datetime
    zone: ZoneInfo
    input_hashes: tuple[str, ...]
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    pace: Pace
    in_part: str = ""
    account: str = ""

    @property
    def what_is_missing(self) -> str:
        """Say what of the files is in no sum; '' = nothing."""
        if not self.in_part:
            return ""
        happened = (
            "the campaign was closed before this file was loaded whole"
            if self.state.is_over or self.state is CampaignState.CANCELLING
            else "this file is not loaded whole yet; if its load broke off, give the same file again"
        )
        return f"{happened}: its other rows are in no sum"


@dataclass(frozen=True, slots=True)
class Group:
    """A line of the tables by agent, hour, attempt number and outcome.

    Args:
        times: Of an agent.
    """

    key: str
    tally: Tally
    times: Occupancy = NO_TIME


@dataclass(frozen=True, slots=True)
class Report:
    """A campaign's figures at one instant, as plain values: files, pages and commands show these.

    Args:
        is_final: Nothing in it can change any more.
        unresolved: Attempts in quarantine.
        late: Ended calls whose duration or price is still expected.
        identities: The sums, all of which hold.
        counts: What is counted, with the sums it takes part in.
        contacts: Accepted ones by where they stand.
        dialled: Contacts with at least one attempt.
        agent_ready: Contacts for whom an agent picked up at least once.
        reached: Contacts connected at least once.
        ends: Final contacts by outcome, or by the reason they were not dialled on.
        by_hour: Keys are ISO 8601 hours with their offset.
        by_talk: Connected attempts by length; keys are the shortest of each class, s.
        requests_by_minute: Minutes without requests are left out.
        busiest: Most requests in any window of the limit's length.
    """

    subject: Subject
    is_final: bool
    unresolved: int
    late: int
    identities: tuple[Identity, ...]
    counts: tuple[Figure, ...]
    kpis: tuple[Figure, ...]
    total: Tally
    contacts: Mapping[Standing, int]
    dialled: int
    agent_ready: int
    reached: int
    ends: tuple[tuple[str, int], ...]
    by_agent: tuple[Group, ...]
    by_hour: tuple[Group, ...]
    by_attempt: tuple[Group, ...]
    by_outcome: tuple[Group, ...]
    by_disposition: tuple[Group, ...]
    by_talk: tuple[Group, ...]
    requests_by_minute: tuple[tuple[datetime, int], ...]
    busiest: int

    @property
    def standing(self) -> str:
        """`final`, or `provisional` while anything in it may still change."""
        return "final" if self.is_final else "provisional"


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


def event_sums(told: EventsTold, *, settled: int, final: int) -> tuple[Identity, ...]:
    """Give the sums of events: what was told is what happened.

    Args:
        settled: Attempts that are.
        final: Contacts that are.
    """
    ends = (
        ("contact.final", told.final),
        ("contacts closed together", told.closed),
        ("contact.reopened", -told.reopened),
    )
    return (
        Identity("settled attempts", settled, (("attempt.settled", told.settled),)),
        Identity("final contacts", final, ends),
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


_CHARGED_IN_ORDER = tuple(outcome for outcome in Outcome if outcome in CHARGED)


def differences(sums: Iterable[Identity]) -> list[str]:
    """Name the sums that do not hold, each with what is missing."""
    return [f"{one}, {one.difference:+d} unexplained" for one in sums if one.difference]


def make_report(
    subject: Subject,
    figures: Figures,
    sums: tuple[Identity, ...],
    *,
    name_agent: Callable[[str], str],
) -> Report:
    """Make the report of what was counted, once its sums are found to hold.

    Args:
        name_agent: What stands for an agent's E.164 number.
    """
    all_final = figures.contacts[Standing.FINAL] == subject.accepted
    by_outcome = figures.tallies(By.OUTCOME)
    return Report(
        subject=subject,
        is_final=subject.state.is_over and all_final and figures.late == 0,
        unresolved=figures.attempts_in(UNRESOLVED),
        late=figures.late,
        identities=sums,
        counts=tuple(_counts(subject, figures, sums)),
        kpis=tuple(kpis(figures, subject.pace)),
        total=figures.total,
        contacts={standing: figures.contacts[standing] for standing in Standing},
        dialled=figures.dialled,
        agent_ready=figures.agent_ready,
        reached=figures.reached,
        ends=tuple((str(end), figures.ends[end]) for end in _ENDS if figures.ends[end]),
        by_agent=tuple(
            Group(name_agent(agent), tally, figures.times[agent])
            for agent, tally in figures.tallies(By.AGENT).items()
        ),
        by_hour=tuple(
            Group(_hour_name(hour_s, subject.zone), tally)
            for hour_s, tally in figures.tallies(By.HOUR).items()
        ),
        by_attempt=tuple(
            Group(str(no), tally) for no, tally in figures.tallies(By.ATTEMPT).items()
        ),
        by_outcome=tuple(
            Group(group, by_outcome[group]) for group in _GROUPS if group in by_outcome
        ),
        by_disposition=tuple(
            Group(name, tally) for name, tally in figures.tallies(By.DISPOSITION).items()
        ),
        by_talk=tuple(
            Group(str(from_s), tally) for from_s, tally in figures.tallies(By.TALK).items()
        ),
        requests_by_minute=tuple(figures.requests_by_minute()),
        busiest=figures.most_requests_in(subject.pace.window_s),
    )


_ENDS: tuple[Outcome | NotDialled, ...] = (*Outcome, *NotDialled)
_GROUPS = (*Outcome, LIVE, UNRESOLVED)


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


TIMES = ("shift_s", "wait_s", "wrap_up_s", "break_s", "idle_s")
"""Of an agent, beside `talk_s`: a shift, and what it is made of."""


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


def _counts(subject: Subject, figures: Figures, sums: Iterable[Identity]) -> Iterator[Figure]:
    sum_of = {one.name: str(one) for one in sums}
    total = figures.total
    yield Figure("rows", subject.rows, formula=sum_of["rows"])
    yield Figure("accepted", subject.accepted, formula=sum_of["accepted"])
    yield Figure("rejected", subject.rejected)
    yield Figure("duplicate", subject.duplicate)
    for standing in Standing:
        yield Figure(standing, figures.contacts[standing], formula=f"contacts {standing} now")
    for end in _ENDS:
        if figures.ends[end]:
            yield Figure(f"final_{end}", figures.ends[end], formula=f"contacts closed: {end}")
    yield Figure("dialled", figures.dialled, formula="contacts with at least one attempt")
    yield Figure("tried", figures.tried, formula="contacts with at least one charged attempt")
    yield Figure("agent_ready", figures.agent_ready, formula="contacts for whom an agent picked up")
    yield Figure("reached", figures.reached, formula="contacts connected at least once")
    yield Figure("attempts", total.attempts)
    yield Figure("charged", total.charged, formula=sum_of["charged"])
    yield Figure("calls", total.calls, formula="attempts with a Sid, ended, result known")
    yield Figure("agent_answered", total.agent_answered, formula="calls the agent answered")
    yield Figure("connected", total.connected, formula="calls with both sides on the line")
    yield Figure(
        "dispositioned",
        total.connected - figures.conversations_with(NONE_GIVEN),
        formula=sum_of["connected"],
    )
    yield Figure(
        "machine_answered", total.machine_answered, formula="connected calls a machine answered"
    )
    yield Figure("live", figures.attempts_in(LIVE), formula="attempts under way")
    yield Figure("unresolved_attempts", figures.attempts_in(UNRESOLVED), formula="in quarantine")
    yield Figure("late_values_expected", figures.late, formula="calls lacking duration or price")
    yield Figure("requests_sent", len(figures.sent_at))
    yield Figure("turned_away_429", figures.turned_away)
    yield Figure("talk_s", total.talk_s)
    yield Figure("billed_s", figures.billed_s, formula="sum of total_s")
    yield Figure("price", figures.price, formula="sum of price, in the billing currency")


def _hour_name(hour_s: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(hour_s, zone).isoformat(timespec="minutes")
