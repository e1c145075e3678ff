"""How addresses of Sentinels and of a cluster are read."""

import pytest

from dialer.settings import SettingsError, read_settings
from dialer.store.cluster import ClusterAddress
from dialer.store.connection import SentinelAddress, server_security
from workers.cli.session import store_of


def test_an_address_names_sentinels_service_database_and_the_servers_login():
    address = SentinelAddress.parse("redis+sentinel://ops:p%40ss@one:26380,two,[::1]:5/dialer/3")

    assert address.hosts == (("one", 26380), ("two", 26379), ("::1", 5))
    assert address.service == "dialer"
    assert address.options == {"username": "ops", "password": "p@ss", "db": 3}
    assert "password" not in address.sentinel_options()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://ops:secret@one:7/2", "Redis at one:7"),
        ("redis+sentinel://:secret@one:1,[::1]:2/dialer", "Redis at one:1,[::1]:2"),
        ("rediss+cluster://[::1]:1,two", "Redis at [::1]:1,two"),
        ("unix:///run/redis.sock", "Redis at /run/redis.sock"),
    ],
)
def test_a_store_is_named_by_its_servers_and_never_by_its_password(url, told):
    assert store_of(read_settings(env_file=None, redis_url=url)) == told


def test_sentinels_have_a_login_of_their_own_and_share_the_servers_tls():
    address = SentinelAddress.parse(
        "rediss+sentinel://:secret@one/dialer?ssl_ca_certs=/ca.pem&sentinel_password=other"
    )

    assert address.options["ssl"] is True
    assert address.sentinel_options()["password"] == "other"
    assert address.sentinel_options()["ssl_ca_certs"] == "/ca.pem"
    assert address.options["password"] == "secret"


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one:26379",
        "redis+sentinel:///dialer",
        "redis+sentinel://one/dialer/first",
        "redis+sentinel://one:port/dialer",
    ],
)
def test_a_wrong_address_is_a_wrong_setting_and_the_line_says_what_to_write(url):
    with pytest.raises(SettingsError, match=r"^REDIS_URL "):
        read_settings(redis_url=url)


def test_an_address_of_a_cluster_names_nodes_and_the_login_of_all():
    address = ClusterAddress.parse(
        "rediss+cluster://ops:p%40ss@one:7000,two,[::1]:5?ssl_ca_certs=/ca"
    )

    assert address.nodes == (("one", 7000), ("two", 6379), ("::1", 5))
    assert address.is_tls
    assert address.of_connections == {"username": "ops", "password": "p@ss", "ssl_ca_certs": "/ca"}
    assert server_security("rediss+cluster://ops:p@one").has_password


@pytest.mark.parametrize(
    "url", ["redis+cluster://", "redis+cluster://one/3", "redis+cluster://one:port"]
)
def test_a_wrong_address_of_a_cluster_is_a_wrong_setting(url):
    with pytest.raises(SettingsError, match=r"^REDIS_URL "):
        read_settings(redis_url=url)
