"""Use case: teams get their numbers, and groups the agents that belong to them."""

from campaigns.agents.team import MOST_TEAMS, Team
from dialer.store.agents import AgentStore
from dialer.store.database import Database
from dialer.store.teams import Teams


class TeamBook:
    """Gives teams their numbers; keeps those it knows, so that a long list asks once for each."""

    def __init__(self, db: Database) -> None:
        self._teams = Teams(db)
        self._agents = AgentStore(db)
        self._known: dict[Team, int] = {}

    def number_of(self, team: Team) -> int:
        """Give the number of a team, which is made if there is none.

        Raises:
            TooManyTeams: There is no number left.
        """
        if team not in self._known:
            number = self._known[team] = self._teams.find_or_make(team)
            if team.group:
                self.sync({number: team})
        return self._known[team]

    def groups(self) -> set[str]:
        """Name the groups that an agent belongs to, without case."""
        return {group.casefold() for one in self._agents.all() for group in one.groups}

    def keep(self) -> None:
        """Let every group's team have the agents that belong to it, where agents have changed.

        Whoever changes them does it, and the feeder for who died before.
        """
        if self._teams.is_in_step():
            return
        version = self._teams.version()
        self.sync({number: team for number, team in self._teams.all().items() if team.group})
        self._teams.note_in_step(version)

    def sync(self, teams: dict[int, Team]) -> None:
        """Let some groups' teams have the agents that belong to them now."""
        left = dict(teams)
        while left:
            version = self._teams.version()
            agents = self._agents.all()
            left = {
                number: team
                for number, team in left.items()
                if not self._teams.set_members(number, team.members_among(agents), version=version)
            }


class ListedTeams:
    """Numbers the teams that a list names.

    Args:
        when_busy: Stand-ins are rung also while the agent is on a call.
        new_groups: Groups are taken that no agent belongs to yet.
        makes: Teams without a number get one; else they are only counted, and nothing is written.
    """

    def __init__(
        self, db: Database, *, when_busy: bool, new_groups: bool = False, makes: bool = True
    ) -> None:
        self._book = TeamBook(db)
        self._teams = Teams(db)
        self._when_busy = when_busy
        self._new_groups = new_groups
        self._makes = makes
        self._groups: set[str] | None = None
        self._known: dict[Team, int] = {}
        self._by_agent: dict[str, Team] = {}

    def knows_group(self, name: str) -> bool:
        """Tell whether an agent belongs to a group of this name, or whether that does not matter."""
        if self._groups is None:
            self._groups = self._book.groups()
        return self._new_groups or name.casefold() in self._groups

    def number_of(self, team: Team) -> int:
        """Give a team's number."""
        if team not in self._known:
            self._known[team] = self._looked_up(team)
        return self._known[team]

    def team_of(self, agent: str) -> Team | None:
        """Give the team that stands where an agent's number would."""
        if len(self._by_agent) < len(self._known):
            self._by_agent = {f"+{number}": team for team, number in self._known.items()}
        return self._by_agent.get(agent)

    def _looked_up(self, team: Team) -> int:
        meant = team._replace(when_busy=bool(team.agents) and self._when_busy)
        if self._makes:
            return self._book.number_of(meant)
        # from above, where none is made for long
        return self._teams.find(meant) or MOST_TEAMS - len(self._known)
