"""Rows of a campaign's rejected file that come back, mended or not: the new ones stand for them.

A row is known again by its line, code and message, which the file has beside its cells.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from campaigns.lists.source import Row
from campaigns.spreadsheet_safety import as_they_were
from dialer.store.imports import Imports, Mended, RejectedRow

Key = tuple[str, str, str]


def keys_in(rows: Iterable[Row], remarks: Mapping[str, int]) -> "Counter[Key]":
    """Read which rows that were not taken a file has again.

    Args:
        remarks: Where `line`, `error_code` and `error` stand.
    """
    places = [remarks[name] for name in ("line", "error_code", "error")]
    found: Counter[Key] = Counter()
    for row in rows:
        if len(row.cells) > max(places):
            line, code, message = as_they_were(row.cells[place].strip() for place in places)
            found[line, code, message] += 1
    return found


def mended_rows(imports: Imports, campaign: str, again: "Counter[Key]", *, own: str) -> Mended:
    """Find them among those the campaign keeps, each once.

    Args:
        own: How the blocks of the file itself begin.
    """
    left: dict[str, list[RejectedRow]] = {}
    gone: Counter[str] = Counter()
    for block, rows in imports.rejected_blocks(campaign):
        if block.startswith(f"{own}-"):
            continue
        kept: list[RejectedRow] = []
        for row in rows:
            key = (str(row.line), row.code, row.message.strip())
            if again[key] > 0:
                again[key] -= 1
                gone["rows"] += 1
                gone["duplicate" if row.code.startswith("duplicate") else "rejected"] += 1
            else:
                kept.append(row)
        if len(kept) < len(rows):
            left[block] = kept
    return Mended(left, gone)
