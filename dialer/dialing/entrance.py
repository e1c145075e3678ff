"""Gate, then journal: contacts that come together pass both together.

One thread asks for all that wait in line; what it was told yes for is durable before any of them goes
on to send.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from dialer import failpoints
from dialer.batching import Batching
from dialer.clock import Sleep
from dialer.dialing.candidate import Candidate
from dialer.dialing.gate import Dropped, Gate, NotYet, Opened, party
from dialer.dialing.journal import Intent, Journal
from dialer.dialing.way_out import WayOut
from dialer.errors import TurnedAway
from dialer.ids import AttemptId
from dialer.store import Database

STOPPING = Dropped("stopping")
SICK = Dropped("this host cannot send")
FOR_OTHERS = (STOPPING, SICK)
"""The release is still good, for another worker."""

OTHER_SETTINGS = Dropped("other settings")
"""This process's are not the account's; the contact was taken back."""

_REPLICA_WAIT_MS = 200
_LONGEST_SLEEP_S = 0.2  # so that a pause, or a slot freed early, is seen soon


@dataclass(frozen=True, slots=True)
class Passed:
    """The gate said yes.

    Args:
        refused: Why the request must not leave even so; None: it may.
    """

    opened: Opened
    refused: TurnedAway | None


class Entrance:
    """The way in, of one process."""

    def __init__(
        self,
        db: Database,
        *,
        gate: Gate,
        journal: Journal,
        way_out: WayOut,
        min_replicas: int,
        sleep: Sleep,
    ) -> None:
        self._db = db
        self._gate = gate
        self._journal = journal
        self._way_out = way_out
        self._min_replicas = min_replicas
        self._sleep = sleep
        # one thread a process asks the gate, the others would only poll too
        self._line: Batching[Candidate, Passed | Dropped] = Batching(
            self._let_in, party=party, most=gate.most_together
        )
        self._closed = threading.Event()
        self.under_way: set[AttemptId] = set()
        """Who is past the gate; whoever has written down the answer takes itself out."""

    def go_in(self, candidate: Candidate) -> Passed | Dropped:
        """Wait for the contact's turn, and for the answer."""
        return self._line.go(candidate)

    def close(self) -> None:
        """Let those go who still wait."""
        self._closed.set()

    def _let_in(self, wanted: Sequence[Candidate]) -> list[Passed | Dropped | Exception | None]:
        """Ask the gate for these, None where it must be asked again; sleeps if that goes for all."""
        if self._closed.is_set():
            return [STOPPING] * len(wanted)
        if not self._way_out.is_open:
            return [SICK] * len(wanted)
        verdicts = self._gate.ask(wanted)
        opened = [one for one in verdicts if isinstance(one, Opened)]
        self.under_way.update(one.id for one in opened)
        not_durable = self._make_durable(opened)
        answers: list[Passed | Dropped | Exception | None] = []
        waits_s: list[float] = []
        for verdict in verdicts:
            match verdict:
                case NotYet(wait_s):
                    answers.append(None)
                    waits_s.append(wait_s)
                case Opened():
                    answers.append(Passed(verdict, not_durable))
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
        if least := self._min_replicas:
            found = self._db.replicas_in_step(least=least, within_ms=_REPLICA_WAIT_MS)
            if found < least:
                raise TurnedAway("too few replicas have the intent", error_code="not_durable")


def _intent(opened: Opened) -> Intent:
    return Intent(
        epoch=opened.epoch,
        attempt_id=str(opened.id),
        ends_at=opened.attempt.quarantine_ends_at,
        attempt=opened.stored,
    )
