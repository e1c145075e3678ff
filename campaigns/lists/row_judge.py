"""Judges one row of a list by itself: a contact, or the first reason why not."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from campaigns.contact import Contact
from campaigns.lists.external_ids import is_external_id
from campaigns.lists.header import TEAM_ROLES, Header, MatchedColumn, Role
from campaigns.lists.judged_rows import SURPLUS, Rejected, Remark, surplus_place
from campaigns.lists.row_faults import RowFault, RowWarning
from campaigns.lists.row_options import NO_OPTIONS, OptionProblem, RowOptions, read_options
from campaigns.lists.source import NO_LINE, ListLimits, Quoting, Row
from campaigns.lists.team_cells import LooseTeams, TeamCells, TeamFault, TeamNumbers
from campaigns.many_tuples import made
from campaigns.numbers.phone import (
    NumberFault,
    NumberWarning,
    Phone,
    PhoneProblem,
    parse_phone,
    usual_mobile,
    usual_mobiles,
)
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.numbers.spreadsheet_damage import SpreadsheetDamage, mend
from campaigns.sentence import Sentence, told

_AGENTS_REMEMBERED = 20_000
_NO_OPTIONS = [itertools.repeat(one) for one in list(Contact._field_defaults.values())[:-1]]


class RowJudge:
    """Judges the rows of one list; what only all rows together can tell comes later."""

    def __init__(
        self,
        header: Header,
        *,
        limits: ListLimits,
        rules: PhoneRules,
        zone: ZoneInfo,
        teams: TeamNumbers | None = None,
    ) -> None:
        self._width = len(header.columns)
        self._max_cell_chars = limits.max_cell_chars
        self._rules = rules
        self._zone = zone
        self._agent = header.agent
        self._customer = header.customer
        self._is_ours = header.is_ours
        self._options: dict[Role, MatchedColumn] = {
            match.role: match
            for match in header.optional
            if match.role is not Role.NAME and match.role not in TEAM_ROLES
        }
        self._beside_id = [
            match.index for role, match in self._options.items() if role is not Role.EXTERNAL_ID
        ]
        self._surplus_at = surplus_place(header.columns)
        if self._surplus_at is not None:
            self._beside_id.append(self._surplus_at)
        id_column = self._options.get(Role.EXTERNAL_ID)
        self._id_at = id_column.index if id_column else None
        self._read = partial(_phone_of_ours if header.is_ours else parse_phone, rules=rules)
        # An agent's number stands in many rows; a customer's in one.
        self._read_agent = lru_cache(maxsize=_AGENTS_REMEMBERED)(self._read)
        self._team = TeamCells(header, teams or LooseTeams(), self._read_agent)
        self._beside_id += self._team.places
        self._usual_agent = lru_cache(maxsize=_AGENTS_REMEMBERED)(
            partial(usual_mobile, rules=rules)
        )
        self._caller_id = _caller_id(rules)

    def judge(self, row: Row, *, row_no: int, remarks: list[Remark]) -> Contact | Rejected:
        """Judge a row that is not blank; remarks on a row that is taken are appended."""
        (verdict,) = self.judge_all([row], first_no=row_no, remarks=remarks)
        return verdict

    def judge_all(
        self, rows: Sequence[Row], *, first_no: int, remarks: list[Remark]
    ) -> list[Contact | Rejected]:
        """Judge rows that are not blank and follow each other, as `judge` does."""
        is_odd = self._is_ours or self._team.is_only_groups
        usual = [None] * len(rows) if is_odd else self._usual_contacts(rows, first_no)
        return [
            contact or self._look_closely(rows[place], first_no + place, remarks)
            for place, contact in enumerate(usual)
        ]

    def _usual_contacts(self, rows: Sequence[Row], first_no: int) -> list[Contact | None]:
        """Take rows that nothing is odd about, as nine in ten are; None: it needs a closer look.

        The closer look would say the same, in five times the time, as here a column is read at once; a
        property test holds both together.
        """
        is_fit = self._are_fit(rows)
        row_nos = itertools.compress(itertools.count(first_no), is_fit)
        fit = self._with_usual_numbers(list(itertools.compress(rows, is_fit)), row_nos)
        return list(fit) if all(is_fit) else [next(fit) if one else None for one in is_fit]

    def _are_fit(self, rows: Sequence[Row]) -> list[bool]:
        """Tell of which rows all but the numbers and the external id is usual."""
        width, most_chars, sound = self._width, self._max_cell_chars, Quoting.SOUND
        return [
            len(cells) == width
            and quoting is sound
            and len(text := "".join(cells)) <= most_chars
            and "\0" not in text
            and not (self._beside_id and self._has_options(cells))
            for _, cells, quoting in rows
        ]

    def _with_usual_numbers(
        self, rows: Sequence[Row], row_nos: Iterable[int]
    ) -> Iterator[Contact | None]:
        lines, cells = [row.line for row in rows], [row.cells for row in rows]
        agents = list(map(self._usual_agent, [one[self._agent.index] for one in cells]))
        customers = usual_mobiles([one[self._customer.index] for one in cells], self._rules)
        at, caller_id = self._id_at, self._caller_id
        ids = [""] * len(rows) if at is None else [one[at].strip() for one in cells]
        columns = (lines, row_nos, agents, customers, map(tuple, cells), *_NO_OPTIONS, ids)
        return (
            contact
            if agent
            and customer
            and agent != customer
            and agent != caller_id != customer
            and (not id_ or is_external_id(id_))
            else None
            for contact, agent, customer, id_ in zip(
                made(Contact, *columns), agents, customers, ids, strict=True
            )
        )

    def _look_closely(self, row: Row, row_no: int, remarks: list[Remark]) -> Contact | Rejected:
        cells = self._fitted(row.cells)
        if fault := self._shape_fault(row, cells):
            return fault.reject(row, row_no)
        try:
            team = self._team.team_of(cells) if self._team.places else None
        except TeamFault as unfit:
            return _team_fault(unfit, cells).reject(row, row_no)
        agent = self._read_agent(cells[self._agent.index]) if not (team and team.group) else None
        if isinstance(agent, PhoneProblem):
            return _number_fault(agent, self._agent).reject(row, row_no)
        customer = self._read(cells[self._customer.index])
        if isinstance(customer, PhoneProblem):
            return _number_fault(customer, self._customer).reject(row, row_no)
        if fault := self._pair_fault(team.agents if team else (), agent, customer):
            return fault.reject(row, row_no)
        options = self._read_options(cells)
        if isinstance(options, _Fault):
            return options.reject(row, row_no)
        if (
            (agent and agent.warning)
            or customer.warning
            or len(row.cells) < self._width
            or row.quoting is not Quoting.SOUND
        ):
            remarks.extend(self._remarks(row, row_no, agent=agent, customer=customer))
        return Contact(
            source_line=row.line,
            row_no=row_no,
            agent=self._team.number_of(team) if team else agent.e164 if agent else "",
            customer=customer.e164,
            cells=tuple(cells),
            priority=options.priority,
            not_before=options.not_before,
            expires_at=options.expires_at,
            timezone=options.timezone,
            custom_field=options.custom_field,
            external_id=options.external_id,
        )

    def _fitted(self, cells: list[str]) -> list[str]:
        """Fill a short row up, and drop empty cells that have no column."""
        surplus = len(cells) - self._width
        if surplus < 0:
            return cells + [""] * -surplus
        if surplus > 0 and not any(map(str.strip, cells[self._width :])):
            return cells[: self._width]
        return cells

    def _shape_fault(self, row: Row, cells: list[str]) -> "_Fault | None":
        text = "".join(cells)
        if len(text) > self._max_cell_chars and max(map(len, cells)) > self._max_cell_chars:
            return _Fault(
                RowFault.CELL_TOO_LONG,
                None,
                told("{count} characters", count=max(map(len, cells))),
                told("at most {most} characters in a cell", most=self._max_cell_chars),
                told("Shorten the cell; if it holds several rows, a double quote is missing."),
            )
        is_wrong_width = len(row.cells) != self._width
        if row.quoting is Quoting.OPEN or (row.quoting is Quoting.ODD and is_wrong_width):
            return _BROKEN_QUOTES
        if len(cells) > self._width:
            return _Fault(
                RowFault.TOO_MANY_CELLS,
                None,
                told("{count}, the last of them {cell}", count=len(cells), cell=shown(cells[-1])),
                told("{count} cells", count=self._width),
                told(
                    "Give what stands there a column with a name, or remove it; in a text file a "
                    "cell that holds the delimiter takes double quotes."
                ),
            )
        if self._surplus_at is not None and cells[self._surplus_at].strip():
            return _STILL_SURPLUS
        return _NUL_CHARACTER if "\0" in text else None

    def _pair_fault(
        self, stand_ins: tuple[str, ...], agent: Phone | None, customer: Phone
    ) -> "_Fault | None":
        if (agent and agent.e164 == customer.e164) or customer.e164 in stand_ins:
            return _Fault(
                RowFault.AGENT_IS_CUSTOMER,
                self._customer.column,
                customer.e164,
                told("another number than the agent's"),
                told("Correct one of the two numbers."),
            )
        for phone, match in ((agent, self._agent), (customer, self._customer)):
            if phone and phone.e164 == self._caller_id:
                return _Fault(
                    RowFault.IS_CALLER_ID,
                    match.column,
                    phone.e164,
                    told("another number than the campaign's caller id"),
                    told("The ExoPhone cannot be called through itself."),
                )
        return None

    def _has_options(self, cells: list[str]) -> bool:
        return any(cells[at].strip() for at in self._beside_id)

    def _read_options(self, cells: list[str]) -> "RowOptions | _Fault":
        if not self._options:
            return NO_OPTIONS
        answer = read_options(
            {role: cells[match.index] for role, match in self._options.items()}, self._zone
        )
        if isinstance(answer, OptionProblem):
            match = self._options[answer.role]
            found = cells[match.index]
            return _Fault(answer.code, match.column, found, answer.expected, answer.fix)
        return answer

    def _remarks(
        self, row: Row, row_no: int, *, agent: Phone | None, customer: Phone
    ) -> list[Remark]:
        remarks = [
            _remark(row, row_no, phone.warning, match.column, row.cells[match.index])
            for phone, match in ((agent, self._agent), (customer, self._customer))
            if phone and phone.warning
        ]
        if row.quoting is Quoting.ODD:
            remarks.append(_remark(row, row_no, RowWarning.ODD_QUOTES, None, ""))
        if len(row.cells) < self._width:
            found = told(
                "{count} cells instead of {width}", count=len(row.cells), width=self._width
            )
            remarks.append(_remark(row, row_no, RowWarning.TOO_FEW_CELLS, None, found))
        return remarks


def _phone_of_ours(text: str, rules: PhoneRules) -> Phone | PhoneProblem:
    """Read a number of a report: E.164 without the plus; one that is none a person has mended."""
    digits, damage = mend(text)
    if damage is SpreadsheetDamage.DIGITS_LOST or not (digits.isascii() and digits.isdecimal()):
        return parse_phone(text, rules)
    phone = parse_phone(f"+{digits}", rules)
    is_none = isinstance(phone, PhoneProblem) and phone.code in _NO_NUMBER_OF_OURS
    return parse_phone(text, rules) if is_none else phone


_NO_NUMBER_OF_OURS = {NumberFault.INVALID, NumberFault.TOO_LONG, NumberFault.SHORT_CODE}


def remark_total(row: Rejected) -> Remark:
    """Tell of a line of totals, which is passed over."""
    found = next((cell for cell in row.cells if cell.strip()), "")
    at = Row(row.line, list(row.cells))
    return _remark(at, row.row_no, RowWarning.TOTAL_LINE, None, found)


def reject(contact: Contact, code: RowFault, column: str, *, found: str, message: str) -> Rejected:
    """Take an accepted row back, for a reason that lies outside the row."""
    place = _place(contact.source_line, contact.row_no, column)
    return Rejected(
        contact.source_line,
        contact.row_no,
        contact.cells,
        code,
        column,
        found,
        placed(place, message),
    )


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a row is rejected; `column` None means the row as a whole."""

    code: str
    column: str | None
    found: str
    expected: str
    fix: str

    def reject(self, row: Row, row_no: int) -> Rejected:
        place = _place(row.line, row_no, self.column)
        return Rejected(
            row.line,
            row_no,
            tuple(row.cells),
            self.code,
            self.column,
            self.found,
            placed(place, not_as_expected(self.expected, self.found, self.fix)),
        )


_BROKEN_QUOTES = _Fault(
    RowFault.BROKEN_QUOTES,
    None,
    told("a quote that is never closed, or text after a closing one"),
    told("double quotes in pairs"),
    told('Write a double quote inside a cell as "" or remove it.'),
)
_STILL_SURPLUS = _Fault(
    RowFault.TOO_MANY_CELLS,
    SURPLUS,
    told("cells that had no column"),
    told("nothing"),
    told("Put what belongs to the row under its columns, and empty this cell."),
)
_NUL_CHARACTER = _Fault(
    RowFault.NUL_CHARACTER,
    None,
    told("a NUL character"),
    told("text"),
    told("The file was damaged on its way; export the row again."),
)

_REMARKS = {
    NumberWarning.DECIMAL_RECOVERED: told("read {found} as a number with all its digits"),
    NumberWarning.EXPONENT_RECOVERED: told("read {found} as a number with all its digits"),
    NumberWarning.LANDLINE_WITHOUT_ZERO: told(
        "read {found} as a landline that lacks its leading zero"
    ),
    NumberWarning.PLUS_BEFORE_ZERO: told("read {found} without its plus, which no zero follows"),
    NumberWarning.TEXT_AROUND: told("read the number in {found}, without the text around it"),
    NumberWarning.EXTENSION_DROPPED: told(
        "read {found} without its extension, which is not dialled"
    ),
    RowWarning.TOO_FEW_CELLS: told("{found}; the missing ones are taken as empty"),
    RowWarning.TOTAL_LINE: told("{found} is a line of totals and no row; it is passed over"),
    RowWarning.ODD_QUOTES: told(
        "double quotes inside a cell are not doubled; the cell is read as it is"
    ),
}


def _remark(
    row: Row, row_no: int, code: NumberWarning | RowWarning, column: str | None, found: str
) -> Remark:
    says = told("{why}.", why=told(_REMARKS[code], found=shown(found)))
    place = _place(row.line, row_no, column)
    return Remark(row.line, row_no, code, column, found, placed(place, says))


def _number_fault(problem: PhoneProblem, match: MatchedColumn) -> _Fault:
    return _Fault(problem.code, match.column, problem.found, problem.expected, problem.fix)


def _team_fault(problem: TeamFault, cells: list[str]) -> _Fault:
    match = problem.match
    return _Fault(problem.code, match.column, cells[match.index], problem.expected, problem.fix)


def _place(line: int, row_no: int, column: str | None) -> str:
    if line == NO_LINE:
        place = told("Contact {no}", no=row_no)
    else:
        place = told("Row {no} (line {line})", no=row_no, line=line)
    return told("{place}, {column}", place=place, column=column) if column else place


def placed(place: str, says: str) -> str:
    """Say where something was found, and what."""
    return told("{place}: {says}", place=place, says=says)


def not_as_expected(expected: str, found: str, fix: str) -> str:
    """Say what was expected of a cell, what stands there, and how to mend it."""
    return told(
        "expected {expected}, found {found}. {fix}", expected=expected, found=shown(found), fix=fix
    )


_LONGEST_SHOWN_CHARS = 60


def shown(found: str) -> str:
    """Show a cell in one short line of visible characters."""
    if isinstance(found, Sentence):
        return found
    visible = "".join(mark if mark.isprintable() else " " for mark in found[:200]).strip()
    if not visible:
        return told("nothing")
    if len(visible) <= _LONGEST_SHOWN_CHARS:
        return visible
    return visible[: _LONGEST_SHOWN_CHARS - 1] + "…"


def _caller_id(rules: PhoneRules) -> str | None:
    """The caller id as a contact would have it; None when no valid contact can equal it."""
    caller_id = parse_phone(rules.caller_id or "", rules)
    return caller_id.e164 if isinstance(caller_id, Phone) else None
