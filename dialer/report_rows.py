"""How contacts become rows of a report's tables; the columns are in `report_tables`."""

from collections.abc import Iterator, Mapping, Sequence

from campaigns.attempt import Attempt, AttemptState
from campaigns.contact_state import ContactState
from campaigns.figures import STANDING_OF
from campaigns.number_mask import FORGOTTEN, Mask, NumberMask
from dialer.ids import ContactId
from dialer.report_tables import Cell, Orphan, RejectedRow
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
        agent, customer = digits_of(record.agent), digits_of(record.customer)
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
        known = (digits_of(line.record.agent), digits_of(line.record.customer))
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
            self._mask.number(digits_of(attempt.agent)),
            self._mask.number(digits_of(attempt.customer)),
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
            elif attempt.details_outcome or attempt.first_outcome:
                yield (
                    str(one.id),
                    _contradiction(attempt),
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


def _contradiction(attempt: Attempt) -> str:
    if attempt.details_outcome:
        return f"settled as {attempt.outcome}, call details say {attempt.details_outcome}"
    return (
        f"settled as {attempt.first_outcome}, final call details say {attempt.outcome}: that counts"
    )


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


def _answer(attempt: Attempt) -> str:
    return attempt.error_code or (f"HTTP {attempt.http_status}" if attempt.http_status else "none")


def digits_of(number: str) -> str:
    """Give a number as reports show it: digits alone, or nothing once it was purged."""
    return "" if number == FORGOTTEN else number.removeprefix("+")
