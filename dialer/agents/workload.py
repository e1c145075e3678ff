"""Use case: how many contacts each agent has, where some are for teams, and in which shifts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaigns.agents.shift import Shift
from campaigns.agents.team import Team
from dialer.store.agents import AgentStore
from dialer.store.database import Database


@dataclass(frozen=True, slots=True)
class Workload:
    """What agents have to do.

    Args:
        contacts: By agent; of a team nobody belongs to yet, as if it were one agent.
        busiest: The most contacts of an agent of each shift; None: of those without.
    """

    contacts: dict[str, int]
    busiest: dict[Shift | None, int]


def workload(
    db: Database, of_agents: Mapping[str, int], of_teams: Iterable[tuple[Team, int]]
) -> Workload:
    """Share the contacts of groups among those who belong to them; stand-ins are not counted on.

    Args:
        of_agents: Contacts by the agent they are for, E.164.
    """
    registered = {one.number: one for one in AgentStore(db).all()}
    contacts = Counter(dict(of_agents))
    for team, count in of_teams:
        members = sorted(team.members_among(registered.values())) if team.group else []
        ours = members or [*team.agents[:1]] or [str(team)]
        each, left = divmod(count, len(ours))
        contacts.update({one: each + (at < left) for at, one in enumerate(ours)})
    busiest: dict[Shift | None, int] = {}
    for number, count in contacts.items():
        shift = registered[number].shift if number in registered else None
        busiest[shift] = max(count, busiest.get(shift, 0))
    return Workload({one: count for one, count in contacts.items() if count}, busiest)
