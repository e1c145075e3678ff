"""Use case: who is told of what over HTTP; to add, try, pause, replay and remove a receiver."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from campaigns.events import SCHEMA_VERSION, EventKind
from campaigns.sentence import told
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.events.outbox import Outbox, checked
from dialer.ids import new_campaign_id, new_nonce
from dialer.store import Database
from dialer.store.events import BEGINNING, Entry, place
from dialer.store.webhooks import Secret, Standing, Webhook, Webhooks, with_secret
from dialer.webhooks.delivering import wanted_by
from dialer.webhooks.sending import Reply, Sender
from dialer.webhooks.signing import headers, new_secret
from dialer.webhooks.waiting import Counting, Waiting

MOST = 20
"""Webhooks an account may have: each that hangs occupies a thread of its own, and none waits for it."""

MOST_A_BATCH = 500
ROTATION_S = 86_400.0
"""How long deliveries are signed with the secret before, too."""


class WebhookNotFound(NotDone):
    """There is none of this id."""


class NotRegistered(NotDone):
    """A receiver that is not taken; says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A webhook, where it stands, and how much older its cursor is than the newest event."""

    webhook: Webhook
    standing: Standing
    behind_s: float

    @property
    def state(self) -> str:
        """Where it stands, in a few words."""
        if self.standing.paused:
            return told("paused: {why}", why=self.standing.paused)
        if self.standing.failing_since:
            return told("fails")
        return told("replays") if self.standing.replay else told("goes")


@dataclass(frozen=True, slots=True)
class Compared:
    """What a receiver should have, beside what it has.

    Args:
        told: Events that happened for it since it was added, up to its cursor.
        missing: That it should have and has not.
        unknown: That it has and that are none of them.
    """

    told: int
    aside: int
    dead: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


class Receivers:
    """An account's webhooks.

    Args:
        keeps_events: Else nothing is told, and nobody is registered.
    """

    def __init__(
        self, db: Database, outbox: Outbox, sender: Sender, *, keeps_events: bool = True
    ) -> None:
        self._db = db
        self._keeps_events = keeps_events
        self._outbox = outbox
        self._sender = sender
        self._webhooks = Webhooks(db)
        self._counting = Counting(outbox)

    def add(
        self,
        url: str,
        *,
        kinds: Sequence[EventKind] = (),
        campaign: str = "",
        batch: int = 1,
        since: str | None = None,
        by: str = "",
    ) -> Webhook:
        """Register a receiver; its secret is in the answer.

        Args:
            since: The cursor behind which it is told; None: from now on.

        Raises:
            BadTarget, BadCursor, NotRegistered: Not like this.
        """
        self._sender.check(url)
        if not self._keeps_events:
            raise NotRegistered(
                told("DIALER_EVENTS_DAYS is 0, so nothing is told: set it to 7, say")
            )
        if len(self._webhooks.all()) >= MOST:
            raise NotRegistered(
                told("an account has {most} webhooks at most; remove one first", most=MOST)
            )
        webhook = Webhook(
            id=new_campaign_id(),
            url=url,
            kinds=tuple(dict.fromkeys(kinds)),
            campaign=campaign,
            batch=batch,
            since=self._outbox.now() if since is None else checked(since),
            secrets=(Secret(new_secret()),),
            created_at=self._db.now(),
            created_by=by,
        )
        self._webhooks.put(webhook)
        tell(
            on=f"webhook {webhook.id}",
            after={"url": webhook.shown_url, "kinds": list(webhook.kinds)},
        )
        return webhook

    def find(self, id_: str) -> Webhook:
        """Read one.

        Raises:
            WebhookNotFound: There is none.
        """
        found = self._webhooks.get(id_)
        if found is None:
            raise WebhookNotFound(told("no webhook {id!r}", id=id_))
        return found

    def all(self) -> list[Line]:
        """Read all of them with where they stand."""
        return [self.line(one) for one in self._webhooks.all()]

    def line(self, webhook: Webhook) -> Line:
        """Read where one stands."""
        standing = self._webhooks.standing(webhook.id)
        at, last = place(standing.cursor)[0], place(self._outbox.now())[0]
        return Line(webhook, standing, max(0, last - at) / 1000)

    def waiting(self, line: Line) -> Waiting:
        """Count the events that wait for one."""
        return self._counting.of(line.webhook, line.standing)

    def deliveries(self, webhook: Webhook) -> list[dict[str, object]]:
        """Read the last deliveries, the newest first, with the answers."""
        return self._webhooks.deliveries(webhook.id)

    def dead(self, webhook: Webhook) -> list[dict[str, object]]:
        """Read the events that were given up, the newest first."""
        return self._webhooks.dead(webhook.id)

    def remove(self, webhook: Webhook) -> None:
        """Tell it no more."""
        self._webhooks.remove(webhook.id)
        tell(on=f"webhook {webhook.id}", before={"url": webhook.shown_url})

    def pause(self, webhook: Webhook) -> None:
        """Send nothing until it is resumed; everything waits behind its cursor."""
        self._webhooks.steer(webhook.id, paused="by hand")
        tell(on=f"webhook {webhook.id}", after={"paused": "by hand"})

    def resume(self, webhook: Webhook) -> None:
        """Go on from the cursor, at once."""
        self._webhooks.steer(webhook.id, paused="", tries=0, next_at=0, failing_since=0)
        tell(on=f"webhook {webhook.id}", after={"paused": ""})

    def rotate(self, webhook: Webhook) -> str:
        """Give it a new secret; the one before is used beside it for a day."""
        secret = new_secret()
        changed = with_secret(webhook, secret, now_s=self._db.now(), overlap_s=ROTATION_S)
        self._webhooks.put(changed)
        tell(on=f"webhook {webhook.id}", after={"secret": "another"})
        return secret

    def replay(self, webhook: Webhook, *, cursor: str = "", campaign: str = "") -> None:
        """Send again what happened behind a cursor until now, under the same ids.

        Args:
            cursor: '' = the oldest event that is kept.
            campaign: Of this one alone, by its id.
        """
        self._webhooks.steer(
            webhook.id,
            replay=checked(cursor),
            replay_until=self._outbox.now(),
            replay_campaign=campaign,
            replay_asked=new_nonce(),
        )
        tell(on=f"webhook {webhook.id}", after={"replay": cursor or "all", "campaign": campaign})

    def test(self, webhook: Webhook) -> Reply:
        """Send one delivery at once that is about nothing; gives the answer."""
        now_s = self._db.now()
        id_ = f"test-{int(now_s * 1000)}"
        told = {
            "id": id_,
            "type": "webhook.test",
            "timestamp": datetime.fromtimestamp(now_s, UTC).isoformat(),
            "schema_version": SCHEMA_VERSION,
            "account": self._outbox.account,
            "data": {},
        }
        body = json.dumps(told if webhook.batch == 1 else {"events": [told]}).encode()
        keys = [one.value for one in webhook.secrets]
        reply = self._sender.post(webhook.url, body, headers(id_, body, keys=keys, at_s=now_s))
        tell(on=f"webhook {webhook.id}", after={"answer": reply.text[:100]})
        return reply

    def check(
        self, webhook: Webhook, *, campaign: str = "", has: Collection[str] | None = None
    ) -> Compared:
        """Compare what a receiver should have with what it has.

        Args:
            campaign: Of this one alone.
            has: The ids that it has; None: it is only counted.
        """
        standing = self._webhooks.standing(webhook.id)
        told = {one.id for one in self._told(webhook, standing, campaign)}
        open_ = {str(one["id"]) for one in self.dead(webhook)}
        got = set(has or ())
        return Compared(
            told=len(told),
            aside=standing.aside,
            dead=standing.dead,
            missing=() if has is None else tuple(sorted(told - got - open_, key=place)),
            unknown=() if has is None else tuple(sorted(got - told)),
        )

    def _told(self, webhook: Webhook, standing: Standing, campaign: str) -> list[Entry]:
        wanted = wanted_by(webhook)
        wanted = replace(wanted, campaign=campaign or wanted.campaign)
        found, cursor, end = [], webhook.since or BEGINNING, place(standing.cursor)
        while True:
            page = self._outbox.after(cursor, most=1000, wanted=wanted)
            found += [one for one in page.entries if place(one.id) <= end]
            if page.is_last or place(page.cursor) >= end:
                return found
            cursor = page.cursor
