"""Use case: an operator decides an attempt of which nobody knows whether a phone rang.

The operator knows what the provider's look-ups did not tell, from its dashboard or from the agent.
"""

from enum import StrEnum

from campaigns.attempt import Attempt, Outcome
from campaigns.contact_state import NotDialled
from campaigns.sentence import told
from campaigns.settlement import OPERATOR, settled
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.settling.settling import Settling
from dialer.store import Database
from dialer.store.attempts import SidTaken

log = get_logger(__name__)


class Decision(StrEnum):
    """What the operator knows."""

    CONNECTED = "connected"  # they talked
    CUSTOMER_NO_ANSWER = "customer_no_answer"
    CUSTOMER_BUSY = "customer_busy"
    AGENT_NO_ANSWER = "agent_no_answer"
    NOT_PLACED = "not_placed"  # there was no call: free, and dialled again
    GIVE_UP = "give_up"  # it cannot be found out: the campaign's rule for unknown attempts
    SKIP = "skip"  # nor is it worth finding out: the contact is closed


_OUTCOMES = {
    Decision.CONNECTED: Outcome.CONNECTED,
    Decision.CUSTOMER_NO_ANSWER: Outcome.CUSTOMER_NO_ANSWER,
    Decision.CUSTOMER_BUSY: Outcome.CUSTOMER_BUSY,
    Decision.AGENT_NO_ANSWER: Outcome.AGENT_NO_ANSWER,
    Decision.NOT_PLACED: Outcome.TURNED_AWAY,
    Decision.GIVE_UP: Outcome.UNKNOWN,
    Decision.SKIP: Outcome.UNKNOWN,
}


class NotUndecided(NotDone):
    """The attempt is not, or no longer, one of which nobody knows."""


def decide(
    db: Database, settling: Settling, id_: AttemptId, decision: Decision, *, who: str
) -> Attempt:
    """Settle an attempt as an operator says: one in quarantine, or whose call should long be over.

    Args:
        who: Stands in the log.

    Raises:
        NotUndecided: It is neither; nothing was changed.
    """
    now_s = db.now()
    is_ours = False

    def change(now: Attempt) -> Attempt | None:
        nonlocal is_ours
        is_ours = now.may_be_decided(now_s=now_s)
        if not is_ours:
            return None  # a call was found meanwhile: its end decides
        return settled(now._replace(is_final=True), _OUTCOMES[decision], source=OPERATOR, at=now_s)

    closes = NotDialled.SKIPPED if decision is Decision.SKIP else None
    after = settling.update(id_, change, closes=closes)
    if after is None or isinstance(after, SidTaken) or not is_ours:
        raise NotUndecided(
            told("attempt {id} is not, or not any more, in quarantine or overdue", id=id_)
        )
    tell(on=f"attempt {id_}", after={"decision": decision, "outcome": after.outcome})
    log.info("attempt_decided", attempt_id=str(id_), decision=str(decision), who=who)
    return after
