"""Use case: dial one released contact. The way of a dial is `Dialing.dial`, one line down:

releasing ─▶ gate ─▶ journal ─▶ sending ─▶ finishing ─▶ settling, effects
              └ drop: not ours any more, or not now
"""

from dataclasses import dataclass

from campaigns.attempt import SEND_WINDOW_S, Attempt
from dialer import failpoints
from dialer.callback_paths import CallbackPaths
from dialer.clock import Sleep, boottime_s
from dialer.dialing.at_provider import AtProvider
from dialer.dialing.candidate import Candidate
from dialer.dialing.entrance import Entrance
from dialer.dialing.finishing import Finishing
from dialer.dialing.gate import Dropped, Gate, Opened
from dialer.dialing.host_recovery import HostRecovery
from dialer.dialing.journal import Journal
from dialer.dialing.options import DialingOptions
from dialer.dialing.sending import Sending
from dialer.dialing.way_out import WayOut
from dialer.exotel import Exotel
from dialer.ids import AttemptId, ContactId
from dialer.logger import get_logger
from dialer.meters import DUE_TO_POST, GATE_WAIT
from dialer.pacing import Pacing
from dialer.settling.settling import Settling
from dialer.store import Database

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dialled:
    """The request was sent, or surely could not be; this is the attempt after it."""

    attempt_id: AttemptId
    attempt: Attempt


class Dialing:
    """Dials contacts, one call of `dial` at a time per thread."""

    def __init__(
        self,
        db: Database,
        *,
        provider: Exotel,
        pacing: Pacing,
        settling: Settling,
        paths: CallbackPaths,
        options: DialingOptions,
        recovery: HostRecovery,
        journal: Journal,
        sleep: Sleep,
    ) -> None:
        self.way_out = WayOut(
            db,
            host=journal.identity,
            name=recovery.host,
            pacing=pacing,
            # in the time that a dial has for it
            probe=lambda: provider.reach(within_s=SEND_WINDOW_S),
        )
        """Whether this host can send; it takes no messages while it cannot."""
        self._gate = Gate(db, pacing=pacing, options=options, recovery=recovery, journal=journal)
        self._entrance = Entrance(
            db,
            gate=self._gate,
            journal=journal,
            way_out=self.way_out,
            min_replicas=options.min_replicas,
            sleep=sleep,
        )
        self._meters = db.meters
        self._sending = Sending(
            provider,
            gate=self._gate,
            paths=paths,
            options=options,
            meters=db.meters,
            at_provider=AtProvider(),
        )
        self._finishing = Finishing(
            pacing=pacing,
            settling=settling,
            options=options,
            recovery=recovery,
            way_out=self.way_out,
        )
        self._dialled_s = float("-inf")

    @property
    def most_together(self) -> int:
        """How many contacts may go through the gate at a time."""
        return self._gate.most_together

    def under_way(self) -> int:
        """Tell how many contacts are past the gate, and their answers not written down."""
        return len(self._entrance.under_way)

    @property
    def quiet_s(self) -> float:
        """For how long nothing was dialled or under way, s."""
        return 0.0 if self._entrance.under_way else boottime_s() - self._dialled_s

    def dial(self, contact: ContactId, token: str) -> Dialled | Dropped:
        """Dial a contact that was released under this token; a stale token does nothing."""
        self._dialled_s = began_s = boottime_s()
        failpoints.reach("dequeued")
        passed = self._entrance.go_in(Candidate(contact, token))  # gate, journal
        if isinstance(passed, Dropped):
            log.debug("release_dropped", contact_id=str(contact), why=passed.why)
            return passed
        opened = passed.opened
        self._measure_wait(opened, boottime_s() - began_s)
        log.info("attempt_begun", attempt_id=str(opened.id), no=opened.attempt.no)
        try:
            answer = self._sending.send(passed)
            failpoints.reach("answered")
            return Dialled(opened.id, self._finishing.finish(opened.id, opened.attempt, answer))
        finally:
            self._entrance.under_way.discard(opened.id)

    def _measure_wait(self, opened: Opened, waited_s: float) -> None:
        self._meters.observe(GATE_WAIT, waited_s)
        if opened.due_at:
            self._meters.observe(DUE_TO_POST, opened.attempt.requested_at - opened.due_at)

    def stop(self) -> None:
        """Let those go who wait for their turn at the gate; requests that were sent are finished."""
        self._entrance.close()
