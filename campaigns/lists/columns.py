"""Which column is what: headers matched by synonyms, or named by hand, and never silently."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from campaigns.lists.source import CampaignFileError, ListLimits
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


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Columns named by hand; None: by synonym."""

    agent: str | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class MatchedColumn:
    """A header and what it was understood as, with the reason in words."""

    role: Role
    column: str
    index: int
    why: str


@dataclass(frozen=True, slots=True)
class Header:
    """A list's columns.

    Args:
        columns: Names in the file's order, nameless ones at the end dropped.
        optional: Those of the optional columns that are there.
        dropped_columns: How many nameless ones at the end were dropped.
    """

    columns: tuple[str, ...]
    agent: MatchedColumn
    customer: MatchedColumn
    optional: tuple[MatchedColumn, ...]
    dropped_columns: int

    @property
    def matched(self) -> tuple[MatchedColumn, ...]:
        """Every column that means something to us, with the reason."""
        return (self.agent, self.customer, *self.optional)


def understand_header(
    cells: Sequence[str],
    *,
    choice: ColumnChoice,
    limits: ListLimits,
    rules: PhoneRules,
    line: int,
) -> Header:
    """Read the first row of a list as its columns' names.

    Raises:
        CampaignFileError: A name is missing or doubled, there are too many, the row is data, or a
            needed column is not there or could be several.
    """
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    _check_names(names, limits=limits, rules=rules, line=line)
    agent = _needed_column(names, Role.AGENT, choice.agent, line=line)
    customer = _needed_column(names, Role.CUSTOMER, choice.customer, line=line)
    if agent.index == customer.index:
        raise CampaignFileError(
            f"Column '{agent.column}' cannot hold both the agent's and the customer's number. "
            "Say which columns they are.",
            line=line,
            choice="customer_column" if choice.customer is None else "agent_column",
        )
    return Header(
        columns=tuple(names),
        agent=agent,
        customer=customer,
        optional=_optional_columns(names, taken={agent.index, customer.index}),
        dropped_columns=len(cells) - len(names),
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
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name:
            raise CampaignFileError(
                f"Column {number} has no name in line {line}. Give it one or remove it.", line=line
            )
        first = seen.setdefault(name.casefold(), number)
        if first != number:
            raise CampaignFileError(
                f"Columns {first} and {number} are both named '{name}'. Rename one of them.",
                line=line,
            )


def _needed_column(names: list[str], role: Role, chosen: str | None, *, line: int) -> MatchedColumn:
    if chosen is not None:
        return _chosen_column(names, role, chosen, line=line)
    fitting = [index for index, name in enumerate(names) if _squeezed(name) in _SYNONYMS[role]]
    if len(fitting) == 1:
        [index] = fitting
        return MatchedColumn(role, names[index], index, f"its name means the {role}'s number")
    if fitting:
        several = " and ".join(f"'{names[index]}'" for index in fitting)
        problem = f"Columns {several} could each be the {role}'s number"
    elif len(names) == 1:
        raise CampaignFileError(
            f"Only one column was found, '{names[0]}'. Separate the agent's and the customer's "
            "number by a comma, semicolon, tab or pipe.",
            line=line,
        )
    else:
        problem = f"No column for the {role}'s number was found among {_listed(names)}"
    raise CampaignFileError(
        f"{problem}. Say which column it is.", line=line, choice=f"{role}_column"
    )


def _chosen_column(names: list[str], role: Role, chosen: str, *, line: int) -> MatchedColumn:
    for spelling in (str.strip, str.casefold, _squeezed):
        fitting = [i for i, name in enumerate(names) if spelling(name) == spelling(chosen.strip())]
        if len(fitting) == 1:
            return MatchedColumn(role, names[fitting[0]], fitting[0], "named by hand")
    raise CampaignFileError(
        f"There is no column '{chosen}' for the {role}'s number. The columns are {_listed(names)}.",
        line=line,
        choice=f"{role}_column",
    )


def _optional_columns(names: list[str], *, taken: set[int]) -> tuple[MatchedColumn, ...]:
    return tuple(
        MatchedColumn(role, name, index, f"its name is {role}")
        for role in _OPTIONAL_ROLES
        for index, name in enumerate(names)
        if index not in taken and _squeezed(name) == _squeezed(role)
    )


def roles_by_name(columns: Sequence[str]) -> dict[int, Role]:
    """Tell what columns of a list mean as far as their names alone say it; of a number's, only one."""
    roles = {match.index: match.role for match in _optional_columns(list(columns), taken=set())}
    for role, synonyms in _SYNONYMS.items():
        fitting = [at for at, name in enumerate(columns) if _squeezed(name) in synonyms]
        if len(fitting) == 1:
            roles[fitting[0]] = role
    return roles


def _listed(names: list[str]) -> str:
    shown = [f"'{name}'" for name in names[:20]]
    return ", ".join(shown) + (" …" if len(names) > len(shown) else "")


def _squeezed(name: str) -> str:
    """Leave only letters and digits, in one case: "Customer Phone-No." is customerphoneno."""
    return "".join(mark for mark in name.casefold() if mark.isalnum())


# No synonyms here: "expiry" is a policy's as often as a contact's.
_OPTIONAL_ROLES = tuple(role for role in Role if role not in {Role.AGENT, Role.CUSTOMER})

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
