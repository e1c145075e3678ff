"""Use case: where agents are: on, on a break, off; said by themselves, a supervisor or a program.

It counts at once: the gate asks right before every call, and a call in progress goes on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from campaigns.agents.agent import BY_HAND, Agent, Presence
from campaigns.plain_text import LONGEST_REASON, plain_line
from campaigns.sentence import told
from dialer.deeds import deed_under_way, tell
from dialer.errors import NotDone
from dialer.store.agents import AgentStore, SetPresence, Whereabouts
from dialer.store.database import Database

LONGEST_BREAK = timedelta(days=366)


class BadPresence(NotDone):
    """What was said of an agent cannot be; the message says what can."""


class Presences:
    """Reads and changes where agents are."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._store = AgentStore(db)

    def set(
        self,
        agents: Sequence[Agent],
        state: Presence,
        *,
        reason: str = "",
        until_s: float | None = None,
        by: str = "",
    ) -> list[Presence]:
        """Say where agents are from now on; gives where each was.

        Args:
            until_s: When who is away comes back by themselves, epoch s; None: until somebody says so.
            by: Who says so; '' = whoever does what is being recorded.

        Raises:
            BadPresence: It is no state that people set, or the end has come or is a year away.
            NotPlain: The reason is longer than a line, or holds control characters.
        """
        if state not in BY_HAND:
            raise BadPresence(
                told("an agent is put on, on a break or off; {state} comes by itself", state=state)
            )
        if until_s is not None:
            self._check_end(state, until_s)
        reason = plain_line(reason, told("the reason"), most=LONGEST_REASON)
        by = by or doer()
        was = self._store.set_presence(
            [
                SetPresence(one.number[1:], state, reason, by, _back_at(one, until_s))
                for one in agents
            ]
        )
        tell(
            on=f"agents {', '.join(one.id for one in agents[:20])}",
            before={one.id: at for one, at in zip(agents[:20], was, strict=False)},
            after={"state": state, "reason": reason, "until": until_s, "agents": len(agents)},
        )
        return [one or state for one in was]

    def of(self, agents: Sequence[Agent]) -> list[Whereabouts]:
        """Tell where agents are."""
        return self._store.presence_of([one.number for one in agents])

    def _check_end(self, state: Presence, until_s: float) -> None:
        if state is Presence.ON:
            raise BadPresence(told("who is on stays on until somebody says otherwise: give no end"))
        now_s = self._db.now()
        if not now_s < until_s <= now_s + LONGEST_BREAK.total_seconds():
            raise BadPresence(told("the end must lie ahead, by a year at most"))


def _back_at(agent: Agent, until_s: float | None) -> float | None:
    """Tell when who is away until then is back, epoch s: within their shift; None: not by themselves."""
    if until_s is None or agent.shift is None:
        return until_s
    shift = agent.shift.at(datetime.fromtimestamp(until_s, UTC))
    if shift.is_on:
        return until_s
    return shift.changes_at.timestamp() if shift.changes_at else None


def doer() -> str:
    """Name whoever does what is being recorded; '' = nobody is."""
    deed = deed_under_way()
    return deed.actor.name if deed else ""
