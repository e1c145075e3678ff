"""Three masters that share the keys: an account's clients go where its slot is, and follow it."""

import asyncio
from collections.abc import Iterator

import pytest
import redis

from dialer.settings import SettingsError, read_settings
from dialer.store.connection import open_redis, open_redis_async
from tests.chaos.redis_cluster import RedisCluster, redis_cluster, slot_of, tell
from tests.patience import until
from workers.doctor import examine
from workers.wiring import Wiring, wire

SCRIPT = "redis.call('SET', KEYS[1] .. 'b', 'script') return redis.call('GET', KEYS[1] .. 'a')"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[RedisCluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def answer(do) -> object:
    try:
        return do()
    except redis.RedisError as error:
        return type(error)


def test_an_accounts_clients_go_to_the_master_of_its_slot(cluster):
    for account in ("demo", "other", "theirs"):
        with open_redis(cluster.url, account=account) as client:
            client.set(f"dialer:{{{account}}}:a", account)
            port = client.info("server")["tcp_port"]

        assert port == cluster.owner(account).port
        assert tell(cluster.owner(account), "GET", f"dialer:{{{account}}}:a") == account.encode()


def test_while_a_slot_is_moved_no_script_sees_half_of_the_keys_and_afterwards_all_is_there(cluster):
    """A script on the side that is not the whole would take the other half for lost."""
    prefix = "dialer:{moving}:"
    met: list[object] = []
    with open_redis(cluster.url, account="moving") as client:
        script = client.register_script(SCRIPT)
        client.mset({f"{prefix}{name}": name for name in "abcdefgh"})
        before = script(keys=[prefix])

        new = cluster.move(
            "moving", on_the_way=lambda: met.append(answer(lambda: script(keys=[prefix])))
        )

        until(lambda: answer(lambda: script(keys=[prefix])) == b"a", what="the script")
        assert met == [redis.ConnectionError]
        assert client.info("server")["tcp_port"] == new.port
        assert before == b"a"
        assert [client.get(f"{prefix}{name}") for name in "abcdefgh"][:2] == [b"a", b"script"]


async def _write_through_a_move(cluster: RedisCluster) -> bytes:
    client = open_redis_async(cluster.url, account="hooks")
    await client.set("dialer:{hooks}:a", "before")
    await asyncio.to_thread(cluster.move, "hooks")
    await client.set("dialer:{hooks}:a", "after")
    value = await client.get("dialer:{hooks}:a")
    await client.aclose(close_connection_pool=True)
    return value


def test_the_client_of_the_web_process_follows_at_once(cluster):
    """What it writes are callbacks, and one that is stored twice counts once."""
    assert asyncio.run(_write_through_a_move(cluster)) == b"after"


def test_a_node_that_is_written_as_a_server_is_refused_with_what_to_write(cluster, tmp_path):
    far = next(one for one in cluster.masters if one is not cluster.owner("demo"))
    settings = read_settings(
        env_file=None, redis_url=far.url, exotel_account_sid="demo", dialer_data_dir=tmp_path
    )

    with pytest.raises(SettingsError, match=r"write it as redis\+cluster://host:port"):
        _ = Wiring(settings).db


def test_accounts_that_share_phones_are_refused_on_a_cluster_with_the_way_out(cluster, tmp_path):
    file = tmp_path / "accounts.toml"
    file.write_text(
        '[acme]\nsid = "acme1"\napi_key = "k"\napi_token = "t"\ncaller_id = "+918000000001"\n'
    )
    more = {
        "redis_url": cluster.url,
        "exotel_account_sid": "demo",
        "dialer_accounts": str(file),
        "dialer_data_dir": tmp_path,
    }

    with pytest.raises(SettingsError, match="set DIALER_SHARED_PHONES=false"):
        wire(read_settings(env_file=None, **more))

    home, acme = wire(read_settings(env_file=None, **more, dialer_shared_phones=False))
    assert home.db.shared_prefix is acme.db.shared_prefix is None
    for one in (home, acme):
        assert one.redis.info("server")["tcp_port"] == cluster.owner(one.db.account).port


def test_doctor_tells_where_in_the_cluster_the_account_is(cluster, tmp_path):
    settings = read_settings(
        env_file=None,
        redis_url=cluster.url,
        exotel_account_sid="demo",
        dialer_data_dir=tmp_path,
    )

    def says() -> str:
        return next(one.says for one in examine(Wiring(settings)) if one.name == "cluster")

    port = cluster.owner("demo").port
    expected = f"the account is in slot {slot_of('demo')}, at 127.0.0.1:{port}; replicas: 1"
    until(lambda: says() == expected, every_s=1, what="the master's replica")
