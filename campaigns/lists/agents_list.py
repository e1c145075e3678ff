"""A list of agents: each row an agent, or the first reason why not.

    number, name, groups, shift, timezone, languages, skills, most_calls_a_day

Only the number is needed. A column that is not there leaves what is known of an agent as it is; an empty
cell of one that is there takes it away.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.agents.agent import LONGEST_WORD, Agent, read_words
from campaigns.agents.shift import Shift
from campaigns.hours.zone_names import zone_meant
from campaigns.lists.headings import squeezed
from campaigns.lists.judged_rows import Rejected, csv_line
from campaigns.lists.row_judge import not_as_expected, placed
from campaigns.lists.source import CampaignFileError, ListSource, Row
from campaigns.numbers.phone import Phone, parse_phone
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import capital, told

MOST_AGENTS = 100_000


class AgentColumn(StrEnum):
    """What a column of an agents list can be."""

    NUMBER = "number"
    NAME = "name"
    GROUPS = "groups"
    SHIFT = "shift"
    TIMEZONE = "timezone"
    LANGUAGES = "languages"
    SKILLS = "skills"
    MOST_CALLS_A_DAY = "most_calls_a_day"


_SYNONYMS = {
    AgentColumn.NUMBER: "number phone mobile agent agentnumber agentphone agentmobile phonenumber",
    AgentColumn.NAME: "name agentname fullname",
    AgentColumn.GROUPS: "groups group team teams agentgroup agentgroups",
    AgentColumn.SHIFT: "shift shifts hours workinghours shifthours",
    AgentColumn.TIMEZONE: "timezone zone tz",
    AgentColumn.LANGUAGES: "languages language",
    AgentColumn.SKILLS: "skills skill",
    AgentColumn.MOST_CALLS_A_DAY: "mostcallsaday mostcalls maxcalls maxcallsaday callsaday dailycap",
}


class AgentFault(StrEnum):
    """Why a row is not taken, where its number is fine; stored in files, so never renamed."""

    BAD_NAMES = "bad_names"
    BAD_SHIFT = "bad_shift"
    BAD_TIMEZONE = "bad_timezone"
    BAD_MOST_CALLS = "bad_most_calls"
    DUPLICATE_AGENT = "duplicate_agent"


@dataclass(frozen=True, slots=True)
class ListedAgent:
    """A row that is taken: the number, and what else the list says of the agent."""

    number: str
    said: dict[str, Any]

    def upon(self, known: Agent | None) -> Agent:
        """Give the agent as they stand after this row."""
        return replace(known or Agent(self.number), **self.said)


@dataclass(slots=True)
class AgentsList:
    """What became of a list's rows: rows = taken + rejected.

    Args:
        columns: Names in the file's order.
        ignored: Those that mean nothing to us.
    """

    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    taken: list[ListedAgent] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class _Fault(Exception):
    def __init__(self, code: str, column: AgentColumn, expected: str, fix: str) -> None:
        super().__init__(expected)
        self.code, self.column, self.expected, self.fix = code, column, expected, fix


def read_agents(source: ListSource, rules: PhoneRules, zone: ZoneInfo) -> AgentsList:
    """Read a list whose first row names its columns.

    Args:
        zone: Of shifts whose row names none.

    Raises:
        CampaignFileError: There is no column of numbers, or it has too many rows.
    """
    rows = (row for row in source.rows() if any(map(str.strip, row.cells)))
    header = next(rows, None)
    if header is None:
        raise CampaignFileError("The file is empty. It needs a line of column names with number.")
    places = _places(header.cells)
    ours = set(places.values())
    columns = tuple(cell.strip() for cell in header.cells)
    ignored = tuple(name for at, name in enumerate(columns) if name and at not in ours)
    found = AgentsList(columns, ignored)
    lines: dict[str, int] = {}
    for row_no, row in enumerate(rows, start=1):
        if row_no > MOST_AGENTS:
            raise CampaignFileError("At most {most:,} agents a list. Split it.", most=MOST_AGENTS)
        try:
            one = _agent(row, places, rules, zone)
            _check_first(one, row, lines)
            found.taken.append(one)
        except _Fault as fault:
            found.rejected.append(_rejected(row, row_no, fault, places, columns))
    return found


def write_agents(agents: Iterable[Agent]) -> Iterator[str]:
    """Write agents as a list that `read_agents` reads the same again."""
    yield csv_line([column.value for column in AgentColumn])
    for one in agents:
        shift, zone = (str(one.shift), one.shift.zone.key) if one.shift else ("", "")
        words = (";".join(names) for names in (one.groups, one.languages, one.skills))
        groups, languages, skills = words
        most = str(one.most_calls_a_day or "")
        yield csv_line([one.number, one.name, groups, shift, zone, languages, skills, most])


def _places(cells: Sequence[str]) -> dict[AgentColumn, int]:
    names = [squeezed(cell) for cell in cells]
    places: dict[AgentColumn, int] = {}
    for column, words in _SYNONYMS.items():
        fitting = [at for at, name in enumerate(names) if name in words.split()]
        exact = [at for at in fitting if names[at] == squeezed(column)]
        if fitting:
            places[column] = (exact or fitting)[0]
    if AgentColumn.NUMBER not in places:
        listed = ", ".join(f"'{cell}'" for cell in cells[:20])
        raise CampaignFileError(
            "Which column holds the agents' numbers? Name it number. The columns are {listed}.",
            listed=listed,
            line=1,
        )
    return places


def _agent(
    row: Row, places: dict[AgentColumn, int], rules: PhoneRules, zone: ZoneInfo
) -> ListedAgent:
    cells = {
        column: row.cells[at].strip() if at < len(row.cells) else ""
        for column, at in places.items()
    }
    number = parse_phone(cells.pop(AgentColumn.NUMBER), rules)
    if not isinstance(number, Phone):
        raise _Fault(number.code, AgentColumn.NUMBER, number.expected, number.fix)
    said: dict[str, Any] = {
        column.value: _READERS[column](cell) for column, cell in cells.items() if column in _READERS
    }
    if AgentColumn.SHIFT in cells:
        said["shift"] = _shift(cells[AgentColumn.SHIFT], cells.get(AgentColumn.TIMEZONE, ""), zone)
    return ListedAgent(number.e164, said)


def _name(cell: str) -> str:
    if len(cell) > LONGEST_WORD or not cell.isprintable():
        expected = told("at most {most} printable characters", most=LONGEST_WORD)
        raise _Fault(AgentFault.BAD_NAMES, AgentColumn.NAME, expected, told("Shorten the name."))
    return cell


def _names_of(column: AgentColumn) -> Callable[[str], tuple[str, ...]]:
    def read(cell: str) -> tuple[str, ...]:
        try:
            return read_words(cell)
        except ValueError as error:
            fix = told("Part names by semicolons.")
            raise _Fault(AgentFault.BAD_NAMES, column, str(error), fix) from None

    return read


def _most_calls(cell: str) -> int:
    whole = cell.removesuffix(".0")
    if cell and not (whole.isascii() and whole.isdecimal() and len(whole) <= 5):
        raise _Fault(
            AgentFault.BAD_MOST_CALLS,
            AgentColumn.MOST_CALLS_A_DAY,
            told("a whole number up to 99999"),
            told("Leave it empty for no cap."),
        )
    return int(whole or 0)


def _shift(cell: str, zone_cell: str, zone: ZoneInfo) -> Shift | None:
    named = zone_meant(zone_cell)
    if zone_cell and named is None:
        raise _Fault(
            AgentFault.BAD_TIMEZONE,
            AgentColumn.TIMEZONE,
            told("a time zone such as Asia/Kolkata"),
            told("Use a name of the IANA list, or leave it empty."),
        )
    if not cell:
        return None
    try:
        return Shift.parse(cell, named or zone)
    except ValueError as error:
        raise _Fault(
            AgentFault.BAD_SHIFT,
            AgentColumn.SHIFT,
            told("hours such as mon-fri 09:00-18:00"),
            told("{why}.", why=capital(str(error))),
        ) from None


_READERS: dict[AgentColumn, Callable[[str], Any]] = {
    AgentColumn.NAME: _name,
    AgentColumn.GROUPS: _names_of(AgentColumn.GROUPS),
    AgentColumn.LANGUAGES: _names_of(AgentColumn.LANGUAGES),
    AgentColumn.SKILLS: _names_of(AgentColumn.SKILLS),
    AgentColumn.MOST_CALLS_A_DAY: _most_calls,
}


def _check_first(one: ListedAgent, row: Row, lines: dict[str, int]) -> None:
    first = lines.setdefault(one.number, row.line)
    if first != row.line:
        raise _Fault(
            AgentFault.DUPLICATE_AGENT,
            AgentColumn.NUMBER,
            told("an agent who does not stand on line {line} already", line=first),
            told("The first row is kept."),
        )


def _rejected(
    row: Row,
    row_no: int,
    fault: _Fault,
    places: dict[AgentColumn, int],
    columns: Sequence[str],
) -> Rejected:
    at = places[fault.column]
    found = row.cells[at] if at < len(row.cells) else ""
    says = placed(columns[at], not_as_expected(fault.expected, found, fault.fix))
    return Rejected(
        row.line,
        row_no,
        tuple(row.cells),
        fault.code,
        columns[at],
        found,
        told("Row {no} (line {line}), {says}", no=row_no, line=row.line, says=says),
        says,
    )
