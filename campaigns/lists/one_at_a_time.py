"""A contact that is given by itself, in named fields: judged as a row of a list is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from zoneinfo import ZoneInfo

from campaigns.contact import Contact
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.columns import roles_in
from campaigns.lists.external_ids import Fingerprints
from campaigns.lists.header import Header, MatchedColumn, Role
from campaigns.lists.judged_rows import Rejected
from campaigns.lists.row_faults import RowFault
from campaigns.lists.row_judge import RowJudge, shown
from campaigns.lists.source import NO_LINE, ListLimits, Row
from campaigns.lists.team_cells import TeamNumbers
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import told

MOST_AT_ONCE = 1_000
"""Contacts in one request."""


@dataclass(frozen=True, slots=True)
class GivenContact:
    """What somebody says of a contact; every field as text, as a cell would have it.

    Args:
        row: Cells of the campaign's own columns, by their names.
    """

    agent: str = ""
    customer: str = ""
    external_id: str = ""
    priority: str = ""
    not_before: str = ""
    expires_at: str = ""
    timezone: str = ""
    custom_field: str = ""
    agent_group: str = ""
    backup: str = ""
    agent_language: str = ""
    agent_skills: str = ""
    row: Mapping[str, str] = field(default_factory=dict)


_FIELDS = tuple(one.name for one in fields(GivenContact) if one.name != "row")
_MATCHED = {
    Role(name): MatchedColumn(Role(name), name, at, "given by name")
    for at, name in enumerate(_FIELDS)
}


class GivenJudge:
    """Judges contacts that are given for a campaign.

    Args:
        columns: Of its list.
        chosen: Which of them hold the numbers and the customers' names.
    """

    def __init__(
        self,
        columns: Sequence[str],
        chosen: ColumnChoice,
        *,
        rules: PhoneRules,
        zone: ZoneInfo,
        teams: TeamNumbers,
    ) -> None:
        self._columns = tuple(columns)
        self._roles = roles_in(columns, chosen)
        optional = [match for role, match in _MATCHED.items() if role not in _PAIR]
        self.header = Header(
            columns=(*_FIELDS, *columns),
            agent=_MATCHED[Role.AGENT],
            customer=_MATCHED[Role.CUSTOMER],
            optional=tuple(optional),
        )
        self.fingerprints = Fingerprints(columns, self._roles)
        self._judge = RowJudge(
            self.header, limits=ListLimits(), rules=rules, zone=zone, teams=teams
        )

    def own_columns(self) -> list[str]:
        """Name the columns that no field stands for."""
        return [
            name
            for at, name in enumerate(self._columns)
            if self._roles.get(at, Role.NAME) is Role.NAME
        ]

    def judge(self, given: GivenContact, *, number: int) -> Contact | Rejected:
        """Judge a contact; its cells are those of the campaign's columns.

        Args:
            number: Its place among those given together, from 1.
        """
        if broken := _not_text(given):
            message = told(
                "Contact {no}, {field}: it holds half of a character. Send the text as UTF-8.",
                no=number,
                field=broken,
            )
            return not_taken(number, RowFault.NOT_UNDERSTOOD, broken, message)
        unknown = [name for name in given.row if name not in self._columns]
        if unknown:
            message = told(
                "Contact {no}, row: there is no column '{name}'; the campaign has {columns}.",
                no=number,
                name=shown(unknown[0]),
                columns=", ".join(self._columns),
            )
            return not_taken(number, RowFault.UNKNOWN_COLUMN, "row", message)
        said = [str(getattr(given, name)) for name in _FIELDS]
        own = [given.row.get(name, "") for name in self._columns]
        verdict = self._judge.judge(Row(NO_LINE, [*said, *own]), row_no=number, remarks=[])
        if isinstance(verdict, Rejected):
            return verdict
        return verdict._replace(cells=self._cells(given))

    def _cells(self, given: GivenContact) -> tuple[str, ...]:
        return tuple(
            given.row.get(name) or str(getattr(given, self._roles.get(at, Role.NAME), ""))
            for at, name in enumerate(self._columns)
        )


_PAIR = frozenset({Role.AGENT, Role.CUSTOMER})


def _not_text(given: GivenContact) -> str | None:
    """Name the field that UTF-8 cannot write: JSON's escapes and a shell's bytes can be halves of characters."""
    for name in (*_FIELDS, "row"):
        value = getattr(given, name)
        try:
            "".join(chain(*value.items()) if name == "row" else str(value)).encode()
        except UnicodeEncodeError:
            return name
    return None


def not_taken(number: int, code: RowFault, column: str | None, message: str) -> Rejected:
    """Turn down a contact that is given by itself.

    Args:
        number: Its place among those given together, from 1.
    """
    return Rejected(NO_LINE, number, (), code, column, "", message)
