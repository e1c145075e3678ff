"""How contacts become rows of a report's tables; the columns are in `report_tables`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, TypeVar

from campaigns.attempt import (
    CHARGED_OR_LIVE,
    Attempt,
    AttemptState,
    Outcome,
    attempt_columns,
)
from campaigns.contact_state import ContactState
from campaigns.lists.judged_rows import NotTakenRow
from campaigns.numbers.mask import FORGOTTEN, Mask, NumberMask
from campaigns.reports.figures import STANDING_OF
from dialer.reporting.tables import ATTEMPTS, CONTACTS, Cell, Columns
from dialer.store.attempts import OpenAttempt
from dialer.store.callback_inbox import Orphan
from dialer.store.notes import notes_of
from dialer.store.record import ContactRecord
from dialer.store.snapshot import ContactLine

Value = TypeVar("Value")

_EXTERNAL_ID_AT = [column.name for column in CONTACTS].index("external_id")
_SAID = ("disposition", "disposition_at", "disposition_by", "note")


class ContactBatch:
    """Some contacts and all their attempts, column by column.

    Args:
        lines: The contacts; there is at least one.

    Attributes:
        numbers: Of each contact, its number in the campaign.
        records: What each contact's record holds, by the names of its fields.
        kept: Of each contact, how many attempts it has had.
        attempts: What each attempt holds, contact by contact, by the names of its fields.
    """

    def __init__(self, lines: Sequence[ContactLine]) -> None:
        self.lines = lines
        self.numbers = [line.n for line in lines]
        records = zip(*[line.record for line in lines], strict=True)
        self.records = dict(zip(ContactRecord._fields, records, strict=True))
        self.kept = [len(line.attempts) for line in lines]
        self._is_one_each = set(self.kept) == {1}
        self._whose = [place for place, line in enumerate(lines) for _ in line.attempts]
        self._made = [one for line in lines for one in line.attempts]
        self.attempts = attempt_columns([one.attempt for one in self._made])

    def beside_attempts(self, of_contacts: Sequence[Value]) -> Sequence[Value]:
        """Repeat what stands in a column of the contacts beside each of their attempts."""
        if self._is_one_each:
            return of_contacts
        return [*map(of_contacts.__getitem__, self._whose)]

    def outcomes(self) -> list[tuple[Outcome | None, ...]]:
        """Give the outcomes of each contact's attempts, the first one first."""
        of_attempts = self.attempts["outcome"]
        ends = accumulate(self.kept)
        return [of_attempts[end - kept : end] for end, kept in zip(ends, self.kept, strict=True)]

    def in_doubt(self) -> list[OpenAttempt]:
        """Give the attempts in quarantine, and those of which two things were told."""
        told = [self.attempts[name] for name in ("state", "details_outcome", "first_outcome")]
        return [
            one
            for one, state, later, earlier in zip(self._made, *told, strict=True)
            if state is AttemptState.UNKNOWN or later or earlier
        ]


class ContactRows:
    """Turns the contacts and rejected rows of a campaign into rows of the tables.

    The two long tables are made column by column, for thousands of contacts at once: row by row
    takes twice as long.

    Args:
        own_columns: How many columns the upload has.
        account: Stands in each row; '' = in none.
    """

    def __init__(self, campaign: str, *, own_columns: int, mask: NumberMask, account: str) -> None:
        self._accounts = [account] if account else []
        self._campaign = campaign
        self._own_columns = own_columns
        self._mask = mask

    def contacts(self, batch: ContactBatch) -> Columns:
        """Make the rows of contacts."""
        records, teams = batch.records, any(line.team for line in batch.lines)
        agents = self._numbers(records["agent"])
        sids = zip(batch.beside_attempts(batch.numbers), batch.attempts["sid"], strict=True)
        last_sids = {n: sid for n, sid in sids if sid}
        columns: dict[str, Sequence[Any]] = records | {
            # what a ContactId gives, without making one for each
            "contact_id": [f"{self._campaign}-{n}" for n in batch.numbers],
            "source_line": [line.row.line for line in batch.lines],
            "agent": self._numbers([_agent_of(line) for line in batch.lines]) if teams else agents,
            "customer": self._numbers(records["customer"]),
            "agent_planned": self._planned(batch, agents) if teams else agents,
            "agent_rung": [
                one or None for one in self._numbers([line.rung for line in batch.lines])
            ],
            "state": [STANDING_OF[state] for state in records["state"]],
            "next_attempt_at": [
                (due_s or None) if state is ContactState.WAITING else None
                for due_s, state in zip(records["due_s"], records["state"], strict=True)
            ],
            "last_call_sid": [last_sids.get(n) for n in batch.numbers],
            "external_id": self._external_ids(batch),
            "notes": self._texts([_notes_on(line) for line in batch.lines]),
            **self._last_said(batch),
        }
        ours = (columns[column.field] for column in CONTACTS)
        return [*ours, *self._accounts_of(batch.lines), *self._own_of(batch)]

    def attempts(self, batch: ContactBatch, of_contacts: Columns) -> Columns:
        """Make the rows of these contacts' attempts, each contact's first one first.

        Args:
            of_contacts: The contacts' own rows, parts of which are repeated beside each attempt.
        """
        if not any(batch.kept):
            return []
        columns: dict[str, Sequence[Any]] = dict(batch.attempts)
        for name in ("agent", "customer"):
            columns[name] = self._numbers(columns[name])
        columns["note"] = self._texts(columns["note"])
        columns["disposition_by"] = self._texts(columns["disposition_by"])
        columns["is_charged"] = [one in CHARGED_OR_LIVE for one in columns["outcome"]]
        contact_ids, places, *others = of_contacts
        columns["contact_id"] = batch.beside_attempts(contact_ids)
        # what an AttemptId gives, without asking each
        id_parts = zip(columns["contact_id"], columns["no"], columns["nonce"], strict=True)
        columns["attempt_id"] = [f"{contact}-{no}-{nonce}" for contact, no, nonce in id_parts]
        columns["source_line"] = batch.beside_attempts(places)
        columns["external_id"] = batch.beside_attempts(of_contacts[_EXTERNAL_ID_AT])
        columns["agent_planned"] = self._planned_then(batch, columns["agent"])
        own = others[len(others) - self._own_columns :]
        ours = (columns[column.field] for column in ATTEMPTS)
        of_account = self._accounts_of(columns["attempt_id"])
        return [*ours, *of_account, *map(batch.beside_attempts, own)]

    def _accounts_of(self, rows: Sequence[Any]) -> Columns:
        return [[account] * len(rows) for account in self._accounts]

    def _last_said(self, batch: ContactBatch) -> dict[str, Sequence[Any]]:
        """Give the last disposition of each contact, with its note."""
        if not any(batch.attempts["disposition"]):
            return dict.fromkeys(_SAID, [None] * len(batch.lines))
        numbers = batch.beside_attempts(batch.numbers)
        told = zip(numbers, *(batch.attempts[name] for name in _SAID), strict=True)
        last = {n: said for n, *said in told if said[0]}
        none = [None] * len(_SAID)
        columns = zip(*(last.get(n, none) for n in batch.numbers), strict=True)
        name, at, by, note = columns
        return dict(zip(_SAID, (name, at, self._texts(by), self._texts(note)), strict=True))

    def _external_ids(self, batch: ContactBatch) -> Sequence[str | None]:
        return self._texts([line.row.external_id or None for line in batch.lines])

    def _texts(self, texts: Sequence[str | None]) -> Sequence[str | None]:
        if self._mask.mask is Mask.NONE or not any(texts):
            return texts
        return [one and self._mask.text(one) for one in texts]

    def _planned(self, batch: ContactBatch, agents: Sequence[str]) -> list[str]:
        return [
            self._mask.text(str(line.team)) if line.team else number
            for line, number in zip(batch.lines, agents, strict=True)
        ]

    def _planned_then(self, batch: ContactBatch, rung: Sequence[str]) -> Sequence[str]:
        """Tell for whom each attempt was made, which may have changed since."""
        if not any(batch.attempts["team"]):
            return rung
        lines = batch.beside_attempts(batch.lines)
        told = zip(lines, batch.attempts["team"], rung, strict=True)
        return [
            self._mask.text(str(dict(line.teams)[team])) if team else number
            for line, team, number in told
        ]

    def _numbers(self, numbers: Sequence[str]) -> list[str]:
        digits = [number.removeprefix("+") for number in numbers]
        if FORGOTTEN in numbers:
            digits = [*map(digits_of, numbers)]
        if self._mask.mask is Mask.NONE:
            return digits
        return [self._mask.number(one) for one in digits]

    def _own_of(self, batch: ContactBatch) -> Columns:
        if self._mask.mask is Mask.NONE:
            cells: list[Sequence[str]] = [line.row.cells for line in batch.lines]
            if set(map(len, cells)) != {self._own_columns}:
                cells = list(map(self._own, cells))
        else:
            cells = [self._own(line.row.cells, known=_numbers_of(line)) for line in batch.lines]
        return [*zip(*cells, strict=True)]

    def unresolved(
        self, batch: ContactBatch, *, as_of_s: float, next_looks: Mapping[str, float]
    ) -> Iterator[tuple[Cell, ...]]:
        """Make the rows of these contacts' attempts in quarantine, and of contradictions.

        Args:
            next_looks: When the provider is next asked, by attempt id, epoch s.
        """
        for one in batch.in_doubt():
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
            else:
                yield (
                    str(one.id),
                    _contradiction(attempt),
                    since,
                    int(as_of_s - since),
                    f"outcome by {attempt.source}",
                    None,
                    None,
                )

    def rejected(self, row: NotTakenRow) -> tuple[Cell, ...]:
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


def _notes_on(line: ContactLine) -> str | None:
    if not line.row.extra:
        return None
    told = (
        f"{datetime.fromtimestamp(one.at, UTC):%Y-%m-%d %H:%MZ} {one.by}: {one.text}"
        for one in notes_of(line.row)
    )
    return "; ".join(told) or None


def _agent_of(line: ContactLine) -> str:
    return line.rung if line.team else line.record.agent


def _numbers_of(line: ContactLine) -> tuple[str, ...]:
    agents = line.team.agents if line.team else (line.record.agent,)
    return tuple(digits_of(one) for one in (*agents, line.record.customer))


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
