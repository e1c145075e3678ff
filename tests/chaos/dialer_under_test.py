"""One dialer in the test's hand: real Redis, the simulator over real sockets, time that jumps.

Every use case runs where the test says: here, or in a forked process that is killed at a place.
Redis' clock is the test's, so a quarantine of half an hour takes no time; the simulator lives in
real time, a thousand times faster than people, and keeps the ledger.
"""

import io
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from pydantic import SecretStr

from campaigns.attempt import Attempt
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.sieve import Dedupe
from dialer import failpoints
from dialer.dialing.dialing import Dialled
from dialer.dialing.gate import Dropped
from dialer.dialing.releasing import Released
from dialer.loading.loading import LoadOptions
from dialer.settings import Settings
from dialer.simulator import Fate, SimulatorOptions
from dialer.store import ContactRecord, OpenAttempt
from dialer.store.campaign import Campaign, Counts
from dialer.store.snapshot import contact_lines
from tests.chaos.processes_under_test import ProviderProcess
from tests.factories import rules
from tests.patience import until
from tests.virtual_time import VirtualDatabase
from workers.wiring import Wiring

ACCOUNT = "demo"
FAST = SimulatorOptions(
    speed=1000,
    rate_limit=100_000,
    latency_ms=(0, 1),
    ring_s=(1, 2),
    talk_s=(10, 20),
    values_late_s=0,
    hang_s=3,
    stall_s=(0.8, 0.9),
    outcomes={Fate.CONNECTED: 1},
    callback_retry_delays_s=(),
)
RULES = rules(time_limit_s=60, time_out_s=10, max_attempts=3)
DEADLINE_S = 2.0
LOST_S = 2 + DEADLINE_S + 30 + 1
"""After so long a request without an answer is unknown."""

QUARANTINE_S = 2 + DEADLINE_S + 30 + 2 * 10 + 60 + 300


@dataclass
class Station:
    """A worker host, a feeder and a results process, to be run by hand."""

    client: "redis.Redis"
    folder: Path
    provider: ProviderProcess
    settings: dict[str, Any] = field(default_factory=dict)
    db: VirtualDatabase = field(init=False)

    def __post_init__(self) -> None:
        self.db = VirtualDatabase(self.client, f"{ACCOUNT}{secrets.token_hex(4)}")
        self.db.clock_s = time.time()
        self._wiring: Wiring | None = None
        self._processes: list[Wiring] = []

    @property
    def wiring(self) -> Wiring:
        """The process that runs now."""
        self._wiring = self._wiring or self.new_process()
        return self._wiring

    def new_process(self, **settings: Any) -> Wiring:
        """Start a process on this host: it remembers nothing."""
        plain: dict[str, Any] = {
            "dialer_data_dir": self.folder,
            "dialer_public_url": "http://127.0.0.1:9",  # nobody listens: callbacks are lost
            "dialer_callback_secret": SecretStr("a-secret-for-tests-of-32-letters"),
            "dialer_http_deadline_s": DEADLINE_S,
            "exotel_account_sid": ACCOUNT,
            "exotel_api_key": SecretStr("demo-key"),
            "exotel_api_token": SecretStr("demo-token"),
            "exotel_caller_id": RULES.caller_id,
            "exotel_base_url": self.provider.url,
            "exotel_details_base_url": self.provider.url,
            "exotel_rate_limit": 10_000,
        }
        # a slept second is a passed second, and costs nothing
        wiring = Wiring(
            Settings(_env_file=None, **{**plain, **self.settings, **settings}),
            sleep=self.db.pass_time,
        )
        vars(wiring).update(db=self.db, redis=self.client)
        self._processes.append(wiring)
        return wiring

    def restart(self, **settings: Any) -> Wiring:
        """Replace the process that runs by a new one, of which other settings are expected by then."""
        self.wiring.agreeing.leave()
        self._wiring = self.new_process(**settings)
        return self._wiring

    def close(self) -> None:
        """End all processes."""
        for wiring in self._processes:
            if "provider" in vars(wiring):
                wiring.provider.close()
            if "journal" in vars(wiring):
                wiring.journal.close()

    ############################################################ steps

    def load(
        self,
        pairs: int = 1,
        *,
        name: str = "sale",
        first: int = 1,
        same_agent: bool = False,
        wide: bool = False,
        rules: CampaignRules = RULES,
    ) -> str:
        """Load fictional pairs and start dialling them.

        Args:
            wide: More than a hundred pairs, numbered by other digits.
        """
        rows = [
            f"+9190000{n:05},+9198765{n:05}"
            if wide
            else f"+9190000001{0 if same_agent else n:02},+9198765432{n:02}"
            for n in range(first, first + pairs)
        ]
        text = "\n".join(["agent,customer", *rows]) + "\n"
        loaded = self.wiring.loading.load(
            io.BytesIO(text.encode()),
            name=name,
            rules=rules,
            options=LoadOptions(dedupe=Dedupe.FILE, again=True),
        )
        assert loaded.campaign is not None
        self.wiring.campaigns.move(loaded.campaign, CampaignState.RUNNING)
        return loaded.campaign.id

    def release(self) -> Sequence[Released]:
        """Let the feeder tick."""
        feeding = self.wiring.feeding
        feeding.keep_schedules()
        while feeding.cancel_some():
            pass
        return feeding.tick().released

    def dial(self, released: Released) -> Dialled | Dropped:
        """Let the worker take one message."""
        return self.wiring.dialing.dial(released.contact, released.token)

    def dial_all(self) -> list[Dialled | Dropped]:
        """Release and dial what is due now."""
        return [self.dial(one) for one in self.release()]

    def sweep(self) -> None:
        self.wiring.sweeping.sweep()

    def pass_time(self, seconds: float) -> None:
        self.db.pass_time(seconds)

    def pause_for_real(self, seconds: float) -> None:
        """Let real time pass: the worker's own clock, which nobody can fake, must see it."""
        time.sleep(seconds)

    def finish(self, campaign: str, *, turns: int = 60, turn_s: float = 61.0) -> Counts:
        """Let everything run, faults over, until the campaign is completed."""
        for _ in range(turns):
            self.wiring.host_recovery.tick()
            self.wiring.account_recovery.tick()
            self.dial_all()
            self.let_calls_end()
            self.sweep()
            if self.state(campaign) in {"completed", "cancelled"}:
                return self.counts(campaign)
            self.pass_time(turn_s)
        raise AssertionError(f"{self.state(campaign)} {self.counts(campaign)}")

    def let_calls_end(self) -> None:
        """Wait until no call is live at the provider: some hundredths of a second."""
        until(lambda: not self.provider.verdict()["calls_live"], what="the end of all calls")

    ############################################################ a process that is killed

    def killed_at(self, place: str, work: Callable[[], Any]) -> None:
        """Do the work in a forked process that must die at this place."""
        status = self.forked(work, place=place)
        assert os.WIFSIGNALED(status), f"nobody came to {place} (exit {os.WEXITSTATUS(status)})"
        assert os.WTERMSIG(status) == signal.SIGKILL

    def forked(self, work: Callable[[], Any], *, place: str = "") -> int:
        """Do the work in a forked process; gives its wait status."""
        _ = self.wiring.provider  # made before the fork: its certificates take long to read
        pid = os.fork()
        if not pid:
            code = 1
            try:
                failpoints.arm(place)
                work()
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        return status

    ############################################################ what is known

    def campaign(self, campaign: str) -> Campaign:
        return self.wiring.campaigns.find(campaign)

    def state(self, campaign: str) -> str:
        return str(self.campaign(campaign).state)

    def counts(self, campaign: str) -> Counts:
        return self.wiring.campaigns.counts(campaign)

    def contacts(self, campaign: str) -> list[ContactRecord]:
        return [line.record for line in self._lines(campaign)]

    def attempts(self, campaign: str) -> list[Attempt]:
        """All attempts of a campaign, contact by contact."""
        return [one.attempt for one in self.open_attempts(campaign)]

    def open_attempts(self, campaign: str) -> list[OpenAttempt]:
        """As `attempts`, with their ids."""
        return [one for line in self._lines(campaign) for one in line.attempts]

    def _lines(self, campaign: str) -> Iterator[Any]:
        return contact_lines(self.db, campaign, size=self.campaign(campaign).accepted)


@contextmanager
def stationed(
    client: "redis.Redis", folder: Path, provider: ProviderProcess, **settings: Any
) -> Iterator[Station]:
    """Give a test its station; the provider begins anew."""
    provider.reset()
    with closing(Station(client, folder, provider, settings)) as station:
        yield station
