"""From counts to a report: sums that must hold, figures with numerator and denominator."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.attempt import Outcome
from campaigns.contact_state import NotDialled
from campaigns.dispositions import NONE_GIVEN
from campaigns.reports.figures import LIVE, UNRESOLVED, By, Figures, Standing, Tally
from campaigns.reports.indicators import Figure, kpis
from campaigns.reports.occupancy import NO_TIME, Occupancy
from campaigns.reports.subject import Subject
from campaigns.reports.sums import Identity


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


TIMES = ("shift_s", "wait_s", "wrap_up_s", "break_s", "idle_s")
"""Of an agent, beside `talk_s`: a shift, and what it is made of."""


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
