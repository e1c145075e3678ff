"""Use case: who the agents are: taken from a list, changed, and found by id or number."""

import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from campaigns.agents.agent import Agent, Presence
from campaigns.agents.shift import Shift
from campaigns.lists.agents_list import AgentsList, ListedAgent, read_agents
from campaigns.lists.judged_rows import csv_line
from campaigns.lists.open_file import open_source
from campaigns.lists.source import AS_FOUND, ListLimits, ReadingChoice
from campaigns.numbers.phone import Phone, parse_phone
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import told
from dialer.access.agent_links import AgentLinks
from dialer.agents.shifts import Shifts
from dialer.agents.teams import TeamBook
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.store.agents import AgentStore, SetPresence
from dialer.store.database import Database
from dialer.workbooks.apart import open_workbook_apart

_REMOVED = "removed"


class AgentNotTaken(NotDone):
    """What was said of an agent cannot be; says which cell, and what to write."""


class UnknownAgent(NotDone):
    """No agent of this id or number is registered."""


@dataclass(frozen=True, slots=True)
class AgentsLoaded:
    """What became of a list.

    Args:
        listed: Its rows: those taken, and those rejected with their reasons.
        new: Agents who were not registered before.
        changed: Those who were, and are otherwise now.
        agents: Both, as they are from now on.
    """

    listed: AgentsList
    new: int
    changed: int
    agents: tuple[Agent, ...] = ()


class Registry:
    """Reads and changes who the agents are."""

    def __init__(self, db: Database, *, phone_rules: PhoneRules, zone: ZoneInfo) -> None:
        self._db = db
        self._store = AgentStore(db)
        self._shifts = Shifts(db)
        self._rules = phone_rules
        self._zone = zone

    def load(self, file: BinaryIO, *, reading: ReadingChoice = AS_FOUND) -> AgentsLoaded:
        """Take a list; agents who do not stand in it stay as they are.

        Raises:
            CampaignFileError: The file as a whole cannot be used.
        """
        loaded = self.check(file, reading=reading)
        self.put(loaded.agents)
        told = {"new": loaded.new, "changed": loaded.changed}
        tell(on="agents", after=told | {"rejected": len(loaded.listed.rejected)})
        return loaded

    def check(self, file: BinaryIO, *, reading: ReadingChoice = AS_FOUND) -> AgentsLoaded:
        """Judge a list, and tell what would become of it; nothing is written.

        Raises:
            CampaignFileError: The file as a whole cannot be used.
        """
        source = open_source(file, ListLimits(), reading=reading, workbooks=open_workbook_apart)
        with closing(source):
            listed = read_agents(source, self._rules, self._zone)
        known = self._known(listed.taken)
        agents = [one.upon(known.get(one.number)) for one in listed.taken]
        changed = tuple(one for one in agents if one != known.get(one.number))
        new = sum(1 for one in changed if one.number not in known)
        return AgentsLoaded(listed, new, len(changed) - new, changed)

    def add(self, cells: Mapping[str, str]) -> Agent:
        """Register one agent, or change one, judged as a row of a list is.

        Args:
            cells: By the names of a list's columns; what is left out stays as it is.

        Raises:
            AgentNotTaken: Says what is wrong with which cell.
        """
        loaded = self.load(io.BytesIO("".join(map(csv_line, (cells, cells.values()))).encode()))
        for rejected in loaded.listed.rejected:
            raise AgentNotTaken(rejected.says)
        return self.find(loaded.listed.taken[0].number)

    def remove(self, agents: Sequence[Agent]) -> None:
        """Take agents off the register: off for good, in no group, and their links open nothing.

        What they did stays in reports, and contacts for them alone wait for somebody to move them. Who is
        registered again is on again.
        """
        digits = [one.number[1:] for one in agents]
        # first, while the log of presence can tell who they were
        self._store.set_presence([SetPresence(one, Presence.OFF, _REMOVED, "") for one in digits])
        links = AgentLinks(self._db)
        for one in agents:
            links.revoke(one.id)
        self._store.remove(agents)
        TeamBook(self._db).keep()
        told = {one.id: one.name for one in agents[:20]}
        tell(on=f"agents {', '.join(told)}", before={"agents": told}, after={"agents": len(agents)})

    def put(self, agents: Sequence[Agent]) -> list[Agent]:
        """Write agents as they are from now on, and let their shifts count at once."""
        if not agents:
            return []
        now = datetime.fromtimestamp(self._db.now(), UTC)
        known = dict(zip((one.number for one in agents), self._get(agents), strict=True))
        agents = [
            replace(one, id=was.id) if not one.id and (was := known[one.number]) else one
            for one in agents
        ]
        # looked at again at once, should we die before the shifts are applied
        at_once = {one.number: now.timestamp() for one in agents if one.shift}
        stored = self._store.put(agents, shift_changes=at_once)
        # who was removed, and is back
        again = [one.number[1:] for one in stored if not known[one.number]]
        back = [SetPresence(one, Presence.ON, "", "", over=Presence.OFF) for one in again]
        self._store.set_presence(back)
        self._shifts.apply(stored, now)
        TeamBook(self._db).keep()
        self._store.set_presence(
            [
                SetPresence(one.number[1:], Presence.ON, "", "", over=Presence.FULL)
                for one in stored
                if (was := known[one.number]) and was.most_calls_a_day != one.most_calls_a_day
            ]
        )
        return stored

    def all(self) -> list[Agent]:
        """Give every agent, by number."""
        return self._store.all()

    def find(self, id_or_number: str) -> Agent:
        """Find an agent by id, or by the number as people write it.

        Raises:
            UnknownAgent: There is none.
        """
        number = self._store.number_of(id_or_number) or self._number(id_or_number)
        found = self._store.get([number])[0] if number else None
        if found is None:
            raise UnknownAgent(
                told(
                    "no agent {id_or_number} is registered; dialer agents list shows who is, and "
                    "dialer agents load takes a list of them",
                    id_or_number=id_or_number,
                )
            )
        return found

    def find_or_name(self, id_or_number: str) -> Agent:
        """Find an agent, or give one who is not registered by the number alone.

        Raises:
            UnknownAgent: There is none, and it is no phone number.
        """
        number = self._number(id_or_number)
        if number and not self._store.get([number])[0]:
            return Agent(number)
        return self.find(id_or_number)

    def by_id(self, id_: str) -> Agent:
        """Find an agent by id alone, as addresses name them.

        Raises:
            UnknownAgent: There is none.
        """
        number = self._store.number_of(id_)
        found = self._store.get([number])[0] if number else None
        if found is None:
            raise UnknownAgent(told("no agent of this id is registered"))
        return found

    def find_or_add(self, id_or_number: str) -> Agent:
        """Find an agent, or register one whose number it is.

        Raises:
            UnknownAgent: There is none, and it is no phone number.
        """
        number = self._number(id_or_number)
        known = self._store.get([number])[0] if number else None
        if number and not known:
            return self.put([Agent(number)])[0]
        return known or self.find(id_or_number)

    def set_shift(self, agent: Agent, text: str, *, zone: ZoneInfo | None = None) -> Agent:
        """Give an agent other hours; '' = none: they are there at any time.

        Raises:
            ValueError: The text says something else; one line tells what to write.
        """
        kept = agent.shift.zone if agent.shift else self._zone
        shift = Shift.parse(text, zone or kept) if text.strip() else None
        tell(
            on=f"agent {agent.id}",
            before={"shift": str(agent.shift or "")},
            after={"shift": str(shift or ""), "zone": shift.zone.key if shift else ""},
        )
        return self.put([replace(agent, shift=shift)])[0]

    def _known(self, listed: Sequence[ListedAgent]) -> dict[str, Agent]:
        found = self._store.get([one.number for one in listed])
        return {one.number: one for one in found if one}

    def _get(self, agents: Sequence[Agent]) -> list[Agent | None]:
        return self._store.get([one.number for one in agents])

    def _number(self, text: str) -> str | None:
        match parse_phone(text, self._rules):
            case Phone(e164):
                return e164
            case _:
                return None
