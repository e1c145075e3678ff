"""Teams in Redis: what they are, by their number, and who belongs to those of groups."""

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple, cast

from campaigns.agents.team import MOST_TEAMS, Team, is_team
from campaigns.sentence import told
from dialer.errors import NotDone
from dialer.store.database import Database, text, text_fields, texts
from dialer.store.scripts import gives


class TooManyTeams(NotDone):
    """No number is left for another team."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or told(
                "there are {most:,} different groups and agents with stand-ins already: name "
                "groups "
                "instead of stand-ins that differ from row to row",
                most=MOST_TEAMS,
            )
        )


@gives("members")
class SetMembers(NamedTuple):
    """Who belongs to a group's team.

    Args:
        version: Of the agents, as it was before they were read.
        members: Digits.
    """

    team: str
    version: str
    members: Sequence[str]


class Teams:
    """Reads and makes teams."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> dict[int, Team]:
        """Read every team, by its number."""
        stored = text_fields(self._db.client.hgetall(self._db.key("teams")))
        return {int(number): _team(one) for number, one in stored.items()}

    def get(self, numbers: Collection[int]) -> dict[int, Team]:
        """Read some teams, by their numbers; those that are none are not there."""
        asked = sorted(numbers)
        if not asked:
            return {}
        names = [str(one) for one in asked]
        stored = cast("list[bytes | None]", self._db.client.hmget(self._db.key("teams"), names))
        return {
            number: _team(one) for number, one in zip(asked, stored, strict=True) if one is not None
        }

    def members(self, groups: Sequence[int]) -> dict[int, list[str]]:
        """Give the digits of those who belong to groups' teams, in one round trip."""
        with self._db.client.pipeline(transaction=False) as pipe:
            for number in groups:
                pipe.smembers(self._db.key("members", number))
            found = pipe.execute()
        return {number: sorted(texts(some)) for number, some in zip(groups, found, strict=True)}

    def find(self, team: Team) -> int | None:
        """Give the number of a team; None: it has none yet."""
        name = _as_json(team.key)
        found = text(self._db.client.hget(self._db.key("team_ids"), name))
        return int(found) if found else None

    def find_or_make(self, team: Team) -> int:
        """Give the number of a team; two who ask at once get the same.

        Raises:
            TooManyTeams: There is no number left.
        """
        if found := self.find(team):
            return found
        number = int(self._db.client.incr(self._db.key("teams_made")))
        if number > MOST_TEAMS:
            raise TooManyTeams
        # what it is stands there before anybody can find its number
        self._db.client.hset(self._db.key("teams"), str(number), _as_json(team))
        ids, name = self._db.key("team_ids"), _as_json(team.key)
        if not self._db.client.hsetnx(ids, name, str(number)):
            self._db.client.hdel(self._db.key("teams"), str(number))
            return int(text(self._db.client.hget(ids, name)))
        return number

    def version(self) -> str:
        """Tell the version of who the agents are."""
        return text(self._db.client.get(self._db.key("agents_version"))) or "0"

    def is_in_step(self) -> bool:
        """Tell whether groups have the agents that belong to them."""
        names = [self._db.key("agents_version"), self._db.key("teams_version")]
        version, synced = texts(self._db.client.mget(names))
        return version == synced

    def note_in_step(self, version: str) -> None:
        """Note that groups have the agents that belonged to them at this version."""
        self._db.client.set(self._db.key("teams_version"), version)

    def set_members(self, number: int, members: Collection[str], *, version: str) -> bool:
        """Say who belongs to a group's team, E.164; False where the agents changed meanwhile."""
        digits = sorted(one[1:] for one in members)
        return bool(self._db.run(SetMembers(str(number), version, digits)))


class KnownTeams:
    """Tells what stands behind teams' numbers; asks once for each."""

    def __init__(self, db: Database) -> None:
        self._teams = Teams(db)
        self._known: dict[int, Team] = {}

    def team_of(self, agent: str) -> Team | None:
        """Give the team that stands where an agent's number would; None: it is an agent's."""
        if not is_team(agent):
            return None
        return self.get(int(agent[1:]))

    def get(self, number: int) -> Team:
        """Give a team by its number."""
        if number not in self._known:
            self._known[number] = self._teams.get([number]).get(number, _GONE)
        return self._known[number]


_GONE = Team(group="that is not known here")


def _as_json(team: Team) -> str:
    plain = team._asdict()
    plain["agents"] = [one[1:] for one in team.agents]
    # an absent list tells a group to the scripts
    return json.dumps({name: value for name, value in plain.items() if value}, sort_keys=True)


def _team(stored: str | bytes) -> Team:
    told = json.loads(stored)
    return Team(
        group=told.get("group", ""),
        languages=tuple(told.get("languages", ())),
        skills=tuple(told.get("skills", ())),
        agents=tuple(f"+{one}" for one in told.get("agents", ())),
        when_busy=told.get("when_busy", False),
    )
