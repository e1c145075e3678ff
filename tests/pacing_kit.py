"""Pacing under virtual time: the real scripts on the real server, their clock in the test's hand."""

import secrets
from pathlib import Path
from typing import Any

import redis
from pydantic import SecretStr
from redis.client import Pipeline
from redis.commands.core import Script

from campaigns.attempt import AttemptState
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from dialer.dialing.releasing import Released
from dialer.errors import ProviderError
from dialer.exotel import Connected, ConnectRequest
from dialer.exotel.deadline import IsWanted
from dialer.ids import AttemptId, new_campaign_id
from dialer.pacing import Allowance, Pacing
from dialer.settings import Settings
from dialer.settling.settling import Settling
from dialer.store import Campaigns, ContactRecord, Database, Follows
from dialer.store.contact_rows import Row
from dialer.store.contacts import Contacts
from dialer.store.imports import Imports
from dialer.store.scripts import Given, arguments
from workers.wiring import Wiring

START_S = 1_800_000_000.0  # a full minute, as fixed windows begin
_REAL_TIME = "redis.call('TIME')"
_VIRTUAL_TIME = "{ KEYS[2], '0' }"


class VirtualDatabase(Database):
    """A database whose scripts read `clock_s` where they would ask Redis for the time.

    Nothing in production knows of it: the one line of prelude/words.lua that reads the clock is replaced
    here, and the instant travels as a second key.
    """

    def __init__(
        self,
        client: "redis.Redis",
        account: str,
        *,
        shares_phones: bool = False,
        tells: bool = True,
    ) -> None:
        super().__init__(client, account, shares_phones=shares_phones, tells=tells)
        self.clock_s = START_S

    def _script(self, given: type[Given]) -> Script:
        if given not in self._scripts:
            text = self.written(given).as_script
            assert text.count(_REAL_TIME) == 1, "the scripts read the clock in one place"
            virtual = text.replace(_REAL_TIME, _VIRTUAL_TIME)
            self._scripts[given] = self.client.register_script(virtual)
        return self._scripts[given]

    def run(self, given: Given, *, pipeline: "Pipeline | None" = None) -> Any:
        """Run a script at the virtual instant."""
        keys = [self.prefix, f"{self.clock_s:.6f}"]
        script = self._script(type(given))
        return script(keys=keys, args=arguments(given), client=pipeline or self.client)

    def now(self) -> float:
        """Tell the virtual instant, epoch s."""
        return self.clock_s

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in whole microseconds, as Redis counts it."""
        self.clock_s = round(self.clock_s + seconds, 6)


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
    campaign = new_campaign_id()
    rules = CampaignRules.model_validate({"caller_id": "08000000000", "hours": "00:00-24:00"})
    store = Campaigns(db)
    store.create(campaign, name="paced", rules=rules, columns=("agent", "customer"))
    Imports(db).begin_loading(campaign, content_hash="paced")
    pairs = [
        ContactRecord(agent=f"+9198765{n:05}", customer=f"+9190000{n:05}") for n in range(contacts)
    ]
    rows = [Row(n + 2, (), {}) for n in range(contacts)]
    Contacts(db).append(campaign, before=0, records=pairs, rows=rows)
    counts = {"rows": contacts, "accepted": contacts, "rejected": 0, "duplicate": 0}
    Imports(db).commit(campaign, counts=counts, entry={"hash": "paced"})
    store.move(store.find(campaign), CampaignState.RUNNING)
    store.take_turns({campaign: (0, 1e12)})
