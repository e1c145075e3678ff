"""Use case: what every agent with work left is doing, and how many calls they missed in a row."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from campaigns.agents.team import is_team
from dialer.store import Campaign, Campaigns, Database
from dialer.store.phones import calls_missed
from dialer.store.waiting import waiting_of
from dialer.watching.overview import AgentNow, agent_states, busy_agents
from dialer.watching.teams_now import members_of


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent.

    Args:
        waiting: Contacts that wait for them, due now or later.
        missed: Calls they missed in a row; one that is parked begins anew.
    """

    number: str
    now: AgentNow
    waiting: int
    missed: int


@dataclass(frozen=True, slots=True)
class AgentsNow:
    """Agents by number, and how many contacts wait for teams, whose agents are among them."""

    agents: tuple[AgentLine, ...]
    teams: dict[str, int]


def agents_now(db: Database, campaign: Campaign | None = None) -> AgentsNow:
    """Tell what agents are doing.

    Args:
        campaign: Those with contacts waiting in it; None: in any campaign, and all who are busy.
    """
    living = Campaigns(db).unarchived() if campaign is None else [campaign]
    asked = [one for one in living if one is campaign or not one.state.is_over]
    waiting: Counter[str] = Counter()
    for one in asked:
        numbers, counts = np.unique(
            waiting_of(db, one.id, size=one.accepted).agent, return_counts=True
        )
        waiting.update({f"+{n}": int(count) for n, count in zip(numbers, counts, strict=True)})
    teams = members_of(db, [one[1:] for one in waiting if is_team(one)])
    members = {f"+{one}" for _, members in teams.values() for one in members}
    listed = {one for one in waiting if not is_team(one)} | members
    ordered = sorted(listed if campaign else listed | busy_agents(db).keys())
    states = agent_states(db, ordered)
    missed = calls_missed(db, [one[1:] for one in ordered])
    lines = (
        AgentLine(one, states[one], waiting[one], times)
        for one, times in zip(ordered, missed, strict=True)
    )
    waiting_teams = {str(team): waiting[f"+{number}"] for number, (team, _) in teams.items()}
    return AgentsNow(tuple(lines), waiting_teams)
