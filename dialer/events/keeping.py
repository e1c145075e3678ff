"""Keeps the outbox: every event goes into a file, and what Redis holds of them stays small.

One process of an account's does it at a time. One that dies between writing and dropping has dropped
nothing; its successor looks for the last event in the files, and goes on behind it.
"""

from dialer.clock import boottime_s
from dialer.events.outbox import Outbox
from dialer.store import Attempts, Database
from dialer.store.events import ReportFinal, Written, ended_campaigns
from dialer.store.lease import Lease
from dialer.store.removal import awaiting_values

KEPT_IN_REDIS = 100_000
"""Events, of some fifty bytes each; older ones are in files alone."""

_AT_ONCE = 2_000
_DAY_S = 86_400
_FORGET_EVERY_S = 600.0
_LEASE_S = 30.0


class Keeping:
    """Does it, a little with each tick.

    Args:
        days: How long events are kept.
        holder: Names this process among all hosts'.
    """

    def __init__(
        self, db: Database, outbox: Outbox, *, days: int, holder: str, kept: int = KEPT_IN_REDIS
    ) -> None:
        self._db = db
        self._outbox = outbox
        self._days = days
        self._kept = kept
        self._lease = Lease(db, "events_kept_by", holder, lasts_s=_LEASE_S)
        self._last: str | None = None  # the newest in the files; None: to be looked for
        self._forget_at_s = float("-inf")

    def tick(self) -> int:
        """Write what is new, drop what is old; gives how many were written."""
        if not self._lease.take():
            self._last = None  # somebody else writes
            return 0
        self._close_reports()
        written = self._write()
        if len(written) < _AT_ONCE:  # else there is more that is in no file yet
            if written:
                self._drop()
            self._forget()
        return len(written)

    def wait(self, *, within_s: float) -> None:
        """Wait until there is something to write, where it is for us to do."""
        if self._last is not None:
            self._outbox.stream.wait(self._last, within_s=within_s)

    def _write(self) -> list[Written]:
        files = self._outbox.files
        if self._last is None:
            self._last = files.last_id()
        written = self._outbox.stream.after(self._last, most=_AT_ONCE)
        files.append(written, self._outbox.line_of)
        if written:
            self._last = written[-1][0]
        return written

    def _drop(self) -> None:
        if self._outbox.stream.size() > self._kept * 1.1:
            self._outbox.stream.keep(self._kept)

    def _forget(self) -> None:
        if boottime_s() < self._forget_at_s:
            return
        before_s = self._db.now() - self._days * _DAY_S
        self._outbox.files.forget(before_s=before_s)
        self._outbox.stream.forget(before_s=before_s)
        self._forget_at_s = boottime_s() + _FORGET_EVERY_S

    def _close_reports(self) -> None:
        """Tell of campaigns in whose reports nothing can change any more."""
        for campaign in ended_campaigns(self._db):
            is_open = Attempts(self._db).next_looks(campaign)
            if not is_open and not awaiting_values(self._db, campaign):
                self._db.run(ReportFinal(campaign))
