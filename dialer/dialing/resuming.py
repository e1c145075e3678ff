"""Use case: the provider refuses the account; somebody mends the cause and lets dialling go on."""

from dialer.deeds import Did, tell
from dialer.logger import get_logger
from dialer.store import Database
from dialer.store.account import lift_stop, read_stop

log = get_logger(__name__)


def resume_account(db: Database) -> bool:
    """Let dialling go on; False when nothing had stopped it."""
    before = read_stop(db)
    was_stopped = lift_stop(db)
    was = {"stopped": before.why if before else None}
    tell(what=Did.ACCOUNT_RESUMED, before=was, after={"stopped": None})
    if was_stopped:
        log.warning("account_resumed")
    return was_stopped
