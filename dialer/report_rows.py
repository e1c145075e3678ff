"""How contacts become rows of a report's tables; the columns are in `report_tables`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

from campaigns.attempt import Attempt, AttemptState
from campaigns.contact_state import ContactState
from campaigns.figures import STANDING_OF
from campaigns.number_mask import FORGOTTEN, Mask, NumberMask
from dialer.report_tables import Cell, Columns, Orphan, RejectedRow
from dialer.store.attempts import OpenAttempt
from dialer.store.contacts import ContactRecord
from dialer.store.snapshot import ContactLine


class ContactRows:
    """Turns the contacts and rejected rows of a campaign into rows of the tables.

    The two long tables are made column by column, for thousands of contacts at once: row by row
    takes twice as long.

    Args:
        own_columns: How many columns the upload has.
    """

    def __init__(self, campaign: str, *, own_columns: int, mask: NumberMask) -> None:
        self._campaign = campaign
        self._own_columns = own_columns
        self._mask = mask

    def contacts(self, lines: Sequence[ContactLine]) -> Columns:
        """Make the rows of contacts."""
        records = [line.record for line in lines]
        return [
            # what a ContactId gives, without making one for each
            [f"{self._campaign}-{line.n}" for line in lines],
            [line.row.line for line in lines],
            self._numbers([record.agent for record in records]),
            self._numbers([record.customer for record in records]),
            [STANDING_OF[record.state] for record in records],
            [record.outcome for record in records],
            [record.made for record in records],
            [_due_later(record) for record in records],
            [_last_sid(line.attempts) for line in lines],
            [record.charged for record in records],
            *self._own_of(lines),
        ]

    def attempts(self, lines: Sequence[ContactLine], of_contacts: Columns) -> Columns:
        """Make the rows of these contacts' attempts, each contact's first one first.

        Args:
            of_contacts: The contacts' own rows, parts of which are repeated beside each attempt.
        """
        made = [one for line in lines for one in line.attempts]
        if not made:
            return []
        told = zip(*(_told_by(one.attempt) for one in made), strict=True)
        columns: dict[str, Sequence[Any]] = dict(zip(_TOLD, told, strict=True))
        columns["attempt_id"] = [str(one.id) for one in made]
        for name in ("agent", "customer"):
            columns[name] = self._numbers(columns[name])
        times = [len(line.attempts) for line in lines]
        contact_ids, places, *others = of_contacts
        columns["contact_id"] = _repeated(contact_ids, times)
        columns["line"] = _repeated(places, times)
        own = others[len(others) - self._own_columns :]
        return [*(columns[name] for name in _ATTEMPT_ROW), *(_repeated(one, times) for one in own)]

    def _numbers(self, numbers: Sequence[str]) -> list[str]:
        digits = [digits_of(number) for number in numbers]
        if self._mask.mask is Mask.NONE:
            return digits
        return [self._mask.number(one) for one in digits]

    def _own_of(self, lines: Sequence[ContactLine]) -> Columns:
        if self._mask.mask is Mask.NONE:
            cells = [self._own(line.row.cells) for line in lines]
        else:
            cells = [self._own(line.row.cells, known=_numbers_of(line.record)) for line in lines]
        return [*zip(*cells, strict=True)]

    def unresolved(
        self, lines: Iterable[ContactLine], *, as_of_s: float, next_looks: Mapping[str, float]
    ) -> Iterator[tuple[Cell, ...]]:
        """Make the rows of these contacts' attempts in quarantine, and of contradictions.

        Args:
            next_looks: When the provider is next asked, by attempt id, epoch s.
        """
        for one in (one for line in lines for one in line.attempts):
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


_ATTEMPT_ROW = (
    "attempt_id",
    "contact_id",
    "no",
    "sid",
    "agent",
    "customer",
    "requested_at",
    "answered_at",
    "ended_at",
    "agent_status",
    "customer_status",
    "outcome",
    "ring_s",
    "talk_s",
    "total_s",
    "price",
    "recording_url",
    "http_status",
    "error_code",
    "line",
    "is_charged",
    "answered_by",
    "agent_s",
    "source",
    "rules_version",
    "window",
)
"""What stands in the columns of `attempts`, in their order: an attempt's own, and three beside."""

_BESIDE = frozenset({"attempt_id", "contact_id", "line"})
_TOLD = tuple(name for name in _ATTEMPT_ROW if name not in _BESIDE)
_told_by = attrgetter(*_TOLD)


def _repeated(column: Sequence[Any], times: Sequence[int]) -> list[Any]:
    return [*chain.from_iterable(map(repeat, column, times))]


def _numbers_of(record: ContactRecord) -> tuple[str, str]:
    return digits_of(record.agent), digits_of(record.customer)


def _due_later(record: ContactRecord) -> int | None:
    return (record.due_s or None) if record.state is ContactState.WAITING else None


def _last_sid(attempts: Sequence[OpenAttempt]) -> str | None:
    for one in reversed(attempts):
        if one.attempt.sid:
            return one.attempt.sid
    return None


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
