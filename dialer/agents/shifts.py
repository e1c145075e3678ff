"""Use case: agents go and come as their shifts end and begin.

The instant at which each agent's shift changes next is noted, so that a look costs nothing while none
does. What a person said within a shift stands until its end; who is off stays off.
"""

from collections.abc import Sequence
from datetime import datetime

from campaigns.agents.agent import Agent, Presence
from dialer.store.agents import AgentStore, SetPresence
from dialer.store.database import Database

_BY = "shift"
_ENDED_BY_SHIFT = f"{Presence.ON},{Presence.BREAK},{Presence.FULL},{Presence.MISSED}"


class Shifts:
    """Sends agents away and lets them come back; any number of processes may look."""

    def __init__(self, db: Database) -> None:
        self._agents = AgentStore(db)

    def keep(self, now: datetime) -> int:
        """Do what is due by now, by Redis' clock; gives for how many agents."""
        done = 0
        while due := self._agents.shifts_due(now_s=now.timestamp()):
            self.apply(due, now)
            done += len(due)
        return done

    def apply(self, agents: Sequence[Agent], now: datetime) -> None:
        """Let agents be where their shifts put them, and note when those change next."""
        changes: dict[str, float | None] = {}
        said: list[SetPresence] = []
        for agent in agents:
            said.append(_said(agent, now))
            at = agent.shift.at(now).changes_at if agent.shift else None
            changes[agent.number] = at.timestamp() if at else None
        self._agents.set_presence(said)
        # last: who dies before looks again
        self._agents.set_shift_changes(changes)


def _said(agent: Agent, now: datetime) -> SetPresence:
    digits = agent.number[1:]
    shift = agent.shift.at(now) if agent.shift else None
    if shift is None or shift.is_on:
        return SetPresence(digits, Presence.ON, "", _BY, over=Presence.SHIFT)
    begins = shift.changes_at
    reason = (
        f"until {begins.astimezone(agent.shift.zone):%a %H:%M}" if begins and agent.shift else ""
    )
    return SetPresence(
        digits,
        Presence.SHIFT,
        reason,
        _BY,
        until_at=begins.timestamp() if begins else None,
        over=_ENDED_BY_SHIFT,
    )
