"""The promises, kept by real processes and judged by the provider's ledger."""

import time
from collections.abc import Iterator

import pytest

from dialer.simulator import CallbackTrouble, SimulatorOptions, running
from tests.acceptance.rig import IMPATIENT, Rig, agrees_with_provider, dialer, pairs
from tests.chaos.processes_under_test import RedisProcess
from tests.patience import let_pass, until

pytestmark = pytest.mark.long

QUICK = ("--retry", "customer_busy=1x2", "--retry", "customer_no_answer=1x1",
         "--retry", "customer_failed=1x1", "--retry", "agent_no_answer=1x3",
         "--retry", "agent_busy=1x3", "--retry", "agent_failed=1x3",
         "--retry", "agent_left=1x1", "--retry", "customer_not_dialled=1x3",
         "--retry", "provider_failed=1x3")  # fmt: skip
FAST = {
    "EXOTEL_RATE_LIMIT": "100",
    "EXOTEL_RATE_WINDOW_S": "3",
    **IMPATIENT,
}


LATE_AND_TWICE = {
    CallbackTrouble.DUPLICATED: 0.3,
    CallbackTrouble.REORDERED: 0.3,
    CallbackTrouble.LATE: 0.2,
    CallbackTrouble.LOST: 0.1,
}
ROLES = ("web", "feeder", "results", "worker")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, server: RedisProcess) -> Iterator[Rig]:
    """Run one dialer for all: what befell it in another test, it has got over."""
    options = SimulatorOptions(
        rate_limit=100, rate_window_s=3, speed=120, values_late_s=60, callback_late_s=(0.1, 1.0)
    )
    folder = tmp_path_factory.mktemp("promises")
    with (
        running(options) as provider,
        dialer(folder, provider, roles=ROLES, REDIS_URL=server.url, **FAST) as started,
    ):
        yield started


def test_three_hundred_pairs_with_doubled_shuffled_and_early_callbacks_end_as_the_ledger_says(rig):
    rig.order(odds={"callback": LATE_AND_TWICE, "connect": {"callback-first+placed": 0.2}})

    loaded = rig.load(pairs(300, agents=40), "--start", *QUICK, name="late")
    status = rig.wait_for_state("completed", name="late", within_s=100)

    rig.order(odds={"callback": {}, "connect": {}})
    assert loaded["accepted"] == 300
    assert status["final"] == 300
    assert status["waiting"] == status["in_flight"] == status["unresolved"] == 0
    agrees_with_provider(rig, *rig.ids)


def test_a_limit_of_a_hundred_a_second_is_used_and_not_passed(tmp_path):
    limit = 6_000  # in a minute
    options = SimulatorOptions(rate_limit=limit, speed=120)

    with (
        running(options) as provider,
        dialer(tmp_path, provider, EXOTEL_RATE_LIMIT=str(limit)) as rig,
    ):
        rig.load(pairs(500, agents=500), "--start")
        until(lambda: rig.verdict()["connects"] >= 500, what="everybody's call")

        assert rig.verdict()["attempts_posted_twice"] == []
        assert rig.verdict()["overlapping_calls"] == []


def test_after_a_pause_no_request_is_sent(rig):
    before = rig.verdict()["connects"]
    rig.load(pairs(200, agents=100), "--start", *QUICK, name="paused")
    until_some_are_placed(rig, before)
    rig.json("campaign", "pause", "paused")
    let_pass(1.0)  # the promise is about this second
    after_a_second = rig.verdict()["connects"]
    time.sleep(2.0)

    assert rig.verdict()["connects"] == after_a_second
    rig.json("campaign", "resume", "paused")
    rig.wait_for_state("completed", name="paused", within_s=100)
    agrees_with_provider(rig, *rig.ids)


def until_some_are_placed(rig: Rig, before: int) -> None:
    until(lambda: rig.verdict()["connects"] > before + 20, what="the first calls")


def test_a_redis_that_stands_still_and_then_dies_is_got_over_without_a_traceback(rig, server):
    before = rig.verdict()["connects"]
    rig.load(pairs(200, agents=40), "--start", *QUICK, name="outlived")
    until_some_are_placed(rig, before)
    server.pause()
    until(lambda: "Timeout" in rig.log("worker"), what="a worker's time-out")
    server.kill()
    server.start()

    status = rig.wait_for_state("completed", name="outlived", within_s=120)

    assert status["final"] == 200
    agrees_with_provider(rig, *rig.ids)
    assert [name for name in ROLES if "Traceback" in rig.log(name)] == []
