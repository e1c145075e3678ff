"""Use case: teams get their numbers, and groups the agents that belong to them."""

from campaigns.agents.team import Team
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

    def sync_all(self) -> None:
        """Let every group's team have the agents that belong to it now."""
        self.sync({number: team for number, team in self._teams.all().items() if team.group})

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
