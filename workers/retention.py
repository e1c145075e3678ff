"""What is kept too long goes, once a day: campaigns over into files, personal data, old audit records.

    python -m workers.retention

Done in a process of its own, which the feeder starts: reading archives takes memory and time that
dialling should not wait for. Attempts that are past are packed all day, by the feeder itself.
"""

import math
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import redis

from dialer import logs
from dialer.deeds import Actor, Deed, DeedOutcome, Did
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.private_files import keep_files_private
from dialer.settings import read_settings
from dialer.store.functions import forget_functions
from dialer.store.past import pack_past
from dialer.store.processes import living_of_others
from dialer.store.turn_of_the_day import TurnOfTheDay
from workers.heartbeat import version
from workers.wiring import Wiring, wire

if TYPE_CHECKING:
    from dialer.archiving.archiving import Archiving

log = get_logger(__name__)

_FIRST_LOOK_AFTER_S = 60.0
_LOOK_EVERY_S = 600.0
_ENDS_EVERY_S = 1.0
_DAY_S = 86_400


def run(wiring: Wiring) -> None:
    """Remove what is kept too long, and record it."""
    settings = wiring.settings
    forget_functions(wiring.redis)
    actor = Actor.process("retention", socket.gethostname())
    if gone := wiring.audit.forget(days=settings.dialer_audit_days):
        asked = {"older_than_days": settings.dialer_audit_days}
        deed = Deed(Did.RECORDS_TRIMMED, actor, asked=asked, after={"records": gone})
        wiring.audit.note(deed, DeedOutcome.DONE)
    # pandas takes a while to import, and there may be nothing to do
    if days := settings.dialer_archive_after_days:
        from workers.record_keeping import RecordKeeping  # noqa: PLC0415

        _archive(wiring, RecordKeeping(wiring).archiving, actor, days=days)
    if days := settings.dialer_delete_after_days:
        from workers.record_keeping import RecordKeeping  # noqa: PLC0415

        deleting = RecordKeeping(wiring).deleting
        for campaign in deleting.archived_for(days * _DAY_S):
            asked = {"archived_days": days}
            deed = Deed(Did.CAMPAIGN_DELETED, actor, on=f"campaign {campaign.id}", asked=asked)
            with wiring.audit.recording(deed):
                deleting.delete(campaign)
    if days := settings.dialer_keep_days:
        from workers.record_keeping import RecordKeeping  # noqa: PLC0415

        with wiring.audit.recording(Deed(Did.DATA_PURGED, actor, asked={"older_than_days": days})):
            purged = RecordKeeping(wiring).purging(dry_run=False).older_than(days * _DAY_S)
        log.info("retention_done", campaigns=len(purged.campaigns), files=len(purged.files))
    pack(wiring)  # what stays


def pack(wiring: Wiring, *, over_before_s: float = math.inf) -> None:
    """Pack attempts that are past, in the campaigns that stay in Redis.

    Args:
        over_before_s: Campaigns that are over for longer, which were packed by then, are passed over.
    """
    if living_of_others(wiring.db, version()):
        return  # they may not read packed ones: when they have gone
    earliest = wiring.db.now() - over_before_s
    hundreds = sum(
        pack_past(wiring.db, one.id, size=one.accepted)
        for one in wiring.campaigns.unarchived()
        if one.ended_at is None or one.ended_at > earliest
    )
    if hundreds:
        log.info("attempts_packed", hundreds=hundreds)


def _archive(wiring: Wiring, archiving: "Archiving", actor: Actor, *, days: int) -> None:
    """Archive what ended so long ago; what cannot be yet is tried again the next day."""
    for campaign in archiving.over_for(days * _DAY_S):
        deed = Deed(
            Did.CAMPAIGN_ARCHIVED,
            actor,
            on=f"campaign {campaign.id}",
            asked={"older_than_days": days},
        )
        try:
            with wiring.audit.recording(deed):
                archiving.archive(campaign, force=False)
        except NotDone as error:
            log.warning("not_archived", campaign=campaign.id, message=str(error))


def keep_daily(
    wiring: Wiring, stop: threading.Event, *, first_after_s: float = _FIRST_LOOK_AFTER_S
) -> None:
    """See to it once a day, whichever feeder comes first, and pack attempts all day; never fails.

    Args:
        first_after_s: Who has just started has calls to place first.
    """
    turn = TurnOfTheDay(wiring.db)
    stop.wait(first_after_s)
    while not stop.is_set():
        try:
            if turn.take() and not _run_apart(wiring, stop):
                turn.give_back()
            pack(wiring, over_before_s=_DAY_S)
        except (redis.RedisError, OSError) as error:
            log.warning("retention_failed", message=str(error))
        except Exception:
            log.exception("retention_failed")
        stop.wait(_LOOK_EVERY_S)


def _run_apart(wiring: Wiring, stop: threading.Event) -> bool:
    # it uses the server that this process uses, embedded or not
    environment = {**os.environ, "REDIS_URL": wiring.redis_url}
    command = [sys.executable, "-m", "workers.retention", wiring.name]
    with subprocess.Popen(command, env=environment) as child:
        while child.poll() is None:
            if stop.wait(_ENDS_EVERY_S):
                child.terminate()
                return False
    if child.returncode not in {0, 1}:  # what it could say it has said
        log.error("retention_failed", exit_code=child.returncode)
    return child.returncode == 0


def main(account: str) -> int:
    """Do it once, for one account of this process's settings."""
    settings = read_settings()
    keep_files_private()
    logs.set_up(
        log_format=settings.dialer_log_format, level=settings.dialer_log_level, role="retention"
    )
    try:
        run(next(one for one in wire(settings) if one.name == account))
    except (redis.RedisError, OSError) as error:  # whoever takes the turn next tries again
        log.warning("retention_failed", message=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
