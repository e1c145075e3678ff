"""Redis fails over, is cut off from its replicas, or turns into one: R3, R4, R6."""

import asyncio
import signal
import time

import pytest
import redis

from dialer.simulator import Fate, SimulatorOptions, running
from dialer.store import Database
from dialer.store.connection import open_redis, open_redis_async
from tests.acceptance.rig import IMPATIENT, Rig, agrees_with_provider, dialer, pairs
from tests.chaos.replicated_redis import Server, replicated_redis
from tests.patience import until

FAST = {
    "EXOTEL_RATE_LIMIT": "60",
    "EXOTEL_RATE_WINDOW_S": "5",
    **IMPATIENT,
}
PROVIDER = SimulatorOptions(
    rate_limit=60,
    rate_window_s=5,
    speed=240,
    values_late_s=60,
    outcomes={Fate.CONNECTED: 1},
    latency_ms=(100, 600),
    callback_retry_delays_s=(1.0, 3.0, 6.0),
)


def connects(rig: Rig) -> int:
    return rig.verdict()["connects"]


def lines(rig: Rig, event: str) -> list[str]:
    logs = (log.read_text(errors="replace") for log in rig.folder.glob("*.log"))
    return [line for log in logs for line in log.splitlines() if f'"{event}"' in line]


def test_r3_a_failover_in_the_middle_of_a_campaign_rings_nobody_twice_and_goes_on_in_seconds(
    tmp_path,
):
    safe = {"min-replicas-to-write": "1", "min-replicas-max-lag": "3"}

    with (
        replicated_redis(tmp_path / "redis", replicas=2, sentinels=3, **safe) as servers,
        running(PROVIDER) as provider,
        dialer(tmp_path, provider, **FAST, REDIS_URL=servers.url, DIALER_MIN_REPLICAS="1") as rig,
    ):
        rig.start("worker:2")
        rig.load(pairs(250, agents=250), "--start")
        until(lambda: connects(rig) > 40, within_s=40, what="the first calls")
        servers.master.kill()
        killed_s = time.monotonic()
        until(lambda: lines(rig, "hold_released"), within_s=30, what="the end of the hold")
        before = connects(rig)
        until(lambda: connects(rig) > before, within_s=20, what="the first call after it")
        idle_s = time.monotonic() - killed_s
        rig.wait_for_state("completed", within_s=60)

        assert idle_s < 20
        agrees_with_provider(rig)
        assert rig.verdict()["peak_in_window"] <= 60
        (released,) = lines(rig, "hold_released")
        assert '"restored": 0' in released.replace('":0', '": 0')


@pytest.mark.parametrize(
    ("ours", "servers_own", "within_s"),
    [
        pytest.param({"DIALER_MIN_REPLICAS": "1"}, {}, 1.0, id="no copy of the intent"),
        pytest.param(
            {},
            {"min-replicas-to-write": "1", "min-replicas-max-lag": "2"},
            4.0,
            id="NOREPLICAS",
        ),
    ],
)
def test_r4_without_a_replica_nothing_is_dialled_and_all_goes_on_once_there_is_one(
    tmp_path, ours, servers_own, within_s
):
    with (
        replicated_redis(tmp_path / "redis", replicas=1, **servers_own) as servers,
        running(PROVIDER) as provider,
        dialer(tmp_path, provider, **FAST, **ours, REDIS_URL=servers.master.url) as rig,
    ):
        rig.load(pairs(120, agents=120), "--start")
        until(lambda: connects(rig) > 20, within_s=40, what="the first calls")
        servers.replicas[0].send(signal.SIGSTOP)
        time.sleep(within_s)  # the promise is about what comes after this
        before = connects(rig)
        time.sleep(3.0)
        during = connects(rig)
        servers.replicas[0].send(signal.SIGCONT)

        assert during == before
        rig.wait_for_state("completed", within_s=90)
        agrees_with_provider(rig)


def test_r4_a_replica_is_in_step_only_if_it_has_what_every_connection_wrote(tmp_path):
    with (
        replicated_redis(tmp_path, replicas=1) as servers,
        open_redis(servers.master.url, account="demo") as client,
        client.client() as other_connection,
    ):
        db = Database(client, "test")
        before = db.replicas_in_step(least=1, within_ms=2000)
        servers.replicas[0].send(signal.SIGSTOP)
        other_connection.set("intent", 1)

        assert before == 1
        assert db.replicas_in_step(least=1, within_ms=100) == 0


@pytest.fixture
def two_servers(tmp_path):
    """Two servers, and a socket's name that leads to the first; it can be turned to the second."""
    link = tmp_path / "redis.sock"
    made = []
    for name in ("first", "second"):
        server = Server(tmp_path / name, {"save": "", "unixsocket": str(tmp_path / f"{name}.sock")})
        server.start()
        made.append(server)
    link.symlink_to(tmp_path / "first.sock")

    def fail_over() -> None:
        link.unlink()
        link.symlink_to(tmp_path / "second.sock")
        with made[0].client() as client:
            client.replicaof("127.0.0.1", made[1].port)

    yield f"unix://{link}", fail_over
    for server in made:
        server.kill()


def test_r6_a_client_leaves_a_server_that_became_a_replica(two_servers):
    url, fail_over = two_servers

    with open_redis(url, account="demo") as client:
        client.set("key", "before")
        fail_over()
        with pytest.raises(redis.ConnectionError):
            client.set("key", "during")
        client.set("key", "after")

        assert client.get("key") == b"after"
        assert client.info("replication")["role"] == "master"


async def _write_through_a_failover(url, fail_over):
    client = open_redis_async(url, account="demo")
    await client.set("key", "before")
    fail_over()
    await client.set("key", "during")
    value = await client.get("key")
    await client.aclose()
    return value


def test_r6_so_does_the_client_of_the_web_process_which_writes_again_at_once(two_servers):
    """What it writes are callbacks, and one that is stored twice counts once."""
    value = asyncio.run(_write_through_a_failover(*two_servers))

    assert value == b"during"
