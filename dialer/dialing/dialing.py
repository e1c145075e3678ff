"""Use case: dial one released contact.

release ─▶ gate ─▶ connect ─▶ finish
            │ wait a little, then ask again
            └ drop: not ours any more, or not now
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from campaigns.attempt import SEND_WINDOW_S, Attempt
from campaigns.custom_field import CustomFieldTemplate, custom_field
from dialer import failpoints
from dialer.batching import Batching
from dialer.call_request import call_request
from dialer.callback_paths import CallbackPaths
from dialer.clock import Sleep, boottime_s
from dialer.dialing.finishing import Answers
from dialer.dialing.gate import Candidate, Dropped, Gate, NotYet, Opened, party
from dialer.dialing.journal import Intent, Journal
from dialer.dialing.options import DialingOptions
from dialer.dialing.recovery import HostRecovery
from dialer.dialing.way_out import WayOut
from dialer.errors import ProviderError, RequestRefused, TurnedAway
from dialer.exotel import Connected, ConnectRequest, Exotel
from dialer.ids import AttemptId, ContactId
from dialer.pacing import Pacing
from dialer.settling.settling import Settling
from dialer.store import Campaign, Database
from dialer.store.attempts import encode
from dialer.store.contacts import Row

log = structlog.get_logger(__name__)

_REPLICA_WAIT_MS = 200


@dataclass(frozen=True, slots=True)
class Dialled:
    """The request was sent, or surely could not be; this is the attempt after it."""

    attempt_id: AttemptId
    attempt: Attempt


STOPPING = Dropped("stopping")
SICK = Dropped("this host cannot send")
FOR_OTHERS = (STOPPING, SICK)
"""The release is still good, for another worker."""

OTHER_SETTINGS = Dropped("other settings")
"""This process's are not the account's; the contact was taken back."""

_LONGEST_SLEEP_S = 0.2  # so that a pause, or a slot freed early, is seen soon


@dataclass(frozen=True, slots=True)
class _Passed:
    """The gate said yes.

    Args:
        refused: Why the request must not leave even so; None: it may.
    """

    opened: Opened
    refused: TurnedAway | None


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
        self._db = db
        self._provider = provider
        self._paths = paths
        self._options = options
        self._journal = journal
        self._sleep = sleep
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
        self._answers = Answers(
            db,
            pacing=pacing,
            settling=settling,
            options=options,
            recovery=recovery,
            way_out=self.way_out,
        )
        # one thread a process asks the gate, the others would only poll too
        self._line: Batching[Candidate, _Passed | Dropped] = Batching(
            self._ask, party=party, most=self._gate.most_together
        )
        self._under_way: set[AttemptId] = set()
        self._stopped = threading.Event()
        self._dialled_s = float("-inf")

    @property
    def most_together(self) -> int:
        """How many contacts may go through the gate at a time."""
        return self._gate.most_together

    def under_way(self) -> int:
        """Tell how many contacts are past the gate, and their answers not written down."""
        return len(self._under_way)

    @property
    def quiet_s(self) -> float:
        """For how long nothing was dialled or under way, s."""
        return 0.0 if self._under_way else boottime_s() - self._dialled_s

    def dial(self, contact: ContactId, token: str) -> Dialled | Dropped:
        """Dial a contact that was released under this token; a stale token does nothing."""
        self._dialled_s = boottime_s()
        failpoints.reach("dequeued")
        passed = self._line.go(Candidate(contact, token))
        if isinstance(passed, Dropped):
            log.debug("release_dropped", contact_id=str(contact), why=passed.why)
            return passed
        try:
            return Dialled(passed.opened.id, self._send(passed))
        finally:
            self._under_way.discard(passed.opened.id)

    def stop(self) -> None:
        """Let those go who wait for their turn at the gate; requests that were sent are finished."""
        self._stopped.set()

    def _ask(self, wanted: Sequence[Candidate]) -> list[_Passed | Dropped | Exception | None]:
        """Ask the gate for these, None where it must be asked again; sleeps if that goes for all."""
        if self._stopped.is_set():
            return [STOPPING] * len(wanted)
        if not self.way_out.is_open:
            return [SICK] * len(wanted)
        verdicts = self._gate.ask(wanted)
        opened = [one for one in verdicts if isinstance(one, Opened)]
        self._under_way.update(one.id for one in opened)
        not_durable = self._make_durable(opened)
        answers: list[_Passed | Dropped | Exception | None] = []
        waits_s: list[float] = []
        for verdict in verdicts:
            match verdict:
                case NotYet(wait_s):
                    answers.append(None)
                    waits_s.append(wait_s)
                case Opened():
                    answers.append(_Passed(verdict, not_durable))
                case _:
                    answers.append(verdict)
        if len(waits_s) == len(wanted):
            self._sleep(min(*waits_s, _LONGEST_SLEEP_S))
        return answers

    def _make_durable(self, opened: Sequence[Opened]) -> TurnedAway | None:
        """Put intents where they outlive this process and this Redis, before the requests leave.

        Returns:
            Why that could not be: then none of them is sent.
        """
        if not opened:
            return None
        failpoints.reach("gate_passed")
        try:
            self._wait_for_replicas()
            self._journal.write_intents([_intent(one) for one in opened])
        except TurnedAway as error:
            return error
        except (OSError, RedisError) as error:
            return TurnedAway(
                f"the intent could not be made durable: {error}", error_code="not_durable"
            )
        failpoints.reach("journaled")
        return None

    def _wait_for_replicas(self) -> None:
        if least := self._options.min_replicas:
            found = self._db.replicas_in_step(least=least, within_ms=_REPLICA_WAIT_MS)
            if found < least:
                raise TurnedAway("too few replicas have the intent", error_code="not_durable")

    def _send(self, passed: _Passed) -> Attempt:
        opened = passed.opened
        try:
            if passed.refused:
                raise passed.refused
            connected = self._connect(opened)
        except ProviderError as error:
            failpoints.reach("answered")
            return self._answers.refused(opened.id, opened.attempt, error)
        failpoints.reach("answered")
        return self._answers.placed(opened.id, opened.attempt, connected)

    def _connect(self, opened: Opened) -> Connected:
        try:
            request = self._request_for(opened)
        except ValueError as error:
            raise RequestRefused(str(error), error_code="not_built") from error
        return self._provider.connect(
            request,
            send_before=opened.send_before,
            is_wanted=lambda: self._gate.is_still_open(opened),
        )

    def _request_for(self, opened: Opened) -> ConnectRequest:
        campaign = opened.campaign
        return call_request(
            campaign.rules,
            agent=opened.attempt.agent,
            customer=opened.attempt.customer,
            custom_field=custom_field(str(opened.id), _own_field(campaign, opened.row)),
            status_callback=self._paths.url(str(opened.id)),
            max_retries=self._options.max_retries,
            playback_names=self._options.playback_names,
        )


def _intent(opened: Opened) -> Intent:
    return Intent(
        epoch=opened.epoch,
        attempt_id=str(opened.id),
        ends_at=opened.attempt.quarantine_ends_at,
        attempt=encode(opened.attempt),
    )


def _own_field(campaign: Campaign, row: Row) -> str | None:
    if "custom_field" in row.extra or not campaign.rules.custom_field:
        return row.extra.get("custom_field")
    template = CustomFieldTemplate.parse(campaign.rules.custom_field, campaign.columns)
    return template.fill(row.cells)
