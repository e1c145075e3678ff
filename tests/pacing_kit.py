"""Pacing under virtual time: the real scripts on the real server, their clock in the test's hand."""

import secrets
from pathlib import Path

from pydantic import SecretStr

from campaigns.attempt import AttemptState
from dialer.dialing.releasing import Released
from dialer.errors import ProviderError
from dialer.exotel import Connected, ConnectRequest
from dialer.exotel.deadline import IsWanted
from dialer.ids import AttemptId
from dialer.pacing import Allowance, Pacing
from dialer.settings import Settings
from dialer.settling.settling import Settling
from dialer.store import ContactRecord, Database, Follows
from dialer.store.server_clock import ServerClock
from dialer.store.starting import take_turns
from tests.factories import store_campaign
from tests.virtual_time import VirtualDatabase
from workers.wiring import Wiring


class UnspacedAllowance(Allowance):
    """Slots alone, so that tests see what the slots hold without the spacing's help."""

    @property
    def spacing_s(self) -> float:
        """No pause between grants."""
        return 0.0


class DialingCampaign:
    """A running campaign of fictional pairs, dialed by the real feeder and the real use case.

    Args:
        data_dir: For the journal.
    """

    def __init__(
        self, db: VirtualDatabase, allowance: Allowance, data_dir: Path, *, contacts: int = 100
    ) -> None:
        self._db = db
        self._allowance = allowance
        self._settings = Settings(
            dialer_data_dir=data_dir / secrets.token_hex(4),  # a journal of its own
            dialer_public_url="https://dialer.example",
            exotel_caller_id="08000000000",
            dialer_callback_secret=SecretStr("a secret long enough for a test of pacing"),
        )
        self._feeding = self._wiring(_Provider(None)).feeding
        self._released: list[Released] = []
        _load(db, contacts)

    def release(self) -> None:
        """Let the feeder hand out what is due: from now on dials wait."""
        self._released.extend(self._feeding.tick().released)

    def dial(self, answer: ProviderError | None = None) -> "DialRequest | None":
        """Let a worker take one released contact through the gate.

        Args:
            answer: What the request comes back with at once; None: it is left under way.

        Returns:
            The request that left; None when the gate let none go.
        """
        provider = _Provider(answer)
        wiring = self._wiring(provider)
        while self._released and not provider.asked:
            released = self._released[0]
            try:
                wiring.dialing.dial(released.contact, released.token)
            except _MustWait:
                return None
            except _UnderWay:
                pass
            del self._released[0]
        if provider.asked is None:
            return None
        return DialRequest(wiring.settling, self._allowance, provider.asked)

    def _wiring(self, provider: "_Provider") -> Wiring:
        """Wire a worker that has just started: what it remembers of the hours may be hours old."""
        wiring = Wiring(self._settings, sleep=_give_up)
        vars(wiring).update(
            db=self._db, provider=provider, pacing=Pacing(self._db, self._allowance)
        )
        return wiring


class DialRequest:
    """A dial on its way to the provider; its ends are named as a look-up's."""

    def __init__(self, settling: Settling, allowance: Allowance, id_: AttemptId) -> None:
        self._settling = settling
        self._allowance = allowance
        self.id = id_

    def answered(self) -> None:
        """Note that the call was placed."""
        slot_s = self._allowance.kept_after_answer_s
        self._learn(AttemptState.PLACED, Follows(slot_s=slot_s, works=True))

    def unanswered(self) -> None:
        """Note that nobody knows whether it was."""
        slot_s = self._allowance.kept_without_answer_s
        self._learn(AttemptState.UNKNOWN, Follows(slot_s=slot_s, unresolved=True))

    def _learn(self, state: AttemptState, follows: Follows) -> None:
        self._settling.update(self.id, lambda now: now._replace(state=state), follows=follows)


class _UnderWay(BaseException):
    """The request has left, and its worker hears no more of it: as good as killed."""


class _MustWait(BaseException):
    """The gate said to wait."""


def _give_up(_: float) -> None:
    raise _MustWait


class _Provider:
    """Stands where Exotel would; remembers which attempt asked."""

    def __init__(self, answer: ProviderError | None) -> None:
        self._answer = answer
        self.asked: AttemptId | None = None

    def connect(
        self, request: ConnectRequest, *, send_before: float, is_wanted: IsWanted
    ) -> Connected:
        self.asked = AttemptId.parse(request.custom_field or "")
        raise self._answer or _UnderWay


def _load(db: Database, contacts: int) -> None:
    pairs = [
        ContactRecord(agent=f"+9198765{n:05}", customer=f"+9190000{n:05}") for n in range(contacts)
    ]
    campaign = store_campaign(db, pairs, name="paced")
    take_turns(db, {campaign: (0, 1e12)})


HOUR_S = 3600.0
ONE = UnspacedAllowance(requests=1)


def process(db: VirtualDatabase, *, machine: str | None = None) -> ServerClock:
    """What another process knows of the clock: nothing yet."""
    return ServerClock(db, boottime=db.clock.boottime, machine=machine)


def look(clock: ServerClock, allowance: Allowance = ONE) -> None:
    clock.look(slots_kept_s=allowance.lease_s)
