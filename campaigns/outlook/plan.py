"""What a campaign will take, told before it starts: how long, what binds, how much for each agent.

Every figure is an expectation under the assumptions named with it, worked out by hand-sized
formulas: a contact is tried until the customer answers or the rules end it, each try takes its
agent as long as ringing, talking and wrap-up take, and the scarcest of agents, request limit,
calls at once and daily caps sets the pace.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from campaigns.agents.shift import Shift
from campaigns.attempt import Outcome
from campaigns.campaign_rules import CampaignRules
from campaigns.outlook.forecast import after_work
from campaigns.outlook.situation import Constraint
from campaigns.rules_in_words import span_in_words
from campaigns.sentence import told

NO_SHIFTS: Mapping[Shift | None, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What nobody knows before the first call.

    Args:
        agent_answers: Share of calls an agent takes, above 0 up to 1.
        customer_answers: The same of customers whose phone rings.
        talk_s: Mean length of a conversation.
        ring_s: Mean ringing of one phone until it is answered.
    """

    agent_answers: float = 0.9
    customer_answers: float = 0.4
    talk_s: float = 120.0
    ring_s: float = 12.0

    def __post_init__(self) -> None:
        for name in ("agent_answers", "customer_answers"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1")
        if self.talk_s < 0 or self.ring_s < 0:
            raise ValueError("talk_s and ring_s must not be below 0")

    def in_words(self) -> str:
        """Say them in one line."""
        return told(
            "agents take {agents:.0%} of their calls, customers {customers:.0%}; a phone rings "
            "{ring_s:g} s until it is answered, they talk {talk_s:g} s",
            agents=self.agent_answers,
            customers=self.customer_answers,
            ring_s=self.ring_s,
            talk_s=self.talk_s,
        )


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What all campaigns of the account share.

    Args:
        most_calls: At once; 0 = no cap.
    """

    requests_per_window: int
    window_s: float
    most_calls: int = 0


@dataclass(frozen=True, slots=True)
class PerContact:
    """What one contact takes on average.

    Args:
        requests: Connect requests, those included that the agent did not take.
        connected: Chance that agent and customer talk in the end.
        agent_s: Time it takes its agent, wrap-up included.
        line_s: Time its calls are live.
    """

    requests: float
    connected: float
    agent_s: float
    line_s: float


@dataclass(frozen=True, slots=True)
class Bound:
    """When the campaign would be done if this were all that slowed it."""

    constraint: Constraint
    done_at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign's forecast.

    Args:
        line_min: Minutes that calls are live, all together.
        calls_per_agent: Expected requests: fewest, mean and most.
        bounds: The one that binds first.
        starts_at: When the first call may be placed.
        done_at: None: not within a year, or its hours never open.
        left_at_end: Contacts still waiting when the campaign's own end comes.
    """

    contacts: int
    agents: int
    requests: float
    connected: float
    line_min: float
    calls_per_agent: tuple[float, float, float]
    bounds: tuple[Bound, ...]
    starts_at: datetime | None
    done_at: datetime | None
    left_at_end: int
    assuming: str


def plan_campaign(
    rules: CampaignRules,
    contacts_per_agent: Collection[int],
    *,
    account: AccountLimits,
    assumptions: Assumptions,
    at: datetime,
    busiest: Mapping[Shift | None, int] = NO_SHIFTS,
) -> Plan:
    """Forecast a campaign that is started at this instant, or at the start its rules name.

    Args:
        contacts_per_agent: How many contacts each agent has; every one at least 1.
        busiest: The most of them that an agent of each shift has; empty: nobody has a shift.
    """
    each = per_contact(rules, assumptions)
    contacts = sum(contacts_per_agent)
    wanted_at = max(at, rules.starts_at or at)
    opens = rules.hours.next_open(wanted_at, rules.zone)
    starts_at = max(opens.from_at, wanted_at) if opens else None
    bounds: list[Bound] = []
    if starts_at and contacts:
        bounds += _bounds(
            rules,
            each,
            contacts_per_agent,
            account,
            tail_s=_tail_s(rules, assumptions, contacts),
            begins_at=starts_at,
        )
        bounds += _bounds_of_shifts(rules, each, busiest, begins_at=starts_at)
    bounds.sort(key=lambda bound: bound.done_at, reverse=True)
    done_at = bounds[0].done_at if bounds else None
    shares = [count * each.requests for count in contacts_per_agent]
    return Plan(
        contacts=contacts,
        agents=len(contacts_per_agent),
        requests=contacts * each.requests,
        connected=contacts * each.connected,
        line_min=contacts * each.line_s / 60,
        calls_per_agent=(min(shares), sum(shares) / len(shares), max(shares))
        if shares
        else (0.0, 0.0, 0.0),
        bounds=tuple(bounds),
        starts_at=starts_at,
        done_at=done_at,
        left_at_end=_left_at_end(rules, contacts, starts_at, done_at),
        assuming=assumptions.in_words(),
    )


def per_contact(rules: CampaignRules, assumptions: Assumptions) -> PerContact:
    """Tell what one contact takes on average.

    A customer who does not answer counts as no answer; one who is busy is asked as often.
    """
    tries = 1 + len(_retry_delays_s(rules))
    missed = 1 - assumptions.customer_answers
    connected = 1 - missed**tries
    reached = connected / assumptions.customer_answers  # tries the customer's phone rang at
    agent_misses = reached * (1 / assumptions.agent_answers - 1)
    if not any(rule.cause == Outcome.AGENT_NO_ANSWER for rule in rules.retry):
        agent_misses = min(agent_misses, 1 - assumptions.agent_answers)
    talking_s = 2 * assumptions.ring_s + assumptions.talk_s
    in_vain_s = assumptions.ring_s + rules.time_out_s
    line_s = (
        connected * min(talking_s, 2 * rules.time_out_s + rules.time_limit_s)
        + (reached - connected) * in_vain_s
        + agent_misses * rules.time_out_s
    )
    requests = reached + agent_misses
    return PerContact(requests, connected, line_s + requests * rules.wrap_up_s, line_s)


def _retry_delays_s(rules: CampaignRules) -> list[int]:
    """Give the pauses before each retry of a customer who never answers."""
    rule = next((one for one in rules.retry if one.cause == Outcome.CUSTOMER_NO_ANSWER), None)
    if rule is None:
        return []
    retries = rules.max_attempts - 1
    if rule.times is not None:
        retries = min(retries, rule.times)
    return [max(rule.delay_s(nth), rules.min_gap_s) for nth in range(1, retries + 1)]


def _tail_s(rules: CampaignRules, assumptions: Assumptions, contacts: int) -> float:
    """Tell how long after their first try the last contacts are tried again, s.

    A retry counts where at least every other campaign of this size would come to need it.
    """
    missed = 1 - assumptions.customer_answers
    delays_s = enumerate(_retry_delays_s(rules), start=1)
    return float(sum(delay for nth, delay in delays_s if contacts * missed**nth >= 0.5))


def _bounds(
    rules: CampaignRules,
    each: PerContact,
    contacts_per_agent: Collection[int],
    account: AccountLimits,
    *,
    tail_s: float,
    begins_at: datetime,
) -> Iterator[Bound]:
    """Tell of each constraint when the campaign would be done if it were the only one.

    Args:
        tail_s: How long after their first try the last contacts are tried again.
    """
    paces = list(_paces(rules, each, contacts_per_agent, account))
    for pace in paces:
        if done_at := _worked_off(begins_at, pace.work_s, rules):
            yield Bound(pace.constraint, done_at, pace.sentence)

    contacts = sum(contacts_per_agent)
    slowest_s = max(pace.work_s for pace in paces)
    first_tries_at = _worked_off(begins_at, slowest_s / each.requests, rules)
    if tail_s and first_tries_at:
        last_try_at = first_tries_at + timedelta(seconds=tail_s)
        if done_at := _worked_off(last_try_at, 0, rules):
            sentence = told(
                "Who does not answer is tried again over {span}.", span=span_in_words(tail_s)
            )
            yield Bound(Constraint.RETRY_TIMERS, done_at, sentence)

    requests = contacts * each.requests
    per_day = _calls_per_day(rules)
    if per_day and (done_at := _after_days(begins_at, math.ceil(requests / per_day), rules)):
        sentence = told("{calls:,.0f} calls, at most {most:,} a day.", calls=requests, most=per_day)
        yield Bound(Constraint.CAPS, done_at, sentence)


def _bounds_of_shifts(
    rules: CampaignRules,
    each: PerContact,
    busiest: Mapping[Shift | None, int],
    *,
    begins_at: datetime,
) -> Iterator[Bound]:
    """Tell of the busiest agent of each shift when they would be done."""
    for shift, most in busiest.items():
        if shift is None:
            continue  # they are told of with all others
        work = timedelta(seconds=most * each.agent_s)
        if done_at := _worked_in_shift(begins_at, work, rules, shift):
            sentence = told(
                "The busiest agent at work {hours} has {most:,} contacts, {each:.0f} s each.",
                hours=shift.hours.in_words(),
                most=most,
                each=each.agent_s,
            )
            yield Bound(Constraint.AGENTS, done_at, sentence)


def _worked_in_shift(
    at: datetime, work: timedelta, rules: CampaignRules, shift: Shift
) -> datetime | None:
    """Tell when so much work is done within calling hours and shift; None: not within 400 days."""
    give_up_at = at + timedelta(days=400)
    while at < give_up_at:
        window = rules.hours.next_open(at, rules.zone)
        on = shift.hours.next_open(at, shift.zone)
        if window is None or on is None:
            return None
        begins_at = max(at, window.from_at, on.from_at)
        ends_at = min(window.until_at, on.until_at)
        if begins_at < ends_at:
            if begins_at + work <= ends_at:
                return begins_at + work
            work -= ends_at - begins_at
        at = ends_at
    return None


@dataclass(frozen=True, slots=True)
class _Pace:
    """How long one scarce thing alone would take, in open calling hours."""

    constraint: Constraint
    work_s: float
    sentence: str


def _paces(
    rules: CampaignRules,
    each: PerContact,
    contacts_per_agent: Collection[int],
    account: AccountLimits,
) -> Iterator[_Pace]:
    contacts, most = sum(contacts_per_agent), max(contacts_per_agent)
    requests = contacts * each.requests
    yield _Pace(
        Constraint.AGENTS,
        most * each.agent_s,
        told(
            "The busiest of {agents:,} agents has {most:,} contacts, {each:.0f} s each.",
            agents=len(contacts_per_agent),
            most=most,
            each=each.agent_s,
        ),
    )
    allowed = account.requests_per_window
    yield _Pace(
        Constraint.LIMIT,
        requests * account.window_s / allowed,
        told(
            "{requests:,.0f} requests, {allowed} allowed in {window:g} s.",
            requests=requests,
            allowed=allowed,
            window=account.window_s,
        ),
    )
    if at_once := min(filter(None, (account.most_calls, rules.max_concurrent_calls)), default=0):
        yield _Pace(
            Constraint.CHANNELS,
            contacts * each.line_s / at_once,
            told("{calls:,.0f} calls, {most} at once.", calls=requests, most=at_once),
        )


def _worked_off(at: datetime, work_s: float, rules: CampaignRules) -> datetime | None:
    return after_work(at, timedelta(seconds=work_s), rules.hours, rules.zone)


def _calls_per_day(rules: CampaignRules) -> int:
    """Give the tighter of the caps on calls and on spend; 0 = no cap."""
    by_spend = 0
    if rules.max_spend_per_day and rules.reserved_spend:
        by_spend = max(1, int(rules.max_spend_per_day / rules.reserved_spend))
    return min(filter(None, (rules.max_calls_per_day, by_spend)), default=0)


def _after_days(at: datetime, days: int, rules: CampaignRules) -> datetime | None:
    """Tell when the last of so many days with calling hours opens."""
    window = rules.hours.next_open(at, rules.zone)
    for _ in range(days - 1):
        if window is None:
            return None
        local = max(window.from_at, at).astimezone(rules.zone)
        midnight = datetime.combine(
            local.date() + timedelta(days=1), datetime.min.time(), tzinfo=rules.zone
        )
        window, at = rules.hours.next_open(midnight, rules.zone), midnight
    return max(window.from_at, at) if window else None


def _left_at_end(
    rules: CampaignRules, contacts: int, starts_at: datetime | None, done_at: datetime | None
) -> int:
    """Tell how many contacts still wait when the campaign's own end comes."""
    if rules.ends_at is None or starts_at is None:
        return 0
    if done_at is None:
        return contacts
    if done_at <= rules.ends_at:
        return 0
    share = max(timedelta(0), rules.ends_at - starts_at) / max(
        done_at - starts_at, timedelta(seconds=1)
    )
    return math.ceil(contacts * (1 - share))
