"""Moves in Redis: waiting contacts that were given to another agent, kept for some days to be undone."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from campaigns.contact_state import ContactState
from dialer.store.contacts import pinned_in, states_of
from dialer.store.database import Database, text_fields, texts
from dialer.store.finding import Part, contacts_with
from dialer.store.scripts import gives
from dialer.store.search_index import entries
from dialer.store.zones_and_teams import teams_in_each

KEPT_S = 7 * 86400
"""How long a move can be undone."""
_TOGETHER = 200  # some milliseconds in which nobody else is served
_MOST_SHOWN = 50


@gives("move")
class MoveContacts(NamedTuple):
    """Contacts that are to wait for somebody else.

    Args:
        move: Its id.
        source: For whom they wait: an agent's digits, or a team's number.
        target: Likewise, for whom from now on.
        keep_s: How long is kept which were moved.
        told: JSON of what the event tells.
        entry: Of the search index; it has the target's number.
        contacts: By their numbers, the lowest first.
    """

    campaign: str
    move: str
    source: str
    target: str
    keep_s: int
    told: str
    entry: bytes
    contacts: Sequence[int]


class MovedPart(NamedTuple):
    """Contacts of one campaign that a move took from one agent or team."""

    campaign: str
    source: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Move:
    """A move, as it is kept.

    Args:
        agent_id: Whose contacts they were; '' = of somebody who is not registered.
        source: Their digits; '' = they were purged, and so is the next one.
        target: Digits, or a team's number.
        to: Who they wait for, in a word: an agent's id or a group.
        ended_at: Epoch s; None: it goes on, or broke off.
        undoes: The move that this one undid; '' = none.
        undone_by: The move that undid this one; '' = none did.
    """

    id: str
    agent_id: str
    source: str
    target: str
    to: str
    by: str
    at: float
    ended_at: float | None
    undoes: str
    undone_by: str
    parts: tuple[MovedPart, ...]

    @property
    def moved(self) -> int:
        """How many contacts it moved."""
        return sum(one.contacts for one in self.parts)


class Moves:
    """Reads and writes moves."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def waiting(
        self, digits: str, *, sizes: Mapping[str, int], teams: Collection[str]
    ) -> dict[str, dict[str, list[int]]]:
        """Give the waiting contacts of an agent, by campaign and by the digits, or the team, they name.

        Args:
            sizes: How many contacts each campaign has that is looked through.
            teams: Numbers of those whose contacts are the agent's as well.
        """
        found: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
        with_teams = teams_in_each(self._db, list(sizes)) if teams else []
        named = {digits: list(sizes)} | {
            team: [one for one, some in zip(sizes, with_teams, strict=True) if team in some]
            for team in teams
        }
        for source, campaigns in named.items():
            parts = [Part(one, sizes[one]) for one in campaigns]
            waits = contacts_with(
                self._db,
                parts,
                digits=source,
                is_whole=True,
                is_agents=True,
                state=ContactState.WAITING,
            )
            for campaign, n in waits:
                found[campaign].setdefault(source, []).append(n)
        for campaign, numbers in self._pinned(digits, sizes).items():
            found[campaign][digits] = sorted([*found[campaign].get(digits, []), *numbers])
        return found

    def _pinned(self, digits: str, sizes: Mapping[str, int]) -> dict[str, list[int]]:
        """Give the waiting contacts of teams that are to be called back by this agent alone."""
        found = {}
        for campaign, pinned in zip(sizes, pinned_in(self._db, list(sizes)), strict=True):
            theirs = [n for n, agent in pinned.items() if agent == f"+{digits}"]
            standing = zip(
                theirs, states_of(self._db, campaign, theirs) if theirs else (), strict=True
            )
            if waits := [n for n, state in standing if state is ContactState.WAITING]:
                found[campaign] = waits
        return found

    def begin(self, move: Move) -> None:
        """Note a move before it moves anybody."""
        told: dict[Any, Any] = {
            name: getattr(move, name)
            for name in ("agent_id", "source", "target", "to", "by", "at", "undoes")
        }
        now_s, key = self._db.now(), self._db.key("moves")
        with self._db.client.pipeline(transaction=True) as pipe:
            pipe.hset(self._db.key("move", move.id), mapping=told)
            pipe.expire(self._db.key("move", move.id), KEPT_S)
            pipe.zadd(key, {move.id: now_s})
            pipe.zremrangebyscore(key, "-inf", now_s - KEPT_S)
            pipe.execute()

    def end(self, move: Move) -> None:
        """Note that a move is whole; one that undid another is noted with that."""
        key = self._db.key("move", move.undoes)
        if move.undoes and self._db.client.exists(key):
            self._db.client.hset(key, "undone_by", move.id)
        self._db.client.hset(self._db.key("move", move.id), "ended_at", self._db.now())

    def move(
        self,
        part: MovedPart,
        move: Move,
        target: str,
        numbers: Sequence[int],
        *,
        told: dict[str, Any],
    ) -> int:
        """Let these contacts wait for somebody else, some hundreds at a time; gives how many did."""
        done = moved = 0
        entry = entries([np.array([int(target)])], [""])
        while done < len(numbers):
            some = numbers[done : done + _TOGETHER]
            where = (part.campaign, move.id, part.source, target)
            looked_at, these = self._db.run(
                MoveContacts(*where, KEPT_S, json.dumps(told), entry, some)
            )
            done, moved = done + int(looked_at), moved + int(these)
        return moved

    def numbers(self, move: Move, part: MovedPart) -> list[int]:
        """Give the contacts that a move took from one agent or team, the lowest first."""
        key = self._db.key("moved", move.id, part.campaign, part.source)
        stored = cast("bytes | None", self._db.client.get(key)) or b""
        found: list[int] = np.unique(np.frombuffer(stored, dtype="<u4")).tolist()
        return found

    def find(self, id_: str) -> Move | None:
        """Read a move; None: there is none, or it is too long ago."""
        stored = self._db.read_hashes([self._db.key("move", id_)])[0]
        known = text_fields(stored)
        return _move(id_, known) if "at" in known else None

    def recent(self) -> Iterator[Move]:
        """Read the last moves, the newest first."""
        key = self._db.key("moves")
        ids = texts(self._db.client.zrevrange(key, 0, _MOST_SHOWN - 1))
        return (found for one in ids if (found := self.find(one)))


def _move(id_: str, known: dict[str, str]) -> Move:
    parts = [name.partition("/") for name in known if "/" in name]
    ended_at = known.get("ended_at")
    return Move(
        id=id_,
        agent_id=known.get("agent_id", ""),
        source=known.get("source", ""),
        target=known.get("target", ""),
        to=known.get("to", ""),
        by=known.get("by", ""),
        at=float(known["at"]),
        ended_at=float(ended_at) if ended_at else None,
        undoes=known.get("undoes", ""),
        undone_by=known.get("undone_by", ""),
        parts=tuple(
            MovedPart(campaign, source, int(known[f"{campaign}/{source}"]))
            for campaign, _, source in parts
        ),
    )
