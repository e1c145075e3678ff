"""Which teams have nobody free now: all away, or on calls and at rest."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from campaigns.agents.team import Team
from dialer.store.database import Database
from dialer.store.phones import Taken
from dialer.store.teams import Teams

_MOST_LOOKED_AT = 2_000  # teams of one campaign; stand-ins may differ from row to row


@dataclass(frozen=True, slots=True)
class TeamsTaken:
    """Teams that have nobody free, by what stands for an agent's digits.

    Args:
        on_call: Somebody of them is on a call or at rest.
        away: All of them are away, and until when the first of them is, epoch s; inf: not known.
    """

    on_call: frozenset[str]
    away: dict[str, float]


def members_of(db: Database, numbers: Collection[str]) -> dict[str, tuple[Team, list[str]]]:
    """Tell what teams are, and the digits of those who belong to them; of the first of many."""
    asked = list(islice(numbers, _MOST_LOOKED_AT))
    teams = Teams(db)
    known = teams.get([int(one) for one in asked])
    groups = teams.members([number for number, team in known.items() if team.group])
    return {
        str(number): (team, groups.get(number) or [one[1:] for one in team.agents])
        for number, team in known.items()
    }


def teams_taken(db: Database, numbers: Collection[str], taken: Taken) -> TeamsTaken:
    """Tell which of these teams have nobody free."""
    on_call: set[str] = set()
    away: dict[str, float] = {}
    gone = taken.away.keys() - taken.on_call
    busy = taken.on_call.keys() | taken.resting
    for number, (team, members) in members_of(db, numbers).items():
        if gone.issuperset(members):
            away[number] = min((taken.away[one] for one in members), default=math.inf)
        elif _has_nobody(team, members, gone, busy, taken.parked):
            on_call.add(number)
    return TeamsTaken(frozenset(on_call), away)


def _has_nobody(
    team: Team,
    members: Collection[str],
    gone: Collection[str],
    busy: Collection[str],
    parked: Collection[str],
) -> bool:
    for one in members:
        if one not in gone and one not in busy:
            return False
        if team.agents and not team.when_busy and one not in gone and one not in parked:
            return True  # nobody stands in for who is merely on a call
    return True
