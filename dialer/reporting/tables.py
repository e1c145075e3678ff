"""The tables of a report and their columns.

Our columns come first, under names that other people's scripts rely on; what we add later comes
after them; the upload's own columns come last, in its order and under its names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.attempt import Outcome
from campaigns.lists.judged_rows import names_beside
from campaigns.reports.indicators import RATES
from campaigns.reports.report import TIMES

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
    BY_DISPOSITION = "by_disposition"
    REJECTED = "rejected"
    UNRESOLVED = "unresolved"
    KPIS = "kpis"


ALL_KINDS = tuple(Kind)
WHOLE = "report"
"""What stands in a file's name for the kind of table where it is of all of them."""
STREAMED_KINDS = frozenset({Kind.ATTEMPTS, Kind.CONTACTS, Kind.REJECTED, Kind.UNRESOLVED})
"""Written while contacts are read; the others are small and known only at the end."""


class Type(StrEnum):
    """What a column holds."""

    WORD = "word"  # ours: ids, states, numbers as digits
    TEXT = "text"  # other people's, so it may be hostile
    INTEGER = "integer"
    REAL = "real"
    SHARE = "share"  # 0 … 1, which people read in per cent
    MONEY = "money"  # decimal as text
    INSTANT = "instant"  # epoch s
    HOUR = "hour"  # when it began, ISO 8601 with its offset
    TRUTH = "truth"
    FIGURE = "figure"  # a number or a text


Words = type[StrEnum]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, declared once: files, the API's documents and docs/reports.md are made from it.

    Args:
        name: In every format; other people's scripts rely on it.
        meaning: In a line, for people.
        source: The field of an attempt or a contact's record it shows; '' when it bears its name.
        may_be_empty: Its cell is missing as long as nobody knows.
        repeats: Its cells are few different ones, so a dictionary shortens it.
        words: All that may stand in it.
        in_api: A document of the API has it too.
        leads: Its place before all others in a workbook, which people read; 0: none.
    """

    name: str
    type: Type
    meaning: str = ""
    source: str = ""
    may_be_empty: bool = False
    repeats: bool = False
    words: Words | None = None
    in_api: bool = True
    leads: int = 0

    @property
    def field(self) -> str:
        """What it is made of."""
        return self.source or self.name


@dataclass(frozen=True, slots=True)
class Table:
    """A table before its rows."""

    kind: str
    columns: tuple[Column, ...]

    @property
    def header(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]


@dataclass(frozen=True, slots=True)
class Layout:
    """How tables are written.

    Args:
        zone: Of instants.
        raw: Leave cells as they are, even those a spreadsheet program would run.
        bom: Begin CSV with a byte order mark, without which Excel takes it for its own code page.
        text_numbers: Write phone numbers as texts in CSV, of which spreadsheet programs keep all digits.
    """

    zone: ZoneInfo
    raw: bool = False
    bom: bool = False
    text_numbers: bool = False


_NUMBERS = (
    Column(
        "agent",
        Type.WORD,
        "who is rung first; of a contact for a team whoever was rung last, empty before",
        repeats=True,
    ),
    Column("customer", Type.WORD, "who is rung then", leads=3),
)
_PLANNED = Column(
    "agent_planned",
    Type.TEXT,
    "for whom it is, or was then: the number, or in words the group, or the agent with stand-ins",
    repeats=True,
    in_api=False,
)
_EXTERNAL_ID = Column(
    "external_id",
    Type.TEXT,
    "the contact's id in its owner's own systems; empty where it has none",
    may_be_empty=True,
)
_DISPOSITION = (
    Column(
        "disposition",
        Type.WORD,
        "what the agent said came of the conversation; empty where nobody said",
        may_be_empty=True,
        repeats=True,
    ),
    Column("disposition_at", Type.INSTANT, "when it was said", may_be_empty=True),
    Column(
        "disposition_by",
        Type.TEXT,
        "who said it: an agent, or who runs the desk",
        may_be_empty=True,
        repeats=True,
    ),
    Column("note", Type.TEXT, "what was noted with it", may_be_empty=True),
)
ATTEMPTS = (
    Column("attempt_id", Type.WORD, "`7f3kq2xa-42-2-…`: campaign, contact, number, execution"),
    Column("contact_id", Type.WORD, "`7f3kq2xa-42`: campaign, number in the campaign"),
    Column("attempt_no", Type.INTEGER, "1 = the contact's first", source="no"),
    Column(
        "call_sid",
        Type.TEXT,
        "Exotel's id of the call; empty where no call was placed",
        source="sid",
        may_be_empty=True,
    ),
    *_NUMBERS,
    Column("requested_at", Type.INSTANT, "our request; Redis' clock"),
    Column(
        "answered_at",
        Type.INSTANT,
        "the customer answered; the end less `talk_s`, else when a callback said so",
        may_be_empty=True,
    ),
    Column("ended_at", Type.INSTANT, "end of the call, as Exotel stamps it", may_be_empty=True),
    Column(
        "agent_leg_status",
        Type.TEXT,
        "Exotel's word for the agent's leg; empty = never tried",
        source="agent_status",
        may_be_empty=True,
        repeats=True,
    ),
    Column(
        "customer_leg_status",
        Type.TEXT,
        "Exotel's word for the customer's leg; empty = never tried",
        source="customer_status",
        may_be_empty=True,
        repeats=True,
    ),
    Column(
        "outcome",
        Type.WORD,
        "see below; empty while under way or in quarantine",
        may_be_empty=True,
        repeats=True,
        words=Outcome,
        leads=2,
    ),
    Column(
        "ring_s",
        Type.INTEGER,
        "agent answered to customer answered: what the agent waits",
        may_be_empty=True,
    ),
    Column("talk_s", Type.INTEGER, "both on the line", may_be_empty=True),
    Column("total_s", Type.INTEGER, "the whole call, which is billed", may_be_empty=True),
    Column(
        "price", Type.MONEY, "in the account's billing currency", may_be_empty=True, repeats=True
    ),
    Column("recording_url", Type.TEXT, "where Exotel keeps the recording", may_be_empty=True),
    Column(
        "http_status",
        Type.INTEGER,
        "what the request was answered with, where that says more",
        may_be_empty=True,
        repeats=True,
    ),
    Column(
        "error_code",
        Type.TEXT,
        "why the request failed, or is in doubt; `numbers_differ`, `never_over`: what was odd "
        "about the call",
        may_be_empty=True,
        repeats=True,
    ),
    Column(
        "source_line",
        Type.INTEGER,
        "the row's physical line in the file, the header being line 1",
        in_api=False,
    ),
    # ours, but not promised from the beginning
    Column("charged", Type.TRUTH, "it counts against the contact's maximum", source="is_charged"),
    Column(
        "answered_by",
        Type.TEXT,
        "`human`, `machine`, `notsure`, `na`: who answered the customer's phone",
        may_be_empty=True,
        repeats=True,
    ),
    Column(
        "agent_leg_s",
        Type.INTEGER,
        "the agent's leg on the line",
        source="agent_s",
        may_be_empty=True,
    ),
    Column(
        "outcome_source",
        Type.WORD,
        "who told the outcome: `callback`, `details`, `response`, `quarantine`, `operator`",
        source="source",
        may_be_empty=True,
        repeats=True,
    ),
    Column("rules_version", Type.INTEGER, "the version of the rules it was made under"),
    Column(
        "window",
        Type.TEXT,
        "the open window it was made in",
        may_be_empty=True,
        repeats=True,
    ),
    replace(_EXTERNAL_ID, in_api=False),
    *_DISPOSITION,
    _PLANNED,
    Column("agent_rung", Type.WORD, "who was rung", source="agent", repeats=True),
)
CONTACTS = (
    Column("contact_id", Type.WORD, "`7f3kq2xa-42`: campaign, number in the campaign"),
    Column("source_line", Type.INTEGER, "the row's physical line in the file"),
    *_NUMBERS,
    Column(
        "state", Type.WORD, "`waiting`, `in_flight`, `unresolved`, `open` or `final`", repeats=True
    ),
    Column(
        "outcome",
        Type.WORD,
        "the last attempt's, or why there was none; empty until final",
        may_be_empty=True,
        repeats=True,
        leads=2,
    ),
    Column("attempts", Type.INTEGER, "attempts made", source="made"),
    Column(
        "next_attempt_at",
        Type.INSTANT,
        "when a waiting one is due; empty: at once",
        may_be_empty=True,
    ),
    Column("last_call_sid", Type.TEXT, "of its last call", may_be_empty=True, in_api=False),
    Column("charged", Type.INTEGER, "attempts that count against the maximum"),
    _EXTERNAL_ID,
    *(replace(one, in_api=False) for one in _DISPOSITION),
    replace(_PLANNED, in_api=True),
    Column(
        "agent_rung", Type.WORD, "who was rung last; empty before", may_be_empty=True, repeats=True
    ),
    Column(
        "notes",
        Type.TEXT,
        "what people noted on the contact, each with when (UTC) and who",
        may_be_empty=True,
        in_api=False,
    ),
)
ACCOUNT = Column("account", Type.WORD, "whose campaign it is", repeats=True)
"""Stands in attempts and contacts of an installation that has several."""
_SUMMARY = (
    Column("name", Type.WORD),
    Column("value", Type.FIGURE),
    Column("numerator", Type.REAL),
    Column("denominator", Type.REAL),
    Column("formula", Type.WORD),
)
_KPIS = (
    Column("name", Type.WORD),
    Column("formula", Type.WORD),
    Column("numerator", Type.REAL),
    Column("denominator", Type.REAL),
    Column("value", Type.REAL),
)
_GROUP = (
    Column("key", Type.WORD),
    *(Column(name, Type.INTEGER) for name in ("attempts", "calls", "agent_answered", "connected")),
    *(Column(name, Type.SHARE) for name in RATES),
    *(Column(name, Type.INTEGER) for name in ("talk_s", "charged", "machine_answered")),
)
_PRICE = Column("price", Type.MONEY)
_TIMES = (*(Column(name, Type.INTEGER) for name in TIMES), Column("occupancy", Type.SHARE))
_REJECTED = (
    Column("line", Type.INTEGER, "the row's physical line in the file"),
    Column("error_code", Type.WORD, "why it was not taken, in a word", repeats=True),
    Column("error", Type.TEXT, "why, in a sentence"),
    Column("surplus_cells", Type.TEXT, "cells beyond the header"),
)
_UNRESOLVED = (
    Column("attempt_id", Type.TEXT, "the attempt, or what a callback claims to be"),
    Column("why", Type.TEXT, "what is not known"),
    Column("since", Type.INSTANT, "when it was asked for"),
    Column("age_s", Type.INTEGER, "since then"),
    Column("last_evidence", Type.WORD, "what there is"),
    Column("next_look_at", Type.INSTANT, "when the provider is asked next", may_be_empty=True),
    Column("resolves_by", Type.INSTANT, "when no call of it can be live", may_be_empty=True),
)


def table(
    kind: Kind,
    own_columns: Sequence[str],
    *,
    tells_account: bool = False,
    name_at: int | None = None,
) -> Table:
    """Lay out a table for a campaign whose upload has these columns.

    Args:
        name_at: Which of them holds the customers' names; None: none does.
    """
    match kind:
        case Kind.ATTEMPTS | Kind.CONTACTS:
            ours = ATTEMPTS if kind is Kind.ATTEMPTS else CONTACTS
            ours = (*ours, ACCOUNT) if tells_account else ours
            return Table(kind, (*ours, *_own(own_columns, beside=ours, name_at=name_at)))
        case Kind.REJECTED:
            return Table(kind, (*_own(own_columns, beside=_REJECTED), *_REJECTED))
        case Kind.SUMMARY:
            return Table(kind, _SUMMARY)
        case Kind.KPIS:
            return Table(kind, _KPIS)
        case Kind.UNRESOLVED:
            return Table(kind, _UNRESOLVED)
        case Kind.BY_HOUR:
            begun, *figures = _GROUP
            began = replace(begun, type=Type.HOUR)
            return Table(kind, (began, *figures, Column("zone", Type.WORD), _PRICE))
        case Kind.BY_OUTCOME:
            return Table(kind, (*_GROUP, Column("side", Type.WORD), _PRICE))
        case Kind.BY_AGENT:
            return Table(kind, (*_GROUP, _PRICE, *_TIMES))
        case Kind.BY_ATTEMPT | Kind.BY_DISPOSITION:
            return Table(kind, (*_GROUP, _PRICE))


def _own(
    names: Sequence[str], *, beside: Sequence[Column], name_at: int | None = None
) -> Iterator[Column]:
    ours = (column.name for column in beside)
    for at, name in enumerate(names_beside(names, ours)):
        yield Column(name, Type.TEXT, leads=int(at == name_at))
