"""Use case: somebody says what came of a conversation; it is kept, and what follows is done at once.

The agent says it once. Only who runs the desk may say it again, and nobody takes back that a customer
is never to be called.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.attempt import Attempt, Outcome
from campaigns.campaign_rules import CampaignRules
from campaigns.dispositions import DO_NOT_CALL, Disposition, FollowUp, chosen, plain_note
from campaigns.sentence import told
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import ContactId
from dialer.logger import get_logger
from dialer.settling.effects import day_of
from dialer.settling.settling import Settling
from dialer.store import Attempts, Campaigns, Database
from dialer.store.attempts import Disposed, Follows, OpenAttempt, SidTaken, agent_day
from dialer.store.campaign import CampaignNotFound
from dialer.store.contacts import Contacts

log = get_logger(__name__)


class NotDisposed(NotDone):
    """What was said is not taken; says why, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a conversation.

    Args:
        name: Of one of the campaign's dispositions.
        by: Who says it, for reports.
        call_back_at: The customer wants to be called then, whatever else would follow.
        only_agent: The call back is for who spoke alone, whatever group they belong to.
        agent: Whose conversation it has to be, E.164; None: whoever runs the desk says it, of anybody's,
            and may correct what was said before.
        no: Of the attempt; None: the contact's last one.
    """

    name: str
    by: str
    note: str = ""
    call_back_at: datetime | None = None
    only_agent: bool = False
    agent: str | None = None
    no: int | None = None


def dispose(db: Database, settling: Settling, id_: ContactId, said: Said) -> Attempt:
    """Keep what was said of a conversation, and do what follows; saying it twice changes nothing.

    Raises:
        NotDisposed: Nothing was changed.
    """
    one, rules, disposition = _asked(db, id_, said)
    follow_up_of = {one.name: one.follow_up for one in (*rules.disposition, disposition)}
    try:
        note = plain_note(said.note)
    except ValueError as error:
        raise NotDisposed(str(error)) from None
    now_s = db.now()
    before = one.attempt
    refused = ""

    def change(now: Attempt) -> Attempt | None:
        nonlocal before, refused
        before = now
        refused = _why_not(now, said, follow_up_of.get(now.disposition or ""))
        if refused or (now.disposition, now.note) == (disposition.name, note):
            return None
        return now._replace(
            disposition=disposition.name, disposition_at=now_s, disposition_by=said.by, note=note
        )

    did = agent_day(one.attempt, day_of(now_s, rules), dispositions=1)
    follows = Follows(disposed=_follows(disposition, said, now_s, did))
    after = settling.update(one.id, change, follows=follows)
    if refused or after is None or isinstance(after, SidTaken):
        raise NotDisposed(
            told("contact {id} {what}", id=id_, what=refused)
            if refused
            else told("contact {id} does not exist", id=id_)
        )
    tell(
        on=f"contact {id_}",
        before={"disposition": before.disposition},
        after={"disposition": after.disposition, "attempt": str(one.id)},
    )
    log.info("disposition_given", contact_id=str(id_), disposition=disposition.name)
    return after


def _asked(
    db: Database, id_: ContactId, said: Said
) -> tuple[OpenAttempt, CampaignRules, Disposition]:
    """Find the attempt that is spoken of, its campaign's rules, and what is said of it."""
    try:
        rules = Campaigns(db).find(id_.campaign).rules
        disposition = chosen(rules.disposition, said.name)
    except CampaignNotFound:
        raise NotDisposed(told("contact {id} does not exist", id=id_)) from None
    except ValueError as error:
        raise NotDisposed(str(error)) from None
    contact = Contacts(db).get(id_.campaign, id_.n)
    one = contact and Attempts(db).of_contact(id_, said.no or contact.made)
    if not one:
        raise NotDisposed(told("contact {id} was not called", id=id_))
    return one, rules, disposition


def _why_not(attempt: Attempt, said: Said, earlier: FollowUp | None) -> str:
    """Say why this may not be said of an attempt; '' = it may."""
    if said.agent is not None and attempt.agent != said.agent:
        return told("is not this agent's")
    if attempt.outcome is None:
        return told("is still on its call, or nobody knows yet that it ended; say it in a moment")
    if attempt.outcome is not Outcome.CONNECTED:
        return told("was not talked to: the call ended as {outcome}", outcome=attempt.outcome)
    if attempt.disposition is None or attempt.disposition == said.name:
        return ""
    if said.agent is not None:
        return told(
            "has its disposition already, {disposition}; who runs the desk may change it",
            disposition=attempt.disposition,
        )
    if _is_for_good(attempt.disposition, earlier):
        return told("asked never to be called again, and that stays")
    return ""


def may_be_corrected(attempt: Attempt, words: Sequence[Disposition]) -> bool:
    """Tell whether who runs the desk may say what came of an attempt, in one of these words."""
    earlier = next((one.follow_up for one in words if one.name == attempt.disposition), None)
    is_for_good = _is_for_good(attempt.disposition, earlier)
    return bool(words) and attempt.outcome is Outcome.CONNECTED and not is_for_good


def _is_for_good(disposition: str | None, follow_up: FollowUp | None) -> bool:
    return follow_up is FollowUp.SUPPRESS or disposition == DO_NOT_CALL.name


def _follows(disposition: Disposition, said: Said, now_s: float, did: dict[str, Any]) -> Disposed:
    follow_up, due_s = disposition.follow_up, None
    suppress = None
    if follow_up is FollowUp.SUPPRESS:
        entry = {"at": now_s, "source": "disposition", "why": f"{disposition.name}, by {said.by}"}
        suppress = json.dumps(entry)
    elif said.call_back_at:
        due_s = max(0.0, said.call_back_at.timestamp() - now_s)
    elif follow_up is FollowUp.RETRY:
        due_s = float(disposition.retry_s)
    if said.only_agent and due_s is None:
        raise NotDisposed(
            told(
                "nobody is called back after {disposition}: give a time, or no agent",
                disposition=disposition.name,
            )
        )
    closes = follow_up in {FollowUp.FINAL, FollowUp.SUPPRESS} and due_s is None
    return Disposed(disposition.name, did, closes, due_s, said.only_agent, suppress)
