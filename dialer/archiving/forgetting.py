"""What remains of a contact, an attempt or a rejected row once personal data is taken out.

Numbers, the upload's cells, notes and links to recordings go; ids, times, outcomes, durations and prices
tell of no person and stay, so every sum still adds up.
"""

from dataclasses import replace

from campaigns.contact_state import ContactState
from campaigns.numbers.mask import FORGOTTEN
from campaigns.numbers.same_phone import digits_of, national_digits
from dialer.store import OpenAttempt
from dialer.store.contact_rows import Row
from dialer.store.imports import RejectedRow
from dialer.store.snapshot import ContactLine

EVERYBODY = ""
"""Stands for every number."""


def is_needed(line: ContactLine, number: str) -> bool:
    """Tell whether a contact has this number and is not done with it."""
    held = any(_is(one, number) for one in (*line.record.numbers, line.pinned))
    return held and line.record.state is not ContactState.FINAL


def without(line: ContactLine, number: str) -> ContactLine:
    """Forget a number; as the customer's, with all the upload says beside it.

    Args:
        number: E.164 with its plus, or `EVERYBODY`.
    """
    if is_needed(line, number):
        return line
    record = line.record
    agent = FORGOTTEN if _is(record.agent, number) else record.agent
    customer = FORGOTTEN if _is(record.customer, number) else record.customer
    forgets_customer = customer != record.customer or number == EVERYBODY
    row = _no_row(line.row) if forgets_customer else _row_without(line.row, number)
    attempts = tuple(_attempt_without(one, number) for one in line.attempts)
    record = record._replace(agent=agent, customer=customer)
    return replace(line, record=record, row=row, attempts=attempts)


def rejected_without(row: RejectedRow, number: str) -> RejectedRow:
    """Forget a rejected row that holds a number; its line and its reason's code stay."""
    if not any(_holds(text, number) for text in (*row.cells, row.message)):
        return row
    return replace(row, cells=("",) * len(row.cells), message="")


def _attempt_without(one: OpenAttempt, number: str) -> OpenAttempt:
    attempt = one.attempt
    agent = FORGOTTEN if _is(attempt.agent, number) else attempt.agent
    customer = FORGOTTEN if _is(attempt.customer, number) else attempt.customer
    if (agent, customer) == (attempt.agent, attempt.customer):
        return one
    # either voice is on the recording, and a note may tell of both
    return replace(
        one,
        attempt=attempt._replace(
            agent=agent, customer=customer, recording_url=None, note=None, disposition_by=None
        ),
    )


def _no_row(row: Row) -> Row:
    return Row(row.line, ("",) * len(row.cells), {})


def _row_without(row: Row, number: str) -> Row:
    cells = tuple("" if _holds(cell, number) else cell for cell in row.cells)
    extra = {name: text for name, text in row.extra.items() if not _holds(text, number)}
    return Row(row.line, cells, extra)


def _is(stored: str, number: str) -> bool:
    return stored not in {"", FORGOTTEN} and number in {EVERYBODY, stored}


def _holds(text: str, number: str) -> bool:
    """Tell whether a text holds a number, however it is spaced; the empty one holds nothing."""
    if number == EVERYBODY:
        return bool(text)
    digits = national_digits(number)
    return len(text) >= len(digits) and digits in digits_of(text)
