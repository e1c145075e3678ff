"""Use case: links to agents' pages. Whoever has one is that agent, and nobody else, until it ends.

A link is an id and a random secret; what is stored is the secret's SHA-256.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from campaigns.sentence import told
from dialer.access.digests import NOBODYS_DIGEST, digest_of
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import new_nonce
from dialer.store.database import Database
from dialer.store.json_records import JsonRecords

DAY_S = 86_400
USUAL_DAYS, LONGEST_DAYS = 30, 366
MOST_OF_AGENT = 20
_LONGEST_TEXT = 100


class BadLink(NotDone):
    """A link that cannot be made, or is not there; the message says why."""


@dataclass(frozen=True, slots=True)
class AgentLink:
    """A link, without its secret.

    Args:
        agent: Id of whose page it opens.
        by: Who made it.
    """

    id: str
    agent: str
    made_at: datetime
    expires_at: datetime
    by: str


class AgentLinks:
    """Makes, finds and revokes links; what it changes counts with the next request."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._records = JsonRecords(db, "agent_links")

    def make(self, agent: str, *, days: int = USUAL_DAYS, by: str) -> tuple[AgentLink, str]:
        """Make a link for the agent of this id; gives it and its text, which is told this once.

        Raises:
            BadLink: It would be in force too long, or the agent has too many.
        """
        if not 1 <= days <= LONGEST_DAYS:
            raise BadLink(told("a link is in force for 1 to {most} days", most=LONGEST_DAYS))
        self._forget_expired()
        if len(self.of(agent)) >= MOST_OF_AGENT:
            raise BadLink(
                told(
                    "the agent has {most} links; revoke those that are not needed",
                    most=MOST_OF_AGENT,
                )
            )
        id_, secret, at_s = new_nonce(), secrets.token_urlsafe(24), self._db.now()
        record = {
            "agent": agent,
            "digest": digest_of(secret),
            "made_at": at_s,
            "expires_at": at_s + days * DAY_S,
            "by": by,
        }
        self._records.put(id_, record)
        tell(on=f"agent {agent}", after={"link": id_, "days": days})
        return _link(id_, record), f"{id_}{secret}"

    def find(self, link: str) -> AgentLink | None:
        """Find whose link this is; None when it is nobody's, or no longer in force."""
        id_, secret = link[:10], link[10:]
        record = self._records.get(id_) if len(link) <= _LONGEST_TEXT else None
        digest = record["digest"] if record else NOBODYS_DIGEST
        if not hmac.compare_digest(digest_of(secret), digest) or record is None:
            return None
        return _link(id_, record) if record["expires_at"] > self._db.now() else None

    def of(self, agent: str) -> list[AgentLink]:
        """Read an agent's links in force, the oldest first."""
        return [one for one in self.all() if one.agent == agent]

    def all(self) -> list[AgentLink]:
        """Read every link in force, the oldest first."""
        now_s = self._db.now()
        links = (
            _link(id_, one) for id_, one in self._records.all().items() if one["expires_at"] > now_s
        )
        return sorted(links, key=lambda one: one.made_at)

    def revoke(self, agent: str, ids: list[str] | None = None) -> list[str]:
        """Revoke some of an agent's links, or all; gives the ids of those that ended."""
        ended = [one.id for one in self.of(agent) if ids is None or one.id in ids]
        self._records.remove(*ended)
        if ended:
            tell(on=f"agent {agent}", before={"links": ended}, after={"links": []})
        return ended

    def _forget_expired(self) -> None:
        now_s = self._db.now()
        stored = self._records.all()
        self._records.remove(*(id_ for id_, one in stored.items() if one["expires_at"] <= now_s))


def _link(id_: str, record: dict[str, Any]) -> AgentLink:
    made_at, expires_at = (
        datetime.fromtimestamp(record[name], UTC) for name in ("made_at", "expires_at")
    )
    return AgentLink(id_, record["agent"], made_at, expires_at, record["by"])
