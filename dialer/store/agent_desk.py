"""What an agent's page shows, in Redis: their last conversations, figures of a day, the day's notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dialer.ids import AttemptId, ContactId
from dialer.store.contact_rows import Row, unpack_row
from dialer.store.database import Database, text, text_fields
from dialer.store.record import PER_CHUNK, RECORD_BYTES, ContactRecord, place_of

LONGEST_NOTICE = 200

MOST_TALKS = 5
"""Conversations that a page asks a disposition for, the newest ones."""


class AgentDay(NamedTuple):
    """What an agent did on a day; prelude/sums.lua counts in this order."""

    calls: int = 0
    conversations: int = 0
    talk_s: int = 0
    missed: int = 0
    dispositions: int = 0


@dataclass(frozen=True, slots=True)
class DeskNotes:
    """What is noted for one agent.

    Args:
        talks: Attempts, the newest first.
        wanted_by: A campaign that waits for them to be free; '' = none.
    """

    talks: tuple[AttemptId, ...]
    today: AgentDay
    wanted_by: str


class DeskStore:
    """Reads what agents' pages show: some commands an agent, in one round trip for all of them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def notes(self, digits: Sequence[str], *, day: str) -> tuple[list[DeskNotes], str]:
        """Read what is noted for some agents, and the notice.

        Args:
            day: ISO 8601.
        """
        with self._db.client.pipeline(transaction=False) as pipe:
            pipe.hmget(self._db.key("agent_day", day), list(digits))
            pipe.get(self._db.key("notice"))
            for one in digits:
                pipe.lrange(self._db.key("talks", one), 0, MOST_TALKS - 1)
                pipe.srandmember(self._db.key("wanted", one))
            days, notice, *each = pipe.execute()
        pairs = zip(days, each[::2], each[1::2], strict=True)
        return [_notes(*one) for one in pairs], text(notice)

    def figures(self, day: str) -> dict[str, AgentDay]:
        """Read what all agents did on a day, by digits."""
        stored = text_fields(self._db.client.hgetall(self._db.key("agent_day", day)))
        return {agent: _figures(did) for agent, did in stored.items()}

    def cards(self, ids: Sequence[ContactId]) -> dict[ContactId, tuple[ContactRecord, Row]]:
        """Read contacts and their own lines."""
        with self._db.client.pipeline(transaction=False) as pipe:
            for id_ in ids:
                chunk, *span = place_of(id_.n)
                pipe.getrange(self._db.key("c", id_.campaign, "contacts", chunk), *span)
                pipe.get(self._db.key("c", id_.campaign, "rows", chunk))
            stored = pipe.execute() if ids else []
        return {
            id_: (ContactRecord.unpack(record), unpack_row(rows, (id_.n - 1) % PER_CHUNK))
            for id_, record, rows in zip(ids, stored[::2], stored[1::2], strict=True)
            if len(record) == RECORD_BYTES and rows
        }

    def first_in_line(self, wanted: Sequence[tuple[str, str]]) -> list[ContactId | None]:
        """Tell whom some agents call next in a campaign: pairs of campaign and digits."""
        with self._db.client.pipeline(transaction=False) as pipe:
            for campaign, digits in wanted:
                pipe.zrange(self._db.key("c", campaign, "ranked", digits), 0, 0)
                pipe.hget(self._db.key("c", campaign, "heads"), digits)
            stored = pipe.execute() if wanted else []
        found = []
        for (campaign, _), ranked, head in zip(wanted, stored[::2], stored[1::2], strict=True):
            n = ranked[0] if ranked else head
            found.append(ContactId(campaign, int(n)) if n else None)
        return found

    def set_notice(self, notice: str, *, for_s: int) -> None:
        """Show a line on all agents' pages for so long; '' takes it away."""
        if notice:
            self._db.client.set(self._db.key("notice"), notice, ex=for_s)
        else:
            self._db.client.delete(self._db.key("notice"))

    def notice(self) -> str:
        """Read the line."""
        return text(self._db.client.get(self._db.key("notice")))


def _notes(did: bytes | None, talks: list[bytes], wanted_by: bytes | None) -> DeskNotes:
    ids = tuple(id_ for one in talks if (id_ := AttemptId.parse(text(one))))
    campaign = text(wanted_by)
    is_campaign = campaign.isalnum()  # else a contact whose customer they are, or a team
    return DeskNotes(ids, _figures(did), campaign if is_campaign else "")


def _figures(stored: bytes | str | None) -> AgentDay:
    return AgentDay(*map(int, stored.split())) if stored else AgentDay()
