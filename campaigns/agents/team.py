"""A team: what contacts share that name no single agent. A group, or an agent with stand-ins."""

from collections.abc import Iterable
from typing import NamedTuple

from campaigns.agents.agent import Agent

MOST_TEAMS = 999_999
"""A team's number is no phone's, since those have seven digits at least."""
MOST_STAND_INS = 10


def is_team(number: str) -> bool:
    """Tell whether what stands where an agent's number would is a team's: `+17`."""
    return 2 <= len(number) <= 7 and number != "+0"


class Team(NamedTuple):
    """Who may be rung for a contact.

    Args:
        group: Its name; '' for an agent with stand-ins.
        languages: Whoever is rung speaks one of them, where there are any.
        skills: Whoever is rung has all of them.
        agents: E.164, the agent first and then the stand-ins as they are preferred; empty for a group.
        when_busy: A stand-in is rung also while those before are on a call, and not only away.
    """

    group: str = ""
    languages: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    when_busy: bool = False

    def __str__(self) -> str:
        if not self.group:
            return f"{self.agents[0]} or stand-ins"
        wanted = ", ".join((*self.languages, *self.skills))
        return f"group {self.group} ({wanted})" if wanted else f"group {self.group}"

    @property
    def key(self) -> "Team":
        """The same for teams that differ in spelling alone."""
        languages, skills = (
            tuple(sorted({one.casefold() for one in words}))
            for words in (self.languages, self.skills)
        )
        return self._replace(group=self.group.casefold(), languages=languages, skills=skills)

    def members_among(self, agents: Iterable[Agent]) -> set[str]:
        """Give those of some agents, by number, who belong to a group's team."""
        wanted = self.group.casefold()
        return {
            one.number
            for one in agents
            if wanted in {group.casefold() for group in one.groups}
            and one.fits(self.languages, self.skills)
        }
