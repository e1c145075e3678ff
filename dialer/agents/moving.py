"""Use case: waiting contacts of one agent are given to another agent, or to a group; and back.

Each step of it is whole by itself, so whoever is killed in the middle has moved some and lost none: to ask
again moves the rest. What is being dialled, or open, stays with its agent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.agents.agent import Agent
from campaigns.agents.team import Team
from campaigns.campaign import CampaignState
from campaigns.sentence import told
from dialer.agents.presence import doer
from dialer.agents.teams import TeamBook
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import new_nonce
from dialer.store import Campaign, Campaigns
from dialer.store.agents import AgentStore
from dialer.store.database import Database
from dialer.store.moves import Move, MovedPart, Moves
from dialer.store.teams import Teams

_OPEN = (CampaignState.LOADED, CampaignState.RUNNING, CampaignState.PAUSED)


class NotMoved(NotDone):
    """Contacts are not moved; says why, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Who contacts are to wait for.

    Args:
        number: An agent's digits, or a team's number.
        word: The agent's id, or the group; a number is told to nobody.
    """

    number: str
    word: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for an agent in one campaign: contacts by the digits, or the team, they name."""

    campaign: Campaign
    numbers: dict[str, list[int]]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self.numbers.values()))


class Moving:
    """Moves contacts, and takes moves back."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._moves = Moves(db)
        self._campaigns = Campaigns(db)

    def to_agent(self, agent: Agent) -> Destination:
        """Name an agent as who contacts are to wait for."""
        return Destination(agent.number[1:], agent.id)

    def to_group(self, group: str) -> Destination:
        """Name a group likewise.

        Raises:
            NotMoved: No agent belongs to it.
        """
        names = {name.casefold(): name for one in AgentStore(self._db).all() for name in one.groups}
        known = names.get(" ".join(group.split()).casefold())
        if known is None:
            raise NotMoved(told("no agent belongs to a group {group}", group=group))
        return Destination(str(TeamBook(self._db).number_of(Team(group=known))), known)

    def waiting(self, agent: Agent, *, campaign: Campaign | None = None) -> list[Waiting]:
        """Give what waits for an agent, alone or with stand-ins, in campaigns that are not over."""
        sizes = {campaign.id: campaign.accepted} if campaign else self._campaigns.sizes_in(*_OPEN)
        standing = [
            str(number)
            for number, team in Teams(self._db).all().items()
            if team.agents[:1] == (agent.number,)
        ]
        found = self._moves.waiting(agent.number[1:], sizes=sizes, teams=standing)
        campaigns = self._campaigns.readable([one for one in sizes if one in found])
        return [Waiting(one, found[one.id]) for one in campaigns]

    def move(self, agent: Agent, to: Destination, waiting: Sequence[Waiting]) -> Move:
        """Let those of these contacts that still wait for the agent wait for somebody else.

        Raises:
            NotMoved: They wait for whom they are to wait for, or none waits.
        """
        if to.number == agent.number[1:]:
            raise NotMoved(
                told("an agent's contacts are moved to somebody else, not to themselves")
            )
        if not waiting:
            raise NotMoved(told("no contact waits for this agent in a campaign that is not over"))
        move = self._begin(agent.id, agent.number[1:], to)
        for one in waiting:
            for source, numbers in one.numbers.items():
                if source != to.number:
                    self._move(move, one.campaign.id, source, to, numbers)
        return self._end(move, asked=sum(one.count for one in waiting))

    def undo(self, id_: str) -> Move:
        """Give back the contacts of a move that still wait for whom it moved them to.

        Raises:
            NotMoved: There is no such move, it was undone before, or its numbers were purged.
        """
        move = self._moves.find(id_)
        if move is None:
            raise NotMoved(
                told("no move {id} is known; moves can be undone for seven days", id=id_)
            )
        if move.undone_by:
            raise NotMoved(told("move {id} was undone already", id=id_))
        if not move.source or not move.target:
            raise NotMoved(told("move {id} cannot be undone: a number of it was purged", id=id_))
        undoing = self._begin(
            move.agent_id, move.target, Destination(move.source, move.agent_id), move.id
        )
        for part in move.parts:
            numbers = self._moves.numbers(move, part)
            back = Destination(part.source, move.agent_id)
            self._move(undoing, part.campaign, move.target, back, numbers)
        return self._end(undoing, asked=move.moved)

    def recent(self) -> list[Move]:
        """Give the last moves, the newest first."""
        return list(self._moves.recent())

    def _begin(self, agent_id: str, source: str, to: Destination, undoes: str = "") -> Move:
        move = Move(
            id=new_nonce(),
            agent_id=agent_id,
            source=source,
            target=to.number,
            to=to.word,
            by=doer(),
            at=self._db.now(),
            ended_at=None,
            undoes=undoes,
            undone_by="",
            parts=(),
        )
        self._moves.begin(move)
        return move

    def _move(
        self, move: Move, campaign: str, source: str, to: Destination, numbers: Sequence[int]
    ) -> None:
        told = {"move": move.id, "agent_id": move.agent_id, "to": to.word, "by": move.by}
        self._moves.move(MovedPart(campaign, source, 0), move, to.number, numbers, told=told)

    def _end(self, move: Move, *, asked: int) -> Move:
        self._moves.end(move)
        done = self._moves.find(move.id) or move
        tell(
            on=f"agent {move.agent_id or 'not registered'}",
            before={"waiting": asked},
            after={
                "move": move.id,
                "to": move.to,
                "moved": done.moved,
                "campaigns": [one.campaign for one in done.parts][:20],
                **({"undoes": move.undoes} if move.undoes else {}),
            },
        )
        return done
