"""The two columns of numbers: by heading where that is certain, else by what stands in them."""

import itertools
from collections.abc import Sequence

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.column_content import ColumnProfile, column, profile, suggest
from campaigns.lists.header import TEAM_ROLES, ColumnsUnclear, MatchedColumn, Role
from campaigns.lists.headings import Party, read_heading, squeezed
from campaigns.lists.source import CampaignFileError
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import told


class NumberColumns:
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
                told(
                    "Column '{column}' cannot hold both the agent's and the customer's number. "
                    "Say which columns they are.",
                    column=agent.column,
                )
            )

    def _said(self, role: Role, chosen: str | None, why: str) -> MatchedColumn | None:
        if chosen is None:
            return None
        index = column_named(self._names, chosen)
        if index is None:
            raise self._unclear(
                told(
                    "There is no column '{column}' for the {role}'s number. The columns are {columns}.",
                    column=chosen,
                    role=told(role.value),
                    columns=listed(self._names),
                ),
                choice=f"{role}_column",
            )
        meant = Role.AGENT_GROUP if role is Role.AGENT and is_group(chosen) else role
        return MatchedColumn(meant, self._names[index], index, why)

    def _certain(self, role: Role) -> MatchedColumn | None:
        fitting = [index for index, name in enumerate(self._names) if means(name, role)]
        if not fitting and role is Role.AGENT:
            return self._group()
        if len(fitting) != 1:
            return None
        [index] = fitting
        return MatchedColumn(role, self._names[index], index, _BY_NAME[role])

    def _group(self) -> MatchedColumn | None:
        """Find the column of groups, which stands for the agent's where there is none of that."""
        fitting = [index for index, name in enumerate(self._names) if is_group(name)]
        if len(fitting) != 1:
            return None
        [index] = fitting
        why = told("its name is {role}", role=Role.AGENT_GROUP.value)
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
                "Each line stands in quotes as a whole: '{column}' is one column. Take the "
                "quotes off, or save the list as .xlsx.",
                column=self._names[0],
                line=self._line,
            )
        if len(self._names) == 1:
            raise CampaignFileError(
                "Only one column was found, '{column}'. Separate the agent's and the "
                "customer's number by a comma, semicolon, tab or pipe.",
                column=self._names[0],
                line=self._line,
            )
        if found is None:
            raise self._unclear(self._why_unclear(agent, customer))
        return (
            agent or self._likely(Role.AGENT, found.agent, found.why_agent),
            customer or self._likely(Role.CUSTOMER, found.customer, found.why_customer),
        )

    def _likely(self, role: Role, index: int, why: str) -> MatchedColumn:
        return MatchedColumn(role, self._names[index], index, told("likely, as {why}", why=why))

    def _why_unclear(self, agent: MatchedColumn | None, customer: MatchedColumn | None) -> str:
        for role, known in ((Role.AGENT, agent), (Role.CUSTOMER, customer)):
            if known or self._certain(role):
                continue
            several = [name for name in self._names if means(name, role)]
            if several:
                which = " and ".join(f"'{name}'" for name in several)
                return told(
                    "Columns {which} could each be the {role}'s number. Say which it is.",
                    which=which,
                    role=told(role.value),
                )
            return told(
                "No column for the {role}'s number was found among {columns}. Say which it is, "
                "or add one.",
                role=told(role.value),
                columns=listed(self._names),
            )
        return told(
            "Nothing tells the agent's and the customer's numbers apart. Say which column is whose."
        )

    def _unclear(self, message: str, *, choice: str = "") -> ColumnsUnclear:
        return ColumnsUnclear(message, line=self._line, choice=choice)


_TELLING = 20  # rows that tell agents from customers by themselves


def is_of_teams(name: str) -> bool:
    """Whether a heading is one of those that name a team."""
    return squeezed(name) in _OF_TEAMS


def is_group(name: str) -> bool:
    """Whether a heading names the groups that stand for an agent."""
    return squeezed(name) == squeezed(Role.AGENT_GROUP)


def means(name: str, role: Role) -> bool:
    """Whether a heading leaves no doubt that it is this party's number."""
    if is_of_teams(name):
        return False
    if squeezed(name) in _SYNONYMS[role]:
        return True
    heading = read_heading(name)
    return heading.is_certain and (heading.party or Party.CUSTOMER) == role.value


def column_named(names: list[str], chosen: str) -> int | None:
    """Find the column somebody named, in whatever spelling leaves no doubt."""
    for spelling in (str.strip, str.casefold, squeezed):
        fitting = [i for i, name in enumerate(names) if spelling(name) == spelling(chosen.strip())]
        if len(fitting) == 1:
            return fitting[0]
    return None


def listed(names: list[str]) -> str:
    """List names for a sentence."""
    shown = [f"'{name}'" for name in names[:20]]
    return ", ".join(shown) + (" …" if len(names) > len(shown) else "")


_OF_TEAMS = frozenset(map(squeezed, TEAM_ROLES))
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


_BY_NAME = {
    Role.AGENT: told("its name means the agent's number"),
    Role.CUSTOMER: told("its name means the customer's number"),
}
