"""The kill harness: a campaign dialled by processes that are killed all the time.

    python -m tests.chaos.siege --kills 10000 --seed 7

One forked process does one step (load, feed, work, settle, sweep, keep house) on a real Redis and
against the simulator, and by the seed's plan is killed at a failpoint, or anywhere. Callbacks come
to a real `dialer web`, which is killed too; so is Redis, whose data survive. Meanwhile the provider
answers 5xx after placing, resets, hangs and turns away, and loses, doubles, delays and forges
callbacks. Then the faults stop, everything must come to its end, and the ledger decides.

The seed fixes the plan: who is killed where and what the provider does to whom. What runs beside
what is the machine's; a failure prints the seed and leaves logs and data in its folder.
"""

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import redis

from campaigns.attempt import Attempt
from campaigns.campaign import CampaignRules, CampaignState
from dialer import failpoints, logs
from dialer.feeding import RELEASE_LEASE_S
from dialer.ids import ContactId
from dialer.settings import read_settings
from dialer.simulator import CallbackTrouble, SimulatorOptions
from dialer.store import Campaigns, Database
from dialer.store.snapshot import contact_lines
from tests.acceptance.rig import CALLER_ID, Rig
from tests.chaos.ground import ProviderProcess, RedisProcess, wait_until
from tests.chaos.judge import Verdict, judge
from tests.chaos.steps import (
    STEPS,
    Message,
    Task,
    feed,
    keep_house,
    load,
    recover,
    settle,
    sweep,
    work,
)
from workers.wiring import Wiring

WINDOW_S, LIMIT = 30, 1200  # a dial every 25 ms: about what one machine can fork
HTTP_DEADLINE_S = 2
SETTINGS = {
    "EXOTEL_RATE_LIMIT": str(LIMIT),
    "EXOTEL_RATE_WINDOW_S": str(WINDOW_S),
    "DIALER_HTTP_DEADLINE_S": str(HTTP_DEADLINE_S),
    "DIALER_QUARANTINE_SLACK_S": "1",
    "DIALER_TIME_LIMIT_S": "1",
    "DIALER_TIME_OUT_S": "1",
    "DIALER_LOOKUP_AFTER_S": "4",
    "DIALER_LOOKUP_EVERY_S": "1",
    "DIALER_FINAL_VALUES_AFTER_S": "2",
}
RULES = CampaignRules(
    caller_id=CALLER_ID,
    hours="always",
    time_limit_s=1,
    time_out_s=1,
    wrap_up_s=0,
    park_after=0,
    max_attempts=6,
    retry=("customer_busy=1x1", "customer_no_answer=1x1", "agent_no_answer=1x2", "agent_busy=1x2"),
)
PROVIDER = SimulatorOptions(
    rate_limit=LIMIT,
    rate_window_s=WINDOW_S,
    speed=3,  # two rings and a word: a call takes a second
    ring_s=(1, 1),
    talk_s=(1, 1),
    latency_ms=(2, 40),
    values_late_s=3,
    hang_s=10,
    drip_interval_s=0.2,
    callback_retry_delays_s=(0.5, 2.0),
    callback_late_s=(0.2, 4.0),
)
PROVIDER_FAULTS = {
    "connect": {
        "500": 0.01,
        "500+placed": 0.02,
        "502+placed": 0.01,
        "503-plain+placed": 0.01,
        "504+placed": 0.02,
        "503": 0.01,
        "409-10706": 0.01,
        "hang+placed": 0.005,
        "close": 0.005,
        "close+placed": 0.01,
        "reset": 0.01,
        "reset+placed": 0.02,
        "cut+placed": 0.01,
        "bad-json+placed": 0.01,
        "empty+placed": 0.005,
        "no-sid+placed": 0.005,
        "known-sid+placed": 0.005,
        "gzip-bomb+placed": 0.002,
        "callback-first": 0.03,
    },
    "read": {"500": 0.05, "reset": 0.03, "bad-json": 0.03},
    "callback": {
        CallbackTrouble.LOST: 0.15,
        CallbackTrouble.LATE: 0.15,
        CallbackTrouble.DUPLICATED: 0.2,
        CallbackTrouble.REORDERED: 0.1,
        CallbackTrouble.MINIMAL: 0.05,
        CallbackTrouble.FORGED: 0.05,
        CallbackTrouble.MALFORMED: 0.03,
    },
}
NO_FAULTS: Mapping[str, Mapping[str, float]] = {"connect": {}, "read": {}, "callback": {}}

ANYWHERE = "anywhere"
_ANYWHERE_WITHIN_S = 0.08
_AT_ONCE = 8
_END_WITHIN_S = 400.0
_KILLS_A_CONTACT = 1.4
_SHARE_KILLED = {
    load: 0.7,
    feed: 0.25,
    work: 0.6,
    settle: 0.35,
    sweep: 0.6,
    recover: 0.2,
    keep_house: 0.2,
}
_COPED = 3  # exit code of a step that found Redis gone


@dataclass
class Child:
    """A process under way."""

    step: Callable[[Task], None]
    started_s: float
    place: str | None = None
    kill_at_s: float | None = None
    message: Message | None = None


@dataclass
class Tally:
    """What was done to the dialer, and what it made of it."""

    kills: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    coped: int = 0
    redis_killed: int = 0
    web_killed: int = 0
    holds_s: list[float] = field(default_factory=list)
    killed_before_gate: list[tuple[ContactId, float]] = field(default_factory=list)
    killed_after_gate: list[tuple[ContactId, float]] = field(default_factory=list)

    @property
    def killed(self) -> int:
        return self.kills.total()


class Round:
    """One campaign under siege."""

    def __init__(self, folder: Path, *, seed: int, kills: int, contacts: int) -> None:
        self.folder = folder
        self.seed = seed
        self.wanted_kills = kills
        self.rng = Random(seed)
        self.tally = Tally()
        self.children: dict[int, Child] = {}
        self.messages: deque[tuple[float, Message]] = deque()
        self._next_s: defaultdict[Callable[[Task], None], float] = defaultdict(float)
        self._half_line = ""
        self._redis_killed_s: float | None = None
        self.name = f"siege{seed}"
        self.file = folder / f"{self.name}.csv"
        folder.mkdir(parents=True)
        self.file.write_text(_list(contacts), encoding="utf-8")
        self.file.with_suffix(".rules").write_text(RULES.model_dump_json())

    def run(self) -> Verdict:
        """Besiege a campaign to its end and judge it."""
        redis_process = RedisProcess(self.folder / "redis")
        options = {name: getattr(PROVIDER, name) for name in PROVIDER.__slots__}
        with (
            redis_process,
            ProviderProcess(SimulatorOptions(**{**options, "seed": self.seed})) as provider,
        ):
            rig = Rig(self.folder, provider.url, {**SETTINGS, "REDIS_URL": redis_process.url})
            rig.start("web")
            rig.wait_until_up()
            try:
                self._redis, self._provider, self._rig = redis_process, provider, rig
                self._besiege()
            finally:
                self._end_children()
                rig.stop()
            db = Database(redis_process.client(), "demo")
            self._recovery = _recovery_times(db, self.name, self.tally)
            return judge(db, provider, self.name, limit=LIMIT, logs=self.folder)

    @property
    def recovery(self) -> dict[str, list[float]]:
        """Seconds from a kill until the contact was dialled, or its attempt settled."""
        return self._recovery

    def _besiege(self) -> None:
        os.environ.update(self._rig.env)
        self.wiring = Wiring(read_settings())
        _ = self.wiring.provider, self.wiring.paths, self.wiring.settling  # made once, used by all
        self.db = Database(self._redis.client(), "demo")
        self.queue_out, self.queue_in = os.pipe()
        os.set_blocking(self.queue_out, False)
        logs.set_up(log_format="json", level="info", role="siege")
        gc.collect()
        gc.freeze()
        self._load()
        self._provider.order(odds=PROVIDER_FAULTS)
        disasters = self._disasters()
        faults_end_s: float | None = None
        while not self._is_over():
            now_s = time.monotonic()
            if self.tally.killed >= self.wanted_kills and faults_end_s is None:
                self._provider.order(odds=NO_FAULTS, clear=True)
                faults_end_s = now_s
            if faults_end_s is not None and now_s - faults_end_s > _END_WITHIN_S:
                return  # the judge will say what is missing
            if disasters and self.tally.killed >= disasters[0][0]:
                disasters.pop(0)[1]()
            self._kill_the_doomed(now_s)
            self._watch_hold(now_s)
            self._reap()
            self._read_queue()
            self._start_what_is_due(now_s)
            time.sleep(0.002)
        self._drain()

    ############################################################ processes

    def _load(self) -> None:
        """Load, killed again and again, until one load comes through."""
        places = list(STEPS[load])
        while True:
            place = places.pop(0) if places else None
            pid = self._fork(load, place)
            _, status = os.waitpid(pid, 0)
            self._note_end(self.children.pop(pid), status)
            if place is None and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
                return
            if place is None and self.tally.crashes:
                raise AssertionError(self.tally.crashes[0])

    def _start_what_is_due(self, now_s: float) -> None:
        for step, every_s in (
            (feed, 0.1),
            (settle, 0.1),
            (sweep, 0.5),
            (recover, 0.5),
            (keep_house, 1.0),
        ):
            runs = any(child.step is step for child in self.children.values())
            if now_s >= self._next_s[step] and not runs:
                self._next_s[step] = now_s + every_s
                self._fork(step, self._fate_of(step))
        while self.messages and len(self.children) < _AT_ONCE:
            message = self._next_message(now_s)
            if message:
                self._fork(work, self._fate_of(work), message)

    def _next_message(self, now_s: float) -> Message | None:
        """Take the next message; now and then lose it, keep it for a second time, or take another.

        One whose lease is over is seldom worth a process: a worker would drop it in a millisecond.
        """
        luck = self.rng.random()
        if luck < 0.02:
            self.messages.popleft()
            return None
        if luck < 0.07:
            return self.messages[0][1]
        if luck < 0.15:
            self.messages.rotate(-1)
        sent_s, message = self.messages.popleft()
        is_stale = now_s - sent_s > RELEASE_LEASE_S
        return None if is_stale and luck < 0.95 else message

    def _fate_of(self, step: Callable[[Task], None]) -> str | None:
        if self.tally.killed >= self.wanted_kills or self.rng.random() >= _SHARE_KILLED[step]:
            return None
        return self.rng.choice([*STEPS[step], ANYWHERE])

    def _fork(
        self, step: Callable[[Task], None], place: str | None, message: Message | None = None
    ) -> int:
        now_s = time.monotonic()
        child = Child(step, now_s, place, message=message)
        if place == ANYWHERE:
            child.kill_at_s = now_s + self.rng.random() * _ANYWHERE_WITHIN_S
        pid = os.fork()
        if not pid:
            self._be(child)
        self.children[pid] = child
        self.tally.steps[step.__name__] += 1
        return pid

    def _be(self, child: Child) -> None:
        """Live the child's life; never returns."""
        code = 0
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            log = os.open(self.folder / "siege.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 2)
            failpoints.arm("" if child.place in (None, ANYWHERE) else child.place)
            child.step(Task(self.wiring, self.queue_in, child.message, self.file))
        except redis.RedisError:
            code = _COPED
        except BaseException:  # noqa: BLE001  # whatever it is, the round must tell of it
            with (self.folder / "crashes.txt").open("a") as crashes:
                crashes.write(f"--- {child.step.__name__}\n{traceback.format_exc()}\n")
            code = 1
        finally:
            os._exit(code)

    def _kill_the_doomed(self, now_s: float) -> None:
        for pid, child in self.children.items():
            if child.kill_at_s is not None and now_s >= child.kill_at_s:
                os.kill(pid, signal.SIGKILL)
                child.kill_at_s = None

    def _reap(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if pid in self.children:
                self._note_end(self.children.pop(pid), status)

    def _note_end(self, child: Child, status: int) -> None:
        if os.WIFSIGNALED(status):
            self.tally.kills[f"{child.step.__name__}/{child.place}"] += 1
            self._note_victim(child)
        elif os.WEXITSTATUS(status) == _COPED:
            self.tally.coped += 1
        elif os.WEXITSTATUS(status):
            self.tally.crashes.append((self.folder / "crashes.txt").read_text()[-3000:])

    def _note_victim(self, child: Child) -> None:
        if child.message is None or child.place in (None, ANYWHERE):
            return
        contact = ContactId.parse(child.message.contact)
        assert contact is not None
        victims = (
            self.tally.killed_before_gate
            if child.place == "dequeued"
            else self.tally.killed_after_gate
        )
        victims.append((contact, self.db.now() if self._redis_is_up() else time.time()))

    def _read_queue(self) -> None:
        try:
            text = self._half_line + os.read(self.queue_out, 65_536).decode()
        except BlockingIOError:
            return
        *lines, self._half_line = text.split("\n")
        now_s = time.monotonic()
        self.messages.extend((now_s, Message.unpack(line)) for line in lines)

    def _end_children(self) -> None:
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.children.clear()

    ############################################################ disasters

    def _disasters(self) -> list[tuple[int, Callable[[], None]]]:
        """Plan what else is killed, by the number of kills before it."""
        every = [
            self._kill_redis,
            self._kill_web,
            self._turn_away,
            self._kill_redis,
            self._kill_web,
        ]
        share = self.wanted_kills / (len(every) + 1)
        return [(round(share * n), one) for n, one in enumerate(every, 1)]

    def _kill_redis(self) -> None:
        self._redis.kill()
        self._redis.start()
        self._redis_killed_s = time.monotonic()
        self.tally.redis_killed += 1

    def _watch_hold(self, now_s: float) -> None:
        """Note how long after Redis' death dialling was allowed again."""
        if self._redis_killed_s is None or now_s - self._redis_killed_s < 1.0:
            return
        account = self.db.key("account")
        known, hold = self.db.client.hmget(account, "run_id", "hold")
        if hold is None and known.decode() == self.db.client.info("server")["run_id"]:
            self.tally.holds_s.append(now_s - self._redis_killed_s)
            self._redis_killed_s = None

    def _kill_web(self) -> None:
        self._rig.kill("web")
        self._rig.start("web")
        self.tally.web_killed += 1

    def _turn_away(self) -> None:
        self._provider.order(connect=[{"fault": "429", "times": 5, "retry_after": "1"}])

    def _redis_is_up(self) -> bool:
        return self._redis.process is not None and self._redis.process.poll() is None

    ############################################################ the end

    def _is_over(self) -> bool:
        try:
            return Campaigns(self.db).find(self.name).state is CampaignState.COMPLETED
        except redis.RedisError:
            return False

    def _drain(self) -> None:
        """Let late callbacks and values come, and the processes end by themselves."""

        def ended() -> bool:
            self._reap()
            return not self.children

        wait_until(ended, what="the end of all children", within_s=60)


def _list(contacts: int) -> str:
    """Make a list in which two contacts in three have an agent to share."""
    rows = [f"+9198765{n * 2 // 3:05},+9190000{n:05}" for n in range(contacts)]
    return "\n".join(["agent,customer", *rows]) + "\n"


def _recovery_times(db: Database, name: str, tally: Tally) -> dict[str, list[float]]:
    campaign = Campaigns(db).find(name)
    made: dict[int, list[Attempt]] = {
        line.n: [one.attempt for one in line.attempts]
        for line in contact_lines(db, campaign.id, size=campaign.size)
    }
    times: dict[str, list[float]] = defaultdict(list)
    for contact, at_s in tally.killed_before_gate:
        later = [one.requested_at for one in made.get(contact.n, ()) if one.requested_at > at_s]
        if later:
            times["killed before the gate, until dialled"].append(min(later) - at_s)
    for contact, at_s in tally.killed_after_gate:
        hit = [one for one in made.get(contact.n, ()) if one.requested_at <= at_s]
        if hit and hit[-1].settled_at and hit[-1].settled_at > at_s:
            what = "quarantine" if hit[-1].source == "quarantine" else "evidence"
            times[f"killed after the gate, until settled by {what}"].append(
                hit[-1].settled_at - at_s
            )
    return times


############################################################ the report


def besiege(
    *, kills: int, seed: int, kills_a_round: int, folder: Path, out: Callable[[str], None]
) -> dict[str, Any]:
    """Run rounds until so many kills were done; gives the report."""
    began_s = time.monotonic()
    tally, recovery, failed = Tally(), defaultdict(list), {}
    totals: Counter[str] = Counter()
    rounds = 0
    while tally.killed < kills and not failed:
        wanted = min(kills_a_round, kills - tally.killed)
        one = Round(
            folder / f"seed{seed}",
            seed=seed,
            kills=wanted,
            contacts=max(30, round(wanted / _KILLS_A_CONTACT)),
        )
        verdict = one.run()
        rounds += 1
        tally.kills += one.tally.kills
        tally.steps += one.tally.steps
        tally.coped += one.tally.coped
        tally.holds_s += one.tally.holds_s
        tally.redis_killed += one.tally.redis_killed
        tally.web_killed += one.tally.web_killed
        for name, times in one.recovery.items():
            recovery[name].extend(times)
        for name in ("contacts", "attempts", "calls", "requests", "gave_up"):
            totals[name] += getattr(verdict, name)
        failures = {**verdict.failures}
        if one.tally.crashes:
            failures["crashes"] = one.tally.crashes
        out(
            f"round {rounds}: seed {seed}, {one.tally.killed} kills, {verdict.contacts} contacts, "
            f"{verdict.attempts} attempts, {verdict.calls} calls, {time.monotonic() - began_s:.0f} s"
            + (f", FAILED {json.dumps(failures, default=str)[:3000]}" if failures else "")
        )
        if failures:
            failed = {"seed": seed, "folder": str(one.folder), **failures}
        else:
            shutil.rmtree(one.folder)
        seed += 1
    unreached = [place for place in _all_places() if not tally.kills[place]]
    return {
        "rounds": rounds,
        "kills": tally.killed,
        "kills_by_place": dict(sorted(tally.kills.items())),
        "never_reached": unreached,
        "steps": dict(tally.steps),
        "steps_that_found_redis_gone": tally.coped,
        "redis_killed": tally.redis_killed,
        "web_killed": tally.web_killed,
        **totals,
        "recovery_s": {
            name: _spread(times)
            for name, times in {
                **recovery,
                "Redis killed, until dialling was allowed": tally.holds_s,
            }.items()
            if times
        },
        "failed": failed,
        "took_s": round(time.monotonic() - began_s, 1),
    }


def _all_places() -> list[str]:
    """What a long run must have reached; a place nobody was killed at proves nothing."""
    rare = {"keep_house/handed_in", "keep_house/restored"}  # need Redis to be away at the moment
    every = {f"{step.__name__}/{place}" for step, places in STEPS.items() for place in places}
    return sorted(every - rare)


def _spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "median": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[int(len(ordered) * 0.99)], 1),
        "max": round(ordered[-1], 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300, help="processes to kill")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; +1 for each")
    parser.add_argument("--kills-a-round", type=int, default=1500)
    parser.add_argument("--folder", type=Path, default=None, help="for logs and data of a failure")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int(time.time()) % 1_000_000
    folder = options.folder or Path(tempfile.mkdtemp(prefix="siege-"))
    print(f"seed {seed}, folder {folder}", file=sys.stderr, flush=True)
    report = besiege(
        kills=options.kills,
        seed=seed,
        kills_a_round=options.kills_a_round,
        folder=folder,
        out=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(json.dumps(report, indent=None if options.json else 2, default=str))
    is_long = options.kills >= 1000
    return 1 if report["failed"] or (is_long and report["never_reached"]) else 0


if __name__ == "__main__":
    sys.exit(main())
