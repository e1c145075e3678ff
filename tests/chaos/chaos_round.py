"""One round of a siege: a campaign, those who work on it, and what befalls them."""

import gc
import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import redis

from campaigns.agents.agent import Presence
from campaigns.attempt import Attempt
from campaigns.campaign import CampaignState
from campaigns.numbers.phone_rules import PhoneRules
from dialer import logs
from dialer.agents.presence import Presences
from dialer.agents.registry import Registry
from dialer.settings import read_settings
from dialer.store import Campaigns, Database
from dialer.store.snapshot import contact_lines
from tests.acceptance.rig import Rig
from tests.chaos.fault_settings import (
    LIFTED_LIMIT,
    LIMIT,
    NO_FAULTS,
    PROVIDER,
    PROVIDER_FAULTS,
    RULES,
    SETTINGS,
    agents_of,
    list_of,
)
from tests.chaos.judge import Verdict, judge
from tests.chaos.processes_under_test import ProviderProcess, RedisProcess
from tests.chaos.steps import (
    STEPS,
    Step,
    feed,
    keep_house,
    load,
    recover,
    settle,
    sweep,
    work,
)
from tests.chaos.workers_under_test import Crew, Tally, places_of
from tests.patience import until
from workers.wiring import Wiring

_AT_ONCE = 8
_END_WITHIN_S = 400.0
_AWAY_EVERY_S = 1.0
_OVER_EVERY_S = 0.2
_CALM = 5
"""So much rarer is everything once nobody is killed any more, and quarantines end."""

_EVERY_S: dict[Step, float] = {feed: 0.1, settle: 0.1, sweep: 0.5, recover: 0.5, keep_house: 1.0}
_SHARE_KILLED: dict[Step, float] = {
    feed: 0.25,
    work: 0.6,
    settle: 0.35,
    sweep: 0.6,
    recover: 0.2,
    keep_house: 0.2,
}


class Round:
    """One campaign under siege.

    Args:
        party: Contacts a worker dials at a time; of several, those go through the gate together.
    """

    def __init__(
        self, folder: Path, *, seed: int, kills: int, contacts: int, party: int = 1
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.tally = Tally()
        self.recovery: dict[str, list[float]] = {}
        """Seconds from a kill until the contact was dialled, or its attempt settled."""

        self._seed = seed
        self._rng = Random(seed)
        self._kills = kills
        self._party = party
        self._limit = LIMIT if party == 1 else LIFTED_LIMIT
        self._name = f"siege{seed}"
        self._file = folder / f"{self._name}.csv"
        self._file.write_text(list_of(contacts), encoding="utf-8")
        self._agents = agents_of(contacts)
        self._presence_s = 0.0
        self._file.with_suffix(".rules").write_text(RULES.model_dump_json())
        self._next_s: defaultdict[Step, float] = defaultdict(float)
        self._redis_killed_s: float | None = None
        self._look_s = 0.0

    def run(self) -> Verdict:
        """Besiege the campaign to its end and judge it."""
        with (
            RedisProcess(self.folder / "redis") as self._redis,
            ProviderProcess(
                replace(PROVIDER, seed=self._seed, rate_limit=self._limit)
            ) as self._provider,
            self._redis.client() as client,
        ):
            self._db = Database(client, "demo")
            settings = {
                **SETTINGS,
                "REDIS_URL": self._redis.url,
                "EXOTEL_RATE_LIMIT": str(self._limit),
            }
            self._rig = Rig(self.folder, self._provider.url, settings)
            self._rig.start("web")
            try:
                self._rig.wait_until_up()
                self._besiege()
            finally:
                self._rig.stop()
            self.recovery = _recovery_times(self._db, self._name, self.tally)
            return judge(self._db, self._provider, self._name, limit=self._limit, logs=self.folder)

    def _besiege(self) -> None:
        os.environ.update(self._rig.env)
        wiring = Wiring(read_settings())
        _ = wiring.provider, wiring.paths, wiring.settling  # made once, used by all
        logs.set_up(log_format="json", level="info", role="siege")
        gc.collect()
        gc.freeze()  # or every child would copy what it only counts references to
        self._crew = Crew(wiring, rng=self._rng, folder=self.folder, file=self._file)
        self.tally = self._crew.tally
        try:
            self._load()
            self._dial()
        finally:
            self._crew.end()

    def _load(self) -> None:
        """Load, killed at every place, until one load comes through; the agents are there before."""
        Registry(self._db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata")).put(
            self._agents
        )
        for place in STEPS[load]:
            self._crew.wait_for(self._crew.fork(load, place))
        if not self._crew.wait_for(self._crew.fork(load, None)):
            raise AssertionError(self.tally.crashes)

    def _dial(self) -> None:
        self._provider.order(odds=PROVIDER_FAULTS)
        disasters = self._disasters()
        end_by_s: float | None = None
        while not self._is_over():
            if self.tally.killed >= self._kills and end_by_s is None:
                self._provider.order(odds=NO_FAULTS, clear=True)
                end_by_s = time.monotonic() + _END_WITHIN_S
            if end_by_s is not None and time.monotonic() > end_by_s:
                return  # the judge will say what is missing
            if disasters and self.tally.killed >= disasters[0][0]:
                disasters.pop(0)[1]()
            self._crew.attend()
            self._watch_hold()
            self._send_somebody_away()
            self._start_what_is_due()
            time.sleep(0.002 if end_by_s is None else 0.02)
        until(self._all_ended, what="the end of all processes")

    def _start_what_is_due(self) -> None:
        now_s = time.monotonic()
        rarer = 1 if self.tally.killed < self._kills else _CALM
        for step, every_s in _EVERY_S.items():
            if now_s >= self._next_s[step] and not self._crew.runs(step):
                self._next_s[step] = now_s + every_s * rarer
                self._crew.fork(step, self._fate_of(step))
        for _ in range(_AT_ONCE):
            if len(self._crew) < _AT_ONCE and (messages := self._crew.next_messages(self._party)):
                self._crew.fork(work, self._fate_of(work), messages)

    def _send_somebody_away(self) -> None:
        """Send some agents on a break now and then; they come back by themselves."""
        if time.monotonic() < self._presence_s or self.tally.killed >= self._kills:
            return
        self._presence_s = time.monotonic() + _AWAY_EVERY_S
        with suppress(redis.RedisError):
            until_s = self._db.now() + self._rng.uniform(0.5, 4)
            some = self._rng.sample(self._agents, 3)
            Presences(self._db).set(some, Presence.BREAK, until_s=until_s, by="siege")

    def _fate_of(self, step: Step) -> str | None:
        if self.tally.killed >= self._kills or self._rng.random() >= _SHARE_KILLED[step]:
            return None
        return self._rng.choice(places_of(step))

    ############################################################ disasters

    def _disasters(self) -> list[tuple[int, Callable[[], None]]]:
        """Plan what else is killed, by the number of kills before it."""
        every = (
            self._kill_redis,
            self._kill_web,
            self._turn_away,
            self._kill_redis,
            self._kill_web,
        )
        share = self._kills / (len(every) + 1)
        return [(round(share * n), one) for n, one in enumerate(every, 1)]

    def _kill_redis(self) -> None:
        self._redis.kill()
        self._redis.start()
        self._redis_killed_s = time.monotonic()
        self.tally.redis_killed += 1

    def _kill_web(self) -> None:
        self._rig.kill("web")
        self._rig.start("web")
        self.tally.web_killed += 1

    def _turn_away(self) -> None:
        self._provider.order(connect=[{"fault": "429", "times": 5, "retry_after": "1"}])

    def _watch_hold(self) -> None:
        """Note how long after Redis' death dialling was allowed again."""
        if self._redis_killed_s is None:
            return
        run_id, hold = self._db.client.hmget(self._db.key("account"), "run_id", "hold")
        # no run id: Redis died before anybody dialled
        if hold is None and run_id == self._db.client.info("server")["run_id"].encode():
            self.tally.holds_s.append(time.monotonic() - self._redis_killed_s)
            self._redis_killed_s = None

    ############################################################ the end

    def _is_over(self) -> bool:
        if time.monotonic() < self._look_s:  # looking is work too
            return False
        self._look_s = time.monotonic() + _OVER_EVERY_S
        try:
            return Campaigns(self._db).find(self._name).state is CampaignState.COMPLETED
        except redis.RedisError:
            return False

    def _all_ended(self) -> bool:
        self._crew.attend()
        return not len(self._crew)


def _recovery_times(db: Database, name: str, tally: Tally) -> dict[str, list[float]]:
    campaign = Campaigns(db).find(name)
    made: dict[int, list[Attempt]] = {
        line.n: [one.attempt for one in line.attempts]
        for line in contact_lines(db, campaign.id, size=campaign.accepted)
    }
    times: dict[str, list[float]] = defaultdict(list)
    for contact, at_s, before_gate in tally.victims:
        attempts = made.get(contact.n, [])
        later = [one.requested_at for one in attempts if one.requested_at > at_s]
        hit = [one for one in attempts if one.requested_at <= at_s]
        if before_gate and later:
            times["killed before the gate, until dialled"].append(min(later) - at_s)
        elif hit and (hit[-1].settled_at or 0) > at_s:
            end = "quarantine" if hit[-1].source == "quarantine" else "evidence"
            times[f"killed after the gate, until settled by {end}"].append(
                (hit[-1].settled_at or 0) - at_s
            )
    return times
