"""Delivers what happened to one receiver, in order, each event until it was taken or given up.

    the line   everything behind the cursor, one delivery at a time; what fails is tried again first
    aside      an event that the receiver refuses, or that holds the line up for long, tried by itself; a
               thousand at most, so that who refuses everything does not fill Redis
    dead       an event that was tried for three days; it is listed, and may be replayed
    paused     the receiver answered 410, or nothing for three days; the cursor stands, so nothing is lost

A receiver that is away is left alone for seconds, then minutes: that is the circuit, and as long as it is
open a single event probes it. The cursor moves only after the answer, in one step with all that follows. So
a process that dies at any instant has at most sent what its successor sends again, under the same ids.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from campaigns.event_document import Event
from campaigns.events import SCHEMA_VERSION
from dialer.clock import boottime_s
from dialer.events.outbox import Outbox, Page, Wanted
from dialer.ids import new_nonce
from dialer.logger import get_logger
from dialer.store import Database
from dialer.store.events import Entry, place
from dialer.store.webhooks import Aside, Result, Standing, Webhook, Webhooks
from dialer.webhooks.retrying import (
    GIVEN_UP_S,
    LONGEST_WAIT_ASIDE_S,
    after_silence,
    wait_s,
)
from dialer.webhooks.sending import Meaning, Reply, Sender
from dialer.webhooks.signing import headers

log = get_logger(__name__)

MOST_ASIDE = 1_000
"""Who refuses more than so many refuses everything, as a wrong address does: the line waits instead."""

_HOLDS_UP = 6  # tries, some five minutes
_AT_A_TIME_S = 20.0
GONE = "the receiver answered 410: it wants no more"


class Delivering:
    """Delivers an account's events.

    Args:
        most_aside: Events of a receiver that stand aside.
    """

    def __init__(
        self,
        db: Database,
        outbox: Outbox,
        sender: Sender,
        *,
        most_aside: int = MOST_ASIDE,
    ) -> None:
        self._db = db
        self._outbox = outbox
        self._sender = sender
        self._webhooks = Webhooks(db)
        self._most_aside = most_aside

    def deliver(self, id_: str) -> None:
        """Deliver what waits for one webhook, unless another process is at it."""
        token, until_s = new_nonce(), boottime_s() + _AT_A_TIME_S
        if not self._webhooks.lease(id_, token):
            return
        try:
            while boottime_s() < until_s and self._step(id_, token):
                pass
        finally:
            self._webhooks.let_go(id_, token)

    def _step(self, id_: str, token: str) -> bool:
        """Do the next thing; tells whether there may be another."""
        webhook = self._webhooks.get(id_)
        now_s = self._db.now()
        if webhook is None or not self._webhooks.lease(id_, token):
            return False
        standing = self._webhooks.standing(id_)
        if not standing.may_send(now_s):
            return False
        done = self._try_one(webhook, standing, now_s)
        if done is None:
            return False
        after, result = done
        if not self._webhooks.write(id_, token, after, result):
            return False
        if standing.tries >= _HOLDS_UP and not after.tries:
            self._webhooks.hurry(id_)  # it is back; what it held up need not wait an hour
        return after.may_send(now_s)

    def _try_one(
        self, webhook: Webhook, standing: Standing, now_s: float
    ) -> tuple[Standing, Result] | None:
        """Send the next delivery; None when there is none.

        While the receiver is in doubt the line goes first: one that stands aside may be what it fails at.
        Where nothing else is left, any of those asks whether it is back.
        """
        aside = self._webhooks.due_aside(webhook.id, standing, now_s)
        if aside and not standing.tries:
            return self._try_aside(webhook, standing, aside, now_s)
        if standing.replay:
            return self._replay(webhook, standing, now_s)
        page = self._page(webhook, standing, standing.cursor, wanted_by(webhook))
        if page.entries or page.cursor != standing.cursor:
            return self._next(webhook, standing, page, now_s)
        return self._try_aside(webhook, standing, aside, now_s) if aside else None

    def _page(self, webhook: Webhook, standing: Standing, cursor: str, wanted: Wanted) -> Page:
        most = 1 if standing.tries else webhook.batch  # a circuit that is open is probed by one
        return self._outbox.after(cursor, most=most, wanted=wanted)

    def _next(
        self, webhook: Webhook, standing: Standing, page: Page, now_s: float
    ) -> tuple[Standing, Result]:
        if not page.entries:
            return replace(standing, cursor=page.cursor), Result()  # none of it is for this one
        reply = self._send(webhook, page.entries, now_s)
        moved = replace(standing, cursor=page.cursor)
        return self._judged(webhook, standing, moved, page.entries, reply, now_s=now_s)

    def _replay(
        self, webhook: Webhook, standing: Standing, now_s: float
    ) -> tuple[Standing, Result]:
        """Send again what was asked for, beside the line, whose cursor does not move."""
        wanted = replace(wanted_by(webhook), campaign=standing.replay_campaign or webhook.campaign)
        page = self._page(webhook, standing, standing.replay, wanted)
        until = place(standing.replay_until)
        entries = [one for one in page.entries if place(one.id) <= until]
        is_over = page.is_last or place(page.cursor) >= until
        moved = replace(standing, replay="" if is_over else page.cursor)
        if not entries:
            return moved, Result()
        reply = self._send(webhook, entries, now_s)
        return self._judged(webhook, standing, moved, entries, reply, now_s=now_s)

    def _judged(
        self,
        webhook: Webhook,
        standing: Standing,
        moved: Standing,
        entries: Sequence[Entry],
        reply: Reply,
        *,
        now_s: float,
    ) -> tuple[Standing, Result]:
        """Tell what an answer means for the line: it moves on, waits, or leaves one event aside."""
        noted = Result(log=_noted(entries, reply, now_s))
        healthy = _healthy(moved)
        match reply.meaning:
            case Meaning.TAKEN:
                return healthy, noted._replace(delivered=len(entries))
            case Meaning.GONE:
                return self._pause(webhook, standing, GONE), noted
            case Meaning.REFUSED if len(entries) == 1 and standing.aside < self._most_aside:
                return healthy, self._put_aside(
                    noted, Aside(entries[0].id, 0, now_s, ""), reply, now_s
                )
            case Meaning.REFUSED if len(entries) > 1:
                return replace(standing, tries=1), noted  # one of them: they come singly
        waiting = self._after_silence(webhook, standing, reply, now_s)
        if waiting.paused or waiting.tries % _HOLDS_UP or len(entries) > 1:
            return waiting, noted
        aside = self._put_aside(noted, Aside(entries[0].id, 0, now_s, ""), reply, now_s)
        on = replace(waiting, cursor=moved.cursor, replay=moved.replay)
        return on, aside

    def _try_aside(
        self, webhook: Webhook, standing: Standing, aside: Aside, now_s: float
    ) -> tuple[Standing, Result]:
        found = self._outbox.after(_right_before(aside.id), most=1).entries
        if not found or found[0].id != aside.id:
            return standing, _dead(aside, "it is no longer kept")
        reply = self._send(webhook, found, now_s)
        noted = Result(log=_noted(found, reply, now_s))
        match reply.meaning:
            case Meaning.TAKEN:
                return _healthy(standing), noted._replace(delivered=1, done=aside.id)
            case Meaning.GONE:
                return self._pause(webhook, standing, GONE), noted
            case Meaning.AWAY:
                standing = self._after_silence(webhook, standing, reply, now_s)
            case Meaning.REFUSED:
                standing = _healthy(standing)
        if now_s - aside.since > GIVEN_UP_S:
            log.error("webhook_event_given_up", webhook=webhook.id, event_id=aside.id)
            return standing, _dead(aside, reply.text)._replace(log=noted.log)
        return standing, self._put_aside(noted, aside, reply, now_s)

    def _put_aside(self, result: Result, aside: Aside, reply: Reply, now_s: float) -> Result:
        again = replace(aside, tries=aside.tries + 1, answer=reply.text)
        waits_s = wait_s(again.tries, most_s=LONGEST_WAIT_ASIDE_S)
        return result._replace(aside=json.dumps(asdict(again)), aside_at=now_s + waits_s)

    def _after_silence(
        self, webhook: Webhook, standing: Standing, reply: Reply, now_s: float
    ) -> Standing:
        after = after_silence(standing, wished_s=reply.wait_s, now_s=now_s)
        if after.paused:
            return self._pause(webhook, standing, after.paused)
        if not standing.tries:
            log.warning("webhook_away", webhook=webhook.id, message=reply.text)
        return after

    def _pause(self, webhook: Webhook, standing: Standing, why: str) -> Standing:
        log.error("webhook_paused", webhook=webhook.id, why=why)
        return replace(standing, paused=why)

    def _send(self, webhook: Webhook, entries: Sequence[Entry], now_s: float) -> Reply:
        page = Page(tuple(entries), entries[-1].id, is_last=False)
        events = self._outbox.told(page)
        body, id_ = body_of(webhook, events)
        keys = [one.value for one in webhook.secrets if not one.until or one.until > now_s]
        return self._sender.post(webhook.url, body, headers(id_, body, keys=keys, at_s=now_s))


def body_of(webhook: Webhook, events: Sequence[Event]) -> tuple[bytes, str]:
    """Give what is sent, and its id: one event as it is, or several in a document of their own."""
    first, last = events[0], events[-1]
    if webhook.batch == 1:
        return first.as_json().encode(), f"{first.account}_{first.id}"
    listed = ",".join(one.as_json() for one in events)
    told = f'{{"schema_version":{SCHEMA_VERSION},"events":[{listed}]}}'
    return told.encode(), f"{first.account}_{first.id}_{last.id}"


def wanted_by(webhook: Webhook) -> Wanted:
    """Tell which events a webhook is about."""
    return Wanted(webhook.kinds, webhook.campaign)


def _healthy(standing: Standing) -> Standing:
    return replace(standing, tries=0, next_at=0.0, failing_since=0.0)


def _dead(aside: Aside, answer: str) -> Result:
    told = {**asdict(aside), "answer": answer}
    return Result(dead=json.dumps(told), done=aside.id)


def _noted(entries: Sequence[Entry], reply: Reply, now_s: float) -> str:
    return json.dumps(
        {
            "at": now_s,
            "first": entries[0].id,
            "last": entries[-1].id,
            "events": len(entries),
            "kind": str(entries[0].kind),
            "taken": reply.meaning is Meaning.TAKEN,
            "answer": reply.text,
            "took_s": round(reply.took_s, 3),
        }
    )


def _right_before(id_: str) -> str:
    ms, no = place(id_)
    return f"{ms}-{no - 1}" if no else f"{ms - 1}-{2**63}"
