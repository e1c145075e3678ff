"""The account's record: why nothing goes out, and what its processes must have the same."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from dialer.store.database import Database, text
from dialer.store.holds import HOLD_FIELDS, why_held
from dialer.store.scripts import gives

CLOSED_FIELDS = (*HOLD_FIELDS, "stopped", "stopped_at", "capped_by", "capped_until")
"""What `closed_of` reads, in its order."""


class Closed(NamedTuple):
    """What keeps the whole account from dialling; '' where it does not.

    Args:
        hold: Its records may be incomplete, or a person stopped everything.
        stopped: Why the provider refuses it.
        stopped_at: Epoch s, as is `capped_until`.
        capped_by: The cap of its day that was reached.
        capped_until: When that day ends; a cap counts until then only.
    """

    hold: str
    stopped: str
    stopped_at: float | None
    capped_by: str
    capped_until: float


def read_closed(db: Database) -> Closed:
    """Tell what keeps the account from dialling."""
    fields = db.client.hmget(db.key("account"), *CLOSED_FIELDS)
    return closed_of(cast("list[bytes | None]", fields))


def closed_of(fields: Sequence[bytes | None]) -> Closed:
    """Tell the same by the record's `CLOSED_FIELDS`, for whoever reads them with other things."""
    *holds, stopped, stopped_at, capped_by, capped_until = fields
    return Closed(
        hold=why_held(holds),
        stopped=text(stopped),
        stopped_at=float(stopped_at) if stopped_at else None,
        capped_by=text(capped_by),
        capped_until=float(capped_until or 0),
    )


class Stop(NamedTuple):
    """Why the provider takes no requests of ours.

    Args:
        since: Epoch s, as is `probe_at`.
        probe_at: When one contact tries whether it works again; None: not by itself.
    """

    why: str
    since: float
    probe_at: float | None


def read_stop(db: Database) -> Stop | None:
    """Tell why the account is stopped; None when it is not."""
    why, since, probe_at = cast(
        "list[bytes | None]",
        db.client.hmget(db.key("account"), "stopped", "stopped_at", "probe_at"),
    )
    if why is None:
        return None
    return Stop(text(why), float(since or 0), float(probe_at) if probe_at else None)


@gives("resume")
class Resume(NamedTuple):
    """Why dialling may go on."""

    why: str


def lift_stop(db: Database) -> bool:
    """Forget that the provider refused the account; False when it did not."""
    return bool(db.run(Resume("a person said so")))


class AllTerms(NamedTuple):
    """What the account's processes must have the same, and have told; see agree.lua.

    Args:
        account: The account's own, JSON; None: nobody told any yet.
        told: By process; some may be gone.
        living: Processes that told theirs lately.
    """

    account: bytes | None
    told: dict[bytes, bytes]
    living: set[bytes]


def read_terms(db: Database, *, seen_after: float) -> AllTerms:
    """Read everybody's terms.

    Args:
        seen_after: Who told theirs last before that, epoch s, does not live.
    """
    with db.client.pipeline(transaction=False) as pipe:
        pipe.hget(db.key("account"), "terms_told")
        pipe.hgetall(db.key("terms"))
        pipe.zrangebyscore(db.key("terms_seen"), seen_after, "+inf")
        account, told, living = pipe.execute()
    return AllTerms(account, told, set(living))
