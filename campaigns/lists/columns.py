"""Which column is what: headers matched by synonyms, or named by hand, and never silently.

named by hand ──▶ as in the campaign ──▶ by its heading, where that is certain
              ──▶ as chosen before ──▶ as suggested, for a person to confirm
"""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.column_content import ColumnProfile, column, holds_words, profile, suggest
from campaigns.lists.headings import Party, customers_name, read_heading, squeezed
from campaigns.lists.source import NO_LINE, CampaignFileError, ListLimits
from campaigns.numbers.phone import Phone, parse_phone
from campaigns.numbers.phone_rules import PhoneRules


class Role(StrEnum):
    """What a column can be to us; every other column travels untouched into the reports."""

    AGENT = "agent"
    CUSTOMER = "customer"
    NAME = "name"
    PRIORITY = "priority"
    NOT_BEFORE = "not_before"
    EXPIRES_AT = "expires_at"
    TIMEZONE = "timezone"
    CUSTOM_FIELD = "custom_field"
    EXTERNAL_ID = "external_id"
    # instead of an agent, or beside one; see team_cells.py
    AGENT_GROUP = "agent_group"
    BACKUP = "backup"
    AGENT_LANGUAGE = "agent_language"
    AGENT_SKILLS = "agent_skills"


@dataclass(frozen=True, slots=True)
class MatchedColumn:
    """A header and what it was understood as, with the reason in words."""

    role: Role
    column: str
    index: int
    why: str


@dataclass(frozen=True, slots=True)
class ColumnMemory:
    """What is known of files like this one.

    Args:
        campaign: The columns of the campaign it is appended to, for a file that has them.
        recall: Tells what was chosen before for a file of these columns.
    """

    campaign: ColumnChoice | None = None
    recall: Callable[[Sequence[str]], ColumnChoice | None] = lambda _: None


NO_MEMORY = ColumnMemory()


class ColumnsUnclear(CampaignFileError):
    """Nobody has said which columns the numbers are in, and their headings leave a doubt.

    Args:
        suggestion: By role, the column it may be, with the reason; empty where nothing tells.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        suggestion: tuple[tuple[str, str, str], ...] = (),
        choice: str = "",
    ) -> None:
        super().__init__(message, line=line, choice=choice)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Header:
    """A list's columns.

    Args:
        columns: Names in the file's order, nameless ones at the end dropped.
        optional: Those of the optional columns that are there.
        is_suggested: The numbers' columns are likely, and nobody has said that they are right.
        is_ours: A report of ours comes back: its numbers are E.164 without the plus.
    """

    columns: tuple[str, ...]
    agent: MatchedColumn
    customer: MatchedColumn
    optional: tuple[MatchedColumn, ...]
    is_suggested: bool = False
    is_ours: bool = False

    @property
    def matched(self) -> tuple[MatchedColumn, ...]:
        """Every column that means something to us, with the reason."""
        return (self.agent, self.customer, *self.optional)

    @property
    def name(self) -> MatchedColumn | None:
        """The column of the customers' names."""
        return next((match for match in self.optional if match.role is Role.NAME), None)


ROWS_SAMPLED = 1_000


def understand_header(
    cells: Sequence[str],
    *,
    choice: ColumnChoice,
    limits: ListLimits,
    rules: PhoneRules,
    line: int,
    sample: Sequence[Sequence[str]] = (),
    memory: ColumnMemory = NO_MEMORY,
) -> Header:
    """Read the first row of a list as its columns' names.

    Args:
        cells: Each with a name of its own, as `tell_apart` gives them.
        sample: Cells of the first rows below it.

    Raises:
        CampaignFileError: There are too many, or the row is data.
        ColumnsUnclear: A needed column is not there, or could be several.
    """
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    _check_names(names, limits=limits, rules=rules, line=line)
    is_ours = _is_report(names, sample)
    choice = _ahead_of_headings(names, choice, memory, is_ours=is_ours)
    numbers = _NumberColumns(names, sample, rules, line)
    found = numbers.certain(choice)
    if found is None and (known := _chosen_before(names, choice, memory)):
        choice, found = known, numbers.certain(known)
    agent, customer = found or numbers.suggested(choice)
    return Header(
        columns=tuple(names),
        agent=agent,
        customer=customer,
        optional=_optional_columns(
            names, choice, taken={agent.index, customer.index}, line=line, sample=sample
        ),
        is_suggested=found is None and not choice.takes_suggestion,
        is_ours=is_ours,
    )


def _ahead_of_headings(
    names: list[str], choice: ColumnChoice, memory: ColumnMemory, *, is_ours: bool
) -> ColumnChoice:
    if choice.agent or choice.customer:
        return choice
    if is_ours:
        return replace(_IN_REPORTS, name=choice.name)
    if memory.campaign and _has(names, memory.campaign):
        return _with_name(names, memory.campaign, choice)
    return choice


def _chosen_before(
    names: list[str], choice: ColumnChoice, memory: ColumnMemory
) -> ColumnChoice | None:
    if choice.agent or choice.customer:
        return None
    known = memory.recall(names)
    if known is None or not _has(names, known):
        return None
    return _with_name(names, known, choice)


def _has(names: list[str], choice: ColumnChoice) -> bool:
    return all(
        one is not None and _column_named(names, one) is not None
        for one in (choice.agent, choice.customer)
    )


def _with_name(names: list[str], known: ColumnChoice, choice: ColumnChoice) -> ColumnChoice:
    has_name = known.name is not None and _column_named(names, known.name) is not None
    return replace(known, name=choice.name or (known.name if has_name else None))


def _is_report(names: list[str], sample: Sequence[Sequence[str]]) -> bool:
    """Whether it is a table of contacts or attempts that we have written."""
    if not set(names) >= _OF_REPORTS:
        return False
    ids = [cell.strip() for cell in column(sample, names.index("contact_id")) if cell.strip()]
    return bool(ids) and all(map(_CONTACT_ID.fullmatch, ids))


_OF_REPORTS = frozenset({"contact_id", "agent", "customer"})
_CONTACT_ID = re.compile("[0-9a-z]{8}-[1-9][0-9]*")
_IN_REPORTS = ColumnChoice("agent", "customer", why="its name in our reports")


def require_clear(header: Header, *, line: int) -> None:
    """Check that what is dialled was not guessed.

    Raises:
        ColumnsUnclear: Nobody has said yes to what is suggested.
    """
    if not header.is_suggested:
        return
    numbers = (header.agent, header.customer)
    likely = " and ".join(
        f"the {one.role}'s number in '{one.column}' ({one.why})" for one in numbers
    )
    raise ColumnsUnclear(
        f"The headings do not say for certain which columns the numbers are in. Likely: {likely}. "
        "Confirm that, or name the two columns.",
        line=line,
        suggestion=tuple((one.role, one.column, one.why) for one in numbers),
    )


def _check_names(names: list[str], *, limits: ListLimits, rules: PhoneRules, line: int) -> None:
    if len(names) > limits.max_columns:
        raise CampaignFileError(
            f"The list has {len(names)} columns; at most {limits.max_columns} are allowed. Remove "
            "those that are not needed.",
            line=line,
        )
    if any(isinstance(parse_phone(name, rules), Phone) for name in names):
        raise CampaignFileError(
            f"Line {line} holds phone numbers where the columns' names should be. Add a first "
            "line such as: agent,customer",
            line=line,
        )


class _NumberColumns:
    """Finds the two columns of numbers."""

    def __init__(
        self, names: list[str], sample: Sequence[Sequence[str]], rules: PhoneRules, line: int
    ) -> None:
        self._names = names
        self._sample = sample
        self._rules = rules
        self._line = line
        self._profiles: list[ColumnProfile] = []

    def certain(self, choice: ColumnChoice) -> tuple[MatchedColumn, MatchedColumn] | None:
        """Give the agent's and the customer's, where hand or heading leaves no doubt."""
        said_agent = self._said(Role.AGENT, choice.agent, choice.why)
        said_customer = self._said(Role.CUSTOMER, choice.customer, choice.why)
        agent = said_agent or self._certain(Role.AGENT)
        customer = said_customer or self._certain(Role.CUSTOMER)
        if agent and customer:
            self._check_two(agent, customer)
            by_hand = [one for one in (said_agent, said_customer) if one]
            if not self._is_refuted(agent, customer, by_hand=by_hand):
                return agent, customer
        return None

    def _check_two(self, agent: MatchedColumn, customer: MatchedColumn) -> None:
        if agent.index == customer.index:
            raise self._unclear(
                f"Column '{agent.column}' cannot hold both the agent's and the customer's number. "
                "Say which columns they are."
            )

    def _said(self, role: Role, chosen: str | None, why: str) -> MatchedColumn | None:
        if chosen is None:
            return None
        index = _column_named(self._names, chosen)
        if index is None:
            raise self._unclear(
                f"There is no column '{chosen}' for the {role}'s number. The columns are "
                f"{_listed(self._names)}.",
                choice=f"{role}_column",
            )
        meant = Role.AGENT_GROUP if role is Role.AGENT and _is_group(chosen) else role
        return MatchedColumn(meant, self._names[index], index, why)

    def _certain(self, role: Role) -> MatchedColumn | None:
        fitting = [index for index, name in enumerate(self._names) if _means(name, role)]
        if not fitting and role is Role.AGENT:
            return self._group()
        if len(fitting) != 1:
            return None
        [index] = fitting
        return MatchedColumn(role, self._names[index], index, f"its name means the {role}'s number")

    def _group(self) -> MatchedColumn | None:
        """Find the column of groups, which stands for the agent's where there is none of that."""
        fitting = [index for index, name in enumerate(self._names) if _is_group(name)]
        if len(fitting) != 1:
            return None
        [index] = fitting
        why = f"its name is {Role.AGENT_GROUP}"
        return MatchedColumn(Role.AGENT_GROUP, self._names[index], index, why)

    def _is_refuted(
        self, agent: MatchedColumn, customer: MatchedColumn, *, by_hand: list[MatchedColumn]
    ) -> bool:
        """Whether what stands in the columns belies their headings: names, or the two exchanged."""
        if by_hand or agent.role is Role.AGENT_GROUP:
            return False
        pair = (agent, customer)
        agents, customers = (profile(column(self._sample, one.index), self._rules) for one in pair)
        if customers.numbers >= _TELLING and 4 * customers.distinct < agents.distinct:
            return True
        has_none = any(held.filled and not held.numbers for held in (agents, customers))
        taken = {agent.index, customer.index}
        return has_none and any(
            held.holds_numbers for at, held in enumerate(self._looked_at()) if at not in taken
        )

    def _looked_at(self) -> list[ColumnProfile]:
        if not self._profiles:
            self._profiles = [
                profile(column(self._sample, index), self._rules)
                for index in range(len(self._names))
            ]
        return self._profiles

    def suggested(self, choice: ColumnChoice) -> tuple[MatchedColumn, MatchedColumn]:
        """Give what heading and content make likely, beside what was said by hand."""
        agent = self._said(Role.AGENT, choice.agent, choice.why)
        customer = self._said(Role.CUSTOMER, choice.customer, choice.why)
        found = suggest(
            self._names,
            self._looked_at(),
            agent=agent.index if agent else None,
            customer=customer.index if customer else None,
        )
        if len(self._names) == 1 and self._names[0].count(","):
            raise CampaignFileError(
                f"Each line stands in quotes as a whole: '{self._names[0]}' is one column. Take the "
                "quotes off, or save the list as .xlsx.",
                line=self._line,
            )
        if len(self._names) == 1:
            raise CampaignFileError(
                f"Only one column was found, '{self._names[0]}'. Separate the agent's and the "
                "customer's number by a comma, semicolon, tab or pipe.",
                line=self._line,
            )
        if found is None:
            raise self._unclear(self._why_unclear(agent, customer))
        return (
            agent or self._likely(Role.AGENT, found.agent, found.why_agent),
            customer or self._likely(Role.CUSTOMER, found.customer, found.why_customer),
        )

    def _likely(self, role: Role, index: int, why: str) -> MatchedColumn:
        return MatchedColumn(role, self._names[index], index, f"likely, as {why}")

    def _why_unclear(self, agent: MatchedColumn | None, customer: MatchedColumn | None) -> str:
        for role, known in ((Role.AGENT, agent), (Role.CUSTOMER, customer)):
            if known or self._certain(role):
                continue
            several = [name for name in self._names if _means(name, role)]
            if several:
                listed = " and ".join(f"'{name}'" for name in several)
                return f"Columns {listed} could each be the {role}'s number. Say which it is."
            return (
                f"No column for the {role}'s number was found among {_listed(self._names)}. Say "
                "which it is, or add one."
            )
        return (
            "Nothing tells the agent's and the customer's numbers apart. Say which column is whose."
        )

    def _unclear(self, message: str, *, choice: str = "") -> ColumnsUnclear:
        return ColumnsUnclear(message, line=self._line, choice=choice)


_TELLING = 20  # rows that tell agents from customers by themselves


def is_of_teams(name: str) -> bool:
    """Whether a heading is one of those that name a team."""
    return squeezed(name) in _OF_TEAMS


def _is_group(name: str) -> bool:
    return squeezed(name) == squeezed(Role.AGENT_GROUP)


def _means(name: str, role: Role) -> bool:
    """Whether a heading leaves no doubt that it is this party's number."""
    if is_of_teams(name):
        return False
    if squeezed(name) in _SYNONYMS[role]:
        return True
    heading = read_heading(name)
    return heading.is_certain and (heading.party or Party.CUSTOMER) == role.value


def _column_named(names: list[str], chosen: str) -> int | None:
    for spelling in (str.strip, str.casefold, squeezed):
        fitting = [i for i, name in enumerate(names) if spelling(name) == spelling(chosen.strip())]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _optional_columns(
    names: list[str],
    choice: ColumnChoice,
    *,
    taken: set[int],
    line: int,
    sample: Sequence[Sequence[str]] = (),
) -> tuple[MatchedColumn, ...]:
    named = _name_column(names, choice, taken=taken, line=line, sample=sample)
    others = (
        MatchedColumn(role, name, index, f"its name is {role}")
        for role in _OPTIONAL_ROLES
        for index, name in enumerate(names)
        if index not in taken and squeezed(name) == squeezed(role)
    )
    return (*((named,) if named else ()), *others)


def _name_column(
    names: list[str],
    choice: ColumnChoice,
    *,
    taken: set[int],
    line: int,
    sample: Sequence[Sequence[str]],
) -> MatchedColumn | None:
    """Find the customers' names: a heading that says whose they are goes first."""
    if choice.name is not None:
        index = _column_named(names, choice.name)
        if index is None:
            raise ColumnsUnclear(
                f"There is no column '{choice.name}' for the customer's name. The columns are "
                f"{_listed(names)}.",
                line=line,
                choice="name_column",
            )
        return MatchedColumn(Role.NAME, names[index], index, choice.why)
    index = customers_name(
        names, taken=taken, holds_words=lambda at: holds_words(column(sample, at))
    )
    return (
        None
        if index is None
        else MatchedColumn(Role.NAME, names[index], index, "its name means the customer's name")
    )


def roles_in(columns: Sequence[str], chosen: ColumnChoice) -> dict[int, Role]:
    """Tell what a campaign's columns mean: as was chosen for it, else as their names alone say."""
    numbers: dict[int, Role] = {}
    for role, said in ((Role.AGENT, chosen.agent), (Role.CUSTOMER, chosen.customer)):
        fits = {said}.__contains__ if said else partial(_means, role=role)
        fitting = [at for at, name in enumerate(columns) if fits(name)]
        if len(fitting) == 1:
            is_group = role is Role.AGENT and _is_group(columns[fitting[0]])
            numbers[fitting[0]] = Role.AGENT_GROUP if is_group else role
    name = chosen.name if chosen.name in columns else None
    optional = _optional_columns(
        list(columns), ColumnChoice(name=name), taken=set(numbers), line=NO_LINE
    )
    return numbers | {match.index: match.role for match in optional}


def _listed(names: list[str]) -> str:
    shown = [f"'{name}'" for name in names[:20]]
    return ", ".join(shown) + (" …" if len(names) > len(shown) else "")


# No synonyms here: "expiry" is a policy's as often as a contact's.
_OPTIONAL_ROLES = tuple(role for role in Role if role not in {Role.AGENT, Role.CUSTOMER, Role.NAME})

_OF_TEAMS = frozenset(
    squeezed(one) for one in (Role.AGENT_GROUP, Role.BACKUP, Role.AGENT_LANGUAGE, Role.AGENT_SKILLS)
)

_NUMBER_WORDS = (
    *("number", "num", "no", "phone", "phonenumber", "phonenum", "phoneno"),
    *("mobile", "mobilenumber", "mobilenum", "mobileno", "mob", "cell", "cellphone", "cellnumber"),
    *("contact", "contactnumber", "contactno", "tel", "telephone", "telephonenumber", "msisdn"),
)


def _with_number_words(*people: str) -> frozenset[str]:
    return frozenset(map("".join, itertools.product(people, ("", *_NUMBER_WORDS))))


_SYNONYMS = {
    Role.AGENT: _with_number_words("agent", "agents", "from", "executive", "telecaller", "rep"),
    Role.CUSTOMER: _with_number_words("customer", "customers", "client", "lead", "to", "called")
    | frozenset(_NUMBER_WORDS),
}
