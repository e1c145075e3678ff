"""Use case: dial one released contact.

release ─▶ gate ─▶ connect ─▶ finish
            │ wait a little, then ask again
            └ drop: not ours any more, or not now
"""

import threading
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from campaigns.attempt import Attempt
from campaigns.custom_field import CustomFieldTemplate, custom_field
from dialer import failpoints
from dialer.answers import Answers
from dialer.call_request import call_request
from dialer.callback_paths import CallbackPaths
from dialer.clock import Sleep
from dialer.dialing_options import DialingOptions
from dialer.errors import ProviderError, TurnedAway
from dialer.exotel import Connected, Exotel
from dialer.gate import Dropped, Gate, Opened
from dialer.ids import AttemptId, ContactId
from dialer.journal import Intent, Journal
from dialer.pacing import Pacing
from dialer.recovery import HostRecovery
from dialer.settling import Settling
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
"""The release is still good, for another worker."""


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
        self._gate = Gate(
            db, pacing=pacing, options=options, recovery=recovery, journal=journal, sleep=sleep
        )
        self._answers = Answers(
            db, pacing=pacing, settling=settling, options=options, recovery=recovery
        )
        self._turn = threading.Lock()
        self._stopped = threading.Event()

    def dial(self, contact: ContactId, token: str) -> Dialled | Dropped:
        """Dial a contact that was released under this token; a stale token does nothing."""
        failpoints.reach("dequeued")
        with self._turn:  # one thread a process asks the gate, the others would only poll too
            stopped = self._stopped.is_set()
            opened = STOPPING if stopped else self._gate.pass_with(contact, token)
        if isinstance(opened, Dropped):
            log.debug("release_dropped", contact_id=str(contact), why=opened.why)
            return opened
        failpoints.reach("gate_passed")
        return Dialled(opened.id, self._send(opened))

    def stop(self) -> None:
        """Let those go who wait for their turn at the gate; requests that were sent are finished."""
        self._stopped.set()

    def _send(self, opened: Opened) -> Attempt:
        try:
            self._make_durable(opened)
            connected = self._connect(opened)
        except ProviderError as error:
            failpoints.reach("answered")
            return self._answers.refused(opened.id, opened.attempt, error)
        failpoints.reach("answered")
        return self._answers.placed(opened.id, opened.attempt, connected)

    def _make_durable(self, opened: Opened) -> None:
        """Put the intent where it outlives this process and this Redis, before the request leaves.

        Raises:
            TurnedAway: It could not be; nothing was sent.
        """
        try:
            if least := self._options.min_replicas:
                found = self._db.replicas_in_step(least=least, within_ms=_REPLICA_WAIT_MS)
                if found < least:
                    raise TurnedAway("too few replicas have the intent", error_code="not_durable")
            self._journal.write_intent(
                Intent(
                    epoch=opened.epoch,
                    attempt_id=str(opened.id),
                    ends_at=opened.attempt.quarantine_ends_at,
                    attempt=encode(opened.attempt),
                )
            )
        except (OSError, RedisError) as error:
            raise TurnedAway(
                f"the intent could not be made durable: {error}", error_code="not_durable"
            ) from error
        failpoints.reach("journaled")

    def _connect(self, opened: Opened) -> Connected:
        campaign = opened.campaign
        request = call_request(
            campaign.rules,
            agent=opened.attempt.agent,
            customer=opened.attempt.customer,
            custom_field=custom_field(str(opened.id), _own_field(campaign, opened.row)),
            status_callback=self._paths.url(str(opened.id)),
            max_retries=self._options.max_retries,
            playback_names=self._options.playback_names,
        )
        return self._provider.connect(request, send_before=opened.send_before)


def _own_field(campaign: Campaign, row: Row) -> str | None:
    if "custom_field" in row.extra or not campaign.rules.custom_field:
        return row.extra.get("custom_field")
    template = CustomFieldTemplate.parse(campaign.rules.custom_field, campaign.columns)
    return template.fill(row.cells)
