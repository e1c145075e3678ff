"""One accepted row: the agent–customer pair and the row's other columns."""

from datetime import datetime
from typing import NamedTuple


class Contact(NamedTuple):
    """A row that may be dialled; a tuple, because a million are made and a tuple is made faster.

    Args:
        source_line: The physical line the row begins on, header included, from 1; in a workbook
            the sheet's row.
        row_no: The row's place among the data rows, from 1; blank lines are no rows.
        agent: E.164.
        customer: E.164.
        cells: Every cell of the row as the file has it, one per column.
        priority: −99 … 99, higher first.
        not_before: Not dialled before this instant; None: from the start.
        expires_at: Not dialled from this instant on; None: never expires.
        timezone: The customer's IANA zone, for calling hours; None: the campaign's.
        custom_field: Text the provider hands back with the call.
        external_id: What its owner's own systems call it; '' = nothing.
    """

    source_line: int
    row_no: int
    agent: str
    customer: str
    cells: tuple[str, ...]
    priority: int = 0
    not_before: datetime | None = None
    expires_at: datetime | None = None
    timezone: str | None = None
    custom_field: str | None = None
    external_id: str = ""
