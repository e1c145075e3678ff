"""What the pages show of a campaign: values made ready, so that templates only place them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from campaigns.attempt import AGENT_ANSWERED, AGENT_SIDE, CUSTOMER_SIDE, Outcome
from campaigns.sentence import told
from dialer.pacing import Rate
from dialer.store import Counts
from dialer.watching.browsing import AGENT_REACHED
from dialer.watching.overview import AgentFigures, AgentNow, AgentState
from workers.web.live import Reading
from workers.web.templating import words

_PACE_MIN = 10
_PACE_STEP_S = 5


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar.

    Args:
        tone: The colour's name in the style sheet.
        start: Where it begins, per mille of the bar.
        width: Per mille of the bar.
        href: Where the rows behind it are.
    """

    tone: str
    label: str
    count: int
    start: float
    width: float
    href: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar whose pieces add up to its whole."""

    total: int
    segments: tuple[Segment, ...]


def bar(pieces: Sequence[tuple[str, str, int, str]]) -> Bar:
    """Make a bar of (tone, label, count, href)."""
    total = sum(count for _, _, count, _ in pieces)
    segments, start = [], 0.0
    for tone, label, count, href in pieces:
        width = 1000 * count / total if total else 0.0
        segments.append(Segment(tone, label, count, start, width, href))
        start += width
    return Bar(total, tuple(segments))


def progress(campaign_id: str, counts: Counts, retries: int = 0) -> Bar:
    """Show where contacts stand; the pieces add up to all that were accepted."""
    rows = f"/campaigns/{campaign_id}/contacts?state="
    retries = min(retries, counts.waiting)
    return bar(
        [
            ("final", told("final"), counts.final, f"{rows}final"),
            ("open", told("open for a disposition"), counts.open, f"{rows}open"),
            ("flight", told("in flight"), counts.in_flight, f"{rows}in_flight"),
            ("unresolved", told("unresolved"), counts.unresolved, f"{rows}unresolved"),
            ("retry", told("waiting for a retry"), retries, f"{rows}retry"),
            ("waiting", told("waiting, never tried"), counts.waiting - retries, f"{rows}not_tried"),
        ]
    )


def results(campaign_id: str, counts: Counts) -> Bar:
    """Show how contacts ended, the good ends first."""
    rows = f"/campaigns/{campaign_id}/contacts?outcome="
    ends = sorted(counts.outcomes.items(), key=lambda one: (-(one[0] == "connected"), -one[1]))
    return bar([(tone_of(end), words(end), n, f"{rows}{end}") for end, n in ends if n])


def tone_of(end: str) -> str:
    """Choose the colour of an end."""
    if end == Outcome.CONNECTED:
        return "connected"
    if end in CUSTOMER_SIDE:
        return "customer"
    if end in AGENT_SIDE:
        return "agent"
    return "other"


def agent_side(campaign_id: str, counts: Counts) -> Bar:
    """Show what happened when agents were rung."""
    calls = Counter(counts.attempt_outcomes)
    answered = sum(calls[one] for one in AGENT_ANSWERED)
    lost = [_attempts(campaign_id, one, calls, "agent") for one in _ordered(AGENT_SIDE)]
    failed = _attempts(campaign_id, Outcome.PROVIDER_FAILED, calls, "other")
    where = f"/campaigns/{campaign_id}/attempts?outcome={AGENT_REACHED}"
    whole = ("connected", told("agent answered"), answered, where)
    return bar([whole, *lost, failed])


def customer_side(campaign_id: str, counts: Counts) -> Bar:
    """Show what happened once an agent was on the line."""
    calls = Counter(counts.attempt_outcomes)
    talked = _attempts(campaign_id, Outcome.CONNECTED, calls, "connected")
    lost = [_attempts(campaign_id, one, calls, "customer") for one in _ordered(CUSTOMER_SIDE)]
    never = _attempts(campaign_id, Outcome.CUSTOMER_NOT_DIALLED, calls, "other")
    return bar([talked, *lost, never])


def neither_side(campaign_id: str, counts: Counts) -> Bar:
    """Show attempts that became no call, or of which nobody knows."""
    calls = Counter(counts.attempt_outcomes)
    ends = (Outcome.TURNED_AWAY, Outcome.REFUSED, Outcome.DND, Outcome.UNKNOWN)
    return bar([_attempts(campaign_id, one, calls, "other") for one in ends])


def _attempts(
    campaign_id: str, outcome: Outcome, calls: Mapping[str, int], tone: str
) -> tuple[str, str, int, str]:
    where = f"/campaigns/{campaign_id}/attempts?outcome={outcome}"
    return tone, words(outcome), calls[outcome], where


def _ordered(outcomes: frozenset[Outcome]) -> list[Outcome]:
    return [one for one in Outcome if one in outcomes]


@dataclass(frozen=True, slots=True)
class PaceLine:
    """Requests in any minute of the last ten, as lines of a chart 600 wide and 100 high.

    Args:
        line: The path of the requests.
        area: The same, closed at the bottom.
        limit_y: Where the limit lies.
        refusals: Where 429s were, x.
    """

    rate: Rate
    line: str
    area: str
    limit_y: float
    refusals: tuple[float, ...]
    busiest: int


def pace(reading: Reading) -> PaceLine:
    """Draw the pace of the last minutes."""
    rate, now = reading.status.rate, int(reading.status.as_of)
    sent = {second: requests for second, requests, _ in reading.history}
    first = now - _PACE_MIN * 60
    sums = list(_rolling(sent, first, now))
    top = max(rate.limit, *sums, 1) * 1.12
    points = [(600 * i / (len(sums) - 1), 100 - 100 * n / top) for i, n in enumerate(sums)]
    line = " ".join(f"{'M' if i == 0 else 'L'}{x:.1f},{y:.1f}" for i, (x, y) in enumerate(points))
    return PaceLine(
        rate=rate,
        line=line,
        area=f"{line} L600,100 L0,100 Z",
        limit_y=100 - 100 * rate.limit / top,
        refusals=tuple(
            round(600 * (second - first) / (now - first), 1)
            for second, _, refused in reading.history
            if refused and second > first
        ),
        busiest=max(sums),
    )


def _rolling(sent: Mapping[int, int], first: int, last: int) -> Iterator[int]:
    """Sum the minute up to every few seconds."""
    for at in range(first, last + 1, _PACE_STEP_S):
        yield sum(sent.get(second, 0) for second in range(at - 59, at + 1))


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent in a list."""

    number: str
    name: str
    now: AgentNow
    figures: AgentFigures | None


def agent_lines(reading: Reading) -> list[AgentRow]:
    """List agents, each at its place: a tile does not move away under the pointer."""
    figures = reading.overview.agents if reading.overview else {}
    lines = [
        AgentRow(number, reading.agent_names.get(number, ""), now, figures.get(number))
        for number, now in reading.agents.items()
    ]
    return sorted(lines, key=lambda line: line.number)


def agent_counts(reading: Reading) -> dict[AgentState, int]:
    """Count agents by what they are doing; every state stands there."""
    counted = Counter(now.state for now in reading.agents.values())
    return {state: counted[state] for state in _STATE_ORDER}


_STATE_ORDER = (
    AgentState.TALKING,
    AgentState.WAITING,
    AgentState.RINGING,
    AgentState.WRAP_UP,
    AgentState.FREE,
    AgentState.PARKED,
    AgentState.BREAK,
    AgentState.SHIFT,
    AgentState.FULL,
    AgentState.OFF,
    AgentState.UNKNOWN,
    AgentState.ELSEWHERE,
)
