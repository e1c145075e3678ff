"""The cells that name a team instead of an agent: a group, or an agent's stand-ins."""

from collections.abc import Callable, Sequence
from typing import Protocol

from campaigns.agents.agent import LONGEST_WORD, read_words
from campaigns.agents.team import MOST_STAND_INS, Team
from campaigns.lists.header import TEAM_ROLES, Header, MatchedColumn, Role
from campaigns.lists.row_faults import RowFault
from campaigns.numbers.phone import Phone, PhoneProblem
from campaigns.sentence import told


class TeamNumbers(Protocol):
    """Who knows which groups there are, and what number a team has."""

    def knows_group(self, name: str) -> bool:
        """Tell whether there is such a group, in any case of letters."""

    def number_of(self, team: Team) -> int:
        """Give a team's number, the same for the same team."""

    def team_of(self, agent: str) -> Team | None:
        """Give the team that stands where an agent's number would, of those that were numbered here."""


class LooseTeams:
    """Knows every group, and gives numbers as they come: for lists that are looked at alone."""

    def __init__(self) -> None:
        self._numbers: dict[Team, int] = {}
        self._teams: dict[str, Team] = {}

    def knows_group(self, _name: str) -> bool:
        """Take any."""
        return True

    def number_of(self, team: Team) -> int:
        """Number teams from 1."""
        number = self._numbers.setdefault(team.key, len(self._numbers) + 1)
        self._teams.setdefault(f"+{number}", team)
        return number

    def team_of(self, agent: str) -> Team | None:
        """Give a team back."""
        return self._teams.get(agent)


class TeamFault(Exception):
    """A row's team cannot be used."""

    def __init__(self, code: str, match: MatchedColumn, expected: str, fix: str) -> None:
        super().__init__(expected)
        self.code, self.match, self.expected, self.fix = code, match, expected, fix


class TeamCells:
    """Reads the team of a row, where it names one.

    Args:
        read_agent: Reads a number.
    """

    def __init__(
        self, header: Header, teams: TeamNumbers, read_agent: Callable[[str], Phone | PhoneProblem]
    ) -> None:
        self._by_role = {one.role: one for one in header.optional if one.role in TEAM_ROLES}
        self._agent = header.agent
        self.is_only_groups = header.agent.role is Role.AGENT_GROUP
        if self.is_only_groups:
            self._by_role[Role.AGENT_GROUP] = header.agent
        self._prefers_group = header.is_ours  # beside it stands who was rung last
        self._teams = teams
        self._read_agent = read_agent
        self.places = [one.index for one in self._by_role.values()]

    def team_of(self, cells: Sequence[str]) -> Team | None:
        """Give the team that a row names; None: it names an agent alone, or nobody.

        Raises:
            TeamFault: It cannot be used.
        """
        group, backup = self._cell(cells, Role.AGENT_GROUP), self._cell(cells, Role.BACKUP)
        if group:
            return self._group(cells, group, backup)
        return self._stand_ins(cells, backup) if backup else None

    def number_of(self, team: Team) -> str:
        """Give what stands for a team where another contact has an agent's number."""
        return f"+{self._teams.number_of(team)}"

    def _group(self, cells: Sequence[str], group: str, backup: str) -> Team:
        has_agent = not self.is_only_groups and cells[self._agent.index].strip()
        if has_agent and not self._prefers_group:
            fix = told("Empty one of the two cells.")
            raise self._unfit(RowFault.AGENT_AND_GROUP, told("an agent or a group"), fix)
        if backup:
            fix = told("Empty the cell, or name an agent instead of the group.")
            raise self._unfit(RowFault.BAD_BACKUP, told("nothing beside a group"), fix, Role.BACKUP)
        if len(group) > LONGEST_WORD or not group.isprintable():
            expected = told("a group of at most {most} printable characters", most=LONGEST_WORD)
            raise self._unfit(RowFault.UNKNOWN_GROUP, expected, told("Shorten the name."))
        if not self._teams.knows_group(group):
            fix = told("Load a list of agents that has it first, or say that groups may be new.")
            raise self._unfit(RowFault.UNKNOWN_GROUP, told("a group that an agent belongs to"), fix)
        languages, skills = (
            self._words(cells, role) for role in (Role.AGENT_LANGUAGE, Role.AGENT_SKILLS)
        )
        return Team(group, languages, skills)

    def _words(self, cells: Sequence[str], role: Role) -> tuple[str, ...]:
        try:
            return read_words(self._cell(cells, role))
        except ValueError as error:
            fix = told("Part names by semicolons.")
            raise self._unfit(RowFault.BAD_SKILLS, str(error), fix, role) from None

    def _stand_ins(self, cells: Sequence[str], backup: str) -> Team | None:
        agent = self._read_agent(cells[self._agent.index])
        if isinstance(agent, PhoneProblem):
            return None  # that is told first
        numbers = [agent.e164]
        for part in filter(str.strip, backup.replace("|", ";").replace(",", ";").split(";")):
            found = self._read_agent(part)
            if isinstance(found, PhoneProblem):
                raise self._unfit(RowFault.BAD_BACKUP, found.expected, found.fix, Role.BACKUP)
            numbers.append(found.e164)
        if len(set(numbers)) < len(numbers):
            raise self._unfit(
                RowFault.BAD_BACKUP,
                told("numbers that differ"),
                told("Name everybody once."),
                Role.BACKUP,
            )
        if len(numbers) > MOST_STAND_INS + 1:
            expected, fix = (
                told("at most {most} stand-ins", most=MOST_STAND_INS),
                told("Make a group of them."),
            )
            raise self._unfit(RowFault.BAD_BACKUP, expected, fix, Role.BACKUP)
        return Team(agents=tuple(numbers)) if len(numbers) > 1 else None

    def _unfit(
        self, code: RowFault, expected: str, fix: str, role: Role = Role.AGENT_GROUP
    ) -> TeamFault:
        return TeamFault(code, self._by_role[role], expected, fix)

    def _cell(self, cells: Sequence[str], role: Role) -> str:
        match = self._by_role.get(role)
        return " ".join(cells[match.index].split()) if match else ""
