"""Use case: what the counts do not tell of a campaign: its agents, retries, errors, quarantine.

It is read from every contact, so callers read a large campaign's seldom, and not where somebody
waits; `agent_states` is cheap and always fresh.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from campaigns.agents.team import Team
from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.ids import AttemptId
from dialer.store import Attempts, Campaign, Database, OpenAttempt
from dialer.store.agents import AgentStore
from dialer.store.phones import read_phones, read_taken
from dialer.store.snapshot import ContactLine, contact_lines

MOST_UNRESOLVED = 200

_HTTP_FINE = 200


@dataclass(slots=True)
class AgentFigures:
    """An agent's share of a campaign.

    Args:
        open: Contacts that are not final.
        shares: They were rung for contacts of a team.
        calls: Settled attempts that have a call.
        answered: Those the agent answered.
        connected: Those in which customer and agent spoke.
    """

    number: str
    contacts: int = 0
    open: int = 0
    shares: bool = False
    calls: int = 0
    answered: int = 0
    connected: int = 0
    talk_s: int = 0


@dataclass(slots=True)
class TeamFigures:
    """Contacts of a group, or of an agent with stand-ins; as of an agent."""

    team: Team
    contacts: int = 0
    open: int = 0


@dataclass(slots=True)
class ErrorGroup:
    """Attempts that went wrong in the same way."""

    code: str
    outcome: Outcome | None
    count: int = 0
    example: AttemptId | None = None


@dataclass(slots=True)
class Overview:
    """A campaign's contacts, looked at one by one.

    Args:
        as_of: Epoch s of Redis' clock.
        retries_due: Contacts waiting for another attempt, by when they are due: now, within 5
            minutes, within an hour, later.
        unresolved: The first of them.
        names: Of their contacts, by number; one without a name is not in it.
    """

    as_of: float
    agents: dict[str, AgentFigures] = field(default_factory=dict)
    teams: dict[str, TeamFigures] = field(default_factory=dict)
    errors: dict[tuple[str, Outcome | None], ErrorGroup] = field(default_factory=dict)
    retries_due: dict[str, int] = field(default_factory=dict)
    unresolved: list[OpenAttempt] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)


RETRIES_DUE = {"now": 0.0, "within_5_min": 300.0, "within_an_hour": 3600.0, "later": float("inf")}


def read_overview(db: Database, campaign: Campaign) -> Overview:
    """Read a campaign's contacts and attempts; about 50,000 contacts a second."""
    overview = Overview(db.now(), retries_due=dict.fromkeys(RETRIES_DUE, 0))
    size = campaign.accepted if campaign.archived_at is None else 0  # its rows have left Redis
    for line in contact_lines(db, campaign.id, size=size):
        _add(overview, line, name=campaign.name_in(line.row.cells))
    return overview


def _add(overview: Overview, line: ContactLine, *, name: str) -> None:
    record = line.record
    whose = (
        overview.teams.setdefault(line.planned, TeamFigures(line.team))
        if line.team
        else _figures_of(overview, record.agent)
    )
    whose.contacts += 1
    whose.open += record.state is not ContactState.FINAL
    if record.state is ContactState.WAITING and record.made:
        overview.retries_due[when_due(record.due_s - overview.as_of)] += 1
    for one in line.attempts:
        attempt = one.attempt
        if attempt.is_call:
            agent = _figures_of(overview, attempt.agent)
            agent.shares |= line.team is not None
            agent.calls += 1
            agent.answered += attempt.agent_answered
            agent.connected += attempt.outcome is Outcome.CONNECTED
            agent.talk_s += attempt.talk_s or 0
        may_be_decided = attempt.may_be_decided(now_s=overview.as_of)
        if may_be_decided and len(overview.unresolved) < MOST_UNRESOLVED:
            overview.unresolved.append(one)
            overview.names |= {line.n: name} if name else {}
        if code := error_of(attempt):
            group = overview.errors.setdefault(
                (code, attempt.outcome), ErrorGroup(code, attempt.outcome)
            )
            group.count += 1
            group.example = one.id


def _figures_of(overview: Overview, number: str) -> AgentFigures:
    return overview.agents.setdefault(number, AgentFigures(number))


def error_of(attempt: Attempt) -> str:
    """Name what went wrong with an attempt's request; '' when nothing did."""
    code, status = attempt.error_code, attempt.http_status
    if status and status != _HTTP_FINE and code in {None, "", "unknown"}:
        return f"http_{status}"
    return code or ""


def when_due(in_s: float) -> str:
    """Name the span in which something is due: one of `RETRIES_DUE`."""
    return next(name for name, within_s in RETRIES_DUE.items() if in_s <= within_s)


class AgentState(StrEnum):
    """What an agent is doing."""

    FREE = "free"
    RINGING = "ringing"  # their phone rings, or is about to
    WAITING = "waiting"  # they answered, the customer's phone rings
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PARKED = "parked"  # they missed too many calls in a row
    # away, and not rung
    BREAK = "break"
    OFF = "off"
    SHIFT = "shift"  # out of their shift
    FULL = "full"  # they had their calls of the day
    UNKNOWN = "unknown"  # the request's fate is not known
    ELSEWHERE = "elsewhere"  # on a call of another campaign, seen from this one


AWAY = (AgentState.BREAK, AgentState.SHIFT, AgentState.FULL, AgentState.OFF)
"""What agents do who are away, in the words of their presence; parked ones are told by themselves."""


@dataclass(frozen=True, slots=True)
class AgentNow:
    """What an agent is doing now.

    Args:
        since: Epoch s; None when not known.
        until: End of wrap-up, parking or being away, epoch s.
        reason: Why they are away, as whoever said so wrote it.
    """

    state: AgentState
    since: float | None = None
    until: float | None = None
    attempt: AttemptId | None = None
    reason: str = ""


def agent_states(db: Database, numbers: Sequence[str]) -> dict[str, AgentNow]:
    """Tell what agents are doing now.

    Args:
        numbers: E.164 with their plus.
    """
    if not numbers:
        return {}
    phones = read_phones(db, [number[1:] for number in numbers])
    calls = _calls(db, [phone.holder for phone in phones])
    presences = AgentStore(db).presence_of(numbers)
    now = db.now()
    found = {}
    for number, phone, presence in zip(numbers, phones, presences, strict=True):
        if phone.holder:
            found[number] = _on_call(calls.get(phone.holder))
        elif str(presence.state) in AWAY:
            state = AgentState(presence.state)
            found[number] = AgentNow(state, presence.since, presence.until, reason=presence.reason)
        elif phone.parked_until > now:
            found[number] = AgentNow(AgentState.PARKED, until=phone.parked_until)
        elif phone.rests_until > now:
            found[number] = AgentNow(AgentState.WRAP_UP, until=phone.rests_until)
        else:
            found[number] = AgentNow(AgentState.FREE)
    return found


def seen_from(
    campaign: str, agents: Mapping[str, AgentNow], *, in_flight: int
) -> dict[str, AgentNow]:
    """Tell the same as one campaign sees it: who is on a call of another one is elsewhere.

    Args:
        in_flight: Contacts of the campaign that are released, dialled or unresolved.
    """
    return {
        number: replace(now, state=AgentState.ELSEWHERE)
        if _is_elsewhere(now, campaign, in_flight)
        else now
        for number, now in agents.items()
    }


def _is_elsewhere(now: AgentNow, campaign: str, in_flight: int) -> bool:
    if now.attempt:
        return now.attempt.campaign != campaign
    return now.state is AgentState.RINGING and not in_flight


def busy_agents(db: Database) -> dict[str, AgentNow]:
    """Tell which agents are on a call, resting, parked or away, of all campaigns."""
    taken = read_taken(db, resting_after=db.now())
    on_call = {one.attempt.agent for one in _calls(db, taken.on_call.values()).values()}
    idle = taken.agents | (taken.parked & taken.resting) | taken.away.keys()
    numbers = on_call | {f"+{one}" for one in idle}
    return agent_states(db, sorted(numbers))


def _calls(db: Database, holders: Collection[str]) -> dict[str, OpenAttempt]:
    """Read the attempts among those who hold a number; a release's token is none."""
    ids = {id_ for holder in holders if (id_ := AttemptId.parse(holder))}
    ordered = list(ids)
    attempts = Attempts(db).get_many(ordered)
    return {
        str(id_): OpenAttempt(id_, attempt)
        for id_, attempt in zip(ordered, attempts, strict=True)
        if attempt
    }


def _on_call(call: OpenAttempt | None) -> AgentNow:
    if call is None:
        return AgentNow(AgentState.RINGING)
    attempt = call.attempt
    if attempt.state is AttemptState.UNKNOWN:
        return AgentNow(AgentState.UNKNOWN, attempt.requested_at, attempt=call.id)
    if attempt.answered_at:
        return AgentNow(AgentState.TALKING, attempt.answered_at, attempt=call.id)
    if attempt.agent_answered_at:
        return AgentNow(AgentState.WAITING, attempt.agent_answered_at, attempt=call.id)
    return AgentNow(AgentState.RINGING, attempt.requested_at, attempt=call.id)
