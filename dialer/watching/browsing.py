"""Use case: leaf through a campaign's contacts and attempts, a page at a time, by filters.

There is no index to keep: a page reads on from where the last one ended, in the file's order, until
it is full or has read enough. So a page may be short, or empty, and yet not the last. By a number
contacts are found wherever they stand, see `dialer/store/finding.py`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

from campaigns.attempt import AGENT_ANSWERED, AttemptState, Outcome
from campaigns.contact_state import ContactState, NotDialled
from dialer.store import Campaign, Database, OpenAttempt
from dialer.store.external_ids import bearers_of
from dialer.store.finding import Part, contacts_with
from dialer.store.record import PER_CHUNK
from dialer.store.record_table import contacts_where
from dialer.store.snapshot import ContactLine, cells_of, contact_lines, lines_of, tried_lines
from dialer.watching.overview import error_of, when_due

_MOST_READ = 10_000  # contacts a page; some 70 ms

Item = TypeVar("Item")

IN_FLIGHT = "in_flight"
RETRY = "retry"
NOT_TRIED = "not_tried"
"""What may stand for a state beside the states: released or dialing; waiting for another attempt;
waiting, without one."""

_STATES: dict[str, tuple[ContactState, ...]] = {
    **{str(one): (one,) for one in ContactState},
    IN_FLIGHT: (ContactState.RELEASED, ContactState.DIALING),
    NOT_TRIED: (ContactState.WAITING,),
}
"""Where contacts stand that a word for a state may mean; those of a retry are found by their attempts."""

_ENDS: dict[str, Outcome | NotDialled] = {str(one): one for one in (*Outcome, *NotDialled)}

AGENT_REACHED = "agent_answered"
NO_OUTCOME = "none"
"""What may stand for an attempt's outcome: any with an agent on the line; none yet."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which contacts or attempts; each None lets all through.

    Args:
        state: A contact's state, `in_flight`, `retry` or `not_tried`; an attempt's state.
        outcome: Or the reason why a contact was closed without one; of attempts also
            `agent_answered` and `none`.
        due: Of contacts that wait for another attempt, when: one of `RETRIES_DUE`.
        due_at: As seen then, epoch s.
        number: Digits the agent's or customer's number contains.
        error: As `error_of` names it.
        undecided_at: Attempts that a person may decide then, epoch s.
        external_id: What their owner's systems call the one contact.
    """

    state: str | None = None
    outcome: str | None = None
    due: str | None = None
    due_at: float = 0.0
    agent: str | None = None
    number: str | None = None
    error: str | None = None
    undecided_at: float | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of them, and where to read on; None: that was all."""

    items: tuple[Item, ...]
    next_cursor: int | None


def contacts_page(
    db: Database, campaign: Campaign, wanted: Filter, *, cursor: int, most: int
) -> Page[ContactLine]:
    """Read contacts.

    Args:
        cursor: Contacts to pass over; 0 begins.
    """

    def fitting(line: ContactLine) -> Iterator[ContactLine]:
        if _fits_contact(line, wanted):
            yield line

    return _page(db, campaign, wanted, fitting, cursor=cursor, most=most)


def attempts_page(
    db: Database, campaign: Campaign, wanted: Filter, *, cursor: int, most: int
) -> Page[OpenAttempt]:
    """Read attempts, those of one contact together; a page may be longer by a contact's attempts.

    Args:
        cursor: Contacts to pass over; 0 begins.
    """

    def fitting(line: ContactLine) -> Iterator[OpenAttempt]:
        return (one for one in line.attempts if _fits_attempt(one, wanted))

    return _page(db, campaign, wanted, fitting, cursor=cursor, most=most, of_attempts=True)


def undecided(db: Database, campaign: Campaign, *, now_s: float) -> Iterator[OpenAttempt]:
    """Give the attempts that a person may decide: of unknown fate, and calls that should long be over."""
    wanted = Filter(undecided_at=now_s)
    cursor: int | None = 0
    while cursor is not None:
        page = attempts_page(db, campaign, wanted, cursor=cursor, most=_A_PAGE)
        yield from page.items
        cursor = page.next_cursor


_A_PAGE = 500


def with_external_id(
    db: Database, campaigns: Sequence[Campaign], external_id: str
) -> list[tuple[Campaign, ContactLine]]:
    """Find the contacts that their owner's systems call so, at most one in each campaign."""
    bearers = bearers_of(db, [(one.id, external_id) for one in campaigns])
    found = [
        (campaign, contact_line(db, campaign, bearer.n))
        for campaign, bearer in zip(campaigns, bearers, strict=True)
        if bearer
    ]
    return [(campaign, line) for campaign, line in found if line]


def contact_line(db: Database, campaign: Campaign, n: int) -> ContactLine | None:
    """Read one contact with its row and attempts; None when there is none of this number."""
    size = min(n, campaign.accepted) if campaign.archived_at is None else 0
    return next(contact_lines(db, campaign.id, size=size, after=n - 1), None)


def names_of(db: Database, campaign: Campaign, numbers: Collection[int]) -> dict[int, str]:
    """Tell the customers' names of some contacts, by their numbers; who has none is left out."""
    if campaign.archived_at is not None:
        return {}
    cells = cells_of(db, campaign.id, numbers)
    return {n: name for n, row in cells.items() if (name := campaign.name_in(row))}


def _page(
    db: Database,
    campaign: Campaign,
    wanted: Filter,
    fitting: Callable[[ContactLine], Iterator[Item]],
    *,
    cursor: int,
    most: int,
    of_attempts: bool = False,
) -> Page[Item]:
    found: list[Item] = []
    if campaign.archived_at is not None:
        return Page((), None)  # its rows have left Redis; its reports have them
    if wanted.external_id is not None:
        lines = with_external_id(db, [campaign], wanted.external_id)
        return Page(tuple(item for _, line in lines for item in fitting(line)), None)
    # who was rung for a team's contact stands in the attempt alone
    by_number = wanted.number or (wanted.agent if not of_attempts else None)
    fit = _lines(
        db, campaign, wanted, after=cursor, by_number=bool(by_number), of_attempts=of_attempts
    )
    for read, line in enumerate(fit, 1):
        found.extend(fitting(line))
        if line.n == campaign.accepted:
            break
        if len(found) >= most or (not by_number and read >= _MOST_READ):
            return Page(tuple(found), line.n)
    return Page(tuple(found), None)


def _lines(
    db: Database,
    campaign: Campaign,
    wanted: Filter,
    *,
    after: int,
    by_number: bool,
    of_attempts: bool,
) -> Iterator[ContactLine]:
    """Read those who may fit: no other can be among them."""
    if by_number:
        return lines_at(db, campaign, _numbers_with(db, campaign, wanted, after=after))
    states, end = _STATES.get(wanted.state or "", ()), _ENDS.get(wanted.outcome or "")
    if not of_attempts and (states or end):
        stand_so = contacts_where(
            db, campaign.id, size=campaign.accepted, after=after, states=states, end=end
        )
        return lines_at(db, campaign, stand_so)
    is_tried = of_attempts or wanted.error is not None or wanted.state == RETRY
    read = tried_lines if is_tried else contact_lines
    return read(db, campaign.id, size=campaign.accepted, after=after)


def _numbers_with(db: Database, campaign: Campaign, wanted: Filter, *, after: int) -> Iterator[int]:
    found = contacts_with(
        db,
        [Part(campaign.id, campaign.accepted, after)],
        digits=wanted.agent or wanted.number or "",
        is_whole=wanted.agent is not None,
        is_agents=wanted.agent is not None,
    )
    return (n for _, n in found)


def lines_at(db: Database, campaign: Campaign, numbers: Iterable[int]) -> Iterator[ContactLine]:
    """Read contacts by their numbers, which ascend; those of a hundred together."""
    for _, together in groupby(numbers, key=lambda n: (n - 1) // PER_CHUNK):
        yield from lines_of(db, campaign.id, set(together))


def _fits_contact(line: ContactLine, wanted: Filter) -> bool:
    record = line.record
    return (
        _fits_state(line, wanted.state)
        and (wanted.due is None or _is_due(line, wanted))
        and (wanted.outcome is None or record.outcome == wanted.outcome)
        and _fits_numbers(line.agent, record.customer, wanted)
        and (
            wanted.error is None or any(error_of(a.attempt) == wanted.error for a in line.attempts)
        )
    )


def _is_due(line: ContactLine, wanted: Filter) -> bool:
    is_retry = _fits_state(line, RETRY)
    return is_retry and when_due(line.record.due_s - wanted.due_at) == wanted.due


def _fits_state(line: ContactLine, wanted: str | None) -> bool:
    state = line.record.state
    if wanted in {RETRY, NOT_TRIED}:
        return state is ContactState.WAITING and bool(line.record.made) == (wanted == RETRY)
    return wanted is None or state in _STATES.get(wanted, ())


def _fits_attempt(one: OpenAttempt, wanted: Filter) -> bool:
    attempt = one.attempt
    state_fits = (
        not attempt.is_settled
        if wanted.state == IN_FLIGHT
        else wanted.state is None or attempt.state == AttemptState(wanted.state)
    )
    return (
        state_fits
        and _fits_outcome(attempt.outcome, wanted.outcome)
        and _fits_numbers(attempt.agent, attempt.customer, wanted)
        and (wanted.error is None or error_of(attempt) == wanted.error)
        and (wanted.undecided_at is None or attempt.may_be_decided(now_s=wanted.undecided_at))
    )


def _fits_outcome(outcome: Outcome | None, wanted: str | None) -> bool:
    if wanted == AGENT_REACHED:
        return outcome in AGENT_ANSWERED
    return wanted is None or outcome == (None if wanted == NO_OUTCOME else wanted)


def _fits_numbers(agent: str, customer: str, wanted: Filter) -> bool:
    if wanted.agent is not None and agent.removeprefix("+") != wanted.agent:
        return False
    return wanted.number is None or wanted.number in agent or wanted.number in customer
