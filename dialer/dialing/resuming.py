"""Use case: the provider refuses the account; somebody mends the cause and lets dialling go on."""

from dataclasses import dataclass
from typing import cast

import structlog

from dialer.store import Database
from dialer.store.database import text

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
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


def resume_account(db: Database) -> bool:
    """Let dialling go on; False when nothing had stopped it."""
    fields = ("stopped", "stopped_at", "probe_at", "probing")
    was_stopped = bool(db.client.hdel(db.key("account"), *fields))
    if was_stopped:
        log.warning("account_resumed")
    return was_stopped
