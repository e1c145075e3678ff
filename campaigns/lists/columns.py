"""Which column is what: headers matched by synonyms, or named by hand, and never silently.

named by hand ──▶ as in the campaign ──▶ by its heading, where that is certain
              ──▶ as chosen before ──▶ as suggested, for a person to confirm
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.column_content import column, holds_words
from campaigns.lists.header import ColumnsUnclear, Header, MatchedColumn, Role
from campaigns.lists.headings import customers_name, squeezed
from campaigns.lists.number_columns import NumberColumns, column_named, is_group, listed, means
from campaigns.lists.source import NO_LINE, CampaignFileError, ListLimits
from campaigns.numbers.phone import Phone, parse_phone
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import told


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
    numbers = NumberColumns(names, sample, rules, line)
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
        one is not None and column_named(names, one) is not None
        for one in (choice.agent, choice.customer)
    )


def _with_name(names: list[str], known: ColumnChoice, choice: ColumnChoice) -> ColumnChoice:
    has_name = known.name is not None and column_named(names, known.name) is not None
    return replace(known, name=choice.name or (known.name if has_name else None))


def _is_report(names: list[str], sample: Sequence[Sequence[str]]) -> bool:
    """Whether it is a table of contacts or attempts that we have written."""
    if not set(names) >= _OF_REPORTS:
        return False
    ids = [cell.strip() for cell in column(sample, names.index("contact_id")) if cell.strip()]
    return bool(ids) and all(map(_CONTACT_ID.fullmatch, ids))


_OF_REPORTS = frozenset({"contact_id", "agent", "customer"})
_CONTACT_ID = re.compile("[0-9a-z]{8}-[1-9][0-9]*")
_IN_REPORTS = ColumnChoice("agent", "customer", why=told("its name in our reports"))


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
        "The headings do not say for certain which columns the numbers are in. Likely: "
        "{likely}. "
        "Confirm that, or name the two columns.",
        likely=likely,
        line=line,
        suggestion=tuple((one.role, one.column, one.why) for one in numbers),
    )


def _check_names(names: list[str], *, limits: ListLimits, rules: PhoneRules, line: int) -> None:
    if len(names) > limits.max_columns:
        raise CampaignFileError(
            "The list has {columns} columns; at most {most} are allowed. Remove those that are "
            "not needed.",
            columns=len(names),
            most=limits.max_columns,
            line=line,
        )
    if any(isinstance(parse_phone(name, rules), Phone) for name in names):
        raise CampaignFileError(
            "Line {line} holds phone numbers where the columns' names should be. Add a first "
            "line such as: agent,customer",
            line=line,
        )


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
        MatchedColumn(role, name, index, told("its name is {role}", role=role.value))
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
        index = column_named(names, choice.name)
        if index is None:
            raise ColumnsUnclear(
                "There is no column '{column}' for the customer's name. The columns are {columns}.",
                column=choice.name,
                columns=listed(names),
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
        else MatchedColumn(
            Role.NAME, names[index], index, told("its name means the customer's name")
        )
    )


def roles_in(columns: Sequence[str], chosen: ColumnChoice) -> dict[int, Role]:
    """Tell what a campaign's columns mean: as was chosen for it, else as their names alone say."""
    numbers: dict[int, Role] = {}
    for role, said in ((Role.AGENT, chosen.agent), (Role.CUSTOMER, chosen.customer)):
        fits = {said}.__contains__ if said else partial(means, role=role)
        fitting = [at for at, name in enumerate(columns) if fits(name)]
        if len(fitting) == 1:
            of_groups = role is Role.AGENT and is_group(columns[fitting[0]])
            numbers[fitting[0]] = Role.AGENT_GROUP if of_groups else role
    name = chosen.name if chosen.name in columns else None
    optional = _optional_columns(
        list(columns), ColumnChoice(name=name), taken=set(numbers), line=NO_LINE
    )
    return numbers | {match.index: match.role for match in optional}


# No synonyms here: "expiry" is a policy's as often as a contact's.
_OPTIONAL_ROLES = tuple(role for role in Role if role not in {Role.AGENT, Role.CUSTOMER, Role.NAME})
