"""How contacts and figures become rows of a report's tables; the columns are in `report_tables`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from campaigns.attempt import AGENT_SIDE, CUSTOMER_SIDE, Attempt, AttemptState, Outcome
from campaigns.contact_state import ContactState
from campaigns.figures import STANDING_OF
from campaigns.number_mask import Mask, NumberMask
from campaigns.report import Figure, Group, Report, group_rates
from dialer.ids import ContactId
from dialer.report_tables import Cell, Kind, Orphan, RejectedRow
from dialer.store.attempts import OpenAttempt
from dialer.store.snapshot import ContactLine


class ContactRows:
    """Turns the contacts and rejected rows of a campaign into rows of the tables.

    Args:
        own_columns: How many columns the upload has.
    """

    def __init__(self, campaign: str, *, own_columns: int, mask: NumberMask) -> None:
        self._campaign = campaign
        self._own_columns = own_columns
        self._mask = mask

    def contact(self, line: ContactLine) -> tuple[Cell, ...]:
        """Make the row of a contact."""
        record = line.record
        agent, customer = _digits(record.agent), _digits(record.customer)
        sids = [one.attempt.sid for one in line.attempts if one.attempt.sid]
        is_due_later = record.state is ContactState.WAITING and record.due_s
        return (
            str(ContactId(self._campaign, line.n)),
            line.row.line,
            self._mask.number(agent),
            self._mask.number(customer),
            STANDING_OF[record.state],
            record.outcome,
            record.made,
            record.due_s if is_due_later else None,
            sids[-1] if sids else None,
            record.charged,
            *self._own(line.row.cells, known=(agent, customer)),
        )

    def attempts(self, line: ContactLine) -> Iterator[tuple[Cell, ...]]:
        """Make the rows of a contact's attempts, the first one first."""
        if not line.attempts:
            return
        known = (_digits(line.record.agent), _digits(line.record.customer))
        own = self._own(line.row.cells, known=known)
        contact = str(ContactId(self._campaign, line.n))
        for one in line.attempts:
            yield (*self._attempt(one, contact=contact, line=line.row.line), *own)

    def _attempt(self, one: OpenAttempt, *, contact: str, line: int) -> tuple[Cell, ...]:
        attempt = one.attempt
        return (
            str(one.id),
            contact,
            attempt.no,
            attempt.sid,
            self._mask.number(_digits(attempt.agent)),
            self._mask.number(_digits(attempt.customer)),
            attempt.requested_at,
            attempt.answered_at,
            attempt.ended_at,
            attempt.agent_status,
            attempt.customer_status,
            attempt.outcome,
            attempt.ring_s,
            attempt.talk_s,
            attempt.total_s,
            attempt.price,
            attempt.recording_url,
            attempt.http_status,
            attempt.error_code,
            line,
            attempt.is_charged,
            attempt.answered_by,
            attempt.agent_s,
            attempt.source,
            attempt.rules_version,
            attempt.window,
        )

    def unresolved(
        self, line: ContactLine, *, as_of_s: float, next_looks: Mapping[str, float]
    ) -> Iterator[tuple[Cell, ...]]:
        """Make the rows of a contact's attempts in quarantine, and of contradictions.

        Args:
            next_looks: When the provider is next asked, by attempt id, epoch s.
        """
        for one in line.attempts:
            attempt = one.attempt
            since = attempt.requested_at
            if attempt.state is AttemptState.UNKNOWN:
                yield (
                    str(one.id),
                    f"no clear answer to the request: {_answer(attempt)}",
                    since,
                    int(as_of_s - since),
                    f"asked {attempt.looks} times, found nothing" if attempt.looks else "none",
                    next_looks.get(str(one.id)),
                    attempt.quarantine_ends_at,
                )
            elif attempt.details_outcome not in {None, attempt.outcome}:
                yield (
                    str(one.id),
                    f"settled as {attempt.outcome}, call details say {attempt.details_outcome}",
                    since,
                    int(as_of_s - since),
                    f"outcome by {attempt.source}",
                    None,
                    None,
                )

    def rejected(self, row: RejectedRow) -> tuple[Cell, ...]:
        """Make the row of a line that was not taken; cells beyond the header come last."""
        surplus = (self._mask.text(cell) for cell in row.cells[self._own_columns :])
        return (
            *self._own(row.cells),
            row.line,
            row.code,
            self._mask.text(row.message),
            ", ".join(surplus),
        )

    def _own(self, cells: Sequence[str], *, known: tuple[str, ...] = ()) -> Sequence[str]:
        if len(cells) != self._own_columns:
            cells = (*cells, *[""] * self._own_columns)[: self._own_columns]
        if self._mask.mask is Mask.NONE:
            return cells
        return [self._mask.text(cell, known=known) for cell in cells]


def orphan_row(orphan: Orphan, *, as_of_s: float) -> tuple[Cell, ...]:
    """Make the row of a callback that belongs to no call we know."""
    return (
        orphan.attempt_id,
        f"callback we cannot place: {orphan.why}",
        orphan.received_at,
        int(as_of_s - orphan.received_at),
        "callback",
        None,
        None,
    )


def summary_rows(report: Report) -> Iterator[tuple[Cell, ...]]:
    """Make the rows of the summary: what it is about, the sums, the indicators."""
    for figure in (*_about(report), *report.counts, *report.kpis):
        yield (figure.name, figure.value, figure.numerator, figure.denominator, figure.formula)


def kpi_rows(report: Report) -> Iterator[tuple[Cell, ...]]:
    """Make the rows of the dictionary of indicators."""
    for one in report.kpis:
        yield (one.name, one.formula, one.numerator, one.denominator, one.value)


def group_rows(groups: Iterable[Group]) -> Iterator[tuple[Cell, ...]]:
    """Make a row of each group."""
    for group in groups:
        tally = group.tally
        yield (
            group.key,
            tally.attempts,
            tally.calls,
            tally.agent_answered,
            tally.connected,
            *(rate.value for rate in group_rates(tally)),
            tally.talk_s,
            tally.charged,
            tally.machine_answered,
        )


def figure_rows(kind: Kind, report: Report) -> Iterator[tuple[Cell, ...]]:
    """Make the rows of a table that is small and known only at the end."""
    match kind:
        case Kind.SUMMARY:
            yield from summary_rows(report)
        case Kind.KPIS:
            yield from kpi_rows(report)
        case Kind.BY_AGENT:
            yield from group_rows(report.by_agent)
        case Kind.BY_ATTEMPT:
            yield from group_rows(report.by_attempt)
        case Kind.BY_HOUR:
            zone = report.subject.zone.key
            yield from ((*row, zone) for row in group_rows(report.by_hour))
        case Kind.BY_OUTCOME:
            yield from ((*row, side(str(row[0]))) for row in group_rows(report.by_outcome))
        case Kind.ATTEMPTS | Kind.CONTACTS | Kind.REJECTED | Kind.UNRESOLVED:
            raise ValueError(f"{kind} is written while contacts are read")


STREAMED_KINDS = frozenset({Kind.ATTEMPTS, Kind.CONTACTS, Kind.REJECTED, Kind.UNRESOLVED})


def side(group: str) -> str:
    """Tell whose doing an outcome was; '' while there is none."""
    if group == Outcome.CONNECTED:
        return "both"
    if group in CUSTOMER_SIDE:
        return "customer"
    if group in AGENT_SIDE:
        return "agent"
    if group in _PROVIDER_SIDE:
        return "provider"
    return ""


_PROVIDER_SIDE = frozenset(
    {
        Outcome.CUSTOMER_NOT_DIALLED,
        Outcome.PROVIDER_FAILED,
        Outcome.DND,
        Outcome.REFUSED,
        Outcome.TURNED_AWAY,
    }
)


def _about(report: Report) -> Iterator[Figure]:
    subject = report.subject
    yield Figure("campaign", subject.campaign)
    yield Figure("campaign_id", subject.campaign_id)
    yield Figure("campaign_state", subject.state)
    yield Figure("as_of", subject.as_of.astimezone(subject.zone).isoformat(timespec="seconds"))
    yield Figure("zone", subject.zone.key)
    yield Figure(
        "standing",
        report.standing,
        formula="final once the campaign has ended and no value can change any more",
    )
    for no, content_hash in enumerate(subject.input_hashes, start=1):
        yield Figure(f"input_{no}_sha256", content_hash)


def _answer(attempt: Attempt) -> str:
    return attempt.error_code or (f"HTTP {attempt.http_status}" if attempt.http_status else "none")


def _digits(number: str) -> str:
    return number.removeprefix("+")
