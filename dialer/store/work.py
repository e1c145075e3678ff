"""How much of everything there is right now, of the account and of a campaign: one look each."""

from collections.abc import Collection
from enum import Flag, auto
from typing import Any, NamedTuple, cast

from dialer.store.account import CLOSED_FIELDS, Closed, closed_of
from dialer.store.database import Database, text

DIAL_QUEUE = "dial"
"""Dramatiq's queue of contacts to dial."""

EVENTS_QUEUE = "events"
"""Dramatiq's queue of webhooks that have something to be told."""

_AGENTS_TOGETHER = 100


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
    """Give those of some agents, E.164 digits, for whom a contact of the campaign is due.

    They are asked for by the hundred: tens of thousands may be away at once, in whom it has nobody.
    """
    asked = list(agents)
    together = [asked[at : at + _AGENTS_TOGETHER] for at in range(0, len(asked), _AGENTS_TOGETHER)]

    def ranked(agent: str) -> str:
        return db.key("c", campaign, "ranked", agent)

    with db.client.pipeline(transaction=False) as pipe:
        for some in together:
            pipe.hmget(db.key("c", campaign, "heads"), some)
            pipe.exists(*map(ranked, some))
        answers = pipe.execute()
    heads = {
        agent
        for some, found in zip(together, answers[::2], strict=True)
        for agent, head in zip(some, found, strict=True)
        if head is not None
    }
    # whose they are is asked where there are any
    unsure = [
        agent
        for some, number in zip(together, answers[1::2], strict=True)
        if number
        for agent in some
        if agent not in heads
    ]
    with db.client.pipeline(transaction=False) as pipe:
        for agent in unsure:
            pipe.exists(ranked(agent))
        found = dict(zip(unsure, pipe.execute(), strict=True))
    return [agent for agent in asked if agent in heads or found.get(agent)]


class CalledFor(Flag):
    """What a feeder is called for; nothing is false.

    Somebody to ring is `WORK`; with `LOOK` campaigns are otherwise than they were.
    """

    NOTHING = 0
    WORK = auto()
    LOOK = auto()


def wait_for_call(db: Database, *, within_s: float) -> CalledFor:
    """Wait until a feeder is called; one of several hears it. A call that is missed costs the wait."""
    heard = cast("Any", db.client.blpop([db.key("calls_feeder")], within_s))
    if not heard:
        return CalledFor.NOTHING
    # an earlier version told no word
    return CalledFor.WORK if text(heard[1]) == "work" else CalledFor.LOOK


def _stream_second(id_: bytes) -> float:
    return int(text(id_).partition("-")[0]) / 1000
