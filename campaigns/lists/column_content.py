"""What a column holds, and so whose it may be: few different numbers are agents', many customers'.

headings + a sample of rows ──▶ a suggestion with its reason, for a person to say yes to
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from campaigns.lists.headings import Heading, Kind, Party, read_heading
from campaigns.numbers.phone import Phone, parse_phone
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import counted, told

_MOST_CANDIDATES = 50
_LEAST_SHARE = 0.5  # of a column's cells that read as numbers


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What stands in a column's sampled cells.

    Args:
        filled: Cells that are not empty.
        numbers: Cells that read as phone numbers.
        distinct: Different numbers among them.
    """

    filled: int
    numbers: int
    distinct: int

    @property
    def holds_numbers(self) -> bool:
        """Half of its cells and more are numbers."""
        return self.numbers > 0 and self.numbers >= _LEAST_SHARE * self.filled

    @property
    def variety(self) -> float:
        """How many of its numbers are different ones: 0 … 1."""
        return self.distinct / self.numbers if self.numbers else 0.0

    def __str__(self) -> str:
        """Say it in words."""
        if not self.numbers:
            return told("no phone number in its first rows") if self.filled else told("empty")
        many = counted("1 number", "{count:,} different numbers", self.distinct)
        return counted("{many} in 1 row", "{many} in {count:,} rows", self.numbers, many=many)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Which column may be whose, with what speaks for it."""

    agent: int
    customer: int
    why_agent: str
    why_customer: str


def profile(cells: Iterable[str], rules: PhoneRules) -> ColumnProfile:
    """Look at a column's cells."""
    filled = [cell for cell in cells if cell.strip()]
    read = [parse_phone(cell, rules) for cell in filled]
    numbers = [one.e164 for one in read if isinstance(one, Phone)]
    return ColumnProfile(len(filled), len(numbers), len(set(numbers)))


def holds_words(cells: Iterable[str]) -> bool:
    """Whether a letter stands in each cell that is not empty, and there are such."""
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and all(any(map(str.isalpha, cell)) for cell in filled)


def column(sample: Sequence[Sequence[str]], index: int) -> list[str]:
    """Give a column of some rows."""
    return [row[index] if index < len(row) else "" for row in sample]


def suggest(
    names: Sequence[str],
    profiles: Sequence[ColumnProfile],
    *,
    agent: int | None = None,
    customer: int | None = None,
) -> Suggestion | None:
    """Suggest which columns are the agent's and the customer's; None: nothing tells them apart.

    Args:
        agent: Where it is known already; as `customer`.
    """
    headings = [read_heading(name) for name in names]
    fit = [
        index
        for index, (heading, held) in enumerate(zip(headings, profiles, strict=True))
        if held.holds_numbers or (heading.party and heading.kind is Kind.NUMBER)
    ][:_MOST_CANDIDATES]
    agents = fit if agent is None else [agent]
    customers = fit if customer is None else [customer]
    scored = sorted(
        (
            (_score(headings, profiles, one, other), -other, -one)
            for one in agents
            for other in customers
            if one != other
        ),
        reverse=True,
    )
    if not scored or scored[0][0] <= 0:
        return None
    score, customer_, agent_ = scored[0][0], -scored[0][1], -scored[0][2]
    if any(other[0] == score and -other[1] == agent_ for other in scored):
        return None  # the other way round as well
    return Suggestion(
        agent_,
        customer_,
        _why(headings[agent_], profiles[agent_], Party.AGENT),
        _why(headings[customer_], profiles[customer_], Party.CUSTOMER),
    )


def _score(
    headings: Sequence[Heading], profiles: Sequence[ColumnProfile], agent: int, customer: int
) -> float:
    return (
        _speaks_for(headings[agent], profiles[agent], Party.AGENT)
        + _speaks_for(headings[customer], profiles[customer], Party.CUSTOMER)
        + _contrast(profiles[agent], profiles[customer])
    )


def _speaks_for(heading: Heading, held: ColumnProfile, party: Party) -> float:
    said = 4 if heading.is_clear else 2
    score = 0.0 if heading.party is None else said if heading.party is party else -said
    score += {Kind.NUMBER: 1, Kind.UNSAID: 0, Kind.OTHER: -6, Kind.NAME: -6}[heading.kind]
    if held.filled and not held.holds_numbers:
        score -= 6
    return score - heading.is_second


def _contrast(agents: ColumnProfile, customers: ColumnProfile) -> float:
    if agents.variety == customers.variety:
        return 0
    few, many = sorted((agents.variety, customers.variety))
    clear = 3 if 2 * few <= many else 1
    return clear if agents.variety < customers.variety else -clear


def _why(heading: Heading, held: ColumnProfile, party: Party) -> str:
    what = str(held)
    if heading.party is not party:
        return told("it has {what}", what=what)
    return told("its heading says “{word}”, and it has {what}", word=heading.word, what=what)
