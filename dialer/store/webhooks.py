"""Webhooks in Redis: who is told of what, how far they are, and what is in the way.

Of each webhook one process at a time delivers: it holds a lease, and each step it writes names that, so
that a process that stood still for a minute writes nothing over what its successor wrote.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, cast, get_type_hints

from campaigns.events import EventKind
from dialer.store.database import Database, text, text_fields, texts
from dialer.store.events import BEGINNING, place
from dialer.store.json_records import JsonRecords
from dialer.store.scripts import gives

LEASE_S = 30.0
"""Longer than a delivery takes; it is renewed before each. So long a receiver waits after a kill -9."""

_LAST_DELIVERIES = 100
_DEAD_KEPT = 1_000
_HURRIED = 1_000  # of those that stand aside; many that wait so were refused, and are again


@dataclass(frozen=True, slots=True)
class Secret:
    """What deliveries are signed with.

    Args:
        value: `whsec_` and base64.
        until: Until when it is used beside its successor, epoch s; 0: it is the newest.
    """

    value: str
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver, as it was registered.

    Args:
        kinds: None: all.
        campaign: Of this one alone, by its id; '' = of all.
        batch: Most events a delivery; 1: each comes by itself.
        since: The cursor behind which it is told.
        secrets: The newest first.
        created_at: Epoch s.
    """

    id: str
    url: str
    kinds: tuple[EventKind, ...]
    campaign: str
    batch: int
    since: str
    secrets: tuple[Secret, ...]
    created_at: float
    created_by: str = ""

    @property
    def shown_url(self) -> str:
        """The URL without the password that one of a Redis may bear."""
        return re.sub(r"://[^/@\s]+@", "://***@", self.url)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a webhook is.

    Args:
        cursor: Everything up to here was delivered, or set aside.
        tries: Deliveries in a row that failed.
        next_at: Nothing is sent before, epoch s.
        failing_since: Epoch s; 0 = it does not fail.
        paused: Why nothing is sent until somebody resumes it; '' = it is not.
        delivered: Events that were taken.
        failed: Deliveries that were not.
        aside: Events tried again by themselves, as the receiver refused them, or held up all others.
        dead: Events that were given up.
        replay: From where, until where, and of which campaign everything is sent again; '' = nothing.
        replay_asked: Tells one wish for a replay from the next.
    """

    cursor: str
    tries: int = 0
    next_at: float = 0.0
    failing_since: float = 0.0
    paused: str = ""
    delivered: int = 0
    failed: int = 0
    aside: int = 0
    dead: int = 0
    replay: str = ""
    replay_until: str = ""
    replay_campaign: str = ""
    replay_asked: str = ""

    @property
    def circuit(self) -> str:
        """Tell whether deliveries go, probe a receiver that fails, or wait for a person."""
        if self.paused:
            return "paused"
        return "open" if self.failing_since else "closed"

    def may_send(self, now_s: float) -> bool:
        """Tell whether anything may be sent now."""
        return not self.paused and self.next_at <= now_s


@dataclass(frozen=True, slots=True)
class Aside:
    """An event that is tried by itself.

    Args:
        since: When it was tried first, epoch s.
    """

    id: str
    tries: int
    since: float
    answer: str


class Result(NamedTuple):
    """What became of a delivery, to be written beside the new standing.

    Args:
        delivered: Events that were taken.
        aside: Event to be tried by itself, or again; JSON of `Aside`.
        aside_at: When, epoch s.
        done: Event that is no longer to be tried by itself.
        dead: JSON of one that is given up.
        log: JSON of the delivery, for people.
    """

    delivered: int = 0
    aside: str = ""
    aside_at: float = 0.0
    done: str = ""
    dead: str = ""
    log: str = ""


@gives("deliver")
class Deliver(NamedTuple):
    """What a delivery came to, of a webhook whose lease the caller holds under this token.

    Args:
        replay_asked: Which replay the caller knows of.
        fields: Of the standing, and values, in turn.
    """

    webhook: str
    token: str
    delivered: int
    aside: str
    aside_id: str
    aside_at: float
    done: str
    dead: str
    log: str
    most_logged: int
    most_dead: int
    replay_asked: str
    fields: Sequence[str]


class Webhooks:
    """Reads and writes webhooks and where they stand."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._records = JsonRecords(db, "webhooks")

    def all(self) -> list[Webhook]:
        """Read all of them, the oldest first."""
        return sorted(map(_webhook, self._records.all().values()), key=lambda one: one.created_at)

    def get(self, id_: str) -> Webhook | None:
        """Read one; None when there is none."""
        stored = self._records.get(id_)
        return _webhook(stored) if stored else None

    def put(self, webhook: Webhook) -> None:
        """Write one down; a new one stands at its beginning."""
        with self._db.client.pipeline() as pipe:
            pipe.hset(self._db.key("webhooks"), webhook.id, json.dumps(asdict(webhook)))
            pipe.hsetnx(self._db.key("webhook", webhook.id), "cursor", webhook.since)
            pipe.execute()

    def remove(self, id_: str) -> None:
        """Forget one, and where it stood."""
        with self._db.client.pipeline() as pipe:
            pipe.hdel(self._db.key("webhooks"), id_)
            parts = ("aside", "tries", "dead", "log", "lease")
            pipe.delete(self._key(id_), *(self._key(id_, part) for part in parts))
            pipe.execute()

    def standing(self, id_: str) -> Standing:
        """Read where one stands."""
        with self._db.client.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._key(id_))
            pipe.zcard(self._key(id_, "aside"))
            pipe.llen(self._key(id_, "dead"))
            fields, aside, dead = pipe.execute()
        told = {"cursor": BEGINNING} | text_fields(fields)
        known = {name: make(told[name]) for name, make in _OF_STANDING.items() if name in told}
        return Standing(**known, aside=aside, dead=dead)

    def steer(self, id_: str, **fields: str | float) -> None:
        """Write what a person wants: `paused`, `tries`, `next_at`, a replay."""
        self._db.client.hset(self._key(id_), mapping=cast("dict[Any, Any]", fields))

    def have_work(self, last: str) -> Iterator[str]:
        """Name the webhooks for which something may be sent now.

        Args:
            last: The cursor behind the newest event.
        """
        now_s = self._db.now()
        for webhook in self.all():
            standing = self.standing(webhook.id)
            if not standing.may_send(now_s):
                continue
            is_behind = place(standing.cursor) < place(last) or standing.replay
            if is_behind or self.due_aside(webhook.id, standing, now_s):
                yield webhook.id

    def due_aside(self, id_: str, standing: Standing, now_s: float) -> Aside | None:
        """Give the event that is to be tried by itself now; the next one where its receiver fails."""
        if not standing.aside:
            return None
        until: float | str = "+inf" if standing.tries else now_s
        where = self._key(id_, "aside")
        due = texts(self._db.client.zrangebyscore(where, "-inf", until, start=0, num=1))
        if not due:
            return None
        stored = text(self._db.client.hget(self._key(id_, "tries"), due[0]))
        return Aside(**json.loads(stored)) if stored else Aside(due[0], 0, now_s, "")

    def hurry(self, id_: str) -> None:
        """Have those that stand aside tried at once."""
        aside, now_s = self._key(id_, "aside"), self._db.now()
        waiting = texts(self._db.client.zrange(aside, 0, _HURRIED - 1))
        if waiting:
            self._db.client.zadd(aside, dict.fromkeys(waiting, now_s), xx=True)

    def dead(self, id_: str) -> list[dict[str, Any]]:
        """Read the events that were given up, the newest first."""
        return self._list(id_, "dead")

    def deliveries(self, id_: str) -> list[dict[str, Any]]:
        """Read the last deliveries, the newest first, with the answer to each."""
        return self._list(id_, "log")

    def lease(self, id_: str, token: str) -> bool:
        """Take or renew the right to deliver; False while another process has it."""
        key, ms = self._key(id_, "lease"), int(LEASE_S * 1000)
        if self._db.client.set(key, token, nx=True, px=ms):
            return True
        found = text(self._db.client.get(key))
        return found == token and bool(self._db.client.pexpire(key, ms))

    def is_at_work(self, id_: str) -> bool:
        """Tell whether a process has the right to deliver, so that none need be woken."""
        return bool(self._db.client.exists(self._key(id_, "lease")))

    def let_go(self, id_: str, token: str) -> None:
        """Give the right back; one that ran out meanwhile may be somebody else's for a moment less."""
        key = self._key(id_, "lease")
        if text(self._db.client.get(key)) == token:
            self._db.client.delete(key)

    def write(self, id_: str, token: str, standing: Standing, result: Result) -> bool:
        """Write what a delivery came to; False when the right to deliver is somebody else's by now."""
        aside_id = json.loads(result.aside)["id"] if result.aside else ""
        told = {
            "cursor": standing.cursor,
            "tries": standing.tries,
            "next_at": standing.next_at,
            "failing_since": standing.failing_since,
            "paused": standing.paused,
            "replay": standing.replay,
        }
        return bool(
            self._db.run(
                Deliver(
                    *(id_, token, result.delivered, result.aside, aside_id, result.aside_at),
                    *(result.done, result.dead, result.log, _LAST_DELIVERIES, _DEAD_KEPT),
                    standing.replay_asked,
                    [str(part) for item in told.items() for part in item],
                )
            )
        )

    def _list(self, id_: str, name: str) -> list[dict[str, Any]]:
        stored = texts(self._db.client.lrange(self._key(id_, name), 0, -1))
        return [json.loads(one) for one in stored]

    def _key(self, id_: str, *part: str) -> str:
        return self._db.key("webhook", id_, *part)


_OF_STANDING = {
    name: type_ for name, type_ in get_type_hints(Standing).items() if name not in {"aside", "dead"}
}
"""What is stored of a standing, as text; the others are counted."""


def _webhook(told: dict[str, Any]) -> Webhook:
    known = {str(kind) for kind in EventKind}
    return Webhook(
        **{
            **told,
            "kinds": tuple(EventKind(one) for one in told["kinds"] if one in known),
            "secrets": tuple(Secret(**one) for one in told["secrets"]),
        }
    )


def with_secret(webhook: Webhook, secret: str, *, now_s: float, overlap_s: float) -> Webhook:
    """Give a webhook a new secret; the one before is used beside it for so long."""
    current, *_ = webhook.secrets
    return replace(webhook, secrets=(Secret(secret), replace(current, until=now_s + overlap_s)))
