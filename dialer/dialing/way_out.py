"""One host's way to the provider: whoever cannot reach it takes no work until it can again.

A fault before anything was sent says nothing of the account: the cable, the resolver or the disk of
one host may be at fault. So it does not close the account's gate while another host may dial:

    three faults in a row ─▶ sick: takes no messages, hands on those it has ─▶ a probe comes through
                                                                                 └▶ takes messages
    every host sick, or the only one at fault ─▶ the account's gate is closed

A probe opens a connection, which takes no slot. All processes of a host share what one has found
out, through a record in Redis that doctor, `why` and the health page read too.
"""

import threading
from collections.abc import Callable

from dialer.clock import boottime_s
from dialer.errors import TurnedAway
from dialer.logger import get_logger
from dialer.pacing import Pacing
from dialer.store import Database
from dialer.store.hosts import SickHost, hosts_seen, note_sick, note_well, sick_by_identity

log = get_logger(__name__)

_FAULTS_IN_A_ROW = 3
_SEEN_LATELY_S = 25.0  # a worker tells every ten seconds that its host lives
_LONGEST_PAUSE_S = 60.0
_PROBE_EVERY_S = 5.0
_GATE_CLOSED_S = 2.0  # until the next tick, and one that is late


class WayOut:
    """What a worker process knows of its host's way to the provider.

    Args:
        host: Its identity, see `Journal.identity`.
        name: Its name, for people.
        probe: Raises `TurnedAway` while nothing could be sent.
    """

    def __init__(
        self,
        db: Database,
        *,
        host: str,
        name: str,
        pacing: Pacing,
        probe: Callable[[], None],
    ) -> None:
        self._db = db
        self._host = host
        self._name = name
        self._pacing = pacing
        self._probe = probe
        self._lock = threading.Lock()  # of the fields below
        self._faults = 0  # in a row
        self._trips = 0  # in a row, each after a probe that came through in vain
        self._why: str | None = None  # it is sick
        self._is_told = False
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether this host may take work."""
        return self._why is None

    def worked(self) -> None:
        """Note that the provider answered."""
        if self._faults or self._trips:
            with self._lock:
                self._faults = self._trips = 0

    def failed(self, why: str) -> None:
        """Note that a request could not leave."""
        with self._lock:
            self._faults += 1
            if self._faults >= _FAULTS_IN_A_ROW and self._why is None:
                self._trips += 1
                self._shut(why, probe_in_s=min(_LONGEST_PAUSE_S, 2.0 ** (self._trips - 1)))
        if not self._others():
            self._pacing.back_off(None)

    def tick(self) -> None:
        """Agree with the host's other processes, and find out whether it is well; call each second."""
        record = sick_by_identity(self._db).get(self._host)
        with self._lock:
            if self._why is None:
                if record is None:
                    return
                self._is_told = True
                self._shut(record.why, probe_in_s=_PROBE_EVERY_S)  # who found out probes sooner
            elif record is None and self._is_told:
                self._open()  # a probe of another process came through
                return
            why = self._why or ""
        if boottime_s() >= self._probe_at and self._comes_through():
            return
        self._tell(why, since=record.since if record else self._db.now())
        if not self._others():
            self._pacing.back_off(_GATE_CLOSED_S)

    def _comes_through(self) -> bool:
        try:
            self._probe()
        except (TurnedAway, OSError) as error:
            self._probe_at = boottime_s() + _PROBE_EVERY_S
            log.debug("probe_failed", message=str(error))
            return False
        note_well(self._db, self._host)
        with self._lock:
            self._open()
        return True

    def _shut(self, why: str, *, probe_in_s: float) -> None:
        self._why = why
        self._probe_at = boottime_s() + probe_in_s
        log.error("host_sick", host=self._name, why=why)

    def _open(self) -> None:
        self._why, self._is_told, self._faults = None, False, 0
        log.warning("host_well_again", host=self._name)

    def _tell(self, why: str, *, since: float) -> None:
        note_sick(self._db, self._host, SickHost(self._name, since, why))
        self._is_told = True

    def _others(self) -> bool:
        """Whether another host may dial."""
        live = hosts_seen(self._db, after=self._db.now() - _SEEN_LATELY_S)
        return bool(live - sick_by_identity(self._db).keys() - {self._host})
