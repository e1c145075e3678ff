"""The tables of a report and their columns.

Our columns come first, under names that other people's scripts rely on; what we add later comes
after them; the upload's own columns come last, in its order and under its names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

Cell = str | int | float | bool | Decimal | None
"""Instants are epoch seconds."""

Columns = Sequence[Sequence[Any]]
"""Some rows of a table, column by column, in its columns' order; without a row, without columns."""


class Kind(StrEnum):
    """Which table."""

    ATTEMPTS = "attempts"
    CONTACTS = "contacts"
    SUMMARY = "summary"
    BY_AGENT = "by_agent"
    BY_HOUR = "by_hour"
    BY_ATTEMPT = "by_attempt"
    BY_OUTCOME = "by_outcome"
    REJECTED = "rejected"
    UNRESOLVED = "unresolved"
    KPIS = "kpis"


ALL_KINDS = tuple(Kind)
STREAMED_KINDS = frozenset({Kind.ATTEMPTS, Kind.CONTACTS, Kind.REJECTED, Kind.UNRESOLVED})
"""Written while contacts are read; the others are small and known only at the end."""


class Type(StrEnum):
    """What a column holds."""

    WORD = "word"  # ours: ids, states, numbers as digits
    TEXT = "text"  # other people's, so it may be hostile
    INTEGER = "integer"
    REAL = "real"
    MONEY = "money"  # decimal as text
    INSTANT = "instant"  # epoch s
    TRUTH = "truth"
    FIGURE = "figure"  # a number or a text


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and what it holds."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Table:
    """A table before its rows."""

    kind: Kind
    columns: tuple[Column, ...]

    @property
    def header(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]


class RejectedRow(Protocol):
    """A row of the upload that was not taken, as the store gives it back."""

    @property
    def line(self) -> int: ...
    @property
    def cells(self) -> tuple[str, ...]: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Orphan:
    """A callback that belongs to no call we know.

    Args:
        attempt_id: The attempt it claims.
        received_at: Epoch s.
    """

    attempt_id: str
    why: str
    received_at: float


def _columns(**types: Type) -> tuple[Column, ...]:
    return tuple(Column(name, type_) for name, type_ in types.items())


_ATTEMPTS = _columns(
    attempt_id=Type.WORD,
    contact_id=Type.WORD,
    attempt_no=Type.INTEGER,
    call_sid=Type.TEXT,
    agent=Type.WORD,
    customer=Type.WORD,
    requested_at=Type.INSTANT,
    answered_at=Type.INSTANT,
    ended_at=Type.INSTANT,
    agent_leg_status=Type.TEXT,
    customer_leg_status=Type.TEXT,
    outcome=Type.WORD,
    ring_s=Type.INTEGER,
    talk_s=Type.INTEGER,
    total_s=Type.INTEGER,
    price=Type.MONEY,
    recording_url=Type.TEXT,
    http_status=Type.INTEGER,
    error_code=Type.TEXT,
    source_line=Type.INTEGER,
    # ours, but not promised from the beginning
    charged=Type.TRUTH,
    answered_by=Type.TEXT,
    agent_leg_s=Type.INTEGER,
    outcome_source=Type.WORD,
    rules_version=Type.INTEGER,
    window=Type.TEXT,
)
_CONTACTS = _columns(
    contact_id=Type.WORD,
    source_line=Type.INTEGER,
    agent=Type.WORD,
    customer=Type.WORD,
    state=Type.WORD,
    outcome=Type.WORD,
    attempts=Type.INTEGER,
    next_attempt_at=Type.INSTANT,
    last_call_sid=Type.TEXT,
    charged=Type.INTEGER,
)
_SUMMARY = _columns(
    name=Type.WORD,
    value=Type.FIGURE,
    numerator=Type.REAL,
    denominator=Type.REAL,
    formula=Type.WORD,
)
_KPIS = _columns(
    name=Type.WORD,
    formula=Type.WORD,
    numerator=Type.REAL,
    denominator=Type.REAL,
    value=Type.REAL,
)
_GROUP = _columns(
    key=Type.WORD,
    attempts=Type.INTEGER,
    calls=Type.INTEGER,
    agent_answered=Type.INTEGER,
    connected=Type.INTEGER,
    agent_answer_rate=Type.REAL,
    customer_answer_rate=Type.REAL,
    connect_rate=Type.REAL,
    talk_s=Type.INTEGER,
    charged=Type.INTEGER,
    machine_answered=Type.INTEGER,
)
_REJECTED = _columns(
    line=Type.INTEGER, error_code=Type.WORD, error=Type.TEXT, surplus_cells=Type.TEXT
)
_UNRESOLVED = _columns(
    attempt_id=Type.TEXT,
    why=Type.TEXT,
    since=Type.INSTANT,
    age_s=Type.INTEGER,
    last_evidence=Type.WORD,
    next_look_at=Type.INSTANT,
    resolves_by=Type.INSTANT,
)


def table(kind: Kind, own_columns: Sequence[str]) -> Table:
    """Lay out a table for a campaign whose upload has these columns."""
    match kind:
        case Kind.ATTEMPTS:
            return Table(kind, (*_ATTEMPTS, *_own(own_columns, beside=_ATTEMPTS)))
        case Kind.CONTACTS:
            return Table(kind, (*_CONTACTS, *_own(own_columns, beside=_CONTACTS)))
        case Kind.REJECTED:
            return Table(kind, (*_own(own_columns, beside=_REJECTED), *_REJECTED))
        case Kind.SUMMARY:
            return Table(kind, _SUMMARY)
        case Kind.KPIS:
            return Table(kind, _KPIS)
        case Kind.UNRESOLVED:
            return Table(kind, _UNRESOLVED)
        case Kind.BY_HOUR:
            return Table(kind, (*_GROUP, Column("zone", Type.WORD)))
        case Kind.BY_OUTCOME:
            return Table(kind, (*_GROUP, Column("side", Type.WORD)))
        case Kind.BY_AGENT | Kind.BY_ATTEMPT:
            return Table(kind, _GROUP)


def _own(names: Sequence[str], *, beside: Sequence[Column]) -> Iterator[Column]:
    taken = {column.name for column in beside}
    for name in names:
        free = name
        while free in taken:
            free += " (upload)"
        taken.add(free)
        yield Column(free, Type.TEXT)
