"""What remains of a contact, an attempt or a rejected row once personal data is taken out.

Numbers, the upload's cells and links to recordings go; ids, times, outcomes, durations and prices
tell of no person and stay, so every sum still adds up.
"""

import re
from dataclasses import replace

from campaigns.contact_state import ContactState
from campaigns.number_mask import FORGOTTEN
from dialer.store import OpenAttempt
from dialer.store.campaigns import RejectedRow
from dialer.store.contacts import Row
from dialer.store.snapshot import ContactLine

EVERYBODY = ""
"""Stands for the digits of every number."""

_SIGNIFICANT_DIGITS = 10  # of a number, which every spelling of it shares


def significant_digits(number: str) -> str:
    """Reduce a number to what every spelling of it shares."""
    return re.sub(r"\D", "", number)[-_SIGNIFICANT_DIGITS:]


def is_needed(line: ContactLine, digits: str) -> bool:
    """Tell whether a contact has this number and is not done with it."""
    held = any(_is(number, digits) for number in line.record.numbers)
    return held and line.record.state is not ContactState.FINAL


def without(line: ContactLine, digits: str) -> ContactLine:
    """Forget a number; as the customer's, with all the upload says beside it.

    Args:
        digits: As `significant_digits` gives them, or `EVERYBODY`.
    """
    if is_needed(line, digits):
        return line
    record = line.record
    agent = FORGOTTEN if _is(record.agent, digits) else record.agent
    customer = FORGOTTEN if _is(record.customer, digits) else record.customer
    forgets_customer = customer != record.customer or digits == EVERYBODY
    row = _no_row(line.row) if forgets_customer else _row_without(line.row, digits)
    attempts = tuple(_attempt_without(one, digits) for one in line.attempts)
    record = record._replace(agent=agent, customer=customer)
    return replace(line, record=record, row=row, attempts=attempts)


def rejected_without(row: RejectedRow, digits: str) -> RejectedRow:
    """Forget a rejected row that holds a number; its line and its reason's code stay."""
    if not any(_holds(text, digits) for text in (*row.cells, row.message)):
        return row
    return replace(row, cells=("",) * len(row.cells), message="")


def _attempt_without(one: OpenAttempt, digits: str) -> OpenAttempt:
    attempt = one.attempt
    agent = FORGOTTEN if _is(attempt.agent, digits) else attempt.agent
    customer = FORGOTTEN if _is(attempt.customer, digits) else attempt.customer
    if (agent, customer) == (attempt.agent, attempt.customer):
        return one
    # either voice is on the recording
    return replace(
        one, attempt=attempt._replace(agent=agent, customer=customer, recording_url=None)
    )


def _no_row(row: Row) -> Row:
    return Row(row.line, ("",) * len(row.cells), {})


def _row_without(row: Row, digits: str) -> Row:
    cells = tuple("" if _holds(cell, digits) else cell for cell in row.cells)
    extra = {name: text for name, text in row.extra.items() if not _holds(text, digits)}
    return Row(row.line, cells, extra)


def _is(number: str, digits: str) -> bool:
    return number != FORGOTTEN and (digits == EVERYBODY or number.endswith(digits))


def _holds(text: str, digits: str) -> bool:
    """Tell whether a text holds a number, however it is spaced; the empty one holds nothing."""
    if digits == EVERYBODY:
        return bool(text)
    return len(text) >= len(digits) and digits in re.sub(r"\D", "", text)
