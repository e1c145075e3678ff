"""How much of everything there is right now, of the account and of a campaign: one look each."""

from collections.abc import Collection
from typing import NamedTuple

from dialer.store.account import CLOSED_FIELDS, Closed, closed_of
from dialer.store.database import Database, text

DIAL_QUEUE = "dial"
"""Dramatiq's queue of contacts to dial."""

EVENTS_QUEUE = "events"
"""Dramatiq's queue of webhooks that have something to be told."""


class AccountWork(NamedTuple):
    """What the account has to do.

    Args:
        queued: Messages that wait for a worker.
        callbacks: Callbacks received and not yet settled.
        oldest_callback_at: When the first of them came, epoch s; None: there is none.
        live: Attempts that are not settled, quarantine included.
        next_look: The attempt that is looked at next, and when, epoch s; None: there is none.
        slots_taken: Of the request allowance.
        orphans: Callbacks nobody could place.
        late: Settled attempts whose final values are missing.
    """

    closed: Closed
    queued: int
    callbacks: int
    oldest_callback_at: float | None
    live: int
    next_look: tuple[str, float] | None
    slots_taken: int
    orphans: int
    late: int


def account_work(db: Database, *, now_s: float) -> AccountWork:
    """Count everything in one round trip."""
    with db.client.pipeline(transaction=False) as pipe:
        pipe.hmget(db.key("account"), *CLOSED_FIELDS)
        pipe.llen(db.key(f"dramatiq:{DIAL_QUEUE}"))
        pipe.xlen(db.key("callbacks"))
        pipe.xrange(db.key("callbacks"), count=1)
        pipe.zcard(db.key("open"))
        pipe.zrange(db.key("open"), 0, 0, withscores=True)
        pipe.zcount(db.key("slots"), now_s, "+inf")
        pipe.xlen(db.key("orphans"))
        pipe.zcard(db.key("late"))
        closed, queued, callbacks, first, live, looks, slots, orphans, late = pipe.execute()
    return AccountWork(
        closed=closed_of(closed),
        queued=queued,
        callbacks=callbacks,
        oldest_callback_at=_stream_second(first[0][0]) if first else None,
        live=live,
        next_look=(text(looks[0][0]), looks[0][1]) if looks else None,
        slots_taken=slots,
        orphans=orphans,
        late=late,
    )


class CampaignWork(NamedTuple):
    """What concerns a campaign, of itself and of the account.

    Args:
        agents_ready: Agents with work here, believed free.
        live, callbacks, late: See `AccountWork`.
        capped_until: When its reached cap counts anew, epoch s; None: none was reached.
        is_appending: A file is on its way in.
    """

    closed: Closed
    agents_ready: int
    live: int
    callbacks: int
    late: int
    capped_until: float | None
    capped_by: str
    is_appending: bool


def campaign_work(db: Database, campaign: str) -> CampaignWork:
    """Count it in one round trip."""
    with db.client.pipeline(transaction=False) as pipe:
        pipe.hmget(db.key("account"), *CLOSED_FIELDS)
        pipe.zcard(db.key("c", campaign, "ready"))
        pipe.llen(db.key("c", campaign, "newcomers"))
        pipe.zcard(db.key("open"))
        pipe.xlen(db.key("callbacks"))
        pipe.zcard(db.key("late"))
        pipe.hmget(db.key("c", campaign), "capped_until", "capped_by", "loading")
        closed, ready, newcomers, live, callbacks, late, noted = pipe.execute()
    capped_until, capped_by, loading = noted
    return CampaignWork(
        closed=closed_of(closed),
        agents_ready=ready + newcomers,
        live=live,
        callbacks=callbacks,
        late=late,
        capped_until=float(capped_until) if capped_until else None,
        capped_by=text(capped_by),
        is_appending=bool(loading),
    )


def due_later(db: Database, *, most: int) -> tuple[int, list[tuple[str, float]]]:
    """Tell how many contacts wait for their time, and of the first of them the campaign and when they are due.

    Args:
        most: Read so many; those that are due first.
    """
    with db.client.pipeline(transaction=False) as pipe:
        pipe.zcard(db.key("later"))
        pipe.zrange(db.key("later"), 0, most - 1, withscores=True)
        in_all, read = pipe.execute()
    return in_all, [(text(one).partition("/")[0], due) for one, due in read]


def with_work(db: Database, campaign: str, agents: Collection[str]) -> list[str]:
    """Give those of some agents, E.164 digits, for whom a contact of the campaign is due."""
    with db.client.pipeline(transaction=False) as pipe:
        for agent in agents:
            pipe.exists(db.key("c", campaign, "ranked", agent))
            pipe.hexists(db.key("c", campaign, "heads"), agent)
        found = pipe.execute()
    is_there = map(any, zip(found[::2], found[1::2], strict=True))
    return [agent for agent, has_work in zip(agents, is_there, strict=True) if has_work]


def wait_for_work(db: Database, *, within_s: float) -> bool:
    """Wait until a feeder is called; one of several hears it. A call that is missed costs the wait."""
    return bool(db.client.blpop([db.key("calls_feeder")], within_s))


def _stream_second(id_: bytes) -> float:
    return int(text(id_).partition("-")[0]) / 1000
