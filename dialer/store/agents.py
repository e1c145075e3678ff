"""Agents in Redis: who they are, where they are, and a log of where they were.

Scripts know an agent by the digits of the number; people and addresses by an id.
"""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from campaigns.agents.agent import Agent, Presence
from campaigns.agents.shift import Shift
from dialer.ids import new_nonce
from dialer.store.database import Database, text, text_fields, texts
from dialer.store.scripts import gives

_TOGETHER = 500
_SAID_TOGETHER = 100  # by a script, of some ten commands for each: nobody else is served meanwhile


class SetPresence(NamedTuple):
    """Where an agent is from now on.

    Args:
        agent: Digits.
        by: Who says so.
        until_at: Epoch s; None: until somebody says otherwise.
        over: Only where they are in one of these states now, apart by commas; None: whatever it is.
    """

    agent: str
    state: str
    reason: str
    by: str
    until_at: float | None = None
    over: str | None = None


@gives("presence")
class SetPresences(NamedTuple):
    """Where agents are from now on."""

    agents: Sequence[SetPresence]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an agent is.

    Args:
        since: Epoch s; None: nobody ever said.
        until: Epoch s; None: until somebody says otherwise, or they are on.
        by: Who said so.
    """

    state: Presence
    reason: str = ""
    by: str = ""
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """An entry of the log: from `at` on, epoch s, the agent of this id was so, and otherwise before."""

    agent_id: str
    at: float
    state: Presence
    reason: str
    by: str
    was: Presence = Presence.ON


Told = list[tuple[int, str]]
"""From when on, epoch s, an agent was so."""


class AgentStore:
    """Reads and writes the registry of agents."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> list[Agent]:
        """Read every agent, by number."""
        stored = text_fields(self._db.client.hgetall(self._db.key("agents")))
        return sorted(itertools.starmap(_agent, stored.items()), key=lambda agent: agent.number)

    def get(self, numbers: Sequence[str]) -> list[Agent | None]:
        """Read agents by their numbers, E.164 with a plus."""
        if not numbers:
            return []
        digits = [one[1:] for one in numbers]
        stored = cast("Any", self._db.client.hmget(self._db.key("agents"), digits))
        return [_agent(*one) if one[1] else None for one in zip(digits, stored, strict=True)]

    def names(self, numbers: Iterable[str]) -> dict[str, str]:
        """Read the names of agents by their numbers; one without a name is not in it."""
        found = self.get([one for one in {*numbers} if one.startswith("+")])
        return {one.number: one.name for one in found if one and one.name}

    def number_of(self, id_: str) -> str | None:
        """Tell the number of an agent by their id."""
        digits = text(self._db.client.hget(self._db.key("agent_ids"), id_))
        return f"+{digits}" if digits else None

    def put(self, agents: Sequence[Agent], *, shift_changes: dict[str, float]) -> list[Agent]:
        """Write agents; who has no id gets one. Gives them as they stand.

        Args:
            shift_changes: When shifts are to be looked at next, epoch s, by number.
        """
        made = [one if one.id else replace(one, id=new_nonce()) for one in agents]
        with self._db.client.pipeline(transaction=True) as pipe:
            pipe.incr(self._db.key("agents_version"))
            for one in made:
                digits = one.number[1:]
                pipe.hset(self._db.key("agents"), digits, _as_json(one))
                pipe.hset(self._db.key("agent_ids"), one.id, digits)
                if one.most_calls_a_day:
                    pipe.hset(self._db.key("most_calls"), digits, one.most_calls_a_day)
                else:
                    pipe.hdel(self._db.key("most_calls"), digits)
                if one.number in shift_changes:
                    pipe.zadd(self._db.key("shift_changes"), {digits: shift_changes[one.number]})
                else:
                    pipe.zrem(self._db.key("shift_changes"), digits)
            pipe.execute()
        return made

    def remove(self, agents: Sequence[Agent]) -> None:
        """Forget who agents are; where they are stays."""
        with self._db.client.pipeline(transaction=True) as pipe:
            pipe.incr(self._db.key("agents_version"))
            for one in agents:
                pipe.hdel(self._db.key("agent_ids"), one.id)
                for name in ("agents", "most_calls"):
                    pipe.hdel(self._db.key(name), one.number[1:])
                pipe.zrem(self._db.key("shift_changes"), one.number[1:])
            pipe.execute()

    def shifts_due(self, *, now_s: float) -> list[Agent]:
        """Read the agents whose shift changes by then, epoch s."""
        where = self._db.key("shift_changes")
        due = texts(self._db.client.zrangebyscore(where, "-inf", now_s, start=0, num=_TOGETHER))
        return [one for one in self.get([f"+{digits}" for digits in due]) if one]

    def set_shift_changes(self, changes: dict[str, float | None]) -> None:
        """Note when shifts change next, epoch s by number; None: they do not."""
        where = self._db.key("shift_changes")
        known = {number[1:]: at for number, at in changes.items() if at is not None}
        never = [number[1:] for number, at in changes.items() if at is None]
        if known:
            self._db.client.zadd(where, known)
        if never:
            self._db.client.zrem(where, *never)

    def set_presence(self, changes: Sequence[SetPresence]) -> list[Presence | None]:
        """Say where agents are; gives where each was, None where that stays as it is."""
        answers: list[Any] = []
        for at in range(0, len(changes), _SAID_TOGETHER):
            answers += self._db.run_for_each(SetPresences(changes[at : at + _SAID_TOGETHER]))
        return [Presence(text(was)) if text(ok) == "ok" else None for ok, was in answers]

    def presence_of(self, numbers: Sequence[str]) -> list[Whereabouts]:
        """Tell where agents are, in two round trips."""
        if not numbers:
            return []
        digits = [one[1:] for one in numbers]
        with self._db.client.pipeline(transaction=False) as pipe:
            pipe.hmget(self._db.key("presence"), digits)
            pipe.zmscore(self._db.key("away"), digits)
            pipe.hmget(self._db.key("parked"), digits)
            told, away, parked = cast("Any", pipe.execute())
        now_s = self._db.now()
        return [_where(*one, now_s=now_s) for one in zip(told, away, parked, strict=True)]

    def whereabouts(self, *, from_s: float, until_s: float) -> dict[str, Told]:
        """Tell where agents were between two instants, epoch s; who was on all the time is left out.

        Where nothing is in the log since, an agent is as they are now: each entry tells what was before.
        """
        agents = self.all()
        changes: dict[str, list[PresenceChange]] = {}
        for change in self.log(from_s=from_s, until_s=self._db.now()):
            changes.setdefault(change.agent_id, []).append(change)
        now = self.presence_of([one.number for one in agents])
        found = {}
        for agent, at in zip(agents, now, strict=True):
            mine = changes.get(agent.id, [])
            first = mine[0].was if mine else at.state
            later = [(int(one.at), str(one.state)) for one in mine if one.at < until_s]
            if later or first is not Presence.ON:
                found[agent.id] = [(int(from_s), str(first)), *later]
        return found

    def log(self, *, from_s: float, until_s: float) -> Iterator[PresenceChange]:
        """Read changes of presence between two instants, epoch s, the oldest first."""
        start = f"{int(from_s * 1000)}"
        while True:
            read = cast(
                "list[tuple[bytes, dict[bytes, bytes]]]",
                self._db.client.xrange(
                    self._db.key("presence_log"), start, int(until_s * 1000), count=_TOGETHER
                ),
            )
            yield from (_change(fields) for _, fields in read)
            if len(read) < _TOGETHER:
                return
            start = f"({text(read[-1][0])}"


def _where(
    told: bytes | None, away: float | None, parked: bytes | None, *, now_s: float
) -> Whereabouts:
    said = json.loads(told) if told else {}
    since = float(said["since"]) if said else None
    if away is not None and away > now_s:
        state = Presence(said.get("state", Presence.OFF))
        until = None if math.isinf(away) else away
        return Whereabouts(state, said.get("reason", ""), said.get("by", ""), since, until)
    if parked and float(parked) > now_s:
        return Whereabouts(Presence.MISSED, until=float(parked))
    if said.get("state", Presence.ON) != Presence.ON:
        return Whereabouts(Presence.ON, since=away)  # their time is over; nobody noted it yet
    return Whereabouts(Presence.ON, said.get("reason", ""), said.get("by", ""), since)


def _change(fields: dict[bytes, bytes]) -> PresenceChange:
    told = text_fields(fields)
    return PresenceChange(
        told["agent"],
        float(told["at"]),
        Presence(told["state"]),
        told["reason"],
        told["by"],
        Presence(told.get("was", Presence.ON)),
    )


def _as_json(agent: Agent) -> str:
    plain = {
        "id": agent.id,
        "name": agent.name,
        "groups": agent.groups,
        "languages": agent.languages,
        "skills": agent.skills,
        "shift": str(agent.shift) if agent.shift else "",
        "zone": agent.shift.zone.key if agent.shift else "",
        "most": agent.most_calls_a_day,
    }
    return json.dumps({name: value for name, value in plain.items() if value or name == "id"})


def _agent(digits: str, stored: str | bytes) -> Agent:
    told = json.loads(stored)
    shift = told.get("shift")
    return Agent(
        number=f"+{digits}",
        id=told["id"],
        name=told.get("name", ""),
        groups=tuple(told.get("groups", ())),
        languages=tuple(told.get("languages", ())),
        skills=tuple(told.get("skills", ())),
        shift=Shift.parse(shift, ZoneInfo(told["zone"])) if shift else None,
        most_calls_a_day=told.get("most", 0),
    )
