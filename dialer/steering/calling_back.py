"""Use case: a contact is to be called at a certain time, because somebody asked for it.

It comes under every rule all the same: hours, caps, suppression and pause are asked at the gate.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from campaigns.agents.team import is_team
from campaigns.numbers.mask import FORGOTTEN
from campaigns.sentence import told
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import ContactId
from dialer.logger import get_logger
from dialer.store import Attempts, Campaigns, Database
from dialer.store.contacts import Contacts
from dialer.store.database import text
from dialer.store.packed_attempts import take_apart
from dialer.store.scripts import gives

log = get_logger(__name__)


class CallBack(StrEnum):
    """What became of the wish."""

    WAITS = "waits"
    OPENED = "opened"  # it had been closed
    HELD = "held"
    CLOSED = "closed"
    EXPIRED = "expired"
    OVER = "over"
    ENDED = "ended"
    CHANGED = "changed"
    FORGOTTEN = "forgotten"
    NEVER_RUNG = "never_rung"
    GONE = "gone"


class NoCallBack(NotDone):
    """The contact cannot be called back then; says why, and what to do."""


_WHY = {
    CallBack.HELD: told(
        "contact {id} is being dialled; ask again when that attempt has ended, or decide it"
    ),
    CallBack.CLOSED: told("contact {id} is closed; reopen it to call it all the same"),
    CallBack.EXPIRED: told("contact {id} expires before then"),
    CallBack.OVER: told("contact {id} belongs to a campaign that takes no more calls"),
    CallBack.ENDED: told("contact {id} belongs to a campaign whose ends_at comes before then"),
    CallBack.CHANGED: told(
        "contact {id} was changed by somebody else just now; look, and ask again"
    ),
    CallBack.FORGOTTEN: told("contact {id} has no number any more: it was purged"),
    CallBack.NEVER_RUNG: told(
        "contact {id} is for several agents, of whom nobody was rung for it yet: leave it to anyone"
    ),
    CallBack.GONE: told("contact {id} does not exist"),
}


def call_back(
    db: Database, id_: ContactId, at: datetime, *, reopen: bool = False, only_agent: bool = False
) -> CallBack:
    """Let a contact wait until an instant; one that is past means now.

    Args:
        reopen: A contact that is closed is opened again, for one more round of its rules.
        only_agent: By the agent who was rung last alone, where it is for several; else by anyone of them.

    Raises:
        NoCallBack: It cannot be; nothing was changed.
    """
    answer = _ask(db, id_, at, reopen=reopen, only_agent=only_agent)
    if answer in _WHY:
        raise NoCallBack(told(_WHY[answer], id=id_))
    done = {"due_at": at.isoformat(), "opened": answer, "only_agent": only_agent}
    tell(on=f"contact {id_}", after=done)
    log.info("call_back_set", contact_id=str(id_), due_at=at.isoformat(), opened=answer)
    return answer


@gives("call_back")
class CallBackAt(NamedTuple):
    """When a contact is to be called.

    Args:
        at: Epoch s.
        reopens: A closed contact may be opened again.
        ended_as: How it was closed as the caller read it.
        only: Digits of the one agent of its team who is to call; None: whoever is free.
    """

    campaign: str
    n: int
    at: float
    reopens: bool
    ended_as: str
    only: str | None


def _ask(db: Database, id_: ContactId, at: datetime, *, reopen: bool, only_agent: bool) -> CallBack:
    contact = Contacts(db).get(id_.campaign, id_.n)
    if contact is None:
        return CallBack.GONE
    called_at = max(at, datetime.fromtimestamp(db.now(), UTC))
    if Campaigns(db).find(id_.campaign).rules.end_has_come(called_at):
        return CallBack.ENDED
    last = Attempts(db).of_contact(id_, contact.made) if only_agent else None
    if only_agent and is_team(contact.agent) and (last is None or last.attempt.agent == FORGOTTEN):
        return CallBack.NEVER_RUNG
    take_apart(db, id_.campaign, id_.n)
    answer = db.run(
        CallBackAt(
            campaign=id_.campaign,
            n=id_.n,
            at=at.timestamp(),
            reopens=reopen,
            ended_as=contact.outcome or "",
            only=last.attempt.agent.removeprefix("+") if last else None,
        )
    )
    return CallBack(text(answer))
